// Entries of a scenario as YAML in flow style, which needs no more than the quotes of JSON.

// Words that YAML would read as another type than text, or that have a character with a meaning.
const PLAIN = /^[A-Za-z_][\w.@/+-]*( [\w.@/+-]+)*$/;
const WORDS = /^(true|false|yes|no|on|off|null|none|y|n)$/i;

const quoted = (text) => (PLAIN.test(text) && !WORDS.test(text) ? text : JSON.stringify(text));

/** Return a value, an object or a list as YAML on one line. */
export function yaml(value) {
  if (Array.isArray(value)) return `[${value.map(yaml).join(", ")}]`;
  if (value !== null && typeof value === "object") return `{${Object.entries(value).map(([name, one]) => `${quoted(name)}: ${yaml(one)}`).join(", ")}}`;
  return typeof value === "string" ? quoted(value) : String(value);
}
