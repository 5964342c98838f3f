// Toasts, which report the result of an action, and dialogs, which ask before something is destroyed.

import { icon } from "./icons.js";
import { t } from "./texts.js";
import { html, useEffect, useLayoutEffect, useRef, useState } from "./vendor/preact.js";

const SHOWN_MILLISECONDS = 5000;
const UNDO_MILLISECONDS = 6000;

let toasts = [];
let question = null;
let lastId = 0;
const listeners = new Set();
const changed = () => listeners.forEach((listener) => listener({}));

function useChanges() {
  const [, set] = useState({});
  useEffect(() => {
    listeners.add(set);
    return () => listeners.delete(set);
  }, []);
}

function dismiss(id) {
  toasts = toasts.filter((toast) => toast.id !== id);
  changed();
}

/** Show a message. A good one goes by itself, a bad one stays until it is dismissed. */
export function announce(text, tone = "good", action = null) {
  const toast = { id: lastId += 1, text, tone, action };
  // Only the last deletion can be undone.
  toasts = [...toasts.filter((one) => !one.action).slice(-3), toast];
  changed();
  if (tone === "good") setTimeout(dismiss, action ? UNDO_MILLISECONDS : SHOWN_MILLISECONDS, toast.id);
}

// The deletion that can still be undone: the id of what is deleted, and what deletes it.
let pending = null;

/** Carry out the deletion that waits, so that what is done next meets a state without it. */
async function settle() {
  if (!pending) return;
  const { timer, action } = pending;
  clearTimeout(timer);
  pending = null;
  try {
    await action();
  } catch (error) {
    // What is gone meanwhile, for example after a reset, need not be deleted.
    if (error.status !== 404) announce(error.message, "bad");
  }
  changed();
}

/** Run an action, and show its error, or `done` when it succeeded. Return its result, or undefined after an error. */
export async function attempt(action, done) {
  try {
    await settle();
    const result = await action();
    if (done) announce(done);
    return result ?? true;
  } catch (error) {
    announce(error.message, "bad");
    return undefined;
  }
}

/** Delete something after a few seconds in which that can be undone, or before the next change; it is hidden meanwhile. */
export async function deleteLater(id, text, action) {
  await settle();
  pending = { id, action, timer: setTimeout(settle, UNDO_MILLISECONDS) };
  const undo = () => {
    if (pending?.id !== id) return;
    clearTimeout(pending.timer);
    pending = null;
    changed();
  };
  announce(text, "good", { label: t("undo"), run: undo });
}

// A page that is left deletes at once.
addEventListener("pagehide", settle);

/** Return the items that are not being deleted; `idOf` returns the id that was given to `deleteLater`. */
export function useKept(items, idOf) {
  useChanges();
  return pending ? items.filter((item) => idOf(item) !== pending.id) : items;
}

/** Ask before something is destroyed and return whether the answer is yes. `content` says what will be lost. */
export function confirmed({ title, content, action }) {
  return new Promise((answer) => {
    question = { title, content, action, answer };
    changed();
  });
}

export function Toasts() {
  useChanges();
  return html`<div class="toasts" aria-live="polite">${toasts.map(({ id, text, tone, action }) => html`<div class="toast ${tone}" key=${id} role=${tone === "bad" ? "alert" : "status"}>
    <p>${text}</p>
    ${action && html`<button type="button" onclick=${() => { action.run(); dismiss(id); }}>${action.label}</button>`}
    <button type="button" class="quiet icon" aria-label=${t("dismiss")} onclick=${() => dismiss(id)}>${icon("close")}</button>
  </div>`)}</div>`;
}

/** A dialog, open while it is rendered. */
export function Dialog({ label, onClose, children }) {
  const dialog = useRef(null);
  // A layout effect, so that a key pressed as soon as the text shows meets an open dialog.
  useLayoutEffect(() => {
    const before = document.activeElement;
    dialog.current.showModal();
    return () => before?.isConnected && before.focus();
  }, []);
  const onClick = (event) => event.target === dialog.current && onClose();
  return html`<dialog ref=${dialog} aria-label=${label} onclose=${onClose} onclick=${onClick}>${children}</dialog>`;
}

export function Question() {
  useChanges();
  if (question === null) return null;
  const { title, content, action, answer } = question;
  const close = (isYes) => {
    question = null;
    changed();
    answer(isYes);
  };
  return html`<${Dialog} label=${title} onClose=${() => question && close(false)}>
    <h2>${title}</h2>
    <div>${content}</div>
    <div class="row"><button type="button" autofocus onclick=${() => close(false)}>${t("cancel")}</button><button type="button" id="confirm" class="primary danger" onclick=${() => close(true)}>${action}</button></div>
  </${Dialog}>`;
}
