// The control API.

class ApiError extends Error {
  constructor(status, answer) {
    super([answer.message, answer.hint].filter(Boolean).join("\n"));
    this.status = status;
  }
}

/** Return the arguments of a query that have a value. */
export const given = (query) => Object.entries(query).filter(([, value]) => value !== "" && value !== undefined && value !== null);

export async function api(method, path, { body, type, query = {} } = {}) {
  const search = new URLSearchParams(given(query)).toString();
  const headers = type ? { "Content-Type": type } : {};
  const response = await fetch(search ? `${path}?${search}` : path, { method, body, headers });
  const answer = (response.headers.get("Content-Type") || "").includes("json") ? await response.json() : await response.text();
  if (!response.ok) throw new ApiError(response.status, answer.message ? answer : { message: `${response.status}` });
  return answer;
}
