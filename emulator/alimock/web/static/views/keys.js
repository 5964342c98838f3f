// Access keys: those that the emulator knows, and a form to register others.

import { api, get } from "../api.js";
import { Badge, Copy, decision, Empty, Failed, Field, Loading, Select, useFocus, useValues } from "../components.js";
import { icon } from "../icons.js";
import { useData } from "../live.js";
import { account, go, link } from "../route.js";
import { t, word } from "../texts.js";
import { attempt, confirmed } from "../toasts.js";
import { html, useEffect, useRef, useState } from "../vendor/preact.js";

const REGISTERED = "PUT ";
const NEW = "new";

export function Keys({ item }) {
  const query = { access_key_id: account(), secrets: "true" };
  const { value, error } = useData(() => get("access-keys", query), [query], ["access key", "scenario", "reset"]);
  return html`
    <div class="toolbar"><h1>${t("keys")}</h1><span class="help">${t("keysHelp")}</span><span class="grow"></span><a class="button" id="add" href=${link("keys", NEW)}>${icon("plus")}${t("addKey")}</a></div>
    <div class="split ${item === NEW ? "open" : ""}">
      <div class="list"><div class="scroll page" tabindex="0" role="group" aria-label=${t("keys")}>
        ${error ? html`<${Failed} error=${error} />` : !value ? html`<${Loading} />` : value.access_keys.length
    ? html`<ul class="cards">${value.access_keys.map((key) => html`<${Key} key=${key.id} one=${key} isCurrent=${key.id === item} />`)}</ul>`
    : html`<${Empty} icon="keys" title=${t("noKeys")}><p>${t("noKeysHelp")}</p></${Empty}>`}
      </div></div>
      ${item === NEW && html`<${Form} />`}
    </div>`;
}

function Key({ one, isCurrent }) {
  const [isShown, show] = useState(false);
  const card = useRef(null);
  useEffect(() => {
    if (isCurrent) card.current.scrollIntoView({ block: "nearest" });
  }, [isCurrent]);
  const remove = async () => {
    if (!await confirmed({ title: t("deleteKeyQuestion", { id: one.id }), content: html`<p>${t("deleteKey")}</p>`, action: t("delete") })) return;
    await attempt(() => api("DELETE", `access-keys/${encodeURIComponent(one.id)}`), t("deletedKey", { id: one.id }));
  };
  return html`<li class="card" ref=${card} data-key=${one.id} aria-current=${String(isCurrent)}>
    <div class="row"><h2 class="grow"><a href=${link("keys", one.id)}>${one.id}</a></h2><${Badge} tone=${one.status === "inactive" ? "bad" : "good"}>${word(one.status || "active")}</${Badge}><${Badge}>${t("account")} ${one.account}</${Badge}></div>
    <div class="row">
      <code>${isShown ? one.secret : "••••••••"}</code>
      <button type="button" class="quiet" onclick=${() => show(!isShown)} aria-pressed=${String(isShown)}>${t(isShown ? "hideSecret" : "showSecret")}</button>
      <${Copy} class="quiet" label=${t("copySecret")} text=${one.secret} />
      <a class="button quiet" href=${link("calls", "", { account: one.id })}>${t("callsOfKey")}</a>
      ${one.decided_by.startsWith(REGISTERED) && html`<button type="button" class="quiet" onclick=${remove}>${icon("trash")}${t("delete")}</button>`}
    </div>
    <p class="small muted">${decision(one.decided_by)}${one.permissions ? ` · ${one.permissions.join(", ")}` : ""}${one.expires ? ` · ${t("expiresAt", { time: one.expires })}` : ""}</p>
  </li>`;
}

function Form() {
  const focus = useFocus();
  const [values, change] = useValues({ id: "", secret: "", status: "active", account: "" });
  const save = async (event) => {
    event.preventDefault();
    const { id, secret, status, account: owner } = values;
    const json = { secret, ...(status === "active" ? {} : { status }) };
    if (await attempt(() => api("PUT", `access-keys/${encodeURIComponent(id)}`, { json, query: { account: owner } }), t("savedKey", { id }))) go("keys");
  };
  return html`<form class="detail" id="key-form" onsubmit=${save} aria-label=${t("addKey")}>
    <h2>${t("addKey")}</h2><p class="help">${t("addKeyHelp")}</p>
    <div class="fields">
      <${Field} label=${t("accessKeyId")}><input id="field-id" required ref=${focus} autocomplete="off" value=${values.id} oninput=${change("id")} /></${Field}>
      <${Field} label=${t("accessKeySecret")}><input id="field-secret" required autocomplete="off" value=${values.secret} oninput=${change("secret")} /></${Field}>
      <${Field} label=${t("status")}><${Select} id="field-status" value=${values.status} choices=${["active", "inactive"].map((one) => [one, word(one)])} onChange=${change("status")} /></${Field}>
      <${Field} label=${t("account")} help=${t("accountHelp")}><input id="field-account" autocomplete="off" value=${values.account} oninput=${change("account")} /></${Field}>
    </div>
    <div class="row"><button class="primary" id="save">${t("save")}</button><button type="button" onclick=${() => go("keys")}>${t("cancel")}</button></div>
  </form>`;
}
