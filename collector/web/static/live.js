// Keeps an open page true: sections that changed come by server-sent events, spans of time are counted on here.
//
// A section is put in by patching the elements that are there, not by replacing them, so that focus, scroll positions,
// text selections and open <details> stay. Other scripts may listen for "parallax:live" on document: it is sent after
// each message.

const FIRST_RETRY_MS = 1000, LAST_RETRY_MS = 20000, SILENT_MS = 40000;
const state = document.getElementById("live");
const root = document.documentElement;
let skew = Number(root.dataset.now) - Date.now(); // this clock may be wrong; the server's counts
let source = null, retryMs = FIRST_RETRY_MS, heardAt = 0, lostAt = null, retryTimer = 0, reloading = false;

function span(ms) { // as parallax.spans.lasting says it
  const s = Math.max(0, Math.floor(ms / 1000)), m = Math.floor(s / 60), h = Math.floor(s / 3600), d = Math.floor(s / 86400);
  if (s < 60) return `${s} s`;
  if (h < 1) return `${m} min`;
  if (d < 1) return m % 60 ? `${h} h ${m % 60} min` : `${h} h`;
  return h % 24 ? `${d} d ${h % 24} h` : `${d} d`;
}

function exactly(ms) { // as parallax.spans.lasting_exactly says it
  const s = Math.max(0, Math.floor(ms / 1000)), m = Math.floor(s / 60), h = Math.floor(m / 60);
  return `${h ? `${h} h ` : ""}${m ? `${m % 60} min ` : ""}${s % 60} s`;
}

function count() {
  const now = Date.now() + skew;
  for (const time of document.querySelectorAll("time[data-left]")) {
    const words = exactly(Date.parse(time.dateTime) - now);
    if (time.textContent !== words) time.textContent = words;
  }
  for (const time of document.querySelectorAll("time[data-ago], time[data-for]")) {
    const past = now - Date.parse(time.dateTime);
    if (Number.isNaN(past)) continue;
    const words = "for" in time.dataset ? span(past)
      : Math.abs(past) < 1000 ? "just now" : past > 0 ? `${span(past)} ago` : `in ${span(-past)}`;
    if (time.textContent !== words) time.textContent = words;
  }
}

function clock(ms) { return new Date(ms).toISOString().slice(11, 16); }

function say(on) {
  if (on) {
    lostAt = null;
    state.className = "on";
    state.textContent = "live";
  } else {
    lostAt ??= Date.now() + skew;
    state.className = "off";
    state.textContent = `not live since ${clock(lostAt)}`;
  }
}

const key = (node) => node.dataset?.key ?? node.id ?? "";

function same(old, fresh) {
  return old.nodeType === fresh.nodeType && old.nodeName === fresh.nodeName && key(old) === key(fresh);
}

function patch(old, fresh) {
  if (old.nodeType !== Node.ELEMENT_NODE) {
    if (old.data !== fresh.data) old.data = fresh.data;
    return;
  }
  for (const { name } of [...old.attributes])
    if (!fresh.hasAttribute(name) && !(name === "open" && old.nodeName === "DETAILS")) old.removeAttribute(name);
  for (const { name, value } of fresh.attributes)
    if (old.getAttribute(name) !== value && name !== "open") old.setAttribute(name, value);
  if ("keep" in old.dataset) return; // a script draws in here
  patchChildren(old, fresh);
}

function patchChildren(old, fresh) {
  let at = old.firstChild;
  for (const next of [...fresh.childNodes]) {
    let match = at;
    while (match && !same(match, next)) match = match.nextSibling;
    if (!match) {
      old.insertBefore(next, at);
      continue;
    }
    while (at !== match) {
      const gone = at;
      at = at.nextSibling;
      gone.remove();
    }
    at = match.nextSibling;
    patch(match, next);
  }
  while (at) {
    const gone = at;
    at = at.nextSibling;
    gone.remove();
  }
}

function put(section, html) {
  const fresh = section.cloneNode(false); // of the same element, so that rows are parsed as rows
  fresh.innerHTML = html;
  patchChildren(section, fresh);
}

function title() {
  const prefix = document.querySelector(".headline")?.dataset.title ?? "";
  document.title = prefix + document.title.replace(/^\(\d+\) /, "");
}

const sections = () => [...document.querySelectorAll("[data-live]")];

function onMessage(event) {
  const message = JSON.parse(event.data);
  if (message.version !== root.dataset.version) return location.reload(); // the collector was upgraded
  skew = message.now - Date.now();
  for (const section of sections()) {
    const changed = message.sections[section.dataset.live];
    if (!changed) continue;
    section.dataset.hash = changed[0];
    put(section, changed[1]);
  }
  title();
  count();
  document.dispatchEvent(new CustomEvent("parallax:live", { detail: message }));
}

async function reload() { // the page has other sections than before: take it anew, and keep what is the same
  if (reloading) return;
  reloading = true;
  close();
  try {
    const answer = await fetch(location.href, { headers: { accept: "text/html" } });
    if (!answer.ok) throw new Error(answer.status);
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    document.title = page.title;
    for (const place of ["[data-live=headline]", "#main"])
      patch(document.querySelector(place), page.querySelector(place));
    title();
    document.dispatchEvent(new CustomEvent("parallax:live", { detail: null }));
    later(FIRST_RETRY_MS);
  } catch {
    lost();
  } finally {
    reloading = false;
  }
}

function close() {
  source?.close();
  source = null;
  clearTimeout(retryTimer);
}

function later(ms) {
  clearTimeout(retryTimer);
  retryTimer = setTimeout(open, ms);
}

function lost() {
  close();
  say(false);
  later(retryMs * (0.75 + Math.random() / 2));
  retryMs = Math.min(retryMs * 2, LAST_RETRY_MS);
}

function open() {
  close();
  if (document.hidden) return; // nobody looks; visibilitychange opens it again
  const have = sections().map((section) => `${section.dataset.live}:${section.dataset.hash}`).join(",");
  const query = new URLSearchParams({ path: location.pathname + location.search, have });
  source = new EventSource(`/live?${query}`);
  source.onmessage = (event) => {
    heardAt = Date.now();
    retryMs = FIRST_RETRY_MS;
    say(true);
    onMessage(event);
  };
  source.addEventListener("quiet", () => { heardAt = Date.now(); });
  source.addEventListener("reload", reload);
  source.addEventListener("gone", lost);
  source.onerror = lost; // EventSource's own retry would send hashes that are no longer true
  heardAt = Date.now();
}

document.addEventListener("visibilitychange", () => { document.hidden ? close() : open(); });
addEventListener("pageshow", (event) => { if (event.persisted) open(); });
addEventListener("pagehide", close);
setInterval(() => {
  count();
  if (source && Date.now() - heardAt > SILENT_MS) lost(); // a connection that hangs tells nobody
}, 1000);
title();
count();
open();
