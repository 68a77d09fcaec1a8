import { type Alarm, api, type CurveChannel, type Firing, type Kiln, type KilnNow } from "./api";
import { beat, hearBeat, now, silentMs } from "./clock";
import { UsualInterval, withPoints } from "./freshness";
import { failed, type Load, ready } from "./load";
import { renew } from "./session";
import { createStore, type Store } from "./store";
import { language } from "./words";

const SILENT_MS = 16_000; // the clock beats every five seconds; three missed beats are a lost connection
const RETRY_MS = [1_000, 2_000, 5_000, 10_000];
const FETCH_AGAIN_MS = 10_000;
const GATHER_EDITS_MS = 300; // a person ticks two boxes at once

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
const editsAskedFor = new Map<number, string | null>();

let source: EventSource | null = null;
let watchdog = 0;
let retry = 0;
let tries = 0;
let again = 0;
let editing = 0;

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

function comeBack(): void {
  for (const watcher of backWatchers) watcher();
}

function seeNow(fresh: KilnNow): void {
  const interval = intervals.get(fresh.kiln_id) ?? new UsualInterval();
  interval.see(fresh.last_at);
  intervals.set(fresh.kiln_id, interval);
}

function put(id: number, change: (kiln: Kiln) => Kiln): void {
  const known = kilns.get();
  if (known.is !== "ready") return;
  kilns.set({ ...known, value: known.value.map((kiln) => (kiln.id === id ? change(kiln) : kiln)) });
}

function takeKiln(fresh: KilnNow): void {
  seeNow(fresh);
  put(fresh.kiln_id, (kiln) => ({ ...kiln, now: fresh }));
}

/** Take what the service has answered to who said something of a kiln. */
export function takeSaid(said: Kiln): void {
  put(said.id, (kiln) => ({ ...said, now: kiln.now }));
}

/** Fetch the kilns when one was edited, or is new here: once for each edit, as one out of use is in no list. */
function seeEdit({ kiln_id, edited_at }: KilnNow): void {
  const known = kilns.get();
  if (known.is !== "ready" || editsAskedFor.get(kiln_id) === edited_at) return;
  if (known.value.find((kiln) => kiln.id === kiln_id)?.edited_at === edited_at) return;
  editsAskedFor.set(kiln_id, edited_at);
  clearTimeout(editing);
  editing = window.setTimeout(refresh, GATHER_EDITS_MS);
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

/** Return the open alarms with what was said of one. */
function withAlarm(known: readonly Alarm[], alarm: Alarm): Alarm[] {
  const others = known.filter((one) => one.id !== alarm.id);
  const isOpen = alarm.cleared_at === null || alarm.acknowledged_at === null;
  return isOpen ? [alarm, ...others].sort((a, b) => b.opened_at.localeCompare(a.opened_at)) : others;
}

export function takeAlarm(alarm: Alarm): void {
  lastAlarm.set(alarm);
  const known = openAlarms.get();
  if (known.is === "ready") openAlarms.set({ ...known, value: withAlarm(known.value, alarm) });
}

/** Fetch the open alarms; what comes meanwhile, the answer may not know of. */
async function fetchOpenAlarms(): Promise<Alarm[]> {
  const came: Alarm[] = [];
  const unwatch = lastAlarm.watch((alarm) => alarm && came.push(alarm));
  try {
    const found = await api.alarms("open");
    return came.reduce<Alarm[]>(withAlarm, found);
  } finally {
    unwatch();
  }
}

/** Return what fetches a store anew; an answer that a later one has overtaken counts no more. */
function filler<T>(store: Store<Load<T>>, fetch: () => Promise<T>): () => Promise<void> {
  let newest = 0;
  return async () => {
    const mine = ++newest;
    const load = await fetch().then(ready, (error: unknown) => failed(store.get(), error));
    if (mine === newest) store.set(load);
  };
}

const fillKilns = filler(kilns, api.kilns);
const fillAlarms = filler(openAlarms, fetchOpenAlarms);
const isWhole = (load: Load<unknown>) => load.is === "ready" && load.staleSince === null;

export async function refresh(): Promise<void> {
  await Promise.all([fillKilns(), fillAlarms()]);
  const known = kilns.get();
  if (known.is === "ready") for (const kiln of known.value) seeNow(kiln.now);
  clearTimeout(again);
  if (source !== null && !(isWhole(known) && isWhole(openAlarms.get())))
    again = window.setTimeout(refresh, FETCH_AGAIN_MS); // a lost stream fetches when it is back
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
  if (tries > 0) void renew(); // tells a lost link from a session that has ended, or may follow no more
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
    comeBack();
  });
  stream.addEventListener("error", () => source === stream && lose());
  hear<{ now_at: string; clock_rate: number }>("clock", (data) => hearBeat(data.now_at, data.clock_rate));
  hear<KilnNow>("kiln", (fresh) => {
    takeKiln(fresh);
    seeEdit(fresh);
  });
  hear<NewPoints>("points", takePoints);
  hear<Alarm>("alarm", takeAlarm);
  hear<Firing>("firing", (data) => lastFiring.set(data));
}

const LOOK_EVERY_MS = 30_000;

/** For who may look and not follow: fetch the kilns now and then, until the returned function is called. */
export function startLooking(): () => void {
  const look = async () => {
    await fillKilns();
    const known = kilns.get();
    const isThere = known.is === "ready" && known.staleSince === null;
    connection.set(isThere ? { is: "live" } : { is: "lost", since: now() });
    if (!isThere) return;
    for (const kiln of known.value.slice(0, 1)) hearBeat(kiln.now.now_at, beat.get().rate);
    comeBack();
  };
  void look();
  const timer = window.setInterval(() => void look(), LOOK_EVERY_MS);
  return () => clearInterval(timer);
}

/** Follow the stream until the returned function is called. */
export function startLive(): () => void {
  open();
  const soon = () => (connection.get().is === "lost" || silentMs() > SILENT_MS) && open();
  addEventListener("online", soon);
  document.addEventListener("visibilitychange", soon);
  const unwatch = language.watch(open);
  return () => {
    unwatch();
    removeEventListener("online", soon);
    document.removeEventListener("visibilitychange", soon);
    for (const timer of [watchdog, retry, again, editing]) clearTimeout(timer);
    source?.close();
    source = null;
  };
}
