// An editor of YAML: a text field with line numbers, and each error at its line.

import { html, useLayoutEffect, useState } from "./vendor/preact.js";

const OVERSCAN = 20;

/** `mistakes` are the errors of a check; `line` counts from 1. A dropped file goes to `onFile`. `field` refers to the text field. */
export function Editor({ value, onInput, mistakes, label, onFile, field: text }) {
  const [view, set] = useState({ top: 0, left: 0, size: 600, line: 20 });
  const [isOver, over] = useState(false);
  const measure = () => set({
    top: text.current.scrollTop, left: text.current.scrollLeft, size: text.current.clientHeight, line: parseFloat(getComputedStyle(text.current).lineHeight),
  });
  useLayoutEffect(() => {
    const observer = new ResizeObserver(measure);
    observer.observe(text.current);
    return () => observer.disconnect();
  }, []);
  const rows = value.split("\n");
  const first = Math.max(0, Math.floor(view.top / view.line) - OVERSCAN);
  const last = Math.min(rows.length, first + Math.ceil(view.size / view.line) + 2 * OVERSCAN);
  const wrong = new Set(mistakes.map((mistake) => mistake.line));
  const numbers = Array.from({ length: last - first }, (_, index) => first + index + 1);
  const drop = (event) => {
    event.preventDefault();
    over(false);
    if (event.dataTransfer.files[0]) onFile(event.dataTransfer.files[0]);
  };
  return html`<div class="editor ${isOver ? "over" : ""}" ondragover=${(event) => { event.preventDefault(); over(true); }} ondragleave=${() => over(false)} ondrop=${drop}>
    <div class="gutter" aria-hidden="true"><div style=${{ transform: `translateY(${first * view.line - view.top}px)` }}>${numbers.map((number) => html`<span key=${number} class=${wrong.has(number) ? "bad" : ""}>${number}</span>`)}</div></div>
    <div class="sheet">
      <div class="marks" aria-hidden="true" style=${{ transform: `translate(${-view.left}px, ${-view.top}px)` }}>${marks(mistakes, rows, view.line).map((mark) => html`<${Mark} key=${`${mark.top} ${mark.from}`} ...${mark} />`)}</div>
      <textarea id="editor" ref=${text} spellcheck=${false} autocapitalize="off" aria-label=${label} aria-describedby="problems" wrap="off" value=${value}
        oninput=${(event) => onInput(event.target.value)} onscroll=${measure} onkeydown=${indent}></textarea>
    </div>
  </div>`;
}

const Mark = ({ top, from, to, end, line, message }) => html`<span style=${{ top: `${top}px`, left: `${from}ch`, width: `${to - from}ch`, height: `${line}px` }}></span><em style=${{ top: `${top}px`, left: `${end + 2}ch` }}>${message}</em>`;

/** Return where the first error of each line is underlined and its message written. */
function marks(mistakes, rows, line) {
  const firsts = mistakes.filter((one, index) => one.line > 0 && one.line <= rows.length && mistakes.findIndex((other) => other.line === one.line) === index);
  return firsts.map((one) => {
    const [from, to] = range(rows[one.line - 1], one);
    return { top: (one.line - 1) * line, from, to: Math.max(to, from + 1), end: rows[one.line - 1].length, line, message: `${one.found}${one.expected ? ` → ${one.expected}` : ""}` };
  });
}

/** Return the start and the end of a mistake in its line: of the value that was found, else up to the end of the line. */
function range(row, { column, found }) {
  const from = Math.min(Math.max(column - 1, 0), Math.max(row.length - 1, 0));
  const value = found.match(/`(.+?)(?:\.\.\.)?`/)?.[1];
  const start = value === undefined ? -1 : row.indexOf(value, from);
  return start < 0 ? [from, row.length] : [start, start + value.length];
}

/** Begin a new line with the indentation of the one before. */
function indent(event) {
  if (event.key !== "Enter" || event.isComposing || event.ctrlKey || event.metaKey) return;
  const { value, selectionStart } = event.target;
  const before = value.slice(value.lastIndexOf("\n", selectionStart - 1) + 1, selectionStart);
  const spaces = before.match(/^ */)[0] + (before.trimEnd().endsWith(":") ? "  " : "");
  if (!spaces) return;
  event.preventDefault();
  // The only way to insert text that Ctrl+Z can take back.
  document.execCommand("insertText", false, `\n${spaces}`);
}

/** Select a line of the editor's text field, or the value of a mistake in it. */
export function select(field, number, mistake = { column: 1, found: "" }) {
  const rows = field.value.split("\n");
  const start = rows.slice(0, number - 1).reduce((sum, row) => sum + row.length + 1, 0);
  const [from, to] = range(rows[number - 1] || "", mistake);
  field.focus();
  field.setSelectionRange(start + from, start + to);
  field.scrollTop = Math.max(0, (number - 4) * parseFloat(getComputedStyle(field).lineHeight));
}
