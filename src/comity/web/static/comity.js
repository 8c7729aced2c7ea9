/* What pages do beside links and forms, all of which work without it: keys, copying, and parts that change in place.
   Keys are off in fields, and where the account says so. */

const root = document.documentElement;
const words = document.body.dataset;
const SECOND_KEY_MS = 1500;
const ROW = "main :is(tbody tr, .rows > li)";
const FIELD = "textarea, select, [contenteditable], input:not([type=checkbox], [type=radio])";
const ARROWS = { ArrowDown: 1, ArrowUp: -1, ArrowRight: 1, ArrowLeft: -1, Home: -Infinity, End: Infinity };

/* -- what is said to those who do not see it ---------------------------------------------------------------------- */
function say(text) {
  const place = document.getElementById("said");
  if (place && text) {
    place.textContent = text.replace(/\s+/g, " ").trim();
  }
}

/* -- rows ---------------------------------------------------------------------------------------------------------- */
const linkIn = (row) => row.querySelector("th a[href]") ?? row.querySelector("a[href]");
const rows = () => [...document.querySelectorAll(ROW)].filter((row) => linkIn(row) && row.offsetParent);
const rowHere = () => document.activeElement?.closest(ROW);
let lastTicked = null;

function step(by) {
  const all = rows();
  const here = all.indexOf(rowHere());
  const next = all[here < 0 ? 0 : Math.min(Math.max(here + by, 0), all.length - 1)];
  if (next) {
    linkIn(next).focus();
  }
}

function ticks(row) {
  return row?.querySelector("input[type=checkbox]:not(:disabled)");
}

function tick(box, on) {
  if (box && box.checked !== on) {
    box.click();
  }
}

function select(range) {
  const box = ticks(rowHere());
  if (!box) {
    return;
  }
  const all = rows();
  const from = all.indexOf(lastTicked);
  const to = all.indexOf(rowHere());
  if (range && from >= 0) {
    all.slice(Math.min(from, to), Math.max(from, to) + 1).forEach((row) => tick(ticks(row), ticks(lastTicked).checked));
  } else {
    tick(box, !box.checked);
    lastTicked = rowHere();
  }
}

/* -- keys ---------------------------------------------------------------------------------------------------------- */
function follow(selector) {
  const link = rowHere()?.querySelector(selector) ?? document.querySelector(`main ${selector}`);
  link?.click();
}

function search() {
  const field = document.getElementById("find");
  field?.focus();
  field?.select();
}

async function help() {
  const there = document.getElementById("keys");
  if (there) {
    there.open ? there.close() : there.showModal();
    return;
  }
  const answer = await fetch("/keys", { headers: { "HX-Request": "true" } }).catch(() => null);
  if (!answer?.ok || answer.redirected) {
    location.assign("/keys");
    return;
  }
  const list = new DOMParser().parseFromString(await answer.text(), "text/html");
  const dialog = document.createElement("dialog");
  const title = document.createElement("h2");
  const close = document.createElement("button");
  dialog.id = "keys";
  title.id = "keys-title";
  title.textContent = words.keys;
  dialog.setAttribute("aria-labelledby", title.id);
  close.type = "button";
  close.textContent = words.close;
  close.autofocus = true;
  close.addEventListener("click", () => dialog.close());
  dialog.append(title, ...list.body.childNodes, close);
  document.body.append(dialog);
  dialog.showModal();
}

const KEYS = {
  "/": search,
  "?": () => location.pathname === "/keys" || help(),
  j: () => step(1),
  k: () => step(-1),
  x: () => select(false),
  X: () => select(true),
  e: () => follow(':is(a[rel~="edit"], a[href$="/edit"])'),
  v: () => follow('a[href$="/who"]'),
};
let goUntil = 0;

function keyed(event) {
  const dialog = document.querySelector("dialog[open]");
  if (event.defaultPrevented || event.isComposing || event.altKey || event.target.closest(FIELD)) {
    return;
  }
  if ((event.ctrlKey || event.metaKey) && event.key === "k" && !dialog) {
    event.preventDefault();
    search();
    return;
  }
  if (event.ctrlKey || event.metaKey || (dialog && event.key !== "?")) {
    return;
  }
  const going = event.timeStamp < goUntil;
  goUntil = event.key === "g" && !going ? event.timeStamp + SECOND_KEY_MS : 0;
  const act = going
    ? [...document.querySelectorAll("[data-go]")].find((link) => link.dataset.go === event.key)
    : KEYS[event.key];
  if (act) {
    event.preventDefault();
    going ? act.click() : act();
  }
}

