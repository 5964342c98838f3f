// The addresses of the accounts: what each is, why, what happened to it, and forms to change it.

import { api, get, search } from "../api.js";
import { Badge, Copy, decision, Empty, Facts, Failed, Field, Loading, Search, Select, Tabs, useFocus, useValues, VirtualList } from "../components.js";
import { icon } from "../icons.js";
import { LIMIT, useData } from "../live.js";
import { account, filter, go, link } from "../route.js";
import { t, word } from "../texts.js";
import { attempt, confirmed } from "../toasts.js";
import { html, useState } from "../vendor/preact.js";
import { yaml } from "../yaml.js";
import { time, tone } from "./calls.js";
import { TONES as MAIL_TONES } from "./outbox.js";

const NEW = "new";
const HISTORY = 50;
const TONES = { verified: "good", pending: "wait" };
const OUTCOMES = ["pending", "verified", "expired", "quota-exceeded", "illegal", "unknown"];
const CHANGED = ["call", "mail", "verification", "address", "reset", "scenario", "clock", "access key", "deletion"];
// The fields of a full record, in the order of a scenario.
const FIELDS = [
  ["status", ["", "verified", "pending", "none"]], ["token"], ["email_verification_no"], ["user_id"], ["send_ip"], ["confirm_ip"], ["gmt_create"], ["gmt_modified"],
  ["token_send_time"], ["verification_time"], ["sends_today"],
];
const NUMBERS = ["sends_today"];

const outcomeOf = ({ entry }) => (typeof entry === "string" ? entry : entry?.outcome);
// The outcomes that say more than the status of the record.
const TELLING = ["quota-exceeded", "illegal", "expired"];
// Several accounts can have the same address; `of` is the account whose row was chosen.
const isShown = (one, item, { of }) => one.email === item && (!of || of === one.account);
const idOf = (one) => `${one.account} ${one.email}`;

export function Addresses({ item, query }) {
  const isPatterns = query.kind === "patterns";
  const filters = { access_key_id: account(), text: query.text, status: isPatterns ? "" : query.status, patterns: isPatterns && "true", limit: LIMIT };
  const { value, error } = useData(() => get("addresses", filters), [filters], CHANGED);
  const rows = value?.addresses.map((one) => ({ ...one, id: idOf(one) }));
  return html`
    <div class="toolbar">
      <h1>${t("addresses")}</h1>
      <${Tabs} label=${t("kind")} value=${isPatterns ? "patterns" : ""} choices=${[["", t("addresses")], ["patterns", t("patterns")]]} onChange=${(kind) => filter({ kind })} />
      <${Search} value=${query.text || ""} label=${t("searchAddresses")} onInput=${(text) => filter({ text })} />
      ${!isPatterns && html`<${Select} id="filter-status" label=${t("status")} value=${query.status || ""} choices=${[["", t("anyStatus")], ["verified", word("verified")], ["pending", word("pending")], ["none", t("noRecord")]]} onChange=${(status) => filter({ status })} />`}
      <span class="grow"></span>
      <a class="button" id="add" href=${link("addresses", NEW, query)}>${icon("plus")}${t("addAddress")}</a>
    </div>
    <div class="split ${item ? "open" : ""}">
      <div class="list">
        <div class="list-head addresses" aria-hidden="true"><span>${t("address")}</span><span>${t("status")}</span><span>${t("scenarioSays")}</span><span class="end">${t("sentToday")}</span><span>${t("account")}</span></div>
        <${List} rows=${rows} error=${error} item=${item} query=${query} />
      </div>
      ${item === NEW ? html`<${Form} email="" proposed=${query.text?.includes("@") ? query.text : ""} query=${query} />` : item && html`<${Address} key=${item} email=${item} query=${query} />`}
    </div>`;
}

function List({ rows, error, item, query }) {
  const current = rows?.find((one) => isShown(one, item, query))?.id;
  if (error) return html`<${Failed} error=${error} />`;
  if (!rows) return html`<${Loading} />`;
  if (!rows.length) return html`<${Empty} icon="addresses" title=${query.text || query.status ? t("noMatch") : t("noAddresses")}><p>${t("noAddressesHelp")}</p><a class="button" href=${link("addresses", NEW, query)}>${icon("plus")}${t("addAddress")}</a></${Empty}>`;
  return html`<${VirtualList} items=${rows} height=${40} current=${current} label=${t("addresses")} row=${(one) => html`<${Row} one=${one} isCurrent=${isShown(one, item, query)} query=${query} />`} />
    <p class="foot">${t("shownAddresses", { n: rows.length })}${rows.length === LIMIT ? ` · ${t("newestOnly")}` : ""}</p>`;
}

