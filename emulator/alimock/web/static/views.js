// The six views. Each returns one element, drawn from the control API.

import { api, given } from "./api.js";
import { attempt, draw, make, notice, query, state, text } from "./page.js";

const LIMIT = 200;
const TONES = { open: "wait", used: "good", void: "faint", expired: "bad", verified: "good", pending: "wait", waiting: "wait", delivered: "good", failed: "bad" };

const toned = (word) => make("span", { class: TONES[word] || "" }, word ? text(word) : "");
const delivery = ({ state, error }) => [toned(state), error ? ` ${error}` : ""];
const button = (label, onclick, more = {}) => make("button", { type: "button", onclick, ...more }, label);
const empty = (name) => make("p", { class: "empty" }, text(name));

function table(columns, rows) {
  const cells = (row) => columns.map(([name, cell]) => make("td", { "data-label": text(name) }, cell(row)));
  const head = make("thead", {}, make("tr", {}, columns.map(([name]) => make("th", { scope: "col" }, text(name)))));
  return make("div", { class: "table" }, make("table", { class: "stacked" }, head, make("tbody", {}, rows.map((row) => make("tr", {}, cells(row))))));
}

async function copy(value) {
  await navigator.clipboard.writeText(value);
  notice(text("copied"));
}

const outbox = {
  mails: [],
  part: "html",

  async draw() {
    const { messages, evicted } = await api("GET", "outbox", { query: query({ limit: LIMIT, text: this.search }) });
    this.mails = messages;
    if (!this.mails.some((mail) => mail.id === state.mail)) state.mail = this.mails.length ? this.mails[0].id : null;
    const search = make("input", {
      id: "search", type: "search", placeholder: text("search"), "aria-label": text("search"), value: this.search || "",
      oninput: (event) => { this.search = event.target.value; attempt(draw); },
    });
    const bar = make("div", { class: "bar" }, search, button(text("deleteAll"), () => attempt(() => this.remove()), { id: "delete-all" }));
    if (!this.mails.length) return make("section", {}, bar, empty("noMails"));
    const list = make("ul", { class: "mails" }, this.mails.map((mail) => make("li", {}, this.item(mail))));
    const href = `outbox.mbox?${new URLSearchParams(given(query({ text: this.search })))}`;
    bar.append(make("a", { href, download: "outbox.mbox", id: "mbox" }, text("mbox")));
    if (this.mails.length === LIMIT) bar.append(make("span", { class: "faint" }, text("newest")));
    if (evicted) bar.append(make("span", { id: "evicted", class: "faint" }, `${text("evicted")} ${evicted}`));
    return make("section", {}, bar, make("div", { class: "mail" }, list, await this.open(this.mails.find((mail) => mail.id === state.mail))));
  },

  item(mail) {
    return make(
      "button",
      { type: "button", id: `mail-${mail.id}`, "aria-current": String(mail.id === state.mail), onclick: () => { state.mail = mail.id; attempt(draw); } },
      make("strong", {}, mail.to),
      make("span", {}, mail.subject),
      make("span", { class: "faint" }, mail.created, " · ", toned(mail.token_state)),
    );
  },

  async open(mail) {
    const parts = ["html", "text", "headers", "raw"].map((name) => button(
      text(name), () => { this.part = name; attempt(draw); }, { "aria-pressed": String(this.part === name), id: `part-${name}` },
    ));
    const facts = { to: mail.to, sent: mail.created, operation: mail.action, request: mail.request_id, token: mail.token };
    const rows = [...Object.entries(facts), ...Object.entries(mail.deliveries || {}).map(([name, one]) => [name, delivery(one)])];
    const list = make("dl", {}, rows.flatMap(([name, value]) => [make("dt", {}, text(name)), make("dd", {}, value)]));
    const actions = make(
      "div", { class: "bar" },
      button(text("copyToken"), () => attempt(() => copy(mail.token))),
      button(text("copyLink"), () => attempt(() => copy(mail.link))),
      make("a", { href: mail.link, target: "_blank", rel: "noreferrer", id: "follow" }, text("openLink")),
      button(text("deleteOne"), () => attempt(() => api("DELETE", `outbox/${mail.id}`))),
    );
    return make("article", {}, make("h2", {}, mail.subject), list, actions, make("div", { class: "bar" }, parts), await this.content(mail));
  },

  async content(mail) {
    // An empty sandbox: a mail can neither run scripts on this page nor load anything.
    if (this.part === "html") return make("iframe", { sandbox: "", src: `../view/${mail.id}.html`, title: mail.subject });
    if (this.part === "text") return make("pre", {}, (await api("GET", `outbox/${mail.id}`)).text);
    const raw = await api("GET", `outbox/${mail.id}/raw`);
    return make("pre", {}, this.part === "raw" ? raw : raw.split(/\r?\n\r?\n/)[0]);
  },

  remove() {
    return api("DELETE", "outbox", { query: query({ text: this.search }) });
  },

  step(by) {
    const at = this.mails.findIndex((mail) => mail.id === state.mail) + by;
    if (state.view !== "outbox" || !this.mails[at]) return;
    state.mail = this.mails[at].id;
    attempt(draw).then(() => document.getElementById(`mail-${state.mail}`)?.scrollIntoView({ block: "nearest" }));
  },
};

