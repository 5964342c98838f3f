// The page: one view at a time, drawn anew when something happens. It is a client of the control API and of nothing else.

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
export const given = (more = {}) => ({ access_key_id: state.account, ...more });
const element = (id) => document.getElementById(id);

/** Makes an element; texts go in as text, never as HTML. */
export function make(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value !== false && value !== null && value !== undefined) made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return made;
}

export function notice(message) {
  element("notice").textContent = message || "";
  element("notice").hidden = !message;
}

/** Does something and tells what went wrong with it. */
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

/** Puts a view in the place of the last, and leaves focus, caret and scrolling where they are. */
function replaceView(content) {
  // What has not changed stays, so that the mail that is open is not loaded again.
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
  // A list that is open would close if it were drawn anew.
  const drawn = JSON.stringify([state.language, state.account, accounts.map((one) => [one.name, one.access_key_id])]);
  if (drawn === drawnAccounts) return;
  drawnAccounts = drawn;
  // An account that is gone stays chosen, or Reset and Delete would mean more than is seen.
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

export function show(name) {
  state.view = name;
  history.replaceState(null, "", `#${name}`);
  notice("");
  return attempt(draw);
}

async function reset() {
  await attempt(() => api("POST", "reset", { given: given() }));
  state.mail = null;
  await attempt(draw);
}

function pressed(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || /^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName)) return;
  const name = Object.keys(VIEWS)[Number(event.key) - 1];
  if (name) show(name);
  else if (event.key === "j" || event.key === "k") VIEWS.outbox.step(event.key === "j" ? 1 : -1);
}

/** Draws anew whenever something has happened, as long as the page is there. */
async function follow() {
  let lost = false;
  for (;;) {
    try {
      const answer = await api("GET", "changes", { given: { after: state.cursor, timeout: lost ? 0 : WAIT_SECONDS, limit: 1000 } });
      state.cursor = answer.cursor;
      if (lost) notice("");
      if (answer.changes.length || lost) await draw();
      lost = false;
    } catch (error) {
      lost = true;
      if (error.status === 410) {
        // Another emulator answers now.
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
document.addEventListener("keydown", pressed);
// A clock that runs changes nothing that would be told.
setInterval(() => { if (state.view === "clock") draw().catch(() => {}); }, CLOCK_MILLISECONDS);
state.cursor = (await api("GET", "changes", { given: { limit: 0 } })).cursor;
await attempt(draw);
follow();