const Row = ({ one, isCurrent, query }) => html`<a class="item addresses" href=${link("addresses", one.email, { ...query, of: one.account })} aria-current=${String(isCurrent)}>
  <span>${one.email}</span>
  <span>${TELLING.includes(outcomeOf(one)) ? html`<${Badge} tone="wait">${outcomeOf(one)}</${Badge}>` : html`<${Badge} tone=${TONES[one.status] || ""}>${one.status ? word(one.status) : t("noRecord")}</${Badge}>`}</span>
  <span class="muted">${one.outcome || ""}</span><span class="number muted end">${one.sends_today || ""}</span><span class="muted">${one.account}</span>
</a>`;

function Address({ email, query }) {
  const isPattern = query.kind === "patterns";
  const filters = { access_key_id: account(), ...(isPattern ? { patterns: "true", text: email, limit: LIMIT } : { email }) };
  const { value, error } = useData(() => get("addresses", filters), [email, filters], CHANGED);
  const [isEditing, edit] = useState(false);
  const focus = useFocus();
  const back = html`<a class="button quiet back" href=${link("addresses", "", query)}>${icon("back")}${t("addresses")}</a>`;
  if (error) return html`<div class="detail">${back}<${Failed} error=${error} /></div>`;
  if (!value) return html`<div class="detail" aria-busy="true">${back}<${Loading} /></div>`;
  const found = value.addresses.filter((one) => one.email.toLowerCase() === email.toLowerCase());
  if (isEditing) return html`<${Form} email=${email} entry=${found[0]?.entry} query=${query} onDone=${() => edit(false)} />`;
  const remove = async () => {
    const content = html`<p>${t("deleteAddress", { email })} ${account() ? "" : t("inAllAccounts")}</p>`;
    if (!await confirmed({ title: t("deleteAddressQuestion"), content, action: t("delete") })) return;
    if (await attempt(() => api("DELETE", `addresses/${encodeURIComponent(email)}`, { query: { access_key_id: account() } }), t("deletedAddress", { email }))) go("addresses", "", query);
  };
  return html`<article class="detail" id="detail" tabindex="0" ref=${focus} aria-label=${email}>
    ${back}
    <header>
      <div class="row"><h2 class="grow">${email}</h2>
        <button type="button" id="edit" onclick=${() => edit(true)}>${icon("edit")}${t("change")}</button>
        ${found.length > 0 && html`<button type="button" class="quiet" id="delete" onclick=${remove}>${icon("trash")}${t("delete")}</button>`}
        <a class="button quiet icon" id="close" href=${link("addresses", "", query)} aria-label=${t("close")}>${icon("close")}</a></div>
    </header>
    <${Quick} key=${JSON.stringify(found[0]?.entry)} email=${email} found=${found} />
    ${!isPattern && html`<${Try} email=${email} />`}
    ${found.length ? found.map((one) => html`<${Record} key=${idOf(one)} one=${one} />`) : html`<p class="muted">${t("unknownAddress")}</p>`}
    ${!isPattern && html`<${History} email=${email} />`}
  </article>`;
}

/** Make an address do something else with one choice. */
function Quick({ email, found }) {
  const outcomes = new Set(found.map(outcomeOf));
  const current = (outcomes.size === 1 && [...outcomes][0]) || "";
  const [outcome, choose] = useState(current);
  const put = async () => {
    if (!await mayReplace(email)) return;
    await attempt(() => api("PUT", `addresses/${encodeURIComponent(email)}`, { json: outcome, query: { access_key_id: account() } }), t("nowDoes", { email, outcome }));
  };
  return html`<section><h3>${t("makeIt")}</h3><div class="row">
    <${Select} id="outcome" label=${t("makeIt")} value=${outcome} choices=${[["", t("chooseOutcome")], ...OUTCOMES.map((one) => [one, t(`outcome-${one}`)])]} onChange=${choose} />
    <button type="button" id="apply" disabled=${!outcome || outcome === current} onclick=${put}>${t("apply")}</button>
    <span class="help">${t(account() ? "onlyAccount" : "everyAccount", { account: account() })}</span>
  </div></section>`;
}

