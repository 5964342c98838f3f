// The web UI: one view at a time, redrawn on every event. It uses the control API only.

import { api } from "./api.js";
import { TEXTS } from "./texts.js";
import { VIEWS } from "./views.js";

const WAIT_SECONDS = 30;
const RETRY_MILLISECONDS = 1000;
const CLOCK_MILLISECONDS = 1000;

export const state = {
  language: localStorage.getItem("language") || (navigator.language.startsWith("zh") ? "zh" : "en"),
  account: "",
  view: VIEWS[location.hash.slice(1)] ? location.hash.slice(1) : "outbox",
  mail: null,
  cursor: 0,
};

export const text = (name) => TEXTS[state.language][name] || name;
export const query = (more = {}) => ({ access_key_id: state.account, ...more });
const element = (id) => document.getElementById(id);

/** Create an element. Children are inserted as text, never as HTML. */
export function make(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value !== false && value !== null && value !== undefined) node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return node;
}

export function notice(message) {
  element("notice").textContent = message || "";
  element("notice").hidden = !message;
}

/** Run an action and show its error. */
export async function attempt(action) {
  try {
    notice("");
    return await action();
  } catch (error) {
    notice(error.message);
    return undefined;
  }
}

let drawing = Promise.resolve();
export function draw() {
  drawing = drawing.then(drawNow, drawNow);
  return drawing;
}

async function drawNow() {
  const view = state.view;
  const [info, accounts] = [await api("GET", "info"), await api("GET", "accounts")];
  const content = await VIEWS[view].draw();
  if (view !== state.view) return;
  document.documentElement.lang = state.language;
  for (const one of document.querySelectorAll("[data-text]")) one.textContent = text(one.dataset.text);
  element("language").textContent = text("other");
  element("loaded").textContent = [`alimock ${info.version}`, info.scenario.name, info.scenario.description].filter(Boolean).join(" · ");
  drawError(info.scenario.error);
  drawAccounts(accounts.accounts);
  drawTabs(info);
  replaceView(content);
}

/** Replace the view, and keep focus, caret and scroll position. */
function replaceView(content) {
  // Replacing an unchanged view would reload the frame of the open mail.
  if (element("view").firstElementChild?.isEqualNode(content)) return;
  const { id, selectionStart, selectionEnd } = document.activeElement || {};
  const scrolled = document.querySelector(".mails")?.scrollTop;
  element("view").replaceChildren(content);
  const focused = id && element(id);
  if (focused && focused !== document.activeElement) {
    focused.focus();
    if (typeof selectionStart === "number") focused.setSelectionRange(selectionStart, selectionEnd);
  }
  const list = document.querySelector(".mails");
  if (scrolled && list) list.scrollTop = scrolled;
}

function drawError(error) {
  const shown = element("notice").textContent.startsWith(text("wrongFile"));
  if (error) notice(`${text("wrongFile")}\n${error}`);
  else if (shown) notice("");
}

let drawnAccounts = "";
function drawAccounts(accounts) {
  // Redrawing would close an open list.
  const drawn = JSON.stringify([state.language, state.account, accounts.map((one) => [one.name, one.access_key_id])]);
  if (drawn === drawnAccounts) return;
  drawnAccounts = drawn;
  // A deleted account stays selected; otherwise Reset and Delete would apply to all accounts.
  if (state.account && !accounts.some((one) => one.access_key_id === state.account)) {
    accounts = [...accounts, { name: state.account, access_key_id: state.account }];
  }
  const options = accounts.filter((one) => one.access_key_id).map((one) => {
    const label = one.access_key_id === one.name.replace(/^key:/, "") ? one.access_key_id : `${one.name} (${one.access_key_id})`;
    return make("option", { value: one.access_key_id, selected: one.access_key_id === state.account }, label);
  });
  element("account").replaceChildren(make("option", { value: "" }, text("all")), ...options);
}

function drawTabs(info) {
  const counts = { outbox: info.messages };
  const tabs = Object.keys(VIEWS).map((name, number) => make(
    "button",
    { type: "button", role: "tab", id: `tab-${name}`, "aria-selected": String(name === state.view), title: `${number + 1}`, onclick: () => show(name) },
    text(name) + (counts[name] ? ` ${counts[name]}` : ""),
  ));
  element("tabs").replaceChildren(...tabs);
  element("tabs").title = text("help");
}

function show(name) {
  state.view = name;
  history.replaceState(null, "", `#${name}`);
  notice("");
  return attempt(draw);
}

async function reset() {
  await attempt(() => api("POST", "reset", { query: query() }));
  state.mail = null;
  await attempt(draw);
}

function handleKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || /^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName)) return;
  const name = Object.keys(VIEWS)[Number(event.key) - 1];
  if (name) show(name);
  else if (event.key === "j" || event.key === "k") VIEWS.outbox.step(event.key === "j" ? 1 : -1);
}

/** Redraw on every event. */
async function follow() {
  let lost = false;
  for (;;) {
    try {
      const answer = await api("GET", "changes", { query: { after: state.cursor, timeout: lost ? 0 : WAIT_SECONDS, limit: 1000 } });
      state.cursor = answer.cursor;
      if (lost) notice("");
      if (answer.changes.length || lost) await draw();
      lost = false;
    } catch (error) {
      lost = true;
      if (error.status === 410) {
        // The emulator was restarted.
        state.cursor = 0;
        continue;
      }
      notice(error.status ? error.message : text("lost"));
      await new Promise((done) => setTimeout(done, RETRY_MILLISECONDS));
    }
  }
}

element("reset").addEventListener("click", reset);
element("account").addEventListener("change", (event) => { state.account = event.target.value; state.mail = null; attempt(draw); });
element("language").addEventListener("click", () => {
  state.language = state.language === "en" ? "zh" : "en";
  localStorage.setItem("language", state.language);
  attempt(draw);
});
document.addEventListener("keydown", handleKey);
// A running clock causes no events.
setInterval(() => { if (state.view === "clock") draw().catch(() => {}); }, CLOCK_MILLISECONDS);
state.cursor = (await api("GET", "changes", { query: { limit: 0 } })).cursor;
await attempt(draw);
follow();
