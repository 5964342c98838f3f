// The icons: lines in a square of 24 units.

import { html } from "./vendor/preact.js";

const PATHS = {
  start: "M5 3l14 9-14 9z",
  outbox: "M3 6h18v12H3z M3 7l9 7 9-7",
  calls: "M4 6h16 M4 12h16 M4 18h10",
  addresses: "M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8z M16 8v5a2.5 2.5 0 0 0 5 0v-1a9 9 0 1 0-3.5 7",
  scenario: "M6 3h8l5 5v13H6z M14 3v5h5 M9 13h7 M9 17h5",
  faults: "M13 2L5 14h6l-1 8 8-12h-6z",
  clock: "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18z M12 7v5l3.5 2",
  keys: "M8 11a4 4 0 1 0 0 8 4 4 0 0 0 0-8z M11 12l9-9 M16 7l3 3",
  copy: "M9 9h11v11H9z M5 15H4V4h11v1",
  check: "M4 12l5 5L20 6",
  close: "M6 6l12 12 M18 6L6 18",
  back: "M15 5l-7 7 7 7",
  pause: "M8 5v14 M16 5v14",
  play: "M7 5l12 7-12 7z",
  download: "M12 4v11 M7 11l5 5 5-5 M4 20h16",
  trash: "M4 7h16 M9 7V4h6v3 M6 7l1 13h10l1-13",
  help: "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18z M9.5 9.5a2.5 2.5 0 1 1 3.5 2.3c-.7.3-1 .8-1 1.7 M12 17h.01",
  warning: "M12 4l9 16H3z M12 10v4 M12 17h.01",
  plus: "M12 5v14 M5 12h14",
  edit: "M4 20l1-4L16 5l3 3L8 19z",
  open: "M14 4h6v6 M20 4l-9 9 M18 14v6H4V6h6",
  reset: "M4 12a8 8 0 1 0 3-6.2 M4 4v5h5",
};

export const icon = (name) => html`<svg viewBox="0 0 24 24" aria-hidden="true">${PATHS[name].split(" M").map((path, index) => html`<path d=${index ? `M${path}` : path} />`)}</svg>`;
