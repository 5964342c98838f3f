// The control API.

export class ApiError extends Error {
  constructor(status, answer) {
    super([answer.message, answer.hint].filter(Boolean).join("\n"));
    this.status = status;
    this.mistakes = answer.mistakes || [];
  }
}

/** Return a query string of the arguments that have a value. */
export function search(query = {}) {
  const given = Object.entries(query).filter(([, value]) => value !== "" && value !== undefined && value !== null && value !== false);
  return given.length ? `?${new URLSearchParams(given)}` : "";
}

/** Send a request and return the response, JSON or text. `json` is sent as JSON, else `body` with its `type`. Raises `ApiError`. */
export async function api(method, path, { query, json, body, type, keepalive } = {}) {
  const sent = json === undefined ? body : JSON.stringify(json);
  const contentType = json === undefined ? type : "application/json";
  const headers = contentType ? { "Content-Type": contentType } : {};
  const response = await fetch(path + search(query), { method, body: sent, headers, keepalive });
  const isJson = (response.headers.get("Content-Type") || "").includes("application/json");
  const answer = isJson ? await response.json() : await response.text();
  if (!response.ok) throw new ApiError(response.status, answer.message ? answer : { message: `${response.status} ${response.statusText}` });
  return answer;
}

export const get = (path, query) => api("GET", path, { query });
