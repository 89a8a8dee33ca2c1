// The clips as a grid of cards: a picture, the times, what was decided. One card takes the focus.

const FOCUS_MILLISECONDS = 250;

function openGrid(data, clock, parts, onChoose) {
  const cards = new Map();
  const moves = matchMedia("(prefers-reduced-motion: no-preference)");
  let shown = [];
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

  function fill(found, scene, at) {
    const moved = found.scene?.start !== scene.start || found.scene?.end !== scene.end;
    found.card.hidden = filter !== "all" && filter !== scene.review;
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
        const found = shown.find((one) => one.card === target);
        if (found?.isTile) showPart(found, 0.5);
      }
    },
    { rootMargin: "400px" },
  );

  return {
    update(scenes, selected) {
      const before = new Map(cards);
      cards.clear();
      shown = scenes.map((scene, at) => {
        const name = spanName(scene);
        const found = before.get(name) ?? newCard();
        before.delete(name);
        cards.set(name, found);
        fill(found, scene, at);
        return found;
      });
      for (const [, { card }] of before) card.remove();
      let place = parts.list.firstElementChild;
      const fresh = document.createDocumentFragment();
      for (const { card } of shown) {
        if (card === place) place = place.nextElementSibling;
        else if (place) place.before(card);
        else fresh.append(card);
      }
      parts.list.append(fresh);
      parts.empty.hidden = shown.some(({ card }) => !card.hidden);
      this.select(selected);
    },
    select(at, isFocused) {
      for (const [index, { card, button }] of shown.entries()) {
        const isIt = index === at;
        if (button.tabIndex !== (isIt ? 0 : -1)) button.tabIndex = isIt ? 0 : -1;
        if (isIt) button.setAttribute("aria-current", "true");
        else if (button.hasAttribute("aria-current")) button.removeAttribute("aria-current");
        if (isIt && isFocused) {
          button.focus({ preventScroll: true });
          card.scrollIntoView({ block: "nearest" });
        }
      }
    },
    isShown: (at) => shown[at] && !shown[at].card.hidden,
    get hasFocus() {
      return parts.list.contains(document.activeElement);
    },
    set filter(next) {
      filter = next;
    },
  };
}