/** Ask before the record of an address is replaced that has an open link, and return whether it may be. */
async function mayReplace(email) {
  const { addresses } = await get("addresses", { access_key_id: account(), email });
  if (!addresses.some((one) => one.link_expires)) return true;
  return confirmed({ title: t("replaceQuestion", { email }), content: html`<p>${t("replaceRecord")}</p>`, action: t("replace") });
}

/** Call the emulated API as an application would, to see what it answers. */
function Try({ email }) {
  const [answer, set] = useState(null);
  const submit = async () => {
    const query = { Action: "SubmitEmailVerification", Version: "2018-01-29", Format: "JSON", Email: email, AccessKeyId: account() };
    const response = await attempt(() => fetch(`../${search(query)}`, { method: "POST" }).then((one) => one.json()));
    if (response) set(response);
  };
  const { calls: [call] = [] } = useData(() => (answer ? get("calls", { request_id: answer.RequestId, limit: 1 }) : {}), [answer], []).value || {};
  return html`<section><h3>${t("tryIt")}</h3><div class="row">
    <button type="button" id="try" onclick=${submit}>${icon("play")}SubmitEmailVerification</button>
    ${call && html`<${Badge} tone=${tone(call)}>${word(call.outcomes[0].outcome)}</${Badge}><a href=${link("calls", call.id)}>${t("call")}</a>`}
    <span class="help">${t("tryHelp")}</span>
  </div></section>`;
}

function Record({ one }) {
  const sends = one.sends_limit === null ? String(one.sends_today) : t("of", { n: one.sends_today, limit: one.sends_limit });
  return html`<section><h3>${t("account")} ${one.account}</h3>
    <${Facts} facts=${[
    [t("effect"), effect(one)],
    [t("status"), html`<${Badge} tone=${TONES[one.status] || ""}>${one.status ? word(one.status) : t("noRecord")}</${Badge}>`],
    [t("scenarioSays"), one.entry && html`<code>${yaml({ [one.email]: one.entry })}</code>`],
    [t("decidedBy"), decision(one.decided_by)],
    [t("sentToday"), sends],
    [t("linkExpires"), one.link_expires && html`${one.link_expires} UTC+8 · <a href=${link("clock")}>${t("clock")}</a>`],
    ["EmailVerificationNo", one.email_verification_no], ["UserId", one.user_id],
    ["GmtCreate", one.gmt_create && `${one.gmt_create} UTC+8`], ["GmtModified", one.gmt_modified && `${one.gmt_modified} UTC+8`],
    ["TokenSendTime", one.token_send_time && `${one.token_send_time} UTC+8`], ["VerificationTime", one.verification_time && `${one.verification_time} UTC+8`],
    ["SendIp", one.send_ip], ["ConfirmIp", one.confirm_ip],
  ]} /></section>`;
}

/** Say what Submit and Resend answer. */
function effect(one) {
  const own = outcomeOf(one);
  if (own === "quota-exceeded" || own === "illegal") return html`<strong class="wait">${t(`does-${own}`)}</strong>`;
  if (one.sends_limit !== null && one.sends_today >= one.sends_limit) return html`<strong class="wait">${t("does-quota-exceeded")}</strong>`;
  if (own === "expired" && one.status === "pending" && !one.link_expires) return t("does-expired");
  return t(`does-${one.status || "unknown"}`);
}

/** The calls and mails of an address, newest first. */
function History({ email }) {
  const filters = { access_key_id: account(), limit: HISTORY };
  const { value } = useData(async () => {
    const [{ calls }, { messages }] = await Promise.all([get("calls", { ...filters, email }), get("outbox", { ...filters, to: email })]);
    return [...calls.map((call) => ({ ...call, isCall: true })), ...messages].sort((one, other) => other.sequence - one.sequence);
  }, [email, filters], ["call", "mail", "reset", "scenario", "deletion", "verification"]);
  if (!value) return null;
  return html`<section id="history"><h3>${t("history")}</h3>${value.length ? html`<ul class="stack">${value.map((one) => html`<li class="row" key=${one.sequence}>
    ${icon(one.isCall ? "calls" : "outbox")}<span class="number muted">${time(one.received)} UTC</span>
    ${one.isCall
    ? html`<a href=${link("calls", one.id)}>${one.action}</a><${Result} call=${one} email=${email} />`
    : html`<a href=${link("outbox", one.id)}>${one.subject}</a><${Badge} tone=${MAIL_TONES[one.token_state]}>${word(one.token_state)}</${Badge}>`}
  </li>`)}</ul>` : html`<p class="muted">${t("noHistory")}</p>`}
  <a href=${link("calls", "", { email })}>${t("allCallsOf", { email })}</a></section>`;
}

