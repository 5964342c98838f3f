// Faults: each as a sentence with its counts, and a form for each kind.

import { api, get } from "../api.js";
import { Badge, Copy, decision, Empty, Failed, Field, Loading, Select, Tabs, useFocus, useValues } from "../components.js";
import { icon } from "../icons.js";
import { useData } from "../live.js";
import { OPERATIONS } from "../operations.js";
import { account, go, link } from "../route.js";
import { t } from "../texts.js";
import { attempt, deleteLater, useKept } from "../toasts.js";
import { html, useState } from "../vendor/preact.js";
import { yaml } from "../yaml.js";

const NEW = "new";
const CHANGED = ["fault", "call", "reset", "scenario"];
// The kinds of faults, each by the key that makes it one, and what a new one starts with.
const KINDS = { error: { error: "Throttling.User" }, delay: { delay: "2s" }, slow: { slow: "5s" }, reset: { reset: "before" }, body: { body: "truncated" } };
const BODIES = ["truncated", "wrong-length", "html-502", "empty"];
const WHEN = ["action", "email", "access_key_id", "version", "nth", "every"];
const NUMBERS = ["nth", "every", "after", "times"];

const deletionId = (fault) => `fault ${fault.id} of ${account()}`;
const kindOf = (fault) => Object.keys(KINDS).find((kind) => fault[kind] !== undefined) || "error";

/** Say what a fault does, to which calls, and how often. */
function sentence(fault) {
  const when = fault.when || {};
  const effects = Object.keys(KINDS).filter((kind) => fault[kind] !== undefined).map((kind) => t(`effect-${kind}`, { value: fault[kind], body: t(`body-${fault.body}`), reset: t(`reset-${fault.reset}`) }));
  const calls = [
    when.action ? t("callsOf", { action: when.action }) : t("anyCall"),
    when.email && t("withAddress", { email: when.email }), when.access_key_id && t("withKey", { key: when.access_key_id }), when.version && t("withVersion", { version: when.version }),
  ].filter(Boolean).join(" ");
  const schedule = [
    when.nth && t("onlyNth", { n: when.nth }), when.every && t("everyNth", { n: when.every }), Number(fault.after) > 0 && t("afterCalls", { n: fault.after }), fault.times !== undefined && t("atMost", { n: fault.times }),
    fault.retry_after && t("retryAfter", { time: fault.retry_after }),
  ].filter(Boolean);
  return t("faultSentence", { calls, effects: effects.join(t("and")), schedule: schedule.map((one) => t("comma") + one).join("") });
}

export function Faults({ item }) {
  const query = { access_key_id: account() };
  const { value, error } = useData(() => get("faults", query), [query], CHANGED);
  const faults = useKept(value?.faults || [], deletionId);
  const edited = faults.find((fault) => fault.id === item);
  return html`
    <div class="toolbar"><h1>${t("faults")}</h1><span class="help">${t("faultsHelp")}</span><span class="grow"></span><a class="button" id="add" href=${link("faults", NEW)}>${icon("plus")}${t("addFault")}</a></div>
    <div class="split ${item ? "open" : ""}">
      <div class="list"><div class="scroll page" tabindex="0" role="group" aria-label=${t("faults")}>
        ${error ? html`<${Failed} error=${error} />` : !value ? html`<${Loading} />` : !faults.length
    ? html`<${Empty} icon="faults" title=${t("noFaults")}><p>${t("noFaultsHelp")}</p><a class="button" href=${link("faults", NEW)}>${icon("plus")}${t("addFault")}</a></${Empty}>`
    : html`<ul class="cards">${faults.map((fault) => html`<${Fault} key=${fault.id} fault=${fault} query=${query} />`)}</ul>`}
      </div></div>
      ${item === NEW && value && html`<${Form} key=${NEW} taken=${value.faults.map((fault) => fault.id)} />`}
      ${edited && html`<${Form} key=${item} fault=${edited} />`}
      ${item && item !== NEW && value && !edited && html`<div class="detail"><${Empty} icon="faults" title=${t("faultGone", { id: item })}><a class="button" href=${link("faults")}>${t("faults")}</a></${Empty}></div>`}
    </div>`;
}

function Fault({ fault, query }) {
  const toggle = () => attempt(() => api("POST", `faults/${encodeURIComponent(fault.id)}/${fault.enabled ? "disable" : "enable"}`, { query }));
  const remove = () => deleteLater(deletionId(fault), t("deletedFault", { id: fault.id }), () => api("DELETE", `faults/${encodeURIComponent(fault.id)}`, { query, keepalive: true }));
  return html`<li class="card fault ${fault.enabled ? "" : "off"}" data-fault=${fault.id}>
    <div class="stack">
      <div class="row"><h2>${fault.id}</h2>${fault.enabled ? "" : html`<${Badge}>${t("disabled")}</${Badge}>`}
        <${Badge} tone=${fault.hits ? "good" : ""}><span class="fired">${t("fired", { n: fault.hits })}</span></${Badge}><${Badge}>${t("matched", { n: fault.seen })}</${Badge}></div>
      <p>${sentence(fault)}</p>
      <p class="small muted">${decision(fault.decided_by)}</p>
    </div>
    <div class="row">
      <label class="check"><input type="checkbox" role="switch" checked=${fault.enabled} onchange=${toggle} />${t("enabled")}</label>
      <a class="button quiet" href=${link("faults", fault.id)}>${icon("edit")}${t("change")}</a>
      <button type="button" class="quiet" onclick=${remove} aria-label=${t("deleteFault", { id: fault.id })}>${icon("trash")}</button>
    </div>
  </li>`;
}

