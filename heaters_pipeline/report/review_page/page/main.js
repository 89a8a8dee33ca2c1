// The page: its parts put together, and what each key and button does.

const part = (id) => document.getElementById(id);
const data = await readData().catch((error) => {
  part("loading").textContent = `Not loaded: ${error.message}`;
  throw error;
});
const clock = clockOf(data);
let selected = 0;
let outcome = applyDecisions(data, []);

const player = openPlayer(
  data,
  clock,
  {
    stage: part("stage"),
    canvas: part("frame"),
    video: part("video"),
    seeker: part("seeker"),
    still: part("still"),
    note: part("note"),
  },
  showPlace,
);
const drawTimeline = openTimeline(
  data,
  clock,
  { whole: part("whole"), part: part("part"), slider: part("timeline") },
  player.goTo,
);
const journal = openJournal(data, update);
const grid = openGrid(
  data,
  clock,
  { list: part("clips"), template: part("card"), empty: part("empty") },
  choose,
);

const [width, height] = data.shape;
document.documentElement.style.setProperty("--shape", `${width} / ${height}`);
document.documentElement.classList.add(width * 9 >= height * 16 ? "wide" : "tall");

leadBack(part("home"));
document.title = `${data.title} – review`;
part("title").textContent = data.title;
showFacts(data, part("facts"));
part("loading").hidden = true;
document.querySelector("main").inert = false;

function say(text) {
  part("said").textContent = text;
}

function scene() {
  return outcome.scenes[selected];
}

// The frame that is shown, in numbers; the clip around it is the chosen one.
function showPlace(frame) {
  part("number").textContent = frame.toLocaleString("en");
  part("timecode").textContent = clock.timecode(frame);
  const at = sceneAt(outcome.scenes, frame);
  if (at >= 0 && at !== selected) select(at);
  drawTimeline({ scenes: outcome.scenes, selected, frame });
}

function select(at) {
  selected = at;
  grid.select(at, grid.hasFocus);
  showChosen();
}

function showChosen() {
  const { start, end, review, tags } = scene();
  part("chosen").textContent = `Clip ${selected + 1} of ${outcome.scenes.length}`;
  part("chosen-times").textContent = `${clock.time(start)} to ${clock.time(end)}, ${counted(end - start, "frame")}`;
  part("chosen-tags").textContent = tags.join(", ");
  part("chosen-state").textContent = review;
  part("chosen-state").dataset.review = review;
  part("approve").setAttribute("aria-pressed", String(review === "approved"));
  part("reject").setAttribute("aria-pressed", String(review === "rejected"));
}

function update() {
  outcome = applyDecisions(data, journal.decisions);
  const at = sceneAt(outcome.scenes, player.frame);
  selected = Math.max(0, at >= 0 ? at : Math.min(selected, outcome.scenes.length - 1));
  grid.update(outcome.scenes, selected);
  if (!outcome.scenes.length) return;
  showChosen();
  drawTimeline({ scenes: outcome.scenes, selected, frame: player.frame });
  const waiting = outcome.scenes.filter((one) => one.review === "waiting").length;
  part("waiting").textContent = waiting ? `${waiting} waiting` : "all reviewed";
  const { unsaved, trouble } = journal;
  part("unsaved").textContent =
    trouble ?? (unsaved ? `${unsaved} not saved` : journal.decisions.length ? "saved" : "");
  part("undo").disabled = !journal.canUndo;
  part("redo").disabled = !journal.canRedo;
  const unused = [...outcome.unused.values()];
  part("unused").hidden = !unused.length;
  const many = unused.length === 1 ? "1 decision no longer applies" : `${unused.length} decisions no longer apply`;
  part("unused").textContent = `${many}: ${[...new Set(unused)].join("; ")}`;
}

// A card is chosen; a click plays it.
function choose(at, plays) {
  if (at !== selected || player.frame !== outcome.scenes[at].start || plays) {
    const isElsewhere = sceneAt(outcome.scenes, player.frame) !== at;
    selected = at;
    grid.select(at);
    showChosen();
    if (isElsewhere || plays) {
      const shown = player.goTo(outcome.scenes[at].start);
      if (plays) shown.then(() => selected === at && player.play(outcome.scenes[at].end));
    }
  }
}

function goToClip(step, wanted = () => true) {
  let at = selected + step;
  while (outcome.scenes[at] && !(grid.isShown(at) && wanted(outcome.scenes[at]))) at += step;
  if (!outcome.scenes[at]) return false;
  selected = at;
  grid.select(at, true);
  showChosen();
  player.goTo(outcome.scenes[at].start);
  return true;
}

function skip() {
  const waits = (one) => one.review === "waiting";
  if (goToClip(1, waits)) return;
  const first = outcome.scenes.findIndex(waits);
  if (first < 0) return say("No clip waits any more.");
  selected = first - 1;
  goToClip(1, waits);
}

function decideOn(kind, more = {}) {
  const { start, end } = scene();
  journal.decide({ kind, start_frame: start, end_frame: end, ...more });
}

function judge(kind, said) {
  const at = selected;
  decideOn(kind);
  say(`Clip ${at + 1} ${said}.`);
  skip();
}

function split() {
  const { frame } = player;
  const at = sceneAt(outcome.scenes, frame);
  if (at < 0 || outcome.scenes[at].start === frame) return say("There is a cut already.");
  journal.decide({ kind: "split", frame });
  say(`Split at frame ${frame}.`);
}

function removeCut(frame) {
  if (frame === undefined) return say("Nothing lies before this clip.");
  journal.decide({ kind: "merge", frame });
  say(`The cut at frame ${frame} is removed.`);
}

