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
    if (/^[{[]/.test(text)) return JSON.stringify(JSON.parse(text), null, 2);
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
  const [open, close] = element.cloneNode(false).outerHTML.match(/^(<[^>]*>)(<\/.*)?$/)?.slice(1) || [];
  if (!element.children.length) return [`${indent}${element.outerHTML}`];
  return [indent + open, ...[...element.children].flatMap((child) => elementLines(child, `${indent}  `)), indent + close];
}
