"use strict";
// Keeps the page up to date: fetches it again and changes in place only what differs, so that the focus, the scroll,
// a selection and opened details stay. Says so when no answer comes.

const EVERY = 5_000, PATIENCE = 10_000; // milliseconds
const OURS = new Set(["open", "hidden"]); // what the reader, or the filter, set

function attributes(old, fresh) {
  for (const { name } of [...old.attributes])
    if (!fresh.hasAttribute(name) && !OURS.has(name)) old.removeAttribute(name);
  for (const { name, value } of fresh.attributes)
    if (old.getAttribute(name) !== value && !OURS.has(name)) old.setAttribute(name, value);
}

// Elements that have an id are found again by it, wherever they stood; all else by its place.
function children(old, fresh) {
  const wanted = new Set(), known = new Map();
  for (const child of fresh.children) if (child.id) wanted.add(child.id);
  for (const child of [...old.children])
    if (child.id) wanted.has(child.id) ? known.set(child.id, child) : child.remove();
  let at = old.firstChild;
  for (const want of [...fresh.childNodes]) {
    const have = want.id ? known.get(want.id) : at && !at.id && at.nodeName === want.nodeName ? at : null;
    if (have && have === at) at = at.nextSibling;
    else if (have && old.moveBefore) old.moveBefore(have, at); // keeps the focus
    else old.insertBefore(have ?? want, at);
    if (have) morph(have, want);
  }
  while (at) {
    const next = at.nextSibling;
    at.remove();
    at = next;
  }
}

function morph(old, fresh) {
  if (old.nodeType !== Node.ELEMENT_NODE) {
    if (old.data !== fresh.data) old.data = fresh.data;
  } else if (!old.isEqualNode(fresh)) {
    attributes(old, fresh);
    children(old, fresh);
  }
}

const live = document.getElementById("live"), finder = document.getElementById("finder");
const filter = document.getElementById("filter");

function sift() {
  const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
  const rows = [...document.querySelectorAll("#streams tbody tr")];
  let shown = 0;
  for (const row of rows) {
    const text = words.length ? row.textContent.toLowerCase() : "";
    row.hidden = !words.every((word) => text.includes(word));
    shown += !row.hidden;
  }
  finder.lastElementChild.textContent = words.length ? `${shown} of ${rows.length} shown` : "";
}

function show(text) {
  const fresh = new DOMParser().parseFromString(text, "text/html"), focused = document.activeElement;
  const main = fresh.getElementById("live");
  if (!main) throw new Error("this is not the page");
  morph(live, main);
  document.title = fresh.title;
  if (filter.value) sift();
  if (focused !== document.activeElement && focused.isConnected) focused.focus({ preventScroll: true });
}

function gone() {
  const said = `No answer since ${live.dataset.now}: what stands below is from then`;
  const place = document.getElementById("said");
  if (place.textContent !== said) place.textContent = said;
  place.parentElement.className = "bad";
  place.parentElement.lastElementChild.textContent = "";
  live.className = "gone";
  document.title = "No answer - poller";
}

async function update() {
  try {
    const answer = await fetch(location.pathname, { cache: "no-store", signal: AbortSignal.timeout(PATIENCE) });
    if (!answer.ok) throw new Error(`HTTP ${answer.status}`);
    show(await answer.text());
  } catch (error) {
    console.error(`No answer: ${error}`);
    gone();
  }
}

// With thousands of streams a page costs the poller something: a twentieth of its time is enough.
function pace(took) {
  return Math.max(EVERY, 20 * took);
}

let waiting = 0;
async function keep() {
  clearTimeout(waiting);
  const began = performance.now();
  if (!document.hidden) await update(); // nobody looks: nothing is asked
  clearTimeout(waiting);
  waiting = setTimeout(keep, pace(performance.now() - began));
}

finder.hidden = false;
filter.addEventListener("input", sift);
document.addEventListener("visibilitychange", () => document.hidden || keep());
waiting = setTimeout(keep, EVERY);