function nearestCut() {
  const cuts = outcome.scenes.slice(1).map((one) => one.start);
  const distance = (cut) => Math.abs(cut - player.frame);
  return cuts.sort((one, other) => distance(one) - distance(other))[0];
}

// Move the cut at the start (0) or at the end (1) of the clip by a frame, and show it there.
function nudge(edge, by) {
  const after = selected + edge;
  const cut = outcome.scenes[after]?.start;
  if (after === 0 || outcome.scenes[after - 1]?.end !== cut) return say("There is no cut to move.");
  const trial = [...outcome.scenes];
  if (moveCut(trial, cut, cut + by) || trial.length < outcome.scenes.length) {
    return say("It cannot move: a clip would have no frame left.");
  }
  journal.decide({ kind: "move", frame: cut, to: cut + by });
  player.goTo(edge ? cut + by - 1 : cut + by);
  say(`The cut is at frame ${cut + by}.`);
}

function editTags() {
  const dialog = part("tag-dialog");
  part("tag-input").value = scene().tags.join(", ");
  dialog.returnValue = "";
  dialog.showModal();
}

part("tag-dialog").addEventListener("close", (event) => {
  if (event.target.returnValue !== "keep") return;
  const typed = part("tag-input").value.split(",").map((one) => one.trim().slice(0, 50));
  const tags = [...new Set(typed.filter(Boolean))].slice(0, 50);
  if (tags.join() !== scene().tags.join()) decideOn("tag", { tags });
  grid.select(selected, true);
});

function undo() {
  const one = journal.undo();
  if (!one) return say("There is nothing to undo.");
  player.goTo(one.frame ?? one.start_frame);
  say(`Undone: ${one.kind}.`);
}

function redo() {
  const one = journal.redo();
  if (!one) return say("There is nothing to redo.");
  player.goTo(one.frame ?? one.start_frame);
  say(`Done again: ${one.kind}.`);
}

async function save() {
  if (!data.save) return download();
  part("save").disabled = true;
  try {
    await saveJournal(journal, data.save);
    say("Saved.");
  } catch (error) {
    say(`Not saved: ${error.message}`);
  }
  part("save").disabled = false;
}

function download() {
  const text = JSON.stringify(journal.document(), null, 1);
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "application/json" }));
  link.download = `${data.video_id}.json`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  say("The corrections are downloaded.");
}

function togglePlay() {
  if (player.rate) return player.pause();
  const { start, end } = scene();
  if (player.frame >= end - 1) player.goTo(start).then(() => player.play(end));
  else player.play(end);
}

const forwards = () => player.play(clock.frames, player.rate > 0 ? Math.min(8, player.rate * 2) : 1);
const backwards = () => player.playBackwards(player.rate < 0 ? Math.min(8, -player.rate * 2) : 1);
const step = (by) => player.goTo(player.frame + by);
const help = () => part("help-dialog").showModal();
const merge = () => removeCut(selected > 0 ? scene().start : undefined);

listenToKeys({
  " ": togglePlay,
  j: backwards,
  k: player.pause,
  l: forwards,
  ",": () => step(-1),
  ".": () => step(1),
  ArrowLeft: () => step(-1),
  ArrowRight: () => step(1),
  ArrowUp: () => goToClip(-1),
  ArrowDown: () => goToClip(1),
  "Shift+ArrowLeft": () => player.goTo(scene().start),
  "Shift+ArrowRight": () => player.goTo(scene().end - 1),
  b: split,
  m: merge,
  Backspace: () => removeCut(nearestCut()),
  i: () => nudge(0, -1),
  "Shift+i": () => nudge(0, 1),
  o: () => nudge(1, 1),
  "Shift+o": () => nudge(1, -1),
  a: () => judge("approve", "approved"),
  x: () => judge("reject", "rejected"),
  t: editTags,
  s: skip,
  "Ctrl+z": undo,
  "Ctrl+Shift+z": redo,
  "Ctrl+y": redo,
  "Ctrl+s": save,
  "?": help,
});
for (const [id, action] of Object.entries({
  play: togglePlay,
  back: () => step(-1),
  on: () => step(1),
  approve: () => judge("approve", "approved"),
  reject: () => judge("reject", "rejected"),
  skip,
  tag: editTags,
  split,
  merge,
  undo,
  redo,
  save,
  download,
  help,
})) {
  part(id).addEventListener("click", action);
}

for (const button of document.querySelectorAll("#filters button")) {
  button.addEventListener("click", () => {
    grid.filter = button.value;
    for (const each of document.querySelectorAll("#filters button")) {
      each.setAttribute("aria-pressed", String(each === button));
    }
    grid.update(outcome.scenes, selected);
  });
}

const whoField = part("by");
try {
  whoField.value = localStorage.getItem("heaters-review by") ?? "";
} catch {
  // A browser that keeps nothing asks again.
}
journal.by = whoField.value;
whoField.addEventListener("change", () => {
  journal.by = whoField.value.trim();
  try {
    localStorage.setItem("heaters-review by", journal.by);
  } catch {
    say("This browser does not keep your name.");
  }
});

for (const [keys, what] of KEYS) {
  const row = part("keys").insertRow();
  const head = document.createElement("th");
  head.scope = "row";
  head.textContent = keys;
  row.append(head);
  row.insertCell().textContent = what;
}

part("save").hidden = !data.save;
part("timeline").setAttribute("aria-valuemax", String(data.frames - 1));
if (outcome.scenes.length) {
  update();
  player.goTo(outcome.scenes[0].start);
} else {
  part("empty").hidden = false;
}
