// The frame of the web UI: header, navigation, keyboard, and the view of the current route. It uses the control API only.

import { api, get } from "./api.js";
import { count, Empty, Losses } from "./components.js";
import { icon } from "./icons.js";
import { follow, useData } from "./live.js";
import { account, current, filter, go, link, useRoute } from "./route.js";
import { currentLanguage, setLanguage, t } from "./texts.js";
import { attempt, confirmed, Dialog, Question, Toasts } from "./toasts.js";
import { html, render, useEffect, useState } from "./vendor/preact.js";
import { Addresses } from "./views/addresses.js";
import { Calls } from "./views/calls.js";
import { Clock, parsed } from "./views/clock.js";
import { Faults } from "./views/faults.js";
import { Keys } from "./views/keys.js";
import { Outbox } from "./views/outbox.js";
import { Scenario } from "./views/scenario.js";
import { Start } from "./views/start.js";

const VIEWS = { outbox: Outbox, calls: Calls, addresses: Addresses, scenario: Scenario, faults: Faults, clock: Clock, keys: Keys, start: Start };
const NAMES = Object.keys(VIEWS);
const SHORTCUTS = [["/", "shortcutSearch"], ["j k", "shortcutNext"], ["Esc", "shortcutClose"], ["?", "shortcutHelp"]];

function App() {
  const route = useRoute();
  const View = Object.hasOwn(VIEWS, route.view) ? VIEWS[route.view] : null;
  const [, setShown] = useState(currentLanguage());
  const [connection, setConnection] = useState(null);
  const [isHelp, help] = useState(false);
  const { value: info } = useData(() => get("info"), []);
  const { value: accounts } = useData(async () => ({ ...await get("accounts"), read: Date.now() }), []);
  useEffect(() => { follow(setConnection); }, []);
  useEffect(() => {
    const press = (event) => handleKey(event, () => help(true));
    document.addEventListener("keydown", press);
    return () => document.removeEventListener("keydown", press);
  }, []);
  useEffect(() => {
    document.documentElement.lang = currentLanguage();
    document.title = `${View ? t(route.view) : t("unknownView")} · alimock`;
    // In a narrow window, the navigation scrolls.
    document.querySelector("nav [aria-current=page]")?.scrollIntoView({ block: "nearest", inline: "center" });
  });
  const switchLanguage = () => {
    setLanguage(currentLanguage() === "en" ? "zh" : "en");
    setShown(currentLanguage());
  };
  return html`<div class="app">
    <${Header} info=${info} accounts=${accounts?.accounts || []} onLanguage=${switchLanguage} onHelp=${() => help(true)} />
    <${Navigation} view=${route.view} notes=${notesOf(accounts || { accounts: [] })} />
    <main id="view" tabindex="-1">
      <${Problems} connection=${connection} info=${info} />
      ${View ? html`<${View} key=${`${route.view} ${account()} ${currentLanguage()}`} item=${route.item} query=${route.query} />` : html`<${Empty} icon="warning" title=${t("unknownView")}><a class="button" href=${link("outbox")}>${t("outbox")}</a></${Empty}>`}
    </main>
    <${Toasts} /><${Question} />
    ${isHelp && html`<${Help} onClose=${() => help(false)} />`}
  </div>`;
}

/** Return what the navigation shows beside its links, of the selected account or of all. */
function notesOf({ accounts, read }) {
  const selected = accounts.filter((one) => !account() || one.access_keys.includes(account()));
  const number = (name) => count(selected, name).toLocaleString(currentLanguage());
  return { outbox: number("messages"), calls: number("calls"), clock: selected.length ? clockNote(selected[0].clock, read) : "" };
}

/** Say that a clock is frozen, or how many days or hours it is ahead. */
function clockNote({ now, frozen }, read) {
  const hours = Math.round((parsed(now) - read) / 3_600_000);
  const shift = Math.abs(hours) < 48 ? t("hoursShort", { n: hours }) : t("daysShort", { n: Math.round(hours / 24) });
  return frozen ? t("frozenShort") : hours ? `${hours > 0 ? "+" : ""}${shift}` : "";
}

