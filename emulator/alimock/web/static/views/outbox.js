// The outbox: a list of mails and a reader, as a mail client has them.

import { api, get, search } from "../api.js";
import { Badge, Copy, count, Empty, Facts, Failed, Loading, Search, Tabs, useFocus, VirtualList } from "../components.js";
import { icon } from "../icons.js";
import { LIMIT, useData, useLog } from "../live.js";
import { account, filter, go, link } from "../route.js";
import { t, word } from "../texts.js";
import { attempt, confirmed, deleteLater, useKept } from "../toasts.js";
import { html, useEffect, useState } from "../vendor/preact.js";
import { Snippets } from "./start.js";

export const TONES = { open: "wait", used: "good", void: "", expired: "bad", waiting: "wait", delivered: "good", failed: "bad" };
const PARTS = ["html", "text", "headers", "raw"];
// After these, the state of links may have changed.
const CHANGED = ["verification", "address", "delivery", "deletion", "clock", "reset", "scenario"];

export function Outbox({ item, query }) {
  const filters = { access_key_id: account(), text: query.text };
  const log = useLog("outbox", "messages", filters, { added: "mail", changed: CHANGED });
  // What was marked here since the list was loaded.
  const [marks, setMarks] = useState({});
  const kept = useKept(log.items || [], (mail) => mail.id);
  const mails = kept.map((mail) => ({ ...mail, read: marks[mail.id] ?? mail.read }));
  const mark = (id, read) => api("PUT", `outbox/${id}`, { json: { read } }).then(() => setMarks((before) => ({ ...before, [id]: read })));
  if (log.error) return html`<${Failed} error=${log.error} />`;
  if (!log.items) return html`<${Loading} />`;
  if (!mails.length && !query.text && !item) return html`<div class="page" id="welcome"><header class="stack"><h1>${t("noMails")}</h1><p>${t("noMailsHelp")}</p></header><${Snippets} /></div>`;
  return html`
    <div class="toolbar">
      <h1>${t("outbox")}</h1>
      <${Search} value=${query.text || ""} label=${t("searchMails")} onInput=${(text) => filter({ text })} />
      <span class="grow"></span>
      <a class="button" id="mbox" download="outbox.mbox" href=${`outbox.mbox${search(filters)}`}>${icon("download")}mbox</a>
      <button type="button" class="danger" id="delete-all" onclick=${() => deleteAll(filters)}>${icon("trash")}${query.text ? t("deleteFound") : t("deleteAll")}</button>
    </div>
    <div class="split ${item ? "open" : ""}">
      <div class="list">
        <div class="list-head mail" aria-hidden="true"><span>${t("to")}</span><span>${t("sent")} (UTC+8)</span></div>
        ${mails.length
    ? html`<${VirtualList} items=${mails} height=${68} current=${item} label=${t("outbox")} row=${(mail) => html`<${Row} mail=${mail} isCurrent=${mail.id === item} query=${query} />`} />`
    : html`<${Empty} icon="outbox" title=${t("noMatch")}><p>${t("noMatchHelp")}</p></${Empty}>`}
        <p class="foot">${t("shownMails", { n: mails.length })}${log.evicted ? html` · <span id="evicted">${t("evicted", { n: log.evicted })}</span>` : ""}${log.isComplete ? "" : ` · ${t("loading")}`}${log.items.length === LIMIT ? ` · ${t("newestOnly")}` : ""}</p>
      </div>
      ${item && html`<${Reader} key=${item} id=${item} query=${query} mark=${mark} next=${neighbor(mails, item)} />`}
    </div>`;
}

/** Return the id of the mail after this one, else of the one before, or an empty text. */
function neighbor(mails, id) {
  const index = mails.findIndex((mail) => mail.id === id);
  return (mails[index + 1] || mails[index - 1])?.id || "";
}

async function deleteAll(filters) {
  const { access_key_id: key, text } = filters;
  const { accounts } = await get("accounts", { access_key_id: key });
  const n = count(accounts, "messages");
  const found = text ? t("deleteMatching", { text }) : key ? t("deleteMailsOf", { n, account: key }) : t("deleteMails", { n });
  const content = html`<p>${found}</p>`;
  if (!await confirmed({ title: t("deleteAllQuestion"), content, action: t("deleteAll") })) return;
  await attempt(async () => {
    await api("DELETE", "outbox", { query: filters });
    go("outbox");
  }, t("deletedMails"));
}

const Row = ({ mail, isCurrent, query }) => html`<a class="item mail ${mail.read ? "" : "unread"}" id="mail-${mail.id}" href=${link("outbox", mail.id, query)} aria-current=${String(isCurrent)}>
  <span class="to">${mail.to}</span><span class="number muted small" title="UTC+8">${mail.created.slice(5)}</span>
  <span class="small subject">${mail.subject}</span><span><${Badge} tone=${TONES[mail.token_state]}>${word(mail.token_state)}</${Badge}></span>
  ${!mail.read && html`<span class="hidden-label">${t("unread")}</span>`}
</a>`;

