// What the page shows of the emulator, kept current: one long poll follows the events, and what depends on them is loaded again.

import { get } from "./api.js";
import { useEffect, useRef, useState } from "./vendor/preact.js";

const WAIT_SECONDS = 30;
const RETRY_MILLISECONDS = 1000;
const PAUSE_MILLISECONDS = 150;
// The first page paints at once; the rest follows, as many as a list shows.
const FIRST = 100;
export const REST = 5000;
// The kinds of events, besides those of the control API, after which everything is loaded again.
const RECONNECTED = "reconnected";

const listeners = new Set();

/** Call a function with the kinds of each batch of events; return what ends that. */
function onEvents(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Follow the events forever; `onConnection` receives null, or what is wrong with the connection. */
export async function follow(onConnection) {
  let cursor = null;
  let isLost = false;
  for (;;) {
    try {
      const query = cursor === null ? { limit: 0 } : { after: cursor, timeout: isLost ? 0 : WAIT_SECONDS, limit: 1000 };
      const { changes, cursor: next } = await get("changes", query);
      const kinds = new Set(changes.map((change) => change.kind));
      if (isLost) kinds.add(RECONNECTED);
      if (isLost) onConnection(null);
      [cursor, isLost] = [next, false];
      if (kinds.size) listeners.forEach((listener) => listener(kinds));
    } catch (error) {
      // 410: the emulator was restarted, so its cursors start again.
      if (error.status === 410) cursor = null;
      isLost = true;
      if (error.status !== 410) {
        onConnection(error);
        await new Promise((done) => setTimeout(done, RETRY_MILLISECONDS));
      }
    }
  }
}

/** Return a function that runs `action`, but not again while it runs or shortly after; what is asked meanwhile runs once, later. */
function throttled(action) {
  let isRunning = false;
  let isWanted = false;
  return async function run() {
    if (isRunning) {
      isWanted = true;
      return;
    }
    isRunning = true;
    await action();
    await new Promise((done) => setTimeout(done, PAUSE_MILLISECONDS));
    isRunning = false;
    if (isWanted) {
      isWanted = false;
      run();
    }
  };
}

/** Wait until what was rendered is on the screen. */
const painted = () => new Promise((done) => requestAnimationFrame(() => setTimeout(done)));

const concerns = (kinds, wanted) => kinds.has(RECONNECTED) || !wanted || wanted.some((kind) => kinds.has(kind));

/**
 * Return `{value, error}` of what `load` loads: again if `keys` change, and after an event of one of these `kinds` (any kind
 * without). Until then, the value is that of the keys before, or undefined.
 */
export function useData(load, keys, kinds) {
  const [state, set] = useState({});
  const latest = useRef(load);
  latest.current = load;
  const key = JSON.stringify(keys);
  useEffect(() => {
    let isCurrent = true;
    const run = throttled(async () => {
      try {
        const value = await latest.current();
        if (isCurrent) set({ value });
      } catch (error) {
        if (isCurrent) set({ error });
      }
    });
    run();
    const stop = onEvents((happened) => concerns(happened, kinds) && run());
    return () => {
      isCurrent = false;
      stop();
    };
  }, [key]);
  return state;
}

/**
 * Return `{items, evicted, isComplete, waiting, error}` of a log of the control API, newest first. `added` is the kind of event that appends
 * an entry; after one of the `changed` kinds all entries are loaded again, as for another query. While `isPaused`, `waiting`
 * counts the new entries.
 */
export function useLog(path, name, query, { added, changed, isPaused = false }) {
  const key = JSON.stringify(query);
  const [state, set] = useState({});
  const log = useRef({});
  useEffect(() => {
    const own = { items: [], cursor: 0, evicted: 0 };
    log.current = own;
    const show = (more) => log.current === own && set({ items: own.items, evicted: own.evicted, waiting: own.waiting || 0, ...more });
    const page = async (limit) => {
      const answer = await get(path, { ...query, limit });
      Object.assign(own, { items: answer[name], cursor: answer.cursor, evicted: answer.evicted, waiting: 0 });
    };
    const load = async () => {
      try {
        if (own.items.length < FIRST) await page(FIRST);
        if (own.items.length >= FIRST) {
          show({ isComplete: false });
          await painted();
          await page(REST);
        }
        show({ isComplete: true });
      } catch (error) {
        show({ error });
      }
    };
    const append = async () => {
      const answer = await get(path, { ...query, after: own.cursor, limit: REST });
      if (answer.gap) return load();
      if (!answer[name].length) return undefined;
      if (own.isPaused) {
        own.waiting = answer[name].length;
        return show({});
      }
      own.items = [...answer[name].reverse(), ...own.items].slice(0, REST);
      Object.assign(own, { cursor: answer.cursor, evicted: answer.evicted, waiting: 0 });
      return show({});
    };
    const reload = throttled(load);
    const follow = throttled(() => append().catch(reload));
    own.follow = follow;
    reload();
    return onEvents((kinds) => {
      if (concerns(kinds, changed)) reload();
      else if (kinds.has(added)) follow();
    });
  }, [key]);
  useEffect(() => {
    log.current.isPaused = isPaused;
    if (!isPaused && log.current.waiting) log.current.follow();
  }, [isPaused, key]);
  return state;
}
