// What a list of decisions makes of the scenes that the pipeline found. Pure. It comes to the same as
// heaters_pipeline/video/detection/corrections.py, which a test compares.

const EDITS = new Set(["split", "merge", "move"]);
const REVIEWS = { approve: "approved", reject: "rejected", wait: "waiting" };

// Scenes are {start, end, review, tags}, in order; a scene that starts where the one before ends
// meets it at a cut. Each decision applies to the outcome of those before it. The first edits may be
// in the scenes already, as many as `edits_applied` says. What does not apply is left in the list and
// named in `unused`, by id, with the reason. `reviews` has what was said of spans, by name.
function applyDecisions(data, decisions) {
  const scenes = data.clips.map(({ start, end }) => ({ start, end }));
  const gradual = data.transitions.filter((one) => one.kind !== "cut");
  const unused = new Map();
  const reviews = new Map();
  for (const clip of data.clips) {
    const review = { review: clip.review ?? "waiting", tags: clip.tags ?? [] };
    reviews.set(spanName(clip), review);
  }
  let done = data.edits_applied ?? 0;
  for (const one of decisions) {
    const isOfAnother = one.source_sha256 !== data.source_sha256;
    if (!isOfAnother && EDITS.has(one.kind) && done-- > 0) continue;
    const why = isOfAnother
      ? "it was made on another version of the video"
      : applyOne(one, scenes, gradual, reviews);
    if (why) unused.set(one.id, why);
  }
  const named = new Set(scenes.map(spanName));
  for (const one of decisions) {
    const ofSpan = one.kind in REVIEWS || one.kind === "tag";
    if (ofSpan && !unused.has(one.id) && !named.has(spanOf(one))) {
      unused.set(one.id, "no clip has these frames any more");
    }
  }
  for (const scene of scenes) {
    Object.assign(scene, reviews.get(spanName(scene)) ?? { review: "waiting", tags: [] });
  }
  return { scenes, unused, reviews };
}

function applyOne(one, scenes, gradual, reviews) {
  if (one.kind === "split") return splitScene(scenes, one.frame);
  if (one.kind === "merge") return mergeScenes(scenes, gradual, one.frame);
  if (one.kind === "move") return moveCut(scenes, one.frame, one.to);
  const before = reviews.get(spanOf(one)) ?? { review: "waiting", tags: [] };
  if (one.kind in REVIEWS) reviews.set(spanOf(one), { ...before, review: REVIEWS[one.kind] });
  else if (one.kind === "tag") reviews.set(spanOf(one), { ...before, tags: one.tags });
  else return "this page does not know such a decision";
  return null;
}

function splitScene(scenes, frame) {
  const at = sceneAt(scenes, frame);
  if (at < 0) return "the frame is in no clip";
  const scene = scenes[at];
  if (scene.start === frame) return "a clip begins there already";
  scenes.splice(at, 1, { start: scene.start, end: frame }, { start: frame, end: scene.end });
  return null;
}

function mergeScenes(scenes, gradual, frame) {
  let at = scenes.findIndex((scene) => scene.start === frame);
  if (at < 0) {
    const range = gradual.find((one) => one.start <= frame && frame < one.end);
    if (range) at = scenes.findIndex((s) => range.start <= s.start && s.start <= range.end);
    // Or a frame between two scenes that do not meet.
    else at = scenes.findIndex((s, i) => i > 0 && scenes[i - 1].end <= frame && frame < s.start);
  }
  if (at < 0) return "there is no cut";
  if (at === 0) return "nothing lies before the first clip";
  scenes.splice(at - 1, 2, { start: scenes[at - 1].start, end: scenes[at].end });
  return null;
}

function moveCut(scenes, frame, to) {
  const at = scenes.findIndex((scene) => scene.start === frame);
  const there = scenes.findIndex((scene) => scene.start === to);
  // Another cut lies there: both are one.
  if (at > 0 && there > 0 && Math.abs(there - at) === 1) return mergeScenes(scenes, [], frame);
  if (at < 1) return "there is no cut";
  const [before, after] = [scenes[at - 1], scenes[at]];
  if (to === frame) return "a clip begins there already";
  if (to <= before.start || to >= after.end) return "a clip would have no frame left";
  scenes[at - 1] = { start: before.start, end: to };
  scenes[at] = { start: to, end: after.end };
  return null;
}

// The index of the scene that has a frame; -1 if none has it.
function sceneAt(scenes, frame) {
  let [low, high] = [0, scenes.length - 1];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (scenes[middle].start <= frame) low = middle;
    else high = middle - 1;
  }
  const scene = scenes[low];
  return scene && scene.start <= frame && frame < scene.end ? low : -1;
}

const spanName = (scene) => `${scene.start}-${scene.end}`;
const spanOf = (decision) => `${decision.start_frame}-${decision.end_frame}`;

// What takes a decision back once it is saved, given the state before it.
function oppositeOf(one, before) {
  const { kind, frame, to, start_frame, end_frame } = one;
  if (kind === "split") return { kind: "merge", frame };
  if (kind === "merge") return { kind: "split", frame };
  if (kind === "move") return { kind: "move", frame: to, to: frame };
  const was = before.reviews.get(spanOf(one)) ?? { review: "waiting", tags: [] };
  if (kind === "tag") return { kind, start_frame, end_frame, tags: was.tags };
  const said = Object.keys(REVIEWS).find((each) => REVIEWS[each] === was.review);
  return { kind: said, start_frame, end_frame };
}

// Two lists of decisions as one: each id once, in the order in which they were taken.
function mergeDecisions(...lists) {
  const byId = new Map(lists.flat().map((one) => [one.id, one]));
  const order = (one, other) => (one < other ? -1 : one > other ? 1 : 0);
  return [...byId.values()].sort((a, b) => order(a.at, b.at) || order(a.id, b.id));
}
