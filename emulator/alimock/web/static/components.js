// The components that several views use.

import { diff } from "./diff.js";
import { icon } from "./icons.js";
import { link } from "./route.js";
import { t } from "./texts.js";
import { html, useEffect, useLayoutEffect, useRef, useState } from "./vendor/preact.js";
import { announce } from "./toasts.js";

const OVERSCAN = 8;
const COPIED_MILLISECONDS = 1500;

export const Badge = ({ tone = "", children }) => html`<span class="badge ${tone}">${children}</span>`;

/** A button that copies a text, which may be a function that returns it. */
export function Copy({ text, label, class: style = "", id }) {
  const [isCopied, set] = useState(false);
  const copy = async () => {
    const value = typeof text === "function" ? text() : text;
    if (!await copied(value)) {
      announce(t("copyFailed"), "bad");
      return;
    }
    set(true);
    setTimeout(() => set(false), COPIED_MILLISECONDS);
  };
  return html`<button type="button" id=${id} class=${style} onclick=${copy}>${icon(isCopied ? "check" : "copy")}<span aria-live="polite">${isCopied ? t("copied") : label}</span></button>`;
}

/** Copy a text and return whether that worked. The clipboard API exists in secure contexts only. */
async function copied(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text).then(() => true, () => false);
  const area = document.createElement("textarea");
  area.value = text;
  document.body.append(area);
  area.select();
  const isCopied = document.execCommand("copy");
  area.remove();
  return isCopied;
}

export const Empty = ({ icon: name, title, children }) => html`<div class="empty">${icon(name)}<h2>${title}</h2>${children}</div>`;
export const Failed = ({ error }) => html`<${Empty} icon="warning" title=${t("loadFailed")}><p role="alert">${error.message}</p></${Empty}>`;
export const Loading = () => html`<p class="empty" aria-busy="true">${t("loading")}</p>`;

/** Buttons of which one is pressed. `choices` are pairs of a value and its label. */
export const Tabs = ({ value, choices, onChange, label }) => html`<div class="tabs" role="group" aria-label=${label}>
  ${choices.map(([one, text]) => html`<button type="button" key=${one} data-tab=${one} aria-pressed=${String(one === value)} onclick=${() => onChange(one)}>${text}</button>`)}
</div>`;

/** Names and values; pairs without a value are left out. */
export const Facts = ({ facts }) => html`<dl class="facts">
  ${facts.filter(([, value]) => value !== null && value !== undefined && value !== "").map(([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>`)}
</dl>`;

export const Field = ({ label, help, children, wide }) => html`<label class="field ${wide ? "wide" : ""}"><span>${label}</span>${children}${help && html`<small>${help}</small>`}</label>`;

/** A choice of values, or of pairs of a value and its label. */
export const Select = ({ value, choices, onChange, label, id }) => html`<select id=${id} aria-label=${label} onchange=${(event) => onChange(event.target.value)}>
  ${choices.map((one) => (Array.isArray(one) ? one : [one, one])).map(([each, text]) => html`<option key=${each} value=${each} selected=${each === value}>${text}</option>`)}
