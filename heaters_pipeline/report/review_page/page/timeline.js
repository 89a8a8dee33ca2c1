// The timeline: the curve by which the video was cut, its cuts and gradual ranges, what was decided.
// Above the whole video, below the part around the frame that is shown.

const PART_FRAMES = 300;
const CUT_ROOM_PX = 5;

function openTimeline(data, clock, parts, onSeek) {
  // Each is asked for once a drawing: a browser takes long over thousands of answers.
  const colours = () => {
    const style = getComputedStyle(document.documentElement);
    const known = new Map();
    return (name) => {
      if (!known.has(name)) known.set(name, style.getPropertyValue(`--${name}`).trim());
      return known.get(name);
    };
  };
  let state = { scenes: [], selected: -1, frame: 0 };
  let isDue = false;

  function rowOf(canvas, range) {
    const box = canvas.getBoundingClientRect();
    const ratio = devicePixelRatio || 1;
    const [width, height] = [Math.round(box.width * ratio), Math.round(box.height * ratio)];
    if (canvas.width !== width) canvas.width = width;
    if (canvas.height !== height) canvas.height = height;
    const painter = canvas.getContext("2d");
    painter.setTransform(ratio, 0, 0, ratio, 0, 0);
    painter.clearRect(0, 0, box.width, box.height);
    const scale = box.width / (range.end - range.start);
    return { painter, ...box.toJSON(), x: (at) => (at - range.start) * scale, range };
  }

  function draw(canvas, range, isPart) {
    const colour = colours();
    const row = rowOf(canvas, range);
    const { painter, width, height, x } = row;
    if (!width) return;
    const base = height - 7;
    drawRanges(row, colour, base);
    drawCurve(row, colour, base);
    // Where cuts stand closer than this, they would hide the curve.
    const hasRoom = isPart || width / state.scenes.length > CUT_ROOM_PX;
    for (const [at, scene] of state.scenes.entries()) {
      if (scene.end < range.start || scene.start > range.end) continue;
      const [left, right] = [x(scene.start), x(scene.end)];
      painter.fillStyle = colour(at === state.selected ? "accent" : scene.review);
      painter.fillRect(left + 0.5, base + 2, Math.max(1, right - left - 1), 5);
      if (scene.start > 0 && hasRoom) {
        painter.fillStyle = colour("cut");
        painter.fillRect(Math.round(left), 0, isPart ? 2 : 1, base);
      }
    }
    painter.fillStyle = colour("playhead");
    const wide = isPart ? Math.max(2, x(state.frame + 1) - x(state.frame)) : 2;
    painter.globalAlpha = isPart && wide > 3 ? 0.45 : 1;
    painter.fillRect(x(state.frame), 0, wide, height);
    painter.globalAlpha = 1;
  }

  function drawRanges({ painter, x }, colour, base) {
    painter.fillStyle = colour("gradual");
    for (const one of data.transitions) {
      if (one.kind !== "cut") painter.fillRect(x(one.start), 0, x(one.end) - x(one.start), base);
    }
    painter.fillStyle = colour("gap");
    for (const one of data.gaps) painter.fillRect(x(one.start), 0, x(one.end) - x(one.start), base);
  }

  function drawCurve({ painter, width, x, range }, colour, base) {
    const { points, frames_a_point: step, threshold } = data.curve;
    const y = (value) => base - 1 - (value / 100) * (base - 4);
    painter.strokeStyle = colour("threshold");
    painter.setLineDash([3, 3]);
    painter.beginPath();
    painter.moveTo(0, y(threshold));
    painter.lineTo(width, y(threshold));
    painter.stroke();
    painter.setLineDash([]);
    painter.strokeStyle = colour("curve");
    painter.lineWidth = 1.25;
    painter.beginPath();
    const first = Math.max(0, Math.floor(range.start / step));
    const last = Math.min(points.length - 1, Math.ceil(range.end / step));
    let column = -1;
    let top = -1;
    for (let at = first; at <= last; at++) {
      if (points[at] < 0) continue;
      // A line a pixel: of the points that fall on one the strongest is drawn.
      const here = Math.floor(x(at * step));
      if (here !== column && column >= 0) painter.lineTo(column + 0.5, y(top));
      top = here === column ? Math.max(top, points[at]) : points[at];
      column = here;
    }
    if (column >= 0) painter.lineTo(column + 0.5, y(top));
    painter.stroke();
    painter.lineWidth = 1;
  }

  const whole = { start: 0, end: data.frames };
  function part() {
    const length = Math.min(PART_FRAMES, data.frames);
    const start = Math.max(0, Math.min(data.frames - length, state.frame - (length >> 1)));
    return { start, end: start + length };
  }

  function redraw() {
    isDue = false;
    draw(parts.whole, whole, false);
    draw(parts.part, part(), true);
    parts.slider.setAttribute("aria-valuenow", String(state.frame));
    const words = `frame ${state.frame}, ${clock.timecode(state.frame)}`;
    parts.slider.setAttribute("aria-valuetext", words);
  }

  function soon() {
    if (!isDue) requestAnimationFrame(redraw);
    isDue = true;
  }

  for (const [canvas, range] of [[parts.whole, () => whole], [parts.part, part]]) {
    let held = null;
    const seek = (event) => {
      const box = canvas.getBoundingClientRect();
      const share = Math.max(0, Math.min(1, (event.clientX - box.left) / box.width));
      onSeek(Math.min(data.frames - 1, Math.floor(held.start + share * (held.end - held.start))));
    };
    canvas.addEventListener("pointerdown", (event) => {
      held = { ...range() };
      canvas.setPointerCapture(event.pointerId);
      seek(event);
    });
    canvas.addEventListener("pointermove", (event) => held && seek(event));
    for (const end of ["pointerup", "pointercancel"]) {
      canvas.addEventListener(end, () => (held = null));
    }
  }
  new ResizeObserver(soon).observe(parts.whole);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", soon);
  return (next) => {
    state = next;
    soon();
  };
}
