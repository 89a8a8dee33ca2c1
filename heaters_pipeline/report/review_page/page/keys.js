// Keys, as editors of video know them.

const KEYS = [
  ["Space", "play or pause the clip"],
  ["J / K / L", "backwards, pause, forwards; again for faster"],
  [", / . or ← / →", "a frame back, a frame on"],
  ["↑ / ↓", "the clip before, the next clip"],
  ["Shift ← / →", "the first, the last frame of the clip"],
  ["B", "split: a new clip begins with the frame that is shown"],
  ["M", "merge the clip with the one before"],
  ["Backspace", "remove the cut that is nearest"],
  ["I / Shift I", "the clip begins a frame earlier, later"],
  ["O / Shift O", "the clip ends a frame later, earlier"],
  ["A", "approve, and go on"],
  ["X", "reject, and go on"],
  ["T", "tags"],
  ["S", "skip to the next clip that waits"],
  ["Ctrl Z / Ctrl Shift Z", "undo, redo"],
  ["Ctrl S", "save"],
  ["?", "these keys"],
];

// What a key that is held down does again and again; a decision takes a press each.
const HELD = new Set([",", ".", "ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown"]);

function nameOf(event) {
  const control = event.ctrlKey || event.metaKey ? "Ctrl+" : "";
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  // Of signs such as ? it is part of the sign.
  const isLetter = key.length > 1 || key.toLowerCase() !== key.toUpperCase();
  return `${control}${event.shiftKey && isLetter ? "Shift+" : ""}${key}`;
}

function listenToKeys(actions) {
  addEventListener("keydown", (event) => {
    const typing = event.target.closest?.("input, textarea, select, dialog");
    const name = nameOf(event);
    if (event.altKey || (typing && name !== "Ctrl+s")) return;
    const onButton = event.target.closest?.("button, a, summary");
    // They keep their own meaning there; on a card both mean the same.
    if ((name === " " || name === "Enter") && onButton && !onButton.matches(".open")) return;
    const action = actions[name];
    if (!action) return;
    event.preventDefault();
    if (!event.repeat || HELD.has(name)) action();
  });
}