/** The outcome of a call for one of its addresses. */
function Result({ call, email }) {
  const own = call.outcomes.filter((one) => one.email.toLowerCase() === email.toLowerCase());
  const shown = own.length ? own : call.outcomes;
  return html`<${Badge} tone=${tone({ ...call, outcomes: shown })}>${word(shown[0]?.outcome || call.code)}</${Badge}>`;
}

/** A form that adds or changes one address, with the YAML that says the same. */
function Form({ email, proposed = "", entry, query, onDone }) {
  const focus = useFocus();
  const before = typeof entry === "string" ? { outcome: entry } : entry || {};
  const [address, rename] = useState(email || proposed);
  const [values, change] = useValues(() => Object.fromEntries(Object.entries(before).filter(([, value]) => typeof value !== "object")));
  const [isFull, expand] = useState(FIELDS.some(([name]) => name in values));
  // What the form does not show, such as `answers`, stays as it is.
  const others = Object.fromEntries(Object.entries(before).filter(([, value]) => typeof value === "object"));
  const shown = isFull ? values : { outcome: values.outcome };
  const given = Object.fromEntries(Object.entries(shown).filter(([, value]) => value !== "" && value !== undefined)
    .map(([name, value]) => [name, NUMBERS.includes(name) && /^\d+$/.test(value) ? Number(value) : value]));
  const isShort = Object.keys(given).join() === "outcome" && !Object.keys(others).length;
  const body = isShort ? given.outcome : { ...given, ...others };
  const target = address.trim();
  const snippet = target && body && Object.keys(body).length ? `addresses:\n  ${yaml({ [target]: body }).slice(1, -1)}` : "";
  const save = async (event) => {
    event.preventDefault();
    if (!target.includes("*") && !await mayReplace(target)) return;
    const done = await attempt(() => api("PUT", `addresses/${encodeURIComponent(target)}`, { json: body, query: { access_key_id: account() } }), t("savedAddress", { email: target }));
    if (!done) return;
    onDone?.();
    go("addresses", target, { ...query, kind: target.includes("*") ? "patterns" : "" });
  };
  const cancel = () => (onDone ? onDone() : go("addresses", "", query));
  return html`<form class="detail" id="address-form" tabindex="-1" ref=${email ? focus : undefined} onsubmit=${save} aria-label=${email || t("addAddress")}>
    <h2>${email || t("addAddress")}</h2>
    <p class="help">${account() ? t("onlyAccount", { account: account() }) : t("everyAccount")}</p>
    <div class="fields">
      ${!email && html`<${Field} wide label=${t("addressOrPattern")} help=${t("patternHelp")}><input id="field-email" required ref=${focus} autocomplete="off" value=${address} oninput=${(event) => rename(event.target.value)} placeholder="name@example.com" /></${Field}>`}
      <${Field} wide label=${t("outcome")} help=${values.outcome ? t(`does-${values.outcome}`) : t("outcomeHelp")}><${Select} id="field-outcome" value=${values.outcome || ""} choices=${[["", isFull ? t("byStatus") : t("chooseOutcome")], ...OUTCOMES.map((one) => [one, t(`outcome-${one}`)])]} onChange=${change("outcome")} /></${Field}>
    </div>
    <label class="check"><input type="checkbox" id="full" checked=${isFull} onchange=${(event) => expand(event.target.checked)} />${t("fullRecord")}</label>
    ${isFull && html`<div class="fields">${FIELDS.map(([name, choices]) => html`<${Field} key=${name} label=${name} help=${name.startsWith("gmt") || name.endsWith("time") ? t("timeFormat") : ""}>
      ${choices ? html`<${Select} id="field-${name}" value=${values[name] || ""} choices=${choices.map((one) => [one, one || t("asOutcome")])} onChange=${change(name)} />` : html`<input id="field-${name}" autocomplete="off" value=${values[name] ?? ""} oninput=${change(name)} />`}
    </${Field}>`)}</div>`}
    <section><h3>${t("sameInYaml")}</h3>${snippet ? html`<div class="snippet"><pre id="yaml" tabindex="0">${snippet}</pre><${Copy} label=${t("copy")} text=${snippet} /></div>` : html`<p class="muted">${t("fillIn")}</p>`}</section>
    <div class="row"><button class="primary" id="save" disabled=${!snippet}>${t("save")}</button><button type="button" onclick=${cancel}>${t("cancel")}</button></div>
  </form>`;
}
