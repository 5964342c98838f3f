// The clock of an account, and what expires by it.

import { api, get } from "../api.js";
import { Badge, Empty, Failed, Field, Loading, useNow } from "../components.js";
import { icon } from "../icons.js";
import { LIMIT, useData } from "../live.js";
import { account, link } from "../route.js";
import { t } from "../texts.js";
import { attempt } from "../toasts.js";
import { html, useState } from "../vendor/preact.js";

const STEPS = [["1h", "plusHour"], ["1d", "plusDay"], ["3d", "plusDays"]];
const UTC_PLUS_8 = 8 * 3600 * 1000;
const SHOWN = 200;

/** Return the epoch milliseconds of a time in UTC+8, and back. */
export const parsed = (text) => Date.parse(`${text.replace(" ", "T")}Z`) - UTC_PLUS_8;
const formatted = (time) => new Date(time + UTC_PLUS_8).toISOString().slice(0, 19).replace("T", " ");

export function Clock() {
  const query = { access_key_id: account() };
  const { value, error } = useData(async () => ({ ...await get("clock", query), read: Date.now() }), [query], ["clock", "reset", "scenario"]);
  const real = useNow();
  if (error) return html`<${Failed} error=${error} />`;
  if (!value) return html`<${Loading} />`;
  const now = value.frozen ? parsed(value.now) : parsed(value.now) + real - value.read;
  const put = (json) => attempt(() => api("PUT", "clock", { json, query }), json.frozen === undefined ? t("clockSet", { time: json.now }) : t(json.frozen ? "clockFrozen" : "clockResumed"));
  const advance = (by) => attempt(async () => api("POST", "clock/advance", { json: { by }, query }), t("clockAdvanced", { by: t(STEPS.find(([step]) => step === by)[1]) }));
  return html`<div class="page" id="clock">
    <header class="stack"><h1>${t("clock")}</h1><p class="muted">${account() ? t("clockOf", { account: account() }) : t("clockOfAll")} ${t("clockHelp")}</p></header>
    <section class="card">
      <div class="row"><p class="now" id="now">${formatted(now)}</p><span class="muted">UTC+8</span><${Badge} tone=${value.frozen ? "wait" : "good"}>${t(value.frozen ? "frozen" : "running")}</${Badge}></div>
      <div class="row">
        ${isShifted(value, now, real) && html`<button type="button" id="real" onclick=${() => put({ now: formatted(Date.now()), frozen: false })}>${icon("reset")}${t("realTime")}</button>`}
        ${STEPS.map(([step, label]) => html`<button type="button" key=${step} id="advance-${step}" onclick=${() => advance(step)}>${t(label)}</button>`)}
        ${value.frozen
    ? html`<button type="button" id="run" onclick=${() => put({ frozen: false })}>${icon("play")}${t("resume")}</button>`
    : html`<button type="button" id="freeze" onclick=${() => put({ frozen: true })}>${icon("pause")}${t("freeze")}</button>`}
      </div>
      <${SetTime} now=${now} put=${put} />
      <p class="help">${t("nextDay", { time: `${formatted(now).slice(0, 10)} 24:00`, left: span(midnightAfter(now) - now) })}</p>
    </section>
    <${Expiring} query=${query} now=${now} />
  </div>`;
}

/** Return whether a clock does not show the real time; it counts seconds. */
const isShifted = ({ frozen }, now, real) => frozen || Math.abs(now - real) > 2000;

const midnightAfter = (now) => (Math.floor((now + UTC_PLUS_8) / 86_400_000) + 1) * 86_400_000 - UTC_PLUS_8;

/** Return a duration in its two largest units. */
function span(milliseconds) {
  const minutes = Math.max(0, Math.floor(milliseconds / 60_000));
  const [days, hours] = [Math.floor(minutes / 1440), Math.floor(minutes / 60) % 24];
  if (days) return t("daysHours", { days, hours });
  return t("hoursMinutes", { hours, minutes: minutes % 60 });
}

function SetTime({ now, put }) {
  const [value, set] = useState(formatted(now).slice(0, 16).replace(" ", "T"));
  const submit = (event) => {
    event.preventDefault();
    put({ now: `${value.replace("T", " ")}:00`.slice(0, 19) });
  };
  return html`<form class="row bottom" onsubmit=${submit}><${Field} label=${t("setTo")}><input type="datetime-local" id="set-time" required value=${value} oninput=${(event) => set(event.target.value)} /></${Field}><button id="set" class="primary">${t("set")}</button></form>`;
}

/** The open links, those that expire first on top. */
function Expiring({ query, now }) {
  const { value, error } = useData(() => get("addresses", { ...query, status: "pending", limit: LIMIT }), [query], ["mail", "call", "verification", "address", "clock", "reset", "scenario"]);
  if (error) return html`<${Failed} error=${error} />`;
  if (!value) return html`<${Loading} />`;
  const open = value.addresses.filter((one) => one.link_expires).sort((one, other) => one.link_expires.localeCompare(other.link_expires));
  return html`<section class="stack" id="expiring"><h2>${t("willExpire")}</h2>
    ${open.length ? html`<div class="table"><table><thead><tr><th scope="col">${t("address")}</th><th scope="col">${t("account")}</th><th scope="col">${t("linkExpires")} (UTC+8)</th><th scope="col">${t("left")}</th></tr></thead>
      <tbody>${open.slice(0, SHOWN).map((one) => html`<tr key=${`${one.account} ${one.email}`}><td><a href=${link("addresses", one.email)}>${one.email}</a></td><td>${one.account}</td><td class="number">${one.link_expires}</td><td class="number">${span(parsed(one.link_expires) - now)}</td></tr>`)}</tbody></table></div>
      ${open.length > SHOWN && html`<p class="muted">${t("more", { n: open.length - SHOWN })}</p>`}`
    : html`<${Empty} icon="clock" title=${t("nothingExpires")}><p>${t("nothingExpiresHelp")}</p></${Empty}>`}
  </section>`;
}
