// Get started: where the emulator is, its keys, and programs that send the first mail.

import { get } from "../api.js";
import { Copy, Facts, Loading, Tabs } from "../components.js";
import { useData } from "../live.js";
import { base } from "../route.js";
import { t } from "../texts.js";
import { html, useState } from "../vendor/preact.js";

const SNIPPETS = [
  ["curl.sh", "curl"], ["python.py", "Python"], ["node.mjs", "Node"], ["Main.java", "Java"], ["main.go", "Go"], ["aliyun.sh", "aliyun CLI"], ["test_signup.py", "pytest"],
];

/** Return a value as a part of a string in the language of a snippet. */
function escaped(value, file) {
  if (!file.endsWith(".sh")) return JSON.stringify(value).slice(1, -1);
  return /^[\w.:/@+=-]*$/.test(value) ? value : `'${value.replaceAll("'", "'\\''")}'`;
}

function filled(text, file, key) {
  const url = base();
  const values = {
    url, endpoint: url.replace(/^https?:\/\//, ""), protocol: location.protocol.replace(":", ""), access_key_id: key?.id || "testid", access_key_secret: key?.secret || "testsecret",
  };
  return text.replace(/\{\{(\w+)\}\}/g, (whole, name) => (name in values ? escaped(values[name], file) : whole));
}

export function Start() {
  return html`<div class="page"><header class="stack"><h1>${t("start")}</h1><p>${t("startHelp")}</p></header><${Snippets} /></div>`;
}

/** The endpoint, the keys, and a snippet for each kind of client. */
export function Snippets() {
  const [name, choose] = useState(localStorage.getItem("snippet") || SNIPPETS[0][0]);
  const known = SNIPPETS.some(([file]) => file === name) ? name : SNIPPETS[0][0];
  const { value: keys } = useData(() => get("access-keys", { secrets: "true" }), [], ["access key", "scenario", "reset"]);
  const { value: text } = useData(() => get(`static/snippets/${known}`), [known], []);
  const key = keys?.access_keys.find((one) => one.secret && (one.status || "active") === "active" && !one.security_token);
  const select = (file) => {
    localStorage.setItem("snippet", file);
    choose(file);
  };
  const shown = text === undefined ? undefined : filled(text, known, key);
  return html`
    <section class="card"><${Facts} facts=${[
    [t("endpoint"), html`<span class="row"><code>${base().replace(/^https?:\/\//, "")}</code><${Copy} class="quiet" label=${t("copy")} text=${base().replace(/^https?:\/\//, "")} /></span>`],
    [t("accessKeyId"), key && html`<code id="key-id">${key.id}</code>`],
    [t("accessKeySecret"), key && html`<code>${key.secret}</code>`],
    [t("protocol"), t(location.protocol === "https:" ? "overTls" : "overHttp")],
  ]} />${keys && !key && html`<p class="muted">${t("noKnownKey")}</p>`}</section>
    <section class="card" id="snippets">
      <${Tabs} label=${t("clientKind")} value=${known} onChange=${select} choices=${SNIPPETS} />
      ${shown === undefined ? html`<${Loading} />` : html`<div class="snippet"><pre id="snippet" tabindex="0">${shown}</pre><${Copy} label=${t("copy")} text=${shown} /></div>`}
      <p class="muted">${t("snippetHelp")}</p>
    </section>`;
}
