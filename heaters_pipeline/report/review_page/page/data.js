// What the page shows: it stands in the page, or lies where the page says.

async function readData() {
  const here = JSON.parse(document.getElementById("data").textContent);
  if (!here.data_link) return here;
  const reply = await fetch(here.data_link, { cache: "no-store" });
  if (!reply.ok) throw new Error(await reply.text());
  return { ...here, ...(await reply.json()) };
}

function showFacts(data, list) {
  const { name, rule } = data.curve;
  for (const [term, text] of [...data.facts, ["Curve", `${name}: ${rule}`]]) {
    const [row, head, value, isolated] = ["div", "dt", "dd", "bdi"].map((each) =>
      document.createElement(each),
    );
    head.textContent = term;
    isolated.textContent = text;
    value.append(isolated);
    row.append(head, value);
    list.append(row);
  }
}

// A stored page that was opened from the list of all videos leads back to it. It has no
// such link in itself: who is given the page of one video would have those of all with it.
function leadBack(link) {
  if (link.hasAttribute("href")) return;
  if (location.protocol === "file:") {
    link.hidden = location.hash !== "#listed";
    link.href = "../index.html";
    return;
  }
  try {
    const list = new URL(sessionStorage.getItem("heaters-review list"));
    if (list.protocol !== location.protocol || list.host !== location.host) return;
    link.href = list.href;
    link.hidden = false;
  } catch {
    // No list was opened here, or this browser keeps nothing.
  }
}
