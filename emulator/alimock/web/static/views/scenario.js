// The scenario: the built-in ones, an editor that checks while typing, and the difference from the loaded one.

import { api, get, search } from "../api.js";
import { Copy, Difference, Empty, Failed, Loading, Losses, Tabs } from "../components.js";
import { lines } from "../diff.js";
import { Editor, select } from "../editor.js";
import { icon } from "../icons.js";
import { useData } from "../live.js";
import { account } from "../route.js";
import { t } from "../texts.js";
import { announce, attempt, confirmed } from "../toasts.js";
import { html, useEffect, useRef, useState } from "../vendor/preact.js";

const CHECK_MILLISECONDS = 150;
// What is in the editor, which other views must not lose: its text, as it was opened, its file, and the account whose loaded
// scenario it is, if any. As long as it is not edited, it follows what is loaded.
let draft = null;
const isEdited = () => draft !== null && draft.text !== draft.opened;

addEventListener("beforeunload", (event) => isEdited() && event.preventDefault());

export function Scenario({ item }) {
  const query = { access_key_id: account() };
  const [shown, show] = useState("edit");
  const [edited, set] = useState(draft);
  const field = useRef(null);
  const { value: builtIn } = useData(() => get("scenarios"), [], []);
  const { value: loaded, error } = useData(() => loadedScenario(query), [query], ["scenario", "reset"]);
  const open = async (text, file, loadedFor) => {
    if (isEdited() && !await confirmed({ title: t("discardQuestion"), content: html`<p>${t("discardDraft", { file: draft.file })}</p>`, action: t("discard") })) return;
    draft = { text, file, opened: text, loadedFor };
    set(draft);
    show("edit");
  };
  useEffect(() => {
    if (loaded && !item && !isEdited() && (!draft || draft.loadedFor !== undefined)) open(loaded.text, loaded.file, account());
  }, [loaded]);
  useEffect(() => {
    // A link to a line, such as `case.yaml:12`.
    const [, name, line] = item.match(/^(.+):(\d+)$/) || [];
    const file = loaded?.files.find((one) => one.name === name);
    if (file) open(file.text, name).then(() => requestAnimationFrame(() => field.current && select(field.current, Number(line))));
    else if (loaded && item && !draft) open(loaded.text, loaded.file, account());
  }, [item, Boolean(loaded)]);
  const check = useCheck(edited, loaded, query);
  const openFile = async (file) => open(await file.text(), file.name);
  if (error) return html`<${Failed} error=${error} />`;
  if (!loaded || !edited) return html`<${Loading} />`;
  return html`
    <div class="toolbar">
      <h1>${t("scenario")}</h1>
      <${Tabs} label=${t("scenario")} value=${shown} onChange=${show} choices=${[["edit", t("editor")], ["changes", t("changes")], ["current", t("currentState")]]} />
      <span class="grow"></span>
      <a class="button" id="export" download="scenario.yaml" href=${`scenario.yaml${search({ ...query, state: "current" })}`}>${icon("download")}${t("exportState")}</a>
      <label class="button"><input type="file" id="file" class="hidden-label" accept=".yaml,.yml,.json" onchange=${(event) => event.target.files[0] && openFile(event.target.files[0])} />${t("openFile")}</label>
      <button type="button" class="primary" id="load" disabled=${!check.isCurrent || !check.ok} onclick=${() => load(bundle(edited, loaded), query)}>${t("load")}</button>
    </div>
    <div class="studio">
      <${Picker} builtIn=${builtIn?.scenarios} files=${loaded.files} file=${edited.file} open=${open} />
      <div class="work">
        ${shown === "edit" && html`<${Status} check=${check} file=${edited.file} />
          <${Editor} field=${field} value=${edited.text} label=${t("editor")} mistakes=${check.mistakes} onFile=${openFile} onInput=${(text) => { draft = { ...edited, text }; set(draft); }} />
          <${Problems} mistakes=${check.mistakes} onChoose=${(mistake) => mistake.line && select(field.current, mistake.line, mistake)} />
          <p class="help">${t("dropHelp")}</p>`}
        ${shown === "changes" && html`<${Changes} loaded=${loaded.yaml} check=${check} />`}
        ${shown === "current" && html`<${Current} query=${query} open=${open} />`}
      </div>
    </div>`;
}

/** Return the loaded scenario: its files, in full as YAML, and what to edit: its own text if it is one file. */
async function loadedScenario(query) {
  const [{ files }, yaml, { scenario }, { accounts }] = await Promise.all([get("scenario/files", query), get("scenario.yaml", query), get("info"), get("accounts", query)]);
  const name = query.access_key_id && accounts.length ? accounts[0].scenario : scenario.name;
  const known = files.map((one) => one.name);
  // The files that were named, without those that they extend. A built-in one is named without its suffix.
  const names = name.split(",").map((one) => (known.includes(`${one}.yaml`) ? `${one}.yaml` : one));
  const [file, text] = files.length === 1 ? [files[0].name, files[0].text] : ["scenario.yaml", yaml];
  return { files, yaml, names, file, text };
}

