// The call log: every call of the emulated API, and everything that is known about one.

import { get } from "../api.js";
import { Badge, Copy, decision, Details, Difference, Empty, Facts, Failed, Loading, Search, Select, Source, Tabs, useFocus, useRowHeight, VirtualList } from "../components.js";
import { curl } from "../curl.js";
import { tokens } from "../diff.js";
import { icon } from "../icons.js";
import { LIMIT, useData, useLog } from "../live.js";
import { OPERATIONS } from "../operations.js";
import { account, base, filter, link } from "../route.js";
import { t, word } from "../texts.js";
import { html, useRef, useState } from "../vendor/preact.js";
import { pretty, rawRequest, rawResponse } from "../wire.js";

// Every other outcome is a refusal.
const GOOD = /^(success|exist|found|verified|custom answer|OK|\d+ found|)$/;
const FILTERS = ["text", "action", "outcome", "email"];
const RESULTS = ["success", "exist", "found", "SendTokenQuotaExceeded", "ParameterIllegall", "ParameterIllegal", "SignatureDoesNotMatch", "InvalidAccessKeyId.NotFound", "Throttling.User"];

const refusals = (call) => call.outcomes.filter((one) => !GOOD.test(one.outcome));

/** Return the tone of a call: bad if it was refused, wait if one of its addresses was. */
export function tone(call) {
  if (call.status >= 400) return "bad";
  return refusals(call).length ? "wait" : "good";
}

/** What the list shows as the result: the code of a refused call, else the refusal of an address, else OK. */
function result(call) {
  const [refused] = refusals(call);
  return call.code === "OK" && refused ? refused.outcome : call.code;
}

/** The addresses of a call, those that were refused first, since a list may have no room for all. */
function addressesOf(call) {
  return [...new Set([...refusals(call), ...call.outcomes].map((one) => one.email).concat((call.parameters.Email || "").split(",")))].filter(Boolean);
}

/** Return a time in UTC: without the date if it is today. */
export const time = (received) => (received.slice(0, 10) === new Date().toISOString().slice(0, 10) ? received.slice(11, 23) : received.slice(5, 19).replace("T", " "));

function Row({ call, isCurrent, query }) {
  return html`<a class="item calls" id="call-${call.id}" href=${link("calls", call.id, query)} aria-current=${String(isCurrent)}>
    <span class="number">${time(call.received)}</span>
    <span><${Badge} tone=${tone(call)}>${call.status} ${result(call)}</${Badge}></span>
    <span>${call.action || t("noAction")}</span>
    <span>${addressesOf(call).join(", ") || "\u00a0"}</span>
    <span class="muted">${call.account}</span>
    <span class="muted number">${call.duration_ms.toFixed(1)} ms</span>
  </a>`;
}

const Head = () => html`<div class="list-head calls" aria-hidden="true">
  <span>${t("timeUtc")}</span><span>${t("result")}</span><span>${t("operation")}</span><span>${t("addresses")}</span><span>${t("account")}</span><span>${t("duration")}</span>
</div>`;

export function Calls({ item, query }) {
  const [isPaused, pause] = useState(false);
  const given = Object.fromEntries(FILTERS.map((name) => [name, query[name]]));
  const filters = { access_key_id: account(), ...given };
  const log = useLog("calls", "calls", filters, { added: "call", changed: ["reset", "scenario"], isPaused });
  const pane = useRef(null);
  const height = useRowHeight(pane, 656, 88, 40);
  const set = (name) => (value) => filter({ [name]: value });
  const any = (label) => ["", label];
  const results = [...new Set([...RESULTS, ...(log.items || []).flatMap((call) => call.outcomes.map((one) => one.outcome)), query.outcome])].filter(Boolean).sort();
  const isFiltered = Object.values(given).some(Boolean);
  return html`
    <div class="toolbar">
      <h1>${t("calls")}</h1>
      <${Search} value=${query.text || ""} label=${t("searchCalls")} onInput=${set("text")} />
      <${Select} id="filter-action" label=${t("operation")} value=${query.action || ""} choices=${[any(t("allOperations")), ...OPERATIONS]} onChange=${set("action")} />
      <${Select} id="filter-outcome" label=${t("result")} value=${query.outcome || ""} choices=${[any(t("allResults")), ...results.map((one) => [one, word(one)])]} onChange=${set("outcome")} />
      ${query.email && html`<button type="button" onclick=${() => filter({ email: "" })} aria-label=${t("removeFilter", { filter: query.email })}>${query.email} ${icon("close")}</button>`}
      ${isFiltered && html`<button type="button" class="quiet" id="clear-filters" onclick=${() => filter({ text: "", action: "", outcome: "", email: "" })}>${t("clearFilters")}</button>`}
      <span class="grow"></span>
      <button type="button" id="pause" aria-pressed=${String(isPaused)} onclick=${() => pause(!isPaused)}>
        ${icon(isPaused ? "play" : "pause")}${isPaused ? t("resumeLive", { n: log.waiting || 0 }) : t("pauseLive")}
      </button>
    </div>
    <div class="split ${item ? "open" : ""}">
      <div class="list" ref=${pane}>
        <${Head} />
        <${List} log=${log} isFiltered=${isFiltered} item=${item} query=${given} height=${height} />
      </div>
      ${item && html`<${Call} key=${item} id=${item} query=${given} />`}
    </div>`;
}