function Header({ info, accounts, onLanguage, onHelp }) {
  const loaded = info ? [info.scenario.name, info.scenario.description].filter(Boolean).join(" · ") : "";
  const options = accounts.filter((one) => one.access_key_id).map((one) => [one.access_key_id, one.name.endsWith(one.access_key_id) ? one.access_key_id : `${one.name} (${one.access_key_id})`]);
  // A deleted account stays selected; otherwise Reset and Delete would apply to all accounts.
  if (account() && !options.some(([id]) => id === account())) options.push([account(), account()]);
  return html`<header>
    <a class="skip" href="#view" onclick=${(event) => { event.preventDefault(); document.getElementById("view").focus(); }}>${t("skip")}</a>
    <a class="brand" href=${link("outbox")}>alimock <span class="muted small">${info?.version}</span></a>
    <a class="loaded one-line" id="loaded" title=${loaded} href=${link("scenario")}>${loaded}</a>
    <select id="account" aria-label=${t("account")} onchange=${(event) => choose(event.target.value)}>
      <option value="" selected=${!account()}>${t("allAccounts")}</option>
      ${options.map(([id, name]) => html`<option key=${id} value=${id} selected=${id === account()}>${name}</option>`)}
    </select>
    <button type="button" id="reset" aria-label=${t("reset")} onclick=${reset}>${icon("reset")}<span>${t("reset")}</span></button>
    <button type="button" id="language" class="quiet" lang=${currentLanguage() === "en" ? "zh" : "en"} onclick=${onLanguage}>${t("other")}</button>
    <button type="button" id="help" class="quiet icon" aria-label=${t("help")} title=${t("help")} onclick=${onHelp}>${icon("help")}</button>
  </header>`;
}

/** Select an account, and leave an item that may be another one's. */
function choose(id) {
  filter({ account: id });
  if (current().item) go(current().view);
}

async function reset() {
  const { accounts } = await get("accounts", { access_key_id: account() });
  const content = html`<p>${account() ? t("resetOne", { account: account() }) : t("resetAll")}</p><${Losses} accounts=${accounts} />`;
  if (!await confirmed({ title: t("resetQuestion"), content, action: t("reset") })) return;
  if (!await attempt(() => api("POST", "reset", { query: { access_key_id: account() } }), t("wasReset"))) return;
  if (["outbox", "calls"].includes(current().view)) go(current().view);
}

const Navigation = ({ view, notes }) => html`<nav aria-label=${t("views")}>${NAMES.map((name, index) => html`<a key=${name} id="nav-${name}" href=${link(name)} aria-current=${name === view ? "page" : undefined} title=${`${t(name)} (${index + 1})`}>
  ${icon(name)}<span>${t(name)}</span>${notes[name] && notes[name] !== "0" ? html`<span class="count">${notes[name]}</span>` : ""}
</a>`)}</nav>`;

/** What is wrong with the emulator itself. */
function Problems({ connection, info }) {
  const shown = [
    connection && { tone: "bad", text: connection.status ? connection.message : t("lost") },
    info?.scenario.error && { tone: "bad", text: `${t("wrongFile")}\n${info.scenario.error}` },
    info?.state.warning && { tone: "wait", text: info.state.warning },
  ];
  return shown.filter(Boolean).map(({ tone, text }) => html`<div class="banner ${tone}" id="notice" role="alert">${icon("warning")}<span>${text}</span></div>`);
}

const Help = ({ onClose }) => html`<${Dialog} label=${t("help")} onClose=${onClose}>
  <h2>${t("help")}</h2>
  <dl>${NAMES.map((name, index) => html`<dt><kbd>${index + 1}</kbd></dt><dd>${t(name)}</dd>`)}${SHORTCUTS.map(([keys, name]) => html`<dt>${keys.split(" ").map((key) => html`<kbd>${key}</kbd> `)}</dt><dd>${t(name)}</dd>`)}</dl>
  <div class="row"><button type="button" onclick=${onClose}>${t("close")}</button></div>
</${Dialog}>`;

const FIELDS = /^(INPUT|TEXTAREA|SELECT)$/;

function handleKey(event, showHelp) {
  if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  if (event.key === "Escape") {
    if (FIELDS.test(event.target.tagName)) event.target.blur();
    else closeDetail();
    return;
  }
  if (FIELDS.test(event.target.tagName)) return;
  const view = NAMES[Number(event.key) - 1];
  if (view) location.hash = link(view);
  else if (event.key === "/") focusSearch(event);
  else if (event.key === "?") showHelp();
  else if (event.key === "j" || event.key === "k") step(event.key === "j" ? 1 : -1);
}

/** Close the detail and move the focus back to its item in the list. */
function closeDetail() {
  const { view, item, query } = current();
  // A form keeps what was entered.
  if (!item || document.querySelector("form.detail")) return;
  const row = document.querySelector(".item[aria-current=true]");
  location.hash = link(view, "", query);
  requestAnimationFrame(() => row?.focus());
}

function focusSearch(event) {
  const field = document.getElementById("search");
  if (!field) return;
  event.preventDefault();
  field.focus();
  field.select();
}

/** Open the next or the previous item of the list, or its first. */
function step(by) {
  const items = [...document.querySelectorAll(".item")];
  const index = items.findIndex((item) => item.getAttribute("aria-current") === "true");
  items[index < 0 ? 0 : index + by]?.click();
}

render(html`<${App} />`, document.getElementById("app"));
