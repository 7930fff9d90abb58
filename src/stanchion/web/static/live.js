// Keeps a page as the cluster is. The page's own URL, asked for an event stream, tells what changed on it: HTML by
// the id of the element, and the order of the rows of each list. Hidden pages let go of the stream, because a browser
// keeps only a few connections to one host; shown again they ask for everything, so nothing is ever missed.
"use strict";

const zone = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
const clock = new Intl.DateTimeFormat(undefined, { timeStyle: "medium" });

function localize(root) {
  for (const time of root.querySelectorAll("time[datetime]")) {
    const at = new Date(time.dateTime);
    if (isNaN(at)) continue;
    const today = at.toDateString() === new Date().toDateString();
    time.title = `${time.dateTime.slice(0, 19).replace("T", " ")} UTC`;
    time.textContent = (today ? clock : zone).format(at);
  }
}

function fragment(html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  const element = template.content.firstElementChild;
  if (element) localize(template.content);
  return element;
}

// What somebody is doing in a part stays: what is entered, ticked, opened or focused.
const keep = {
  ignoreActiveValue: true,
  callbacks: {
    beforeAttributeUpdated: (name, node) =>
      !(name === "open" && node instanceof HTMLDetailsElement) &&
      !((name === "checked" || name === "value") && node instanceof HTMLInputElement) &&
      !(name === "selected" && node instanceof HTMLOptionElement),
  },
};

function put(id, html) {
  const old = document.getElementById(id), now = fragment(html);
  if (old && now) Idiomorph.morph(old, now, keep);
  return old ? null : now;
}

function show({ parts, lists }) {
  const fresh = new Map();
  for (const [id, html] of Object.entries(parts)) {
    const made = put(id, html);
    if (made) fresh.set(id, made);
  }
  for (const [id, order] of Object.entries(lists)) {
    const list = document.getElementById(id);
    if (!list) continue;
    const wanted = new Set(order);
    for (const row of [...list.children]) if (!wanted.has(row.id)) row.remove();
    let at = list.firstElementChild;
    for (const name of order) {
      const row = fresh.get(name) ?? document.getElementById(name);
      if (!row) continue;
      if (row === at) at = at.nextElementSibling;
      else list.insertBefore(row, at);
    }
  }
  document.dispatchEvent(new CustomEvent("shown"));
}

let stream = null, first = true, heard = new Date();

function lost(yes) {
  const banner = document.getElementById("lost");
  if (yes && banner.hidden) document.getElementById("lost-at").textContent = clock.format(heard);
  banner.hidden = !yes;
}

function listen() {
  if (stream || !document.body.dataset.frame) return;
  // Not the location: a form that was refused is answered with its page at the form's own URL.
  const url = new URL(document.body.dataset.page, location.href);
  url.hash = "";
  url.searchParams.set("frame", first ? document.body.dataset.frame : "");
  first = false;
  stream = new EventSource(url);
  stream.onopen = () => lost(false);
  stream.onmessage = (event) => { heard = new Date(); lost(false); show(JSON.parse(event.data)); };
  stream.addEventListener("again", () => location.assign(document.body.dataset.page));
  stream.onerror = () => {
    lost(true);
    // A browser gives up by itself when the answer is no stream: the agent restarts, or the session is over.
    if (stream && stream.readyState === EventSource.CLOSED) { stream = null; setTimeout(listen, 1000); }
  };
}

document.addEventListener("visibilitychange", () => {
  if (document.hidden) { stream?.close(); stream = null; } else listen();
});
addEventListener("pagehide", () => { stream?.close(); stream = null; });
addEventListener("pageshow", (event) => { if (event.persisted) listen(); });

document.addEventListener("change", (event) => {
  const name = event.target.dataset?.all;
  if (name) for (const box of event.target.form.elements[name]?.forEach
    ? event.target.form.elements[name] : [event.target.form.elements[name]]) if (box) box.checked = event.target.checked;
});

// Who has no mouse scrolls by keys: what is wider than its place and holds nothing to go to can be gone to itself.
function reach() {
  for (const place of document.querySelectorAll("main table, main .card, main pre")) {
    const wide = place.scrollWidth > place.clientWidth + 1 && getComputedStyle(place).overflowX === "auto";
    if (wide && !place.querySelector("a[href], button, input, select, textarea, summary")) place.tabIndex = 0;
  }
}
addEventListener("resize", reach);
document.addEventListener("shown", reach);

// Who fills in a form is told when somebody else saves what it is about; what was entered stays.
document.addEventListener("shown", () => {
  const told = document.getElementById("meanwhile"), now = document.getElementById("live_title")?.dataset.revision;
  if (told && now && document.querySelector("main input[name=revision]")) told.hidden = told.dataset.revision === now;
});

// Where the ways and tabs do not fit, the present one is in sight.
for (const here of document.querySelectorAll("nav [aria-current]")) {
  const list = here.closest(".tabs, nav");
  list.scrollLeft = here.offsetLeft - list.offsetLeft - (list.clientWidth - here.offsetWidth) / 2;
}

localize(document);
reach();
listen();
