// Single frames of clips, true to the frame, by three ways. The first that works is taken:
// 1. mediabunny decodes the clip (WebCodecs) at the time of the frame, which is known exactly;
// 2. the browser's player seeks to the middle of the frame, and says which frame it then shows;
// 3. the nearest tile of the clip's sprite sheets, and the page says that it is only near.

const FRAMES_KEPT = 24;
const FRAMES_BACK = 8;
const SEEK_SECONDS = 3;

let library = null;

function loadLibrary(source) {
  // From a file, a page may not read other files, so there is nothing to decode.
  if (!source || !location.protocol.startsWith("http") || !globalThis.VideoDecoder) {
    return Promise.reject(new Error("WebCodecs cannot be used here"));
  }
  library ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = source.url;
    script.integrity = source.integrity;
    script.crossOrigin = "anonymous";
    script.onload = () => resolve(globalThis.Mediabunny);
    script.onerror = () => {
      // The next clip asks again.
      library = null;
      reject(new Error("the decoder could not be loaded"));
    };
    document.head.append(script);
  });
  return library;
}

// The decoded frames of one clip, a few of which are kept.
class DecodedClip {
  constructor(clip, clock, source) {
    this.clip = clip;
    this.clock = clock;
    this.kept = new Map();
    this.ahead = null;
    this.next = -1;
    this.queue = Promise.resolve();
    this.sink = loadLibrary(source).then(async (bunny) => {
      const url = new URL(clip.url, location.href).href;
      const retry = { getRetryDelay: (attempts) => (attempts < 2 ? 0.2 : null) };
      this.input = new bunny.Input({
        source: new bunny.UrlSource(url, retry),
        formats: bunny.ALL_FORMATS,
      });
      const track = await this.input.getPrimaryVideoTrack();
      if (!track || !(await track.canDecode())) throw new Error("this codec is not decoded here");
      return new bunny.CanvasSink(track);
    });
    this.sink.catch(() => {});
  }

  frame(number) {
    const found = this.queue.then(() => this.read(number));
    this.queue = found.catch(() => {});
    return found;
  }

  async read(number) {
    if (!this.kept.has(number)) {
      const follows = this.ahead && number === this.next;
      if (!follows) {
        await this.close();
        // Those before are wanted next by who steps backwards.
        const goesBack = this.kept.has(number + 1);
        const first = goesBack ? Math.max(this.clip.start, number - FRAMES_BACK) : number;
        const sink = await this.sink;
        this.ahead = sink.canvases(this.clock.middle(first, this.clip.start));
        this.next = first;
      }
      while (this.next <= number) await this.readNext();
    }
    return this.kept.get(number);
  }

  async readNext() {
    const { value, done } = await this.ahead.next();
    if (done) throw new Error("the clip ends before this frame");
    this.kept.delete(this.next);
    this.kept.set(this.next, value.canvas);
    this.next += 1;
    if (this.kept.size > FRAMES_KEPT) this.kept.delete(this.kept.keys().next().value);
  }

  async close() {
    const ended = this.ahead;
    this.ahead = null;
    await ended?.return();
  }

  async dispose() {
    await this.queue;
    await this.close();
    this.input?.dispose();
  }
}

function within(seconds, promise, what) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(what)), seconds * 1000);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

const once = (target, name) =>
  new Promise((resolve, reject) => {
    target.addEventListener(name, resolve, { once: true });
    target.addEventListener("error", () => reject(new Error("it is not played")), { once: true });
  });

// Let a player show a frame; it says itself which one it shows.
async function seekFrame(video, clip, number, clock) {
  if (!video.requestVideoFrameCallback) throw new Error("this browser does not say what it shows");
  await within(SEEK_SECONDS, seekTo(video, clip, number, clock), "the player does not seek");
}

async function seekTo(video, clip, number, clock) {
  if (video.dataset.clip !== clip.url) {
    video.dataset.clip = clip.url;
    const loaded = once(video, "loadeddata");
    video.src = clip.url;
    await loaded;
  }
  let seen = -1;
  const from = clock.seconds(clip.start);
  const watch = (_, facts) => {
    seen = clock.frameAt(from + facts.mediaTime + 1e-4);
    if (seen !== number) video.requestVideoFrameCallback(watch);
  };
  const handle = video.requestVideoFrameCallback(watch);
  const wanted = clock.middle(number, clip.start);
  // A player that stands there already shows no new frame.
  if (Math.abs(video.currentTime - wanted) < 1e-4) {
    const moved = once(video, "seeked");
    video.currentTime = Math.max(0, wanted - 1e-3);
    await moved;
  }
  const sought = once(video, "seeked");
  video.currentTime = wanted;
  await sought;
  while (seen !== number) {
    if (video.dataset.clip !== clip.url) throw new Error("another clip is shown by now");
    await new Promise(requestAnimationFrame);
  }
  video.cancelVideoFrameCallback(handle);
  // Firefox says so a little before it can be drawn.
  await new Promise(requestAnimationFrame);
  await new Promise(requestAnimationFrame);
}
