// A captured request as a curl command, without its signature, whose nonce could not be used again.

const SIGNING = /^(Signature|SignatureMethod|SignatureNonce|SignatureVersion|SignatureType|Timestamp|SecurityToken)$/i;
const OWN_HEADERS = /^(host|content-length|connection|keep-alive|accept-encoding|authorization|x-acs-(signature.*|date|content-sha256|security-token|accesskey-id)|expect|transfer-encoding)$/i;

const METHODS = { GET: "", HEAD: "--head " };

const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;
const unsigned = (form) => form.split("&").filter((part) => part && !SIGNING.test(part.split("=")[0])).join("&");

/** Return the command that repeats a request to an emulator at a URL. */
export function curl({ method, target, headers, body }, url) {
  const start = target.indexOf("?");
  const [path, query] = start < 0 ? [target, ""] : [target.slice(0, start), target.slice(start + 1)];
  const kept = unsigned(query);
  const isForm = headers.some(([name, value]) => name.toLowerCase() === "content-type" && value.includes("form-urlencoded"));
  const sent = isForm ? unsigned(body) : body;
  const lines = [
    `curl ${METHODS[method] ?? `-X ${method} `}${quoted(url + path + (kept ? `?${kept}` : ""))}`,
    ...headers.filter(([name]) => !OWN_HEADERS.test(name)).map(([name, value]) => `-H ${quoted(`${name}: ${value}`)}`),
    ...(sent ? [`--data-raw ${quoted(sent)}`] : []),
  ];
  return lines.join(" \\\n  ");
}