/** Return what to send: the text with the name of its file, and the loaded files, which it may extend. */
function bundle({ file, text }, loaded) {
  const name = /\.(yaml|yml|json)$/.test(file) ? file : `${file}.yaml`;
  const others = loaded.files.map((one) => [one.name, one.text]);
  // An edited file of the loaded scenario stays with the others.
  const isOneOfSeveral = loaded.files.length > 1 && loaded.files.some((one) => one.name === name);
  return { names: isOneOfSeveral ? loaded.names : [name], files: { ...Object.fromEntries(others), [name]: text } };
}

/** Check a text as long as it is edited. */
function useCheck(edited, loaded, query) {
  const [result, set] = useState({ ok: false, mistakes: [], text: null });
  useEffect(() => {
    if (!edited || !loaded) return undefined;
    let isLatest = true;
    const timer = setTimeout(async () => {
      const failed = (error) => ({ ok: false, mistakes: [{ line: 0, path: "", found: error.message, expected: "" }] });
      const answer = await api("POST", "scenario/check", { json: bundle(edited, loaded), query: { ...query, files: true } }).catch(failed);
      if (isLatest) set({ ...answer, text: edited.text });
    }, CHECK_MILLISECONDS);
    return () => {
      isLatest = false;
      clearTimeout(timer);
    };
  }, [edited, loaded, JSON.stringify(query)]);
  return { ...result, isCurrent: result.text === edited?.text };
}

function Status({ check, file }) {
  const { ok, mistakes, isCurrent, description } = check;
  const text = !isCurrent ? t("checking") : ok ? t("valid") : t("errors", { n: mistakes.length });
  return html`<p class="row" role="status" id="check"><strong>${file}</strong><span class=${!isCurrent ? "muted" : ok ? "good" : "bad"}>${text}</span>${isCurrent && description && html`<span class="muted one-line grow">${description}</span>`}</p>`;
}

const Problems = ({ mistakes, onChoose }) => html`<ul class="problems" id="problems">${mistakes.map((one) => html`<li><button type="button" onclick=${() => onChoose(one)}>
  ${one.line ? t("lineNumber", { n: one.line }) : ""}${one.path ? `${one.path}: ` : ""}${one.expected ? t("foundExpected", one) : one.found}</button></li>`)}</ul>`;

function Picker({ builtIn, files, file: edited, open }) {
  const choice = (name, description, text) => html`<li key=${name}><button type="button" class="choice" aria-pressed=${String(edited === name)} onclick=${() => open(text, name)}><span>${name}</span>${description && html`<small>${description}</small>`}</button></li>`;
  return html`<aside class="list stack" aria-label=${t("scenarios")}>
    ${files.length > 0 && html`<h2>${t("loadedFiles")}</h2><ul>${files.map((file) => choice(file.name, "", file.text))}</ul>`}
    <h2>${t("builtIn")}</h2>${builtIn ? html`<ul>${builtIn.map((one) => choice(one.name, one.description, one.text))}</ul>` : html`<${Loading} />`}
  </aside>`;
}

function Changes({ loaded, check }) {
  if (!check.ok) return html`<${Empty} icon="warning" title=${t("hasErrors")}><p>${t("hasErrorsHelp")}</p></${Empty}>`;
  if (check.yaml === loaded) return html`<${Empty} icon="check" title=${t("noChanges")}><p>${t("noChangesHelp")}</p></${Empty}>`;
  return html`<p class="legend"><span><del>- ${t("onlyLoaded")}</del></span><span><ins>+ ${t("onlyEdited")}</ins></span></p><${Difference} byLine=${true} before=${lines(loaded)} after=${lines(check.yaml)} />`;
}

/** The state of an account as a scenario that starts in it. */
function Current({ query, open }) {
  const { value, error } = useData(() => get("scenario.yaml", { ...query, state: "current" }), [query], ["call", "mail", "verification", "address", "fault", "clock", "reset", "scenario", "access key"]);
  if (error) return html`<${Failed} error=${error} />`;
  if (value === undefined) return html`<${Loading} />`;
  return html`<div class="row"><p class="muted grow">${t("currentHelp")}</p><${Copy} label=${t("copy")} text=${value} /><button type="button" id="edit-current" onclick=${() => open(value, "state.yaml")}>${icon("edit")}${t("editThis")}</button></div><pre id="current" tabindex="0">${value}</pre>`;
}

/** Load what is in the editor, after saying what will be lost. */
async function load(json, query) {
  const { accounts } = await get("accounts", query);
  const content = html`<p>${query.access_key_id ? t("loadFor", { account: query.access_key_id }) : t("loadForAll")}</p><${Losses} accounts=${accounts} />`;
  if (!await confirmed({ title: t("loadQuestion"), content, action: t("load") })) return;
  const answer = await attempt(() => api("PUT", "scenario", { json, query: { ...query, files: true } }));
  if (!answer) return;
  Object.assign(draft, { opened: draft.text, loadedFor: account() });
  announce(t("loadedNow", { name: answer.loaded }) + (answer.ignored.length ? `\n${t("ignored", { fields: answer.ignored.join(", ") })}` : ""));
}
