// The control API, as any other client uses it.

export class Refused extends Error {
  constructor(status, answer) {
    super([answer.message, answer.hint].filter(Boolean).join("\n"));
    this.status = status;
    this.answer = answer;
  }
}

export async function api(method, path, { body, type, given = {}, signal } = {}) {
  const filled = Object.entries(given).filter(([, value]) => value !== "" && value !== undefined && value !== null);
  const query = new URLSearchParams(filled).toString();
  const headers = type ? { "Content-Type": type } : {};
  const response = await fetch(`${path}${query ? `?${query}` : ""}`, { method, body, headers, signal });
  const answer = (response.headers.get("Content-Type") || "").includes("json") ? await response.json() : await response.text();
  if (!response.ok) throw new Refused(response.status, answer.message ? answer : { message: `${response.status}` });
  return answer;
}
