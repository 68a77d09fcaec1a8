import type { CurveChannel, PlanPoint } from "./api";

export const GAP_S = 300; // a line is not drawn over more than this without a reading, unless that is usual
const SPEAKS_S = 1800; // a channel silent for longer is not waited for
const USUAL = 5; // latest intervals, of which the middle one is the usual

export const firstTime = (channel: CurveChannel): number | undefined => channel.time_s[0];
export const lastTime = (channel: CurveChannel): number | undefined => channel.time_s.at(-1);

/** Return the newest time of any channel [s], null when none ever spoke. */
export function newest(channels: readonly CurveChannel[]): number | null {
  const times = channels.map(lastTime).filter((time) => time !== undefined);
  return times.length === 0 ? null : Math.max(...times);
}

/** Return up to when every channel that still speaks was heard [s], null when none ever spoke. */
export function heardUntil(channels: readonly CurveChannel[]): number | null {
  const last = newest(channels);
  if (last === null) return null;
  return Math.min(...channels.map((channel) => lastTime(channel) ?? last).filter((time) => last - time <= SPEAKS_S));
}

export const countPoints = (channels: readonly CurveChannel[]): number =>
  channels.reduce((sum, channel) => sum + channel.value_c.filter((value) => value !== null).length, 0);

function indexAfter(times: readonly number[], time: number): number {
  let [low, high] = [0, times.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((times[middle] ?? 0) <= time) low = middle + 1;
    else high = middle;
  }
  return low;
}

const indexFrom = (times: readonly number[], time: number): number => {
  let index = indexAfter(times, time);
  while (index > 0 && times[index - 1] === time) index -= 1;
  return index;
};

/** Return over how long no line is drawn after the first `count` points [s]: some instruments say a value an hour. */
function gapAfter(channel: CurveChannel, count: number): number {
  const times: number[] = [];
  for (let index = count - 1; index >= 0 && times.length <= USUAL; index -= 1)
    if (channel.value_c[index] !== null) times.push(channel.time_s[index] ?? 0);
  const intervals = times.slice(1).map((time, index) => (times[index] ?? 0) - time);
  const usual = intervals.sort((a, b) => a - b)[intervals.length >> 1] ?? 0;
  return Math.max(GAP_S, 3 * usual);
}

function mergeChannel(old: CurveChannel, fresh: CurveChannel): CurveChannel {
  const [from, to] = [firstTime(fresh), lastTime(fresh)];
  if (from === undefined || to === undefined) return old;
  const keep = indexFrom(old.time_s, from);
  const resume = indexAfter(old.time_s, to);
  const before = old.time_s[keep - 1];
  const hole = before !== undefined && from - before > gapAfter(old, keep);
  return {
    ...fresh,
    time_s: [...old.time_s.slice(0, keep), ...(hole ? [before + 1] : []), ...fresh.time_s, ...old.time_s.slice(resume)],
    value_c: [...old.value_c.slice(0, keep), ...(hole ? [null] : []), ...fresh.value_c, ...old.value_c.slice(resume)],
  };
}

/** Return what of a curve is not older than a time [s]. */
export const newerThan = (channels: readonly CurveChannel[], fromS: number): CurveChannel[] =>
  channels.map((channel) => {
    const first = indexFrom(channel.time_s, fromS);
    return { ...channel, time_s: channel.time_s.slice(first), value_c: channel.value_c.slice(first) };
  });

/** Put new points into a curve: what they cover replaces what was there, so nothing is drawn twice. */
export function merge(old: readonly CurveChannel[], fresh: readonly CurveChannel[]): CurveChannel[] {
  const incoming = new Map(fresh.map((channel) => [channel.channel_id, channel]));
  const merged = old.map((channel) => {
    const more = incoming.get(channel.channel_id);
    incoming.delete(channel.channel_id);
    return more ? mergeChannel(channel, more) : channel;
  });
  return [...merged, ...incoming.values()];
}

/** Return the value nearest to a time, null when none lies within `within`. */
export function valueNear(
  x: readonly number[],
  y: readonly (number | null)[],
  at: number,
  within: number,
): number | null {
  const after = indexFrom(x, at);
  let best: { distance: number; value: number } | null = null;
  for (const index of [after - 1, after]) {
    const [time, value] = [x[index], y[index]];
    if (time === undefined || value === undefined || value === null) continue;
    const distance = Math.abs(time - at);
    if (distance <= within && (best === null || distance < best.distance)) best = { distance, value };
  }
  return best?.value ?? null;
}

/** Return the planned temperature at a time since the start, null outside the plan. */
export function planAt(points: readonly PlanPoint[], timeS: number): number | null {
  const next = points.findIndex((point) => point.time_s >= timeS);
  const [a, b] = [points[next - 1], points[next]];
  if (b === undefined) return null;
  if (a === undefined) return b.time_s === timeS ? b.temp_c : null;
  return a.temp_c + ((b.temp_c - a.temp_c) * (timeS - a.time_s)) / (b.time_s - a.time_s);
}

/** Return the stretch of a plan from one time since the start to another, cut where the plan goes on beyond them. */
export function planWithin(points: readonly PlanPoint[], fromS: number, toS: number): PlanPoint[] {
  const ends = [fromS, toS].flatMap((time_s): PlanPoint[] => {
    const temp_c = planAt(points, time_s);
    return temp_c === null ? [] : [{ time_s, temp_c }];
  });
  const inner = points.filter((point) => fromS < point.time_s && point.time_s < toS);
  return [...ends, ...inner].sort((a, b) => a.time_s - b.time_s);
}
