// The decisions of this person: kept by the browser at once, shared by its tabs, saved when asked.

// Tabs never overwrite each other: each reads what is kept, adds its own and writes the union.
// What was taken back before it was saved is kept in `removed`, else another tab would bring it back.
// `settled` names decisions that undo passes over: those that were taken back by an opposite, and
// the opposites. What a tab can undo and do again it keeps for itself.
function openJournal(data, onChange) {
  const name = `heaters-review ${data.video_id} ${data.source_sha256}`;
  const kept = readKept();
  let decisions = mergeDecisions(data.decisions ?? [], kept.decisions);
  const saved = new Set([...(data.decisions ?? []).map((one) => one.id), ...kept.saved]);
  const removed = new Set(kept.removed);
  const settled = new Set(kept.settled);
  let { history, undone } = readStored("sessionStorage", name, ["history", "undone"]);
  let trouble = null;
  join(kept);

  function readKept() {
    return readStored("localStorage", name, ["decisions", "saved", "removed", "settled"]);
  }

  function join(other) {
    other.removed.forEach((id) => removed.add(id));
    other.saved.forEach((id) => saved.add(id));
    other.settled.forEach((id) => settled.add(id));
    const all = mergeDecisions(decisions, other.decisions);
    decisions = all.filter((one) => !removed.has(one.id) || saved.has(one.id));
  }

  function keep() {
    join(readKept());
    const [ids, taken, passed] = [saved, removed, settled].map((each) => [...each]);
    const all = { decisions, saved: ids, removed: taken, settled: passed };
    try {
      writeStored("localStorage", name, all);
      writeStored("sessionStorage", name, { history, undone });
      trouble = null;
    } catch {
      trouble = "This browser keeps nothing: save or download before you leave.";
    }
    onChange();
  }

  addEventListener("storage", (event) => {
    if (event.key === name) keep();
  });

  function append(what) {
    const last = decisions.at(-1)?.at;
    const now = Math.max(Date.now(), last ? Date.parse(last) + 1 : 0);
    const id = [...crypto.getRandomValues(new Uint8Array(16))];
    const one = {
      id: id.map((byte) => byte.toString(16).padStart(2, "0")).join(""),
      ...what,
      source_sha256: data.source_sha256,
      by: journal.by.slice(0, 100),
      at: new Date(now).toISOString(),
      why: "",
    };
    decisions.push(one);
    return one;
  }

  // By its opposite, since others may have read it. What changed nothing has none.
  function takeBack(one) {
    const at = decisions.indexOf(one);
    const { unused } = applyDecisions(data, decisions.slice(0, at + 1));
    settled.add(one.id);
    if (EDITS.has(one.kind) && unused.has(one.id)) return;
    settled.add(append(oppositeOf(one, applyDecisions(data, decisions.slice(0, at)))).id);
  }

  const journal = {
    by: "",
    get decisions() {
      return decisions;
    },
    get unsaved() {
      return decisions.filter((one) => !saved.has(one.id)).length;
    },
    get trouble() {
      return trouble;
    },
    get canUndo() {
      return journal.lastDecision() !== undefined;
    },
    get canRedo() {
      return undone.length > 0;
    },
    decide(what) {
      history.push(append(what).id);
      undone = [];
      keep();
    },
    // The last one of this tab; where it has none, the last that is not saved.
    lastDecision() {
      const byId = new Map(decisions.map((one) => [one.id, one]));
      const isLeft = (id) => byId.has(id) && !settled.has(id);
      history = history.filter(isLeft);
      const own = byId.get(history.at(-1));
      return own ?? decisions.findLast((one) => !saved.has(one.id) && isLeft(one.id));
    },
    // Returns what was taken back, if there was something.
    undo() {
      const one = journal.lastDecision();
      if (!one) return undefined;
      if (saved.has(one.id)) takeBack(one);
      else removed.add(one.id);
      undone.push(one);
      keep();
      return one;
    },
    redo() {
      const one = undone.pop();
      if (!one) return null;
      const { id, at, by, why, source_sha256, ...what } = one;
      history.push(append(what).id);
      keep();
      return one;
    },
    document: () => ({
      format: "heaters_pipeline/corrections",
      format_version: 1,
      video_id: data.video_id,
      decisions,
    }),
    // The store holds these now.
    wasSaved(stored) {
      stored.forEach((one) => saved.add(one.id));
      decisions = mergeDecisions(decisions, stored);
      keep();
    },
  };
  return journal;
}

// What is kept under a name: an object with lists, which are empty where nothing is.
function readStored(area, name, lists) {
  let read = null;
  try {
    read = JSON.parse(globalThis[area].getItem(name));
  } catch {
    // Nothing that could be read.
  }
  return Object.fromEntries(lists.map((one) => [one, Array.isArray(read?.[one]) ? read[one] : []]));
}

function writeStored(area, name, value) {
  const text = JSON.stringify(value);
  if (globalThis[area].getItem(name) !== text) globalThis[area].setItem(name, text);
}

async function ask(url, how) {
  try {
    return await fetch(url, how);
  } catch {
    throw new Error(
      "heaters serve does not answer. This browser keeps what you decided: start it again, and open the address that it prints.",
    );
  }
}

// Put the whole document, on the condition that nobody else has written it meanwhile; who loses
// reads it again, joins both and tries once more.
async function saveJournal(journal, place) {
  for (let attempt = 0; attempt < 5; attempt++) {
    const written = journal.document();
    const condition = place.etag ? { "If-Match": place.etag } : { "If-None-Match": "*" };
    const reply = await ask(place.url, {
      method: "PUT",
      headers: { "Content-Type": "application/json", ...condition },
      body: JSON.stringify(written),
    });
    if (reply.ok) {
      place.etag = reply.headers.get("ETag");
      journal.wasSaved(written.decisions);
      return;
    }
    if (reply.status !== 412) throw new Error(await reply.text());
    const other = await ask(place.url, { cache: "no-store" });
    if (other.status === 404) {
      place.etag = null;
      continue;
    }
    if (!other.ok) throw new Error(await other.text());
    place.etag = other.headers.get("ETag");
    journal.wasSaved((await other.json()).decisions);
  }
  throw new Error("others keep writing it; try again");
}