function List({ log, isFiltered, item, query, height }) {
  if (log.error) return html`<${Failed} error=${log.error} />`;
  if (!log.items) return html`<${Loading} />`;
  if (!log.items.length && isFiltered) return html`<${Empty} icon="calls" title=${t("noMatch")}><p>${t("noMatchHelp")}</p></${Empty}>`;
  if (!log.items.length) return html`<${Empty} icon="calls" title=${t("noCalls")}><p>${t("noCallsHelp")}</p><a class="button" href=${link("start")}>${t("start")}</a></${Empty}>`;
  return html`<${VirtualList} items=${log.items} height=${height} current=${item} label=${t("calls")} row=${(call) => html`<${Row} call=${call} isCurrent=${call.id === item} query=${query} />`} />
    <p class="foot">${t("shownCalls", { n: log.items.length })}${log.evicted ? ` · ${t("evicted", { n: log.evicted })}` : ""}${log.isComplete ? "" : ` · ${t("loading")}`}${log.items.length === LIMIT ? ` · ${t("newestOnly")}` : ""}</p>`;
}

function Call({ id, query }) {
  const focus = useFocus();
  // Another word than a number is another path of the control API.
  const { value: call, error } = useData(() => get(`calls/${/^\d+$/.test(id) ? id : 0}`), [id], ["reset", "scenario", "verification", "deletion"]);
  const back = html`<a class="button quiet back" href=${link("calls", "", query)}>${icon("back")}${t("calls")}</a>`;
  if (error) return html`<div class="detail">${back}<${Failed} error=${error} /></div>`;
  if (!call) return html`<div class="detail" aria-busy="true">${back}<${Loading} /></div>`;
  return html`<article class="detail" tabindex="0" ref=${focus} aria-label=${`${call.action} ${call.code}`} id="detail">
    ${back}
    <header>
      <div class="row">
        <h2 class="grow">${call.action || t("noAction")}</h2>
        ${call.exchange && html`<${Copy} id="copy-curl" label=${t(call.signature ? "copyCurlUnsigned" : "copyCurl")} text=${() => curl(call.exchange.request, base())} />`}
        <a class="button quiet icon" id="close" href=${link("calls", "", query)} aria-label=${t("close")}>${icon("close")}</a>
      </div>
      <div class="row"><${Badge} tone=${call.status >= 400 ? "bad" : "good"}>${call.status} ${call.code}</${Badge}><${Refused} call=${call} /><span class="muted">${call.received.replace("T", " ").replace("Z", "")} UTC · ${call.duration_ms} ms · ${call.method}</span></div>
    </header>
    <${Outcomes} call=${call} />
    ${call.diagnosis && html`<${Diagnosis} diagnosis=${call.diagnosis} keyId=${call.access_key_id} />`}
    ${call.hints.length > 0 && html`<section><h3>${t("hints")}</h3><ul>${call.hints.map((hint) => html`<li class="wait">${hint}</li>`)}</ul></section>`}
    <${Mails} call=${call} />
    <section><h3>${t("callFacts")}</h3><${Facts} facts=${[
      [t("requestId"), html`<span class="mono">${call.request_id}</span>`], [t("account"), call.account], [t("accessKey"), call.access_key_id && html`<a href=${link("keys", call.access_key_id)}>${call.access_key_id}</a>`],
      [t("signature"), signature(call)], [t("version"), call.version], [t("profile"), call.profile], [t("format"), call.format],
      [t("client"), [call.peer, call.user_agent].filter(Boolean).join(" · ")],
    ]} /></section>
    <${Exchange} call=${call} />
  </article>`;
}

/** How many of several addresses were refused, which a call that succeeded does not say itself. */
function Refused({ call }) {
  const refused = refusals(call).length;
  return call.status < 400 && refused > 0 && html`<${Badge} tone="wait">${t("refusedOf", { n: refused, total: call.outcomes.length })}</${Badge}>`;
}

const signature = (call) => (call.signature ? `${call.signature}, ${word(call.authentication)}` : word(call.authentication));