</select>`;

/** A search field; `/` moves the focus here, Enter opens the first result, and Escape clears it. */
export function Search({ value, onInput, label }) {
  const press = (event) => {
    const first = event.key === "Enter" && document.querySelector(".item");
    if (first) {
      event.target.blur();
      first.click();
    }
    if (event.key !== "Escape" || !value) return;
    event.preventDefault();
    event.stopPropagation();
    onInput("");
  };
  return html`<input type="search" id="search" class="search" value=${value} placeholder=${label} aria-label=${label} aria-keyshortcuts="/" autocomplete="off" spellcheck=${false}
    oninput=${(event) => onInput(event.target.value)} onkeydown=${press} />`;
}

/** Return the reference of an element that gets the focus once it is there, so that the keyboard scrolls or fills what was opened. */
export function useFocus() {
  const element = useRef(null);
  const isDone = useRef(false);
  useEffect(() => {
    if (!element.current || isDone.current) return;
    isDone.current = true;
    // Typing, for example in the search field, is not interrupted.
    if (!document.activeElement.matches("input, select, textarea")) element.current.focus({ preventScroll: true });
  });
  return element;
}

/** Return the values of a form, a function that changes one by an event or to a value, and one that sets all. */
export function useValues(initial) {
  const [values, set] = useState(initial);
  const change = (name) => (event) => set({ ...values, [name]: typeof event === "string" ? event : event.target.value });
  return [values, change, set];
}

/** Return what decided something in words; entries that were changed at run time have the request that changed them. */
export const decision = (text) => text.replace(/^PUT \/_alimock\/\S+/, t("setAtRunTime"));

/** A list of which only the visible rows are in the document. `row` returns the link of an item, which must be `height` pixels high. */
export function VirtualList({ items, height, row, current, label }) {
  const view = useRef(null);
  const [{ top, size }, set] = useState({ top: 0, size: 800 });
  useLayoutEffect(() => {
    const measure = () => set({ top: view.current.scrollTop, size: view.current.clientHeight });
    const observer = new ResizeObserver(measure);
    observer.observe(view.current);
    return () => observer.disconnect();
  }, []);
  useLayoutEffect(() => {
    const index = items.findIndex((item) => item.id === current);
    if (index < 0) return;
    const { scrollTop, clientHeight } = view.current;
    if (index * height < scrollTop) view.current.scrollTop = index * height;
    else if ((index + 1) * height > scrollTop + clientHeight) view.current.scrollTop = (index + 1) * height - clientHeight;
  }, [current, height]);
  const first = Math.max(0, Math.floor(top / height) - OVERSCAN);
  const shown = items.slice(first, Math.ceil((top + size) / height) + OVERSCAN);
  const scroll = (event) => set({ top: event.currentTarget.scrollTop, size: event.currentTarget.clientHeight });
  return html`<div class="scroll" ref=${view} onscroll=${scroll} tabindex="-1">
    <div class="filler" style=${{ height: `${items.length * height}px` }}>
      <div class="rows" role="list" aria-label=${label} style=${{ transform: `translateY(${first * height}px)` }}>
        ${shown.map((item, index) => html`<div role="listitem" key=${item.id} style=${{ height: `${height}px` }} aria-setsize=${items.length} aria-posinset=${first + index + 1}>${row(item)}</div>`)}
      </div>
    </div>
  </div>`;
}

/** Return the height of rows in a list of this element's width: `narrow` below `width` pixels, else `wide`. */
export function useRowHeight(element, width, narrow, wide) {
  const [height, set] = useState(wide);
  useLayoutEffect(() => {
    const observer = new ResizeObserver(([entry]) => set(entry.contentRect.width < width ? narrow : wide));
    observer.observe(element.current);
    return () => observer.disconnect();
  }, []);
  return height;
}

/** Lines of a scenario around the one that decided, with a link to it in the editor. */
export const Source = ({ source }) => html`<figure class="stack">
  <figcaption class="small mono"><a href=${link("scenario", source.location)} title=${t("openInEditor")}>${source.location}</a></figcaption>
  <div class="source mono" tabindex="0" role="group" aria-label=${source.location}>${source.lines.map((line, index) => {
    const number = source.first_line + index;
    return html`<span class=${number === source.line ? "hit" : ""}><b>${number}</b>${line || " "}</span>`;
  })}</div>
</figure>`;

const MARKS = { same: "span", removed: "del", added: "ins" };

/** The difference of two texts, each a list of its parts. */
export const Difference = ({ before, after, byLine = false }) => html`<pre class=${byLine ? "diff" : ""} tabindex="0">${diff(before, after).map(([kind, part]) => {
  const shown = byLine ? html`<span>${{ same: "  ", removed: "- ", added: "+ " }[kind]}${part}</span>` : part;
  return kind === "same" ? shown : html`<${MARKS[kind]}>${shown}</${MARKS[kind]}>`;
})}</pre>`;

/** Return how many entries of a log, `messages` or `calls`, some accounts have together. */
export const count = (accounts, name) => accounts.reduce((sum, one) => sum + one.counts[name], 0);

/** What a reset or a load takes from some accounts. */
export const Losses = ({ accounts }) => html`<p><strong>${t("willLose", { mails: count(accounts, "messages"), calls: count(accounts, "calls") })}</strong></p><p>${t("willLoseChanges")}</p>`;

/** A disclosure that renders its content when it is open. */
export function Details({ summary, children, isOpen = false }) {
  const [open, set] = useState(isOpen);
  return html`<details open=${open} ontoggle=${(event) => set(event.currentTarget.open)}><summary>${summary}</summary>${open && html`<div class="stack">${children}</div>`}</details>`;
}

/** Return the current time in epoch milliseconds, renewed each second. */
export function useNow() {
  const [now, set] = useState(Date.now());
  useEffect(() => {
    const timer = setInterval(() => set(Date.now()), 1000);
    return () => clearInterval(timer);
  }, []);
  return now;
}
