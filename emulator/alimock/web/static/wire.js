// HTTP messages: as they were on the wire, and laid out for reading.

/** Return a message as text. */
export function rawRequest({ method, target, headers, body }) {
  return `${method} ${target} HTTP/1.1\n${headerLines(headers)}\n${body}`;
}

export function rawResponse({ status, headers, body }) {
  return `HTTP/1.1 ${status}\n${headerLines(headers)}\n${body ?? ""}`;
}

const headerLines = (headers) => headers.map(([name, value]) => `${name}: ${value}\n`).join("");

/** Return a body laid out by its type: JSON and XML indented, a form with one parameter a line. What cannot be parsed stays. */
export function pretty(body) {
  const text = body.trim();
  try {
    // A number that JavaScript cannot represent would change.
    if (/^[{[]/.test(text)) return JSON.stringify(JSON.parse(text)) === text ? JSON.stringify(JSON.parse(text), null, 2) : body;
  } catch {
    return body;
  }
  if (text.startsWith("<")) return indented(text);
  return /^[\w.%+-]+=[^\n]*$/.test(text) ? text.split("&").map(decodedPair).join("\n") : body;
}

function decodedPair(pair) {
  try {
    return decodeURIComponent(pair.replaceAll("+", " ")).replace("=", " = ");
  } catch {
    return pair;
  }
}

function indented(xml) {
  const parsed = new DOMParser().parseFromString(xml, "application/xml");
  if (parsed.querySelector("parsererror")) return xml;
  const declaration = xml.match(/^<\?xml.*?\?>/)?.[0];
  return [declaration, ...elementLines(parsed.documentElement, "")].filter(Boolean).join("\n");
}

function elementLines(element, indent) {
  const hasText = [...element.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.data.trim());
  if (!element.children.length || hasText) return [`${indent}${element.outerHTML}`];
  const [open, close] = element.cloneNode(false).outerHTML.replace(/<\/[^<>]+>$/, "\n$&").split("\n");
  return [indent + open, ...[...element.children].flatMap((child) => elementLines(child, `${indent}  `)), indent + close];
}
