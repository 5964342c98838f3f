// Deep links: `#/view/item?query`. The account is part of the query, so that a link shows what its sender saw.

import { useEffect, useState } from "./vendor/preact.js";

const DEFAULT_VIEW = "outbox";

/** Return the view, the item and the query of a hash. */
export function parse(hash) {
  const [path, query = ""] = hash.replace(/^#\/?/, "").split("?");
  const [view, ...rest] = path.split("/");
  return { view: view || DEFAULT_VIEW, item: decoded(rest.join("/")), query: Object.fromEntries(new URLSearchParams(query)) };
}

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** The URL of the emulator, without a slash at its end. A proxy or another application may show it below a prefix. */
export const base = () => new URL("..", location.href).href.replace(/\/$/, "");

export const current = () => parse(location.hash);
export const account = () => current().query.account || "";

/** Return the link to a view or to an item of it, for the selected account. */
export function link(view, item = "", query = {}) {
  const given = Object.entries({ account: account(), ...query }).filter(([, value]) => value !== "" && value !== undefined);
  return `#/${view}${item === "" ? "" : `/${encodeURIComponent(item)}`}${given.length ? `?${new URLSearchParams(given)}` : ""}`;
}

export function go(view, item, query) {
  location.hash = link(view, item, query);
}

/** Change arguments of the query and keep the rest, without an entry in the history. */
export function filter(change) {
  const { view, item, query } = current();
  history.replaceState(null, "", link(view, item, { ...query, ...change }));
  dispatchEvent(new HashChangeEvent("hashchange"));
}

export function useRoute() {
  const [route, set] = useState(current);
  useEffect(() => {
    const follow = () => set(current());
    addEventListener("hashchange", follow);
    return () => removeEventListener("hashchange", follow);
  }, []);
  return route;
}
