import { language } from "../words";

/** What the service refused, with its stable code; `offline` when it was not reached at all. */
export class ApiError extends Error {
  constructor(
    readonly code: string,
    readonly status: number,
    detail: string,
  ) {
    super(detail);
  }
}

/** The part of a problem document (RFC 9457) that the page reads. */
type Problem = { code: string; detail: string };

const isProblem = (body: unknown): body is Problem =>
  typeof body === "object" && body !== null && "code" in body && "detail" in body && typeof body.code === "string";

let signedOut: () => void = () => undefined;

/** Say what to do when the service no longer knows who asks. */
export function whenSignedOut(act: () => void): void {
  signedOut = act;
}

/** Return what names one thing to be made, however often it is sent; not randomUUID, which plain http has not. */
export const onceKey = (): string => crypto.getRandomValues(new Uint32Array(4)).join("-");

/** Ask the service; answers are of the type that its OpenAPI document gives. */
export async function ask<T>(
  method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE",
  path: string,
  body?: unknown,
  { seen, key }: { seen?: string; key?: string } = {},
): Promise<T> {
  const headers: Record<string, string> = {};
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (seen !== undefined) headers["If-Match"] = `"${seen}"`; // who changed it meanwhile is not overwritten
  if (key !== undefined) headers["Idempotency-Key"] = key;
  return told<T>(path, { method, headers, ...(body !== undefined && { body: JSON.stringify(body) }) }, 20_000);
}

/** Send a file as it is; reading it takes a while. */
export const send = <T>(path: string, file: Blob): Promise<T> =>
  told<T>(path, { method: "POST", headers: { "Content-Type": "application/octet-stream" }, body: file }, 400_000);

async function told<T>(path: string, asked: RequestInit, withinMs: number): Promise<T> {
  const patience = new AbortController(); // AbortSignal.timeout is younger than many a phone
  const timer = setTimeout(() => patience.abort(), withinMs);
  let response: Response;
  let answer: unknown;
  try {
    const init: RequestInit = {
      ...asked,
      headers: { ...asked.headers, Accept: "application/json", "Accept-Language": language.get() },
      credentials: "same-origin",
      signal: patience.signal,
    };
    response = await fetch(`/api/v1${path}`, init);
    answer = await bodyOf(response);
  } catch {
    throw new ApiError("offline", 0, "the service was not reached");
  } finally {
    clearTimeout(timer);
  }
  if (response.ok) return answer as T;
  if (response.status === 401 && !path.startsWith("/session")) signedOut();
  const [code, detail] = isProblem(answer)
    ? [answer.code, answer.detail]
    : [`http_${response.status}`, response.statusText];
  throw new ApiError(code, response.status, detail);
}

/** Return what an answer says; what is refused may be so by a server in between, in words of its own. */
async function bodyOf(response: Response): Promise<unknown> {
  if (response.status === 204) return undefined;
  return response.ok ? response.json() : response.json().catch(() => null);
}

export const codeOf = (error: unknown): string => (error instanceof ApiError ? error.code : "unexpected");