/* Links that stand beside each other are gone through with the arrows as well as with Tab. */
function arrowed(event) {
  const list = event.target.closest(":is(.rail, .tabs, .chips)");
  const by = ARROWS[event.key];
  if (!list || !by || event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) {
    return;
  }
  const mirrored = getComputedStyle(list).direction === "rtl" && /Left|Right/.test(event.key);
  const links = [...list.querySelectorAll("a[href]")];
  const place = links.indexOf(event.target) + (mirrored ? -by : by);
  event.preventDefault();
  links[Math.min(Math.max(place, 0), links.length - 1)]?.focus();
}

/* -- copying ------------------------------------------------------------------------------------------------------- */
function copyButton(code) {
  const text = code.title || code.textContent;
  const button = document.createElement("button");
  button.type = "button";
  button.className = "copy";
  button.textContent = words.copy;
  button.setAttribute("aria-label", `${words.copy}: ${text.slice(0, 80)}`);
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(text);
    button.textContent = words.copied;
    say(words.copied);
    setTimeout(() => (button.textContent = words.copy), 2000);
  });
  return button;
}

/* Without TLS a browser lets no page write to the clipboard, except on the host itself. */
function dress(part) {
  if (!navigator.clipboard) {
    return;
  }
  for (const code of part.querySelectorAll(".copyable")) {
    if (!code.nextElementSibling?.classList.contains("copy")) {
      code.after(copyButton(code));
    }
  }
}

/* -- parts that change in place ------------------------------------------------------------------------------------ */
const addressOf = (detail) => detail.pathInfo.finalRequestPath || detail.pathInfo.requestPath;
let focused = null;

/* Whatever is not the part that was asked for (an error, a question, the door) is shown as the page that it is. */
function wholly(event) {
  if (event.detail.elt.matches("[data-following]")) {
    location.reload();
  } else {
    location.assign(addressOf(event.detail));
  }
}

function beforeSwap(event) {
  if (!event.detail.shouldSwap) {
    return;
  }
  if (/^\s*<!doctype/i.test(event.detail.xhr.responseText)) {
    event.detail.shouldSwap = false;
    wholly(event);
    return;
  }
  const here = document.activeElement;
  focused = event.detail.target.contains(here) ? { key: here.dataset.key, id: here.id, href: here.href } : null;
}

function sameAs(part) {
  const all = [...part.querySelectorAll("a[href], button, input, select, [data-key]")];
  return (
    all.find((one) => focused.key && one.dataset.key === focused.key) ??
    all.find((one) => focused.id && one.id === focused.id) ??
    all.find((one) => focused.href && one.href === focused.href && !one.dataset.key)
  );
}

/* Focus stays on the same thing; where that has gone, it goes to the beginning of what is new. */
function afterSettle(event) {
  const part = event.detail.elt;
  const follows = part.matches("[data-following]");
  if (focused) {
    const next = sameAs(part) ?? (follows ? null : part.querySelector("[data-lands]"));
    next?.focus();
    if (next?.matches("[data-lands]")) {
      next.scrollIntoView({ block: "nearest" });
    }
    focused = null;
  }
  if (!follows) {
    say(part.querySelector("[data-told]")?.textContent);
  }
}

/* Nobody looks at a page that is hidden: it asks for nothing. */
function beforeRequest(event) {
  if (document.hidden && event.detail.elt.matches("[data-following]")) {
    event.preventDefault();
  }
}

if (root.dataset.keys === "on") {
  document.addEventListener("keydown", keyed);
  document.addEventListener("keydown", arrowed);
}
if (window.htmx) {
  root.dataset.live = "";
}
document.addEventListener("htmx:beforeRequest", beforeRequest);
document.addEventListener("htmx:beforeSwap", beforeSwap);
document.addEventListener("htmx:afterSettle", afterSettle);
document.addEventListener("htmx:responseError", wholly);
document.addEventListener("htmx:load", (event) => dress(event.detail.elt));
dress(document);
