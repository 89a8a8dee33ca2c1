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
