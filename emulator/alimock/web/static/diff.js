// The difference of two texts.

const MAXIMUM_CELLS = 4_000_000;

/** Return the parts of both lists in order, as `["same" | "removed" | "added", part]`, by their longest common subsequence. */
export function diff(before, after) {
  let start = 0;
  while (start < before.length && start < after.length && before[start] === after[start]) start += 1;
  let end = 0;
  const shortest = Math.min(before.length, after.length) - start;
  while (end < shortest && before[before.length - 1 - end] === after[after.length - 1 - end]) end += 1;
  const same = (parts) => parts.map((part) => ["same", part]);
  return [
    ...same(before.slice(0, start)),
    ...between(before.slice(start, before.length - end), after.slice(start, after.length - end)),
    ...same(before.slice(before.length - end)),
  ];
}

function between(before, after) {
  const removed = (parts) => parts.map((part) => ["removed", part]);
  const added = (parts) => parts.map((part) => ["added", part]);
  // Such texts have little in common, and comparing them would take seconds.
  if (before.length * after.length > MAXIMUM_CELLS) return [...removed(before), ...added(after)];
  const width = after.length + 1;
  const lengths = new Uint32Array((before.length + 1) * width);
  for (let row = before.length - 1; row >= 0; row -= 1) {
    for (let column = after.length - 1; column >= 0; column -= 1) {
      const [right, below] = [lengths[row * width + column + 1], lengths[(row + 1) * width + column]];
      lengths[row * width + column] = before[row] === after[column] ? lengths[(row + 1) * width + column + 1] + 1 : Math.max(right, below);
    }
  }
  const parts = [];
  let [row, column] = [0, 0];
  while (row < before.length && column < after.length) {
    if (before[row] === after[column]) {
      parts.push(["same", before[row]]);
      row += 1;
      column += 1;
    } else if (lengths[(row + 1) * width + column] >= lengths[row * width + column + 1]) {
      parts.push(["removed", before[row]]);
      row += 1;
    } else {
      parts.push(["added", after[column]]);
      column += 1;
    }
  }
  return [...parts, ...removed(before.slice(row)), ...added(after.slice(column))];
}

/** Split a text into lines. */
export const lines = (text) => text.split("\n");
/** Split a string to sign into its parameters, names and values. */
export const tokens = (text) => text.split(/(%26|%3D|[&=\n])/).filter(Boolean);