/** Return the entry that the values of the form describe. */
function entryOf(values) {
  const plain = (name) => (NUMBERS.includes(name) && /^\d+$/.test(values[name]) ? Number(values[name]) : values[name]);
  const given = (names) => Object.fromEntries(names.filter((name) => values[name] !== "" && values[name] !== undefined).map((name) => [name, plain(name)]));
  const when = given(WHEN);
  return { ...(Object.keys(when).length ? { when } : {}), ...given(["after", "times", ...Object.keys(KINDS), "retry_after"]), ...(values.enabled === false ? { enabled: false } : {}) };
}

function Form({ fault, taken = [] }) {
  const focus = useFocus();
  const { value: schema } = useData(() => get("scenario.schema.json"), [], []);
  const [values, change, set] = useValues(() => (fault ? { ...fault, ...fault.when } : { ...KINDS.error, times: "1" }));
  const [id, rename] = useState(fault?.id || firstFree(taken));
  const items = schema?.properties.faults.items.properties;
  const kind = kindOf(values);
  const choose = (next) => set({ ...Object.fromEntries(Object.entries(values).filter(([name]) => !(name in KINDS) && name !== "retry_after")), ...KINDS[next] });
  // The switch in the list may have changed it meanwhile.
  const entry = entryOf({ ...values, enabled: fault?.enabled });
  const save = async (event) => {
    event.preventDefault();
    const saved = await attempt(() => api("PUT", `faults/${encodeURIComponent(id)}`, { json: entry, query: { access_key_id: account() } }), t("savedFault", { id }));
    if (saved) go("faults");
  };
  const text = (name, placeholder = "", type = "text") => html`<input id="field-${name}" type=${type} min=${type === "number" ? "0" : undefined} autocomplete="off" value=${values[name] ?? ""} placeholder=${placeholder} oninput=${change(name)} />`;
  const snippet = `faults:\n  - ${yaml({ id, ...entry })}`;
  return html`<form class="detail" id="fault-form" tabindex="-1" ref=${focus} onsubmit=${save} aria-label=${fault ? fault.id : t("addFault")}>
    <h2>${fault ? t("changeFault", { id: fault.id }) : t("addFault")}</h2>
    <${Tabs} label=${t("kind")} value=${kind} onChange=${choose} choices=${Object.keys(KINDS).map((one) => [one, t(`kind-${one}`)])} />
    <p class="outcome" id="sentence" aria-live="polite"><strong>${sentence(entry)}</strong></p>
    <div class="fields">
      ${kind === "error" && html`<${Field} label=${t("errorCode")}><${Select} id="field-error" value=${values.error} choices=${items?.error.enum || [values.error]} onChange=${change("error")} /></${Field}>
        <${Field} label=${t("retryAfterField")} help=${t("durationHelp")}>${text("retry_after")}</${Field}>`}
      ${(kind === "delay" || values.delay !== undefined) && html`<${Field} label=${t("delayField")} help=${t("durationHelp")}>${text("delay")}</${Field}>`}
      ${kind === "slow" && html`<${Field} label=${t("slowField")} help=${t("durationHelp")}>${text("slow")}</${Field}>`}
      ${kind === "reset" && html`<${Field} wide label=${t("resetField")}><${Select} id="field-reset" value=${values.reset} choices=${["before", "after"].map((one) => [one, t(`reset-${one}`)])} onChange=${change("reset")} /></${Field}>`}
      ${kind === "body" && html`<${Field} wide label=${t("bodyField")}><${Select} id="field-body" value=${values.body} choices=${BODIES.map((one) => [one, t(`body-${one}`)])} onChange=${change("body")} /></${Field}>`}
    </div>
    <fieldset><legend>${t("whichCalls")}</legend><div class="fields">
      <${Field} label=${t("operation")}><${Select} id="field-action" value=${values.action || ""} choices=${[["", t("anyOperation")], ...actions(values.action)]} onChange=${change("action")} /></${Field}>
      <${Field} label=${t("addressOrPattern")}>${text("email", "*@example.com")}</${Field}>
      <${Field} label=${t("accessKeyId")}>${text("access_key_id")}</${Field}>
    </div></fieldset>
    <fieldset><legend>${t("howOften")}</legend><div class="fields">
      <${Field} label=${t("timesField")} help=${t("timesHelp")}>${text("times", "", "number")}</${Field}>
      <${Field} label=${t("afterField")}>${text("after", "0", "number")}</${Field}>
      <${Field} label=${t("nthField")}>${text("nth", "", "number")}</${Field}>
      <${Field} label=${t("everyField")}>${text("every", "", "number")}</${Field}>
      ${!fault && html`<${Field} label=${t("nameField")} help=${t("nameHelp")}><input id="field-id" required pattern="[A-Za-z0-9_\\-]+" value=${id} oninput=${(event) => rename(event.target.value)} /></${Field}>`}
    </div></fieldset>
    <section><h3>${t("sameInYaml")}</h3><div class="snippet"><pre id="yaml" tabindex="0">${snippet}</pre><${Copy} label=${t("copy")} text=${snippet} /></div></section>
    <div class="row"><button class="primary" id="save">${fault ? t("save") : t("addFault")}</button><button type="button" onclick=${() => go("faults")}>${t("cancel")}</button></div>
    ${fault && html`<p class="help">${t("countersRestart")}</p>`}
  </form>`;
}

const actions = (own) => [...new Set([...OPERATIONS, own])].filter(Boolean);

function firstFree(taken) {
  let number = 1;
  while (taken.includes(`fault-${number}`)) number += 1;
  return `fault-${number}`;
}
