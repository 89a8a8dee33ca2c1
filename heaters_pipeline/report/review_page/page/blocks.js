// Cards in blocks. While thousands are scrolled through, the browser looks at each block and not at
// each card; a block that is far away is neither laid out nor drawn, but it can be found and read.

// Full rows, whether there are two, three or four columns; page.css counts on it.
const BLOCK_CARDS = 12;
const PICTURES_A_FRAME = 4;

// `load` begins to load the picture of a card, and returns whether there was one to load.
function openBlocks(list, load) {
  const blocks = [];
  const near = new Set();
  let isDue = false;

  function loadSome() {
    isDue = false;
    let left = PICTURES_A_FRAME;
    for (const block of near) {
      for (const card of block.children) if (left && load(card)) left -= 1;
    }
    if (!left) soon();
  }

  function soon() {
    if (!isDue) requestAnimationFrame(loadSome);
    isDue = true;
  }

  const watch = new IntersectionObserver(
    (entries) => {
      for (const { isIntersecting, target } of entries) {
        if (isIntersecting) near.add(target);
        else near.delete(target);
      }
      soon();
    },
    // Further than the browser lays out ahead (1.5 screens in Chromium): a card whose picture comes
    // later than that is laid out twice.
    { rootMargin: "200% 0px" },
  );

  function newBlock() {
    const block = document.createElement("div");
    block.className = "block";
    block.setAttribute("role", "presentation");
    blocks.push(block);
    list.append(block);
    watch.observe(block);
    return block;
  }

  return {
    // Make a card the one at a place, from 0; those before it are in place.
    put(place, card) {
      const block = blocks[Math.floor(place / BLOCK_CARDS)] ?? newBlock();
      const there = block.children[place % BLOCK_CARDS] ?? null;
      if (there !== card) block.insertBefore(card, there);
      if (near.has(block)) soon();
    },
    // Remove the blocks that so many cards do not need.
    trim(count) {
      while ((blocks.length - 1) * BLOCK_CARDS >= count && blocks.length) {
        const block = blocks.pop();
        near.delete(block);
        watch.unobserve(block);
        block.remove();
      }
    },
  };
}
