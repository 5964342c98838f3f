// What the page shows of the emulator, kept current: one long poll follows the events, and what depends on them is loaded again.

import { get } from "./api.js";
import { useEffect, useRef, useState } from "./vendor/preact.js";

const WAIT_SECONDS = 30;
const RETRY_MILLISECONDS = 1000;
const PAUSE_MILLISECONDS = 150;
// The first page paints at once; the rest follows, as many as a list shows.
const FIRST = 100;
export const LIMIT = 5000;
// A kind of its own, after which everything is loaded again: events may have been missed.
const MISSED = "missed";

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
      const { changes, cursor: next, gap } = await get("changes", query);
      const kinds = new Set(changes.map((change) => change.kind));
      if (isLost || gap) kinds.add(MISSED);
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

const concerns = (kinds, wanted) => kinds.has(MISSED) || !wanted || wanted.some((kind) => kinds.has(kind));

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
    const own = { items: [], cursor: 0, evicted: 0, waiting: 0, isComplete: false, mustLoad: true };
    log.current = own;
    const show = () => log.current === own && set({ items: own.items, evicted: own.evicted, waiting: own.waiting, isComplete: own.isComplete });
    const page = async (limit) => {
      const answer = await get(path, { ...query, limit });
      Object.assign(own, { items: answer[name], cursor: answer.cursor, evicted: answer.evicted, waiting: 0 });
    };
    const load = async () => {
      own.mustLoad = false;
      if (own.items.length < FIRST) await page(FIRST);
      own.isComplete = own.items.length < FIRST;
      if (!own.isComplete) {
        show();
        await painted();
        await page(LIMIT);
        own.isComplete = true;
      }
      show();
    };
    const append = async () => {
      const answer = await get(path, { ...query, after: own.cursor, limit: LIMIT });
      if (answer.gap && !own.isPaused) return load();
      own.waiting = answer[name].length;
      if (!own.isPaused) {
        own.items = [...answer[name].reverse(), ...own.items].slice(0, LIMIT);
        Object.assign(own, { cursor: answer.cursor, evicted: answer.evicted, waiting: 0 });
      }
      return show();
    };
    // One at a time: an entry that is appended while the log is loaded would get lost or appear twice.
    own.run = throttled(async () => {
      try {
        await (own.mustLoad && !own.isPaused ? load() : append());
      } catch (error) {
        own.mustLoad = true;
        if (log.current === own) set({ error });
      }
    });
    own.run();
    return onEvents((kinds) => {
      const isChanged = concerns(kinds, changed);
      own.mustLoad ||= isChanged;
      if (isChanged || kinds.has(added)) own.run();
    });
  }, [key]);
  useEffect(() => {
    const isResumed = log.current.isPaused && !isPaused;
    log.current.isPaused = isPaused;
    if (isResumed) log.current.run();
  }, [isPaused, key]);
  return state;
}
