import { type Alarm, api, type CurveChannel, type Firing, type Kiln, type KilnNow } from "./api";
import { codeOf } from "./api/client";
import { hearBeat, now } from "./clock";
import { UsualInterval, withPoints } from "./freshness";
import type { Load } from "./load";
import { createStore } from "./store";
import { language } from "./words";

const SILENT_MS = 16_000; // the clock beats every five seconds; three missed beats are a lost connection
const RETRY_MS = [1_000, 2_000, 5_000, 10_000];

export type Connection = { is: "connecting" } | { is: "live" } | { is: "lost"; since: Date };
export interface NewPoints {
  kiln_id: number;
  channels: CurveChannel[];
}

export const connection = createStore<Connection>({ is: "connecting" });
export const kilns = createStore<Load<Kiln[]>>({ is: "loading" });
export const openAlarms = createStore<Load<Alarm[]>>({ is: "loading" });
export const lastAlarm = createStore<Alarm | null>(null);
export const lastFiring = createStore<Firing | null>(null);
const intervals = new Map<number, UsualInterval>();
const pointWatchers = new Set<(points: NewPoints) => void>();
const backWatchers = new Set<() => void>();

let source: EventSource | null = null;
let watchdog = 0;
let retry = 0;
let tries = 0;

export const usualInterval = (kilnId: number) => intervals.get(kilnId)?.get() ?? null;

export function onPoints(watcher: (points: NewPoints) => void): () => void {
  pointWatchers.add(watcher);
  return () => pointWatchers.delete(watcher);
}

/** Call `watcher` whenever the stream is (again) there, so that it can fetch what it missed. */
export function onConnected(watcher: () => void): () => void {
  backWatchers.add(watcher);
  return () => backWatchers.delete(watcher);
}

function seeNow(fresh: KilnNow): void {
  const interval = intervals.get(fresh.kiln_id) ?? new UsualInterval();
  interval.see(fresh.last_at);
  intervals.set(fresh.kiln_id, interval);
}

function takeKiln(fresh: KilnNow): void {
  seeNow(fresh);
  const known = kilns.get();
  if (known.is !== "ready") return;
  const value = known.value.map((kiln) => (kiln.id === fresh.kiln_id ? { ...kiln, now: fresh } : kiln));
  kilns.set({ ...known, value });
}

/** Let a kiln's values go with its newest points: the rest of its state comes when the analysis has looked at them. */
function takePoints(points: NewPoints): void {
  const known = kilns.get();
  const kiln = known.is === "ready" && known.value.find((one) => one.id === points.kiln_id);
  if (kiln) {
    const fresh = withPoints(kiln.now, points.channels, now());
    if (fresh !== kiln.now) takeKiln(fresh);
  }
  for (const watcher of pointWatchers) watcher(points);
}

export function takeAlarm(alarm: Alarm): void {
  lastAlarm.set(alarm);
  const known = openAlarms.get();
  if (known.is !== "ready") return;
  const others = known.value.filter((one) => one.id !== alarm.id);
  const isOpen = alarm.cleared_at === null || alarm.acknowledged_at === null;
  const value = isOpen ? [alarm, ...others].sort((a, b) => b.opened_at.localeCompare(a.opened_at)) : others;
  openAlarms.set({ ...known, value });
}

export async function refresh(): Promise<void> {
  await Promise.all([fill(kilns, api.kilns), fill(openAlarms, () => api.alarms("open"))]);
  const known = kilns.get();
  if (known.is === "ready") for (const kiln of known.value) seeNow(kiln.now);
}

async function fill<T>(store: typeof kilns | typeof openAlarms, fetch: () => Promise<T>): Promise<void> {
  const target = store as unknown as ReturnType<typeof createStore<Load<T>>>;
  try {
    target.set({ is: "ready", value: await fetch(), staleSince: null });
  } catch (error) {
    const known = target.get();
    if (known.is === "ready") target.set({ ...known, staleSince: known.staleSince ?? now() });
    else target.set({ is: "failed", code: codeOf(error) });
  }
}

function alive(): void {
  clearTimeout(watchdog);
  watchdog = window.setTimeout(lose, SILENT_MS);
}

function lose(): void {
  source?.close();
  source = null;
  clearTimeout(watchdog);
  clearTimeout(retry);
  if (connection.get().is !== "lost") connection.set({ is: "lost", since: now() });
  if (tries === 1) void refresh(); // tells a lost link from a session that has ended
  retry = window.setTimeout(open, RETRY_MS[Math.min(tries++, RETRY_MS.length - 1)]);
}

function open(): void {
  clearTimeout(retry);
  source?.close();
  const stream = new EventSource(`/api/v1/live?language=${language.get()}`);
  source = stream;
  alive();
  const hear = <T>(kind: string, take: (data: T) => void) =>
    stream.addEventListener(kind, (event) => {
      alive();
      take(JSON.parse(event.data) as T);
    });
  stream.addEventListener("open", () => {
    tries = 0;
    connection.set({ is: "live" });
    void refresh();
    for (const watcher of backWatchers) watcher();
  });
  stream.addEventListener("error", () => source === stream && lose());
  hear<{ now_at: string; clock_rate: number }>("clock", (data) => hearBeat(data.now_at, data.clock_rate));
  hear<KilnNow>("kiln", takeKiln);
  hear<NewPoints>("points", takePoints);
  hear<Alarm>("alarm", takeAlarm);
  hear<Firing>("firing", (data) => lastFiring.set(data));
}

const LOOK_EVERY_MS = 30_000;

/** For who may look and not follow: fetch the kilns now and then, until the returned function is called. */
export function startLooking(): () => void {
  const look = async () => {
    await fill(kilns, api.kilns);
    const known = kilns.get();
    const isThere = known.is === "ready" && known.staleSince === null;
    connection.set(isThere ? { is: "live" } : { is: "lost", since: now() });
  };
  void look();
  const timer = window.setInterval(() => void look(), LOOK_EVERY_MS);
  return () => clearInterval(timer);
}

/** Follow the stream until the returned function is called. */
export function startLive(): () => void {
  open();
  const soon = () => connection.get().is === "lost" && open();
  addEventListener("online", soon);
  document.addEventListener("visibilitychange", soon);
  const unwatch = language.watch(open);
  return () => {
    unwatch();
    removeEventListener("online", soon);
    document.removeEventListener("visibilitychange", soon);
    clearTimeout(watchdog);
    clearTimeout(retry);
    source?.close();
    source = null;
  };
}
