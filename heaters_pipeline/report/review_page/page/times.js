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
  const { rate, is_constant: isConstant } = data.timecode;
  // The frame of an editor's timeline: where the rate varies, the nearest by the exact time.
  const editFrame = (at) =>
    isConstant
      ? at
      : roundedQuotient(
          [ticks[at], ticksNumerator, rate[0]].map(BigInt).reduce((one, other) => one * other),
          BigInt(ticksDenominator) * BigInt(rate[1]),
        );
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
    timecode: (at) => timecode(editFrame(at), data.timecode),
    time: (at) => shownTime(seconds(at)),
  };
}

// The nearest whole number, of two the even one: exports round so.
function roundedQuotient(number, divisor) {
  const below = number / divisor;
  const twice = 2n * (number % divisor);
  const isUp = twice > divisor || (twice === divisor && below % 2n === 1n);
  return Number(isUp ? below + 1n : below);
}

// Hours:minutes:seconds:frames, as exchange/timecode.py has it; drop-frame with a semicolon.
function timecode(frame, { rate, start_frame: start, drop }) {
  const whole = Math.ceil(rate[0] / rate[1]);
  const dropped = drop ? whole / 15 : 0;
  const perMinute = 60 * whole - dropped;
  const perTen = 10 * perMinute + dropped;
  let label = (start + frame) % (144 * perTen);
  const [tens, rest] = [Math.floor(label / perTen), label % perTen];
  // The first minute of ten has all of its labels.
  label += dropped * (9 * tens + Math.max(0, Math.floor((rest - dropped) / perMinute)));
  const two = (value) => String(Math.floor(value)).padStart(2, "0");
  const seconds = Math.floor(label / whole);
  const clock = [seconds / 3600, (seconds / 60) % 60, seconds % 60].map(two).join(":");
  const width = String(whole - 1).length;
  return `${clock}${drop ? ";" : ":"}${two(label % whole).padStart(width, "0")}`;
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