/** The result of each address with what decided it, and the lines of the scenario that say so. */
function Outcomes({ call }) {
  const fault = call.fault !== null && html`<p class="row">${icon("faults")}${t("faultFired")}${t("colon")}<a href=${link("faults", call.fault)}>${call.fault}</a></p>`;
  return html`<section id="outcomes"><h3>${t("why")}</h3>${fault}${call.outcomes.map((one) => {
    const sources = call.sources.filter((source) => one.decided_by.includes(source.location));
    return html`<div class="outcome">
      <div class="row">
        ${one.email && html`<a href=${link("addresses", one.email)}>${one.email}</a>`}
        <${Badge} tone=${GOOD.test(one.outcome) ? "good" : call.status >= 400 ? "bad" : "wait"}>${word(one.outcome)}</${Badge}>
      </div>
      ${sources.some((source) => source.location === one.decided_by) ? "" : html`<p class="small muted">${t("decidedBy")}${t("colon")}${decision(one.decided_by)}</p>`}
      ${sources.map((source) => html`<${Source} key=${source.location} source=${source} />`)}
      ${one.email && !GOOD.test(one.outcome) && html`<p class="help">${t("refusedHelp")}</p>`}
    </div>`;
  })}</section>`;
}

function Mails({ call }) {
  if (!call.messages.length) return null;
  const kept = new Map(call.mails.map((mail) => [mail.id, mail]));
  return html`<section id="mails"><h3>${t("mailsSent", { n: call.messages.length })}</h3><ul class="stack">${call.messages.map((id) => {
    const mail = kept.get(id);
    return html`<li class="row">${icon("outbox")}${mail ? html`<a href=${link("outbox", id)}>${mail.subject}</a><span class="muted">${t("to")} ${mail.to}</span>` : html`<span class="muted">${t("mailGone")}</span>`}</li>`;
  })}</ul></section>`;
}

/** What is wrong with a signature: the string that alimock signed against the one that the client signed. */
function Diagnosis({ diagnosis, keyId }) {
  const [pasted, paste] = useState("");
  const isCanonical = Boolean(diagnosis.canonical_request);
  const expected = isCanonical ? diagnosis.canonical_request : diagnosis.string_to_sign;
  const known = isCanonical ? diagnosis.client_canonical_request : diagnosis.client_string_to_sign;
  const client = pasted || known;
  const name = isCanonical ? t("canonicalRequest") : t("stringToSign");
  return html`<section id="diagnosis"><h3>${t("signatureProblem")}</h3>
    <div class="outcome"><p><strong>${diagnosis.explanation}</strong></p><p>${t("remedy")}${t("colon")}${diagnosis.remedy}</p><p><a href=${link("keys", keyId)}>${t("accessKey")} ${keyId}</a></p></div>
    ${client && client !== expected
    ? html`<p class="legend"><span><del>${t("onlyClient")}</del></span><span><ins>${t("onlyAlimock")}</ins></span></p><${Difference} before=${tokens(client)} after=${tokens(expected)} />`
    : html`${client === expected && html`<p class="good">${t("sameString")}</p>`}<p class="small muted">${t("alimockSigned", { name })}</p><pre tabindex="0">${expected}</pre>`}
    <label class="field"><span>${t("pasteString", { name })}</span><textarea rows="2" id="client-string" spellcheck=${false} value=${pasted} oninput=${(event) => paste(event.target.value)}></textarea></label>
    <${Copy} label=${t("copyNamed", { name })} text=${expected} />
  </section>`;
}

/** The request and the response as they were on the wire. */
function Exchange({ call }) {
  const [form, set] = useState("pretty");
  if (!call.exchange) return html`<section id="exchange"><h3>${t("wire")}</h3><p class="muted">${t("notKept")}</p></section>`;
  const { request, response } = call.exchange;
  return html`<section id="exchange">
    <div class="row"><h3 class="grow">${t("wire")}</h3><${Tabs} label=${t("wire")} value=${form} onChange=${set} choices=${[["pretty", t("pretty")], ["raw", t("raw")]]} /></div>
    ${form === "raw"
    ? html`<div class="stack"><pre id="raw-request" tabindex="0">${rawRequest(request)}</pre><pre id="raw-response" tabindex="0">${response.status === null ? response.fault : rawResponse(response)}</pre></div>`
    : html`<h4>${t("request")}</h4><p class="mono">${request.method} ${request.target.split("?")[0]}</p>
      <${Parameters} parameters=${call.parameters} />
      <${Message} headers=${request.headers} body=${request.body} />
      <h4>${t("response")}</h4>${response.fault && html`<p class="wait row">${icon("faults")}${response.fault}</p>`}
      ${response.status !== null && html`<p class="mono">${response.status}</p><${Message} headers=${response.headers} body=${response.body} />`}`}
  </section>`;
}

const Parameters = ({ parameters }) => html`<${Details} summary=${t("parameters", { n: Object.keys(parameters).length })} isOpen=${true}>
  <dl class="headers">${Object.entries(parameters).map(([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>`)}</dl>
</${Details}>`;

const Message = ({ headers, body }) => html`
  <${Details} summary=${t("headersOf", { n: headers.length })}><dl class="headers">${headers.map(([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>`)}</dl></${Details}>
  ${body && html`<pre tabindex="0">${pretty(body)}</pre>`}`;
