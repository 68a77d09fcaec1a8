// The service worker: keeps the page's shell for a bad network, shows pushes, and takes "acknowledge" from them.
import { acknowledge, type Doors, type Push, showAlarm } from "./notice";

declare const self: ServiceWorkerGlobalScope;

const SHELL = "shell-1";
const SHELL_FILES = ["/", "/offline.html", "/offline.css", "/manifest.webmanifest", "/icons/kiln.svg", "/wave.svg"];
const ANSWER_MS = 6_000;

const namesIn = (html: string): string[] =>
  [...html.matchAll(/"(\/assets\/[^"]+)"/g)].flatMap((found) => found[1] ?? []);

/** Keep the page and the files it names; drop those that an older page named (fonts stay, CSS names them). */
async function keepPage(response: Response): Promise<void> {
  const names = namesIn(await response.clone().text());
  if (names.length === 0) return;
  const cache = await caches.open(SHELL);
  await cache.put("/", response);
  for (const name of names) if (!(await cache.match(name))) await cache.add(name);
  for (const { url } of await cache.keys()) {
    const { pathname } = new URL(url);
    if (/^\/assets\/.*\.(js|css)$/.test(pathname) && !names.includes(pathname)) await cache.delete(url);
  }
}

async function install(): Promise<void> {
  const cache = await caches.open(SHELL);
  await cache.addAll(SHELL_FILES);
  await keepPage(await fetch("/", { cache: "no-cache" }));
  await self.skipWaiting();
}

async function activate(): Promise<void> {
  for (const name of await caches.keys()) if (name !== SHELL) await caches.delete(name);
  await self.clients.claim();
}

/** Fetch, unless no answer begins in time. */
async function fetchSoon(request: RequestInfo, init: RequestInit = {}): Promise<Response> {
  const patience = new AbortController(); // AbortSignal.timeout is younger than many a phone
  const timer = setTimeout(() => patience.abort(), ANSWER_MS);
  try {
    return await fetch(request, { ...init, signal: patience.signal });
  } finally {
    clearTimeout(timer);
  }
}

/** The network first; when it does not answer in time, the page as it was last seen. */
async function page(event: FetchEvent): Promise<Response> {
  try {
    const response = await fetchSoon(event.request);
    if (response.ok) event.waitUntil(keepPage(response.clone()));
    return response;
  } catch {
    return (await caches.match("/")) ?? (await caches.match("/offline.html")) ?? Response.error();
  }
}

async function keptFirst(request: Request): Promise<Response> {
  const kept = await caches.match(request);
  if (kept) return kept;
  const response = await fetch(request);
  if (response.ok) await (await caches.open(SHELL)).put(request, response.clone());
  return response;
}

const post = (path: string, token: string): Promise<Response> =>
  fetchSoon(`/api/v1/${path}`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ token }),
  });

async function open(url: string): Promise<void> {
  const wanted = new URL(url, self.location.origin);
  if (wanted.origin !== self.location.origin) return;
  for (const client of await self.clients.matchAll({ type: "window", includeUncontrolled: true })) {
    const moved = await client.navigate(wanted.href).catch(() => null);
    if (moved) {
      await moved.focus();
      return;
    }
  }
  await self.clients.openWindow(wanted.href);
}

const doors: Doors = { post, open, show: (title, options) => self.registration.showNotification(title, options) };

async function show(push: Push): Promise<void> {
  await showAlarm(push, doors);
  if (push.seen_token) await post("pushes/seen", push.seen_token).catch(() => undefined);
}

self.addEventListener("install", (event) => event.waitUntil(install()));
self.addEventListener("activate", (event) => event.waitUntil(activate()));
self.addEventListener("fetch", (event) => {
  const { pathname, origin } = new URL(event.request.url);
  if (event.request.method !== "GET" || origin !== self.location.origin || pathname.startsWith("/api/")) return;
  if (event.request.mode === "navigate") event.respondWith(page(event));
  else if (pathname.startsWith("/assets/") || SHELL_FILES.includes(pathname))
    event.respondWith(keptFirst(event.request));
});
self.addEventListener("push", (event) => {
  if (event.data) event.waitUntil(show(event.data.json() as Push));
});
self.addEventListener("notificationclick", (event) => {
  const push = event.notification.data as Push | null;
  event.notification.close();
  if (!push) return;
  event.waitUntil(event.action === "ack" && push.ack_token ? acknowledge(push, doors) : open(push.url));
});