function Reader({ id, query, mark, next }) {
  const { value: mail, error } = useData(() => get(`outbox/${id}`), [id], CHANGED);
  const [part, show] = useState(PARTS[0]);
  const focus = useFocus();
  const back = html`<a class="button quiet back" href=${link("outbox", "", query)}>${icon("back")}${t("outbox")}</a>`;
  useEffect(() => {
    // A mail that was deleted meanwhile cannot be marked.
    if (mail && !mail.read) mark(id, true).catch(() => {});
  }, [mail?.id]);
  if (error) return html`<div class="detail">${back}<${Failed} error=${error} /></div>`;
  if (!mail) return html`<div class="detail" aria-busy="true">${back}<${Loading} /></div>`;
  const remove = () => {
    deleteLater(id, t("deletedMail", { to: mail.to }), () => api("DELETE", `outbox/${id}`, { keepalive: true }));
    go("outbox", next, { text: query.text });
  };
  const tabs = PARTS.map((name) => [name, t(`part-${name}`)]);
  return html`<article class="detail" id="detail" tabindex="0" ref=${focus} aria-label=${mail.subject}>
    ${back}
    <header>
      <div class="row"><h2 class="grow">${mail.subject}</h2><a class="button quiet icon" id="close" href=${link("outbox", "", query)} aria-label=${t("close")}>${icon("close")}</a></div>
      <div class="row">
        <a class="button" id="follow" href=${mail.link} target="_blank" rel="noreferrer">${icon("open")}${t("followLink")}</a>
        <${Copy} id="copy-token" label=${t("copyToken")} text=${mail.token} />
        <${Copy} id="copy-link" label=${t("copyLink")} text=${mail.link} />
        <a class="button" id="eml" href=${`outbox/${id}/raw`} download=${`${mail.to}.eml`}>${icon("download")}.eml</a>
        ${mail.token_state === "open" && mail.link_expires && html`<button type="button" id="expire" onclick=${() => attempt(() => api("POST", `outbox/${id}/expire`), t("linkExpired", { to: mail.to }))}>${icon("clock")}${t("expireNow")}</button>`}
        <button type="button" id="mark-unread" class="quiet" onclick=${() => attempt(() => mark(id, false), t("markedUnread"))}>${t("markUnread")}</button>
        <button type="button" id="delete" class="quiet" onclick=${remove}>${icon("trash")}${t("delete")}</button>
      </div>
    </header>
    <${Facts} facts=${[
    [t("to"), html`<a href=${link("addresses", mail.to)}>${mail.to}</a>`],
    [t("sent"), html`${mail.created} UTC+8 <span class="muted">(${mail.received.replace("T", " ").replace("Z", "")} UTC)</span>`],
    [t("linkState"), html`<${Badge} tone=${TONES[mail.token_state]}>${word(mail.token_state)}</${Badge}> ${expiry(mail)}`],
    [t("token"), html`<span class="mono">${mail.token}</span>`],
    [t("call"), html`<${CallLink} mail=${mail} />`],
    ...Object.entries(mail.deliveries || {}).map(([name, one]) => [word(name), html`<${Badge} tone=${TONES[one.state]}>${word(one.state)}</${Badge}> ${one.error || ""}`]),
  ]} />
    <${Tabs} label=${t("parts")} value=${part} onChange=${show} choices=${tabs} />
    <${Part} mail=${mail} part=${part} />
  </article>`;
}

function expiry(mail) {
  if (mail.token_state !== "open") return null;
  return html`<span class="muted">${mail.link_expires ? t("expiresAt", { time: mail.link_expires }) : t("neverExpires")} · <a href=${link("clock")}>${t("changeClock")}</a></span>`;
}

/** A link to the call that sent a mail, which the call log may have evicted. */
function CallLink({ mail }) {
  const { value } = useData(() => get("calls", { request_id: mail.request_id, limit: 1 }), [mail.request_id], ["reset"]);
  const call = value?.calls[0];
  return call ? html`<a id="call" href=${link("calls", call.id)}>${mail.action}</a>` : html`<span>${mail.action}</span>`;
}

function Part({ mail, part }) {
  const { value: raw, error } = useData(() => (part === "headers" || part === "raw" ? get(`outbox/${mail.id}/raw`) : null), [mail.id, part], ["scenario"]);
  // An empty sandbox: a mail can neither run scripts on this page nor load anything.
  if (part === "html") return html`<iframe sandbox="" src=${`../view/${mail.id}.html`} title=${mail.subject}></iframe>`;
  if (part === "text") return html`<pre id="part" tabindex="0">${mail.text}</pre>`;
  if (error) return html`<${Failed} error=${error} />`;
  if (raw === undefined || raw === null) return html`<${Loading} />`;
  return html`<pre id="part" tabindex="0">${part === "raw" ? raw : raw.split(/\r?\n\r?\n/)[0]}</pre>`;
}
