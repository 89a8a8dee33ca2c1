// The clips as a grid of cards: a picture, the times, what was decided. One card takes the focus.
// Thousands of cards are made in pieces, so that the page never stands still for long.

const FOCUS_MILLISECONDS = 250;
const CARDS_AT_ONCE = 24;
const PIECE_MILLISECONDS = 8;

function openGrid(data, clock, parts, onChoose) {
  const cards = new Map();
  const byCard = new WeakMap();
  const moves = matchMedia("(prefers-reduced-motion: no-preference)");
  let scenes = [];
  let looked = 0;
  let placed = 0;
  let due = 0;
  let current = null;
  let filter = "all";
  let running = null;
  let entry = null;

  function newCard() {
    const card = parts.template.content.firstElementChild.cloneNode(true);
    const part = (name) => card.querySelector(`.${name}`);
    const found = {
      card,
      button: part("open"),
      tile: part("tile"),
      picture: card.querySelector("img"),
      number: part("number"),
      times: part("times"),
      state: part("state"),
      tags: part("tags"),
    };
    found.button.addEventListener("click", () => onChoose(found.at, true));
    found.button.addEventListener("focus", () => {
      onChoose(found.at, false);
      run(found);
    });
    found.button.addEventListener("blur", () => rest(found));
    found.button.addEventListener("pointermove", (event) => {
      if (event.pointerType === "touch") return;
      halt();
      const box = found.button.getBoundingClientRect();
      const share = Math.max(0, Math.min(1, (event.clientX - box.left) / box.width));
      showPart(found, share);
    });
    found.button.addEventListener("pointerleave", () => rest(found));
    byCard.set(card, found);
    return found;
  }

  // The tile at a share of the scene, from 0 to 1.
  function showPart(found, share) {
    const { start, end } = found.scene;
    const frame = Math.min(end - 1, start + Math.floor(share * (end - start)));
    const clip = data.clips[sceneAt(data.clips, frame)];
    found.tile.hidden = !clip || !showTile(found.tile, clip, frame);
  }

  function halt() {
    clearInterval(running);
    running = null;
  }

  // On keyboard focus the tiles pass by, unless motion is unwanted.
  function run(found) {
    halt();
    if (!moves.matches || !found.button.matches(":focus-visible")) return;
    let step = 0;
    running = setInterval(() => showPart(found, (step++ % 12) / 11), FOCUS_MILLISECONDS);
  }

  function rest(found) {
    halt();
    found.tile.hidden = !found.isTile;
    if (found.isTile) showPart(found, 0.5);
  }

  const isWanted = (scene) => filter === "all" || filter === scene.review;

  function fill(found, scene, at) {
    const moved = found.scene?.start !== scene.start || found.scene?.end !== scene.end;
    const told = `${at} ${scene.review} ${scene.tags.join("\n")}`;
    if (!moved && found.told === told) return;
    Object.assign(found, { at, scene, told });
    found.number.textContent = at + 1;
    if (moved) {
      const length = (clock.seconds(scene.end) - clock.seconds(scene.start)).toFixed(2);
      const start = clock.time(scene.start);
      found.times.textContent = `${start} · ${length} s`;
      found.ends = `to ${clock.time(scene.end)}`;
      const clip = data.clips[sceneAt(data.clips, scene.start)];
      const known = clip?.picture && scene.start <= clip.picture.frame;
      found.source = known && clip.picture.frame < scene.end ? clip.picture.url : null;
      found.isTile = !found.source;
      found.isLoaded = false;
      found.tile.hidden = !found.isTile;
      found.picture.removeAttribute("src");
    }
    found.card.dataset.review = scene.review;
    found.state.textContent = scene.review;
    found.tags.textContent = scene.tags.join(", ");
    // What is only heard stands in no element, since each would be laid out with its card. Who
    // speaks to the page says what stands there, so that has to be a part of the name.
    const seen = [at + 1, found.times.textContent, scene.review, found.tags.textContent];
    found.button.ariaLabel = `Clip ${seen.join(" ").trim()}, ${found.ends}`;
  }

  const blocks = openBlocks(parts.list, (card) => {
    const found = byCard.get(card);
    if (found.isLoaded) return false;
    found.isLoaded = true;
    if (found.isTile) showPart(found, 0.5);
    else found.picture.src = found.source;
    return true;
  });

  // Put the cards of the scenes in order up to one; those that are to be made anew, as time allows,
  // yet a block at least, so that a busy machine comes to the end, too.
  function build(end, millisecondsLeft) {
    const deadline = performance.now() + millisecondsLeft;
    const least = Math.max(CARDS_AT_ONCE, placed + BLOCK_CARDS);
    for (; looked < end; looked++) {
      const scene = scenes[looked];
      let found = cards.get(spanName(scene));
      if (!isWanted(scene)) {
        found?.card.remove();
        continue;
      }
      if (!found) {
        if (placed >= least && performance.now() > deadline) return;
        cards.set(spanName(scene), (found = newCard()));
      }
      fill(found, scene, looked);
      blocks.put(placed++, found.card);
      found.card.ariaPosInSet = placed;
    }
    if (looked < scenes.length) return;
    blocks.trim(placed);
    // Those far away are not read out until they are near, but counted.
    for (const { card } of cards.values()) card.ariaSetSize = placed;
  }

  function buildOn() {
    build(scenes.length, PIECE_MILLISECONDS);
    due = looked < scenes.length ? requestAnimationFrame(buildOn) : 0;
  }

  // The one card that the Tab key leads to: the chosen one, else the first.
  function enterBy(found) {
    if (entry) entry.button.tabIndex = -1;
    entry = found ?? byCard.get(parts.list.querySelector(".card"));
    if (entry) entry.button.tabIndex = 0;
  }

  function select(at, isFocused) {
    if (at >= looked) build(Math.min(at + 1, scenes.length), Infinity);
    const next = scenes[at] && isWanted(scenes[at]) ? cards.get(spanName(scenes[at])) : undefined;
    if (current !== next) {
      current?.button.removeAttribute("aria-current");
      current = next;
      next?.button.setAttribute("aria-current", "true");
    }
    enterBy(next);
    if (next && isFocused) {
      next.button.focus({ preventScroll: true });
      next.card.scrollIntoView({ block: "nearest" });
    }
  }

  return {
    update(next, selected) {
      cancelAnimationFrame(due);
      const hadFocus = parts.list.contains(document.activeElement);
      scenes = next;
      const named = new Set(scenes.map(spanName));
      for (const [name, { card }] of cards) {
        if (named.has(name)) continue;
        card.remove();
        cards.delete(name);
      }
      looked = 0;
      placed = 0;
      buildOn();
      parts.empty.hidden = scenes.some(isWanted);
      // Who splits or merges the clip that has the focus stays there.
      select(selected, hadFocus && !parts.list.contains(document.activeElement));
    },
    select,
    isShown: (at) => scenes[at] && isWanted(scenes[at]),
    get hasFocus() {
      return parts.list.contains(document.activeElement);
    },
    set filter(next) {
      filter = next;
    },
  };
}