const addresses = {
  async draw() {
    const rows = (await api("GET", "addresses", { query: query({ limit: LIMIT }) })).addresses;
    if (!rows.length) return empty("noAddresses");
    return table([
      ["email", (one) => one.email],
      ["status", (one) => toned(one.status)],
      ["outcome", (one) => one.outcome || ""],
      ["sendsToday", (one) => String(one.sends_today)],
      ["account", (one) => one.access_key_id || "default"],
      ["decidedBy", (one) => one.decided_by],
    ], rows);
  },
};

const calls = {
  async draw() {
    const rows = (await api("GET", "calls", { query: query({ limit: LIMIT }) })).calls;
    if (!rows.length) return empty("noCalls");
    const line = (each) => make("div", {}, [each.email, each.outcome].filter(Boolean).join(" "), " ", make("span", { class: "faint" }, each.decided_by));
    const hint = (words) => make("div", { class: "wait" }, `${text("hint")}: ${words}`);
    return table([
      ["time", (one) => one.received.slice(11, 23)],
      ["operation", (one) => one.action],
      ["code", (one) => make("span", { class: one.code === "OK" ? "good" : "bad" }, `${one.status} ${one.code}`)],
      ["key", (one) => one.access_key_id || ""],
      ["detail", (one) => [...one.outcomes.map(line), ...one.hints.map(hint)]],
      ["took", (one) => `${one.duration_ms} ms`],
    ], rows);
  },
};

const scenario = {
  shown: "loaded",

  async draw() {
    const file = make("input", { type: "file", id: "file", accept: ".yaml,.yml,.json", onchange: (event) => attempt(() => this.load(event.target.files[0])) });
    const drop = make("div", {
      class: "drop",
      ondragover: (event) => { event.preventDefault(); drop.classList.add("over"); },
      ondragleave: () => drop.classList.remove("over"),
      ondrop: (event) => { event.preventDefault(); drop.classList.remove("over"); attempt(() => this.load(event.dataTransfer.files[0])); },
    }, make("p", {}, text("drop")), file);
    const choices = [["loaded", "asLoaded"], ["current", "current"]].map(([name, label]) => button(
      text(label), () => { this.shown = name; attempt(draw); }, { "aria-pressed": String(this.shown === name), id: `state-${name}` },
    ));
    const document_ = await api("GET", "scenario", { query: query({ state: this.shown }) });
    return make("section", {}, drop, make("div", { class: "bar" }, choices), make("pre", { id: "scenario" }, JSON.stringify(document_, null, 2)));
  },

  async load(file) {
    if (!file) return;
    const type = file.name.endsWith(".json") ? "application/json" : "application/x-yaml";
    await api("PUT", "scenario", { body: await file.text(), type, query: query() });
    state.mail = null;
    notice(text("loadedNow"));
  },
};

const clock = {
  async draw() {
    const { now, frozen } = await api("GET", "clock", { query: query() });
    const put = (body) => () => attempt(() => api("PUT", "clock", { body: JSON.stringify(body), type: "application/json", query: query() }));
    const advance = (by) => () => attempt(() => api("POST", "clock/advance", { body: JSON.stringify({ by }), type: "application/json", query: query() }));
    return make(
      "section", {},
      make("p", { class: "clock", id: "now" }, now),
      make("p", { class: "faint" }, `UTC+8 · ${text(frozen ? "frozen" : "running")}`),
      make(
        "div", { class: "bar" },
        frozen ? button(text("run"), put({ frozen: false }), { id: "run" }) : button(text("freeze"), put({ frozen: true }), { id: "freeze" }),
        button(text("hour"), advance("1h"), { id: "hour" }),
        button(text("day"), advance("1d"), { id: "day" }),
      ),
    );
  },
};

const faults = {
  async draw() {
    const rows = (await api("GET", "faults", { query: query() })).faults;
    if (!rows.length) return empty("noFaults");
    const effect = ({ id, seen, hits, decided_by, ...rest }) => JSON.stringify(rest);
    return table([
      ["fault", (one) => make("strong", {}, one.id)],
      ["does", (one) => effect(one)],
      ["seen", (one) => String(one.seen)],
      ["hits", (one) => make("span", { class: one.hits ? "good" : "faint" }, String(one.hits))],
      ["decidedBy", (one) => one.decided_by],
      ["deleteOne", (one) => button("×", () => attempt(() => api("DELETE", `faults/${one.id}`, { query: query() })), { "aria-label": text("deleteOne") })],
    ], rows);
  },
};

export const VIEWS = { outbox, addresses, calls, scenario, clock, faults };
