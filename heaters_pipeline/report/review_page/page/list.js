// The list of all videos: searched, filtered, and shown a part at a time.

const STEP = 200;
const STATES = {
  waiting: () => "waiting",
  begun: (one) => `begun, ${one.waiting} waiting`,
  reviewed: () => "reviewed",
  unknown: () => "not in the catalog yet",
  unreadable: () => "damaged, its page says what",
};
const data = JSON.parse(document.getElementById("data").textContent);
const part = (id) => document.getElementById(id);
const body = document.querySelector("#videos tbody");
const texts = data.videos.map((one) => [one.title, one.id, ...one.tags].join("\n").toLowerCase());
let filter = "all";
let most = STEP;

function rowOf(one) {
  const row = document.createElement("tr");
  const head = document.createElement("th");
  head.scope = "row";
  const link = document.createElement(one.page ? "a" : "span");
  // From a file to another, Firefox keeps nothing: there the address says where a page was opened.
  const mark = location.protocol === "file:" ? "#listed" : "";
  if (one.page) link.href = one.page + mark;
  const name = document.createElement("bdi");
  name.textContent = one.title;
  link.append(name);
  head.append(link);
  row.append(head);
  row.insertCell().textContent = one.clips ?? "";
  row.insertCell().textContent = STATES[one.state](one) + (one.page ? "" : ", no page yet");
  row.insertCell().textContent = one.tags.join(", ");
  row.dataset.state = one.state;
  return row;
}

function show() {
  const words = part("search").value.toLowerCase().split(/\s+/).filter(Boolean);
  const found = data.videos.filter(
    (one, at) =>
      (filter === "all" || one.state === filter) && words.every((word) => texts[at].includes(word)),
  );
  body.replaceChildren(...found.slice(0, most).map(rowOf));
  part("more").hidden = found.length <= most;
  const waiting = found.filter((one) => one.state === "waiting" || one.state === "begun").length;
  const videos = found.length === 1 ? "1 video" : `${found.length.toLocaleString("en")} videos`;
  const isOld = data.links_until && Date.now() > Date.parse(data.links_until);
  const old = isOld ? ". The links have expired: run the job list_review_pages, or heaters serve" : "";
  part("counts").textContent = `${videos}, ${waiting.toLocaleString("en")} to review${old}`;
}

part("search").addEventListener("input", () => {
  most = STEP;
  show();
});
part("more").addEventListener("click", () => {
  most += STEP;
  show();
});
for (const button of document.querySelectorAll("#filters button")) {
  button.addEventListener("click", () => {
    filter = button.value;
    for (const each of document.querySelectorAll("#filters button")) {
      each.setAttribute("aria-pressed", String(each === button));
    }
    most = STEP;
    show();
  });
}
show();
try {
  sessionStorage.setItem("heaters-review list", location.href);
} catch {
  // Pages then lead back by the button of the browser alone.
}
