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
  let shown = [];
  let place = null;
  let due = 0;
  let current = null;
  let filter = "all";
  let running = null;

  function newCard() {
    const card = parts.template.content.firstElementChild.cloneNode(true);
    const part = (name) => card.querySelector(`.${name}`);
    const found = {
      card,
      button: part("open"),
      tile: part("tile"),
      picture: card.querySelector("img"),
      number: part("number"),
      start: part("start"),
      end: part("end"),
      length: part("length"),
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
    found.card.hidden = !isWanted(scene);
    const told = `${at} ${scene.review} ${scene.tags.join("\n")}`;
    if (!moved && found.told === told) return;
    Object.assign(found, { at, scene, told });
    found.number.textContent = at + 1;
    if (moved) {
      const length = (clock.seconds(scene.end) - clock.seconds(scene.start)).toFixed(2);
      found.start.textContent = clock.time(scene.start);
      found.end.textContent = ` to ${clock.time(scene.end)}`;
      found.length.textContent = ` · ${length} s`;
      const clip = data.clips[sceneAt(data.clips, scene.start)];
      const known = clip?.picture && scene.start <= clip.picture.frame;
      if (known && clip.picture.frame < scene.end) found.picture.src = clip.picture.url;
      else found.picture.removeAttribute("src");
      found.isTile = !found.picture.hasAttribute("src");
      found.tile.hidden = !found.isTile;
      if (found.isTile) lazily.observe(found.card);
    }
    found.card.dataset.review = scene.review;
    found.state.textContent = scene.review;
    found.tags.textContent = scene.tags.join(", ");
  }

  // Sheets of clips without a picture of their own are loaded once they are near.
  const lazily = new IntersectionObserver(
    (entries) => {
      for (const { isIntersecting, target } of entries) {
        if (!isIntersecting) continue;
        lazily.unobserve(target);
        const found = byCard.get(target);
        if (found.isTile) showPart(found, 0.5);
      }
    },
    { rootMargin: "400px" },
  );

  // Put the cards of the scenes in order up to one; those that are to be made anew, as time allows.
  function build(end, millisecondsLeft) {
    const deadline = performance.now() + millisecondsLeft;
    const fresh = document.createDocumentFragment();
    while (shown.length < end) {
      const at = shown.length;
      const name = spanName(scenes[at]);
      let found = cards.get(name);
      if (!found) {
        if (at >= CARDS_AT_ONCE && performance.now() > deadline) break;
        cards.set(name, (found = newCard()));
      }
      fill(found, scenes[at], at);
      shown.push(found);
      if (found.card === place) place = place.nextElementSibling;
      else if (place) place.before(found.card);
      else fresh.append(found.card);
    }
    parts.list.append(fresh);
  }

  function buildOn() {
    build(scenes.length, PIECE_MILLISECONDS);
    due = shown.length < scenes.length ? requestAnimationFrame(buildOn) : 0;
  }

  function select(at, isFocused) {
    if (at >= shown.length) build(Math.min(at + 1, scenes.length), Infinity);
    const next = shown[at];
    if (current !== next) {
      current?.button.removeAttribute("aria-current");
      if (current) current.button.tabIndex = -1;
      current = next;
      next?.button.setAttribute("aria-current", "true");
      if (next) next.button.tabIndex = 0;
    }
    if (next && isFocused) {
      next.button.focus({ preventScroll: true });
      next.card.scrollIntoView({ block: "nearest" });
    }
  }

  return {
    update(next, selected) {
      cancelAnimationFrame(due);
      scenes = next;
      const named = new Set(scenes.map(spanName));
      for (const [name, { card }] of cards) {
        if (named.has(name)) continue;
        card.remove();
        cards.delete(name);
      }
      shown = [];
      place = parts.list.firstElementChild;
      buildOn();
      parts.empty.hidden = scenes.some(isWanted);
      select(selected);
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
