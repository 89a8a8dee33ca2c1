// The picture: single frames while it stands, the browser's player while it runs.

const REVERSE_MILLISECONDS = 40;
const CLIPS_OPEN = 3;

function openPlayer(data, clock, parts, onFrame) {
  const { canvas, video, seeker, still, note } = parts;
  const painter = canvas.getContext("2d");
  const decoded = new Map();
  let frame = 0;
  let request = 0;
  let playing = null;
  let broken = false;

  const clipAt = (at) => data.clips[sceneAt(data.clips, at)];

  function decodedClip(clip) {
    const found = decoded.get(clip) ?? new DecodedClip(clip, clock, data.decoder);
    decoded.delete(clip);
    decoded.set(clip, found);
    if (decoded.size > CLIPS_OPEN) {
      const [oldest, closed] = decoded.entries().next().value;
      decoded.delete(oldest);
      closed.dispose();
    }
    return found;
  }

  function show(what, way) {
    for (const each of [canvas, video, still]) each.hidden = each !== what;
    parts.stage.dataset.way = way;
  }

  function paint(picture, width, height) {
    if (canvas.width !== width) canvas.width = width;
    if (canvas.height !== height) canvas.height = height;
    painter.drawImage(picture, 0, 0, width, height);
  }

  async function paintExactly(clip, at) {
    try {
      const picture = await decodedClip(clip).frame(at);
      return () => {
        paint(picture, picture.width, picture.height);
        show(canvas, "decoded");
      };
    } catch {
      await seekFrame(seeker, clip, at, clock);
      return () => {
        paint(seeker, seeker.videoWidth, seeker.videoHeight);
        show(canvas, "sought");
      };
    }
  }

  function showStill(clip, at, isMissing) {
    const isNear = clip && showTile(still, clip, at);
    show(still, isNear ? "near" : "none");
    const expired = data.links_until && Date.now() > Date.parse(data.links_until);
    if (!clip) note.textContent = "This frame is in no clip.";
    else if (isMissing) note.textContent = "The file of this clip is gone. Reload the page: clips may be new. If it stays, run heaters verify.";
    else if (expired) note.textContent = "The links of this page have expired: run heaters serve.";
    else note.textContent = isNear ? "Near this frame; it could not be decoded." : "No picture.";
  }

  // The frame is shown, or what comes nearest; another one that is asked for meanwhile wins.
  async function showFrame(at) {
    frame = Math.max(0, Math.min(clock.frames - 1, at));
    const [mine, wanted] = [++request, frame];
    onFrame(frame);
    parts.stage.setAttribute("aria-busy", "true");
    const clip = clipAt(wanted);
    let finish = () => showStill(clip, wanted, false);
    if (clip) {
      try {
        finish = await paintExactly(clip, wanted);
      } catch {
        const isMissing = await isGone(clip.url);
        finish = () => showStill(clip, wanted, isMissing);
      }
    }
    if (mine !== request) return;
    note.textContent = "";
    finish();
    parts.stage.dataset.frame = String(wanted);
    parts.stage.setAttribute("aria-busy", "false");
  }

  function goTo(at) {
    stop();
    return showFrame(at);
  }

  function stop() {
    if (!playing) return;
    playing = null;
    video.pause();
    parts.stage.dataset.playing = "";
  }

  function pause() {
    if (playing) goTo(frame);
  }

  // Forward to a frame (exclusive), through as many clips as lie before it.
  async function play(end, rate = 1) {
    const clip = clipAt(frame);
    if (!clip) return pause();
    stop();
    request += 1;
    const mine = { rate, end };
    playing = mine;
    parts.stage.dataset.playing = String(rate);
    if (video.dataset.clip !== clip.url) {
      video.dataset.clip = clip.url;
      video.src = clip.url;
    }
    video.playbackRate = rate;
    video.currentTime = clock.middle(frame, clip.start);
    const last = Math.min(end, clip.end) - 1;
    const follow = (_, facts) => {
      if (playing !== mine) return;
      const seen = clock.frameAt(clock.seconds(clip.start) + facts.mediaTime + 1e-4);
      show(video, "playing");
      frame = Math.min(Math.max(seen, clip.start), last);
      onFrame(frame);
      if (seen >= last) reachedEnd(mine, last);
      else video.requestVideoFrameCallback(follow);
    };
    if (video.requestVideoFrameCallback) video.requestVideoFrameCallback(follow);
    video.onended = () => playing === mine && reachedEnd(mine, last);
    try {
      await video.play();
    } catch (error) {
      if (playing !== mine) return;
      stop();
      if (error.name !== "AbortError") note.textContent = "This browser cannot play the clip.";
      goTo(frame);
    }
  }

  function reachedEnd(mine, last) {
    if (last + 1 < mine.end && clipAt(last + 1)) {
      frame = last + 1;
      onFrame(frame);
      play(mine.end, mine.rate);
    } else goTo(last);
  }

  // Backwards, frame by frame, as fast as they come.
  async function playBackwards(rate = 1) {
    stop();
    const mine = { rate: -rate };
    playing = mine;
    parts.stage.dataset.playing = String(-rate);
    while (playing === mine && frame > 0) {
      const pause = new Promise((resolve) => setTimeout(resolve, REVERSE_MILLISECONDS));
      await Promise.all([showFrame(frame - rate), pause]);
    }
    if (playing === mine) stop();
  }

  return {
    get frame() {
      return frame;
    },
    get rate() {
      return playing?.rate ?? 0;
    },
    goTo,
    play,
    pause,
    playBackwards,
  };
}

// Whether a server says that it has no such file.
async function isGone(url) {
  if (!location.protocol.startsWith("http")) return false;
  const reply = await fetch(url, { headers: { Range: "bytes=0-0" } }).catch(() => null);
  return reply?.status === 404;
}

// Show the tile of a clip that is nearest to a frame; false if it has none.
function showTile(element, clip, at) {
  const total = clip.tiles.reduce((sum, sheet) => sum + sheet.count, 0);
  if (!total) return false;
  const share = (at - clip.start) / Math.max(1, clip.end - clip.start - 1);
  let tile = Math.max(0, Math.min(total - 1, Math.round(share * (total - 1))));
  const sheet = clip.tiles.find((one) => {
    if (tile < one.count) return true;
    tile -= one.count;
    return false;
  });
  const percent = (index, number) => (number > 1 ? (index / (number - 1)) * 100 : 0);
  const [column, row] = [tile % sheet.columns, Math.floor(tile / sheet.columns)];
  element.style.backgroundImage = `url(${JSON.stringify(sheet.url)})`;
  element.style.backgroundSize = `${sheet.columns * 100}% ${sheet.rows * 100}%`;
  element.style.backgroundPosition = `${percent(column, sheet.columns)}% ${percent(row, sheet.rows)}%`;
  return true;
}
