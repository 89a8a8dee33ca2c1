// Frames and their times. A frame is its number in the video, from 0; seconds are for display alone.

function clockOf(data) {
  const [ticksNumerator, ticksDenominator] = data.times.time_base;
  const ticks = new Float64Array(data.frames + 1);
  let frame = 0;
  for (let run = 0; run < data.times.steps.length; run += 2) {
    for (let left = data.times.steps[run + 1]; left > 0; left--, frame++) {
      ticks[frame + 1] = ticks[frame] + data.times.steps[run];
    }
  }
  const seconds = (at) => (ticks[at] * ticksNumerator) / ticksDenominator;
  return {
    frames: data.frames,
    seconds,
    // A time that lies well inside of a frame, from the start of another one.
    middle: (at, from) => (seconds(at) + seconds(at + 1)) / 2 - seconds(from),
    frameAt(wanted) {
      let low = 0;
      let high = data.frames - 1;
      while (low < high) {
        const middle = (low + high + 1) >> 1;
        if (seconds(middle) <= wanted) low = middle;
        else high = middle - 1;
      }
      return low;
    },
    timecode: (at) => timecode(at, data.rate) ?? shownTime(seconds(at)),
    time: (at) => shownTime(seconds(at)),
  };
}

// Hours:minutes:seconds:frames; drop-frame (with a semicolon) at 29.97 and 59.94. Nothing if the
// rate is not steady.
function timecode(frame, rate) {
  if (!rate) return null;
  const whole = Math.round(rate[0] / rate[1]);
  if (whole < 1) return null;
  const drops = rate[1] === 1001 && whole % 30 === 0 && whole <= 60;
  let number = frame;
  if (drops) {
    const dropped = whole / 15;
    const perMinute = whole * 60 - dropped;
    const perTen = perMinute * 10 + dropped;
    const [tens, rest] = [Math.floor(number / perTen), number % perTen];
    number += dropped * 9 * tens;
    if (rest >= dropped) number += dropped * Math.floor((rest - dropped) / perMinute);
  }
  const two = (value) => String(Math.floor(value)).padStart(2, "0");
  const seconds = Math.floor(number / whole);
  const clock = [seconds / 3600, (seconds / 60) % 60, seconds % 60].map(two).join(":");
  return `${clock}${drops ? ";" : ":"}${two(number % whole)}`;
}

function shownTime(seconds) {
  const thousandths = Math.round(seconds * 1000);
  const rest = String((thousandths % 60000) / 1000).split(".");
  const small = `${rest[0].padStart(2, "0")}.${(rest[1] ?? "").padEnd(3, "0")}`;
  const minutes = Math.floor(thousandths / 60000);
  const hours = Math.floor(minutes / 60);
  return hours ? `${hours}:${String(minutes % 60).padStart(2, "0")}:${small}` : `${minutes}:${small}`;
}

const counted = (number, what) => `${number} ${what}${number === 1 ? "" : "s"}`;
