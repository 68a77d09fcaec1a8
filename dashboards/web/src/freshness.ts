import type { ChannelNow, CurveChannel, Kiln, KilnNow } from "./api";
import { type Celsius, type CelsiusPerHour, celsius, perHour, type Seconds, seconds } from "./units";

const STALE_AFTER_S = 60;
const USUAL_INTERVALS = 3;
const DELIVERY_REAL_S = 8; // in a replay the network's own delay is magnified with the clock
const REMEMBERED = 5;
const AHEAD_MS = 60_000; // clocks are a little apart

/** A probe's value as it may be shown: nobody can read the number without meeting its age. */
export type Shown =
  | { is: "never" }
  | { is: "fresh"; value: Celsius; rate: CelsiusPerHour | null; age: Seconds }
  | { is: "stale"; value: Celsius; age: Seconds }
  | { is: "faulty"; quality: string; value: Celsius | null; age: Seconds | null };

export function staleAfter(usualInterval: Seconds | null, clockRate: number): Seconds {
  return seconds(Math.max(STALE_AFTER_S, USUAL_INTERVALS * (usualInterval ?? 0), DELIVERY_REAL_S * clockRate));
}

export function show(channel: ChannelNow, now: Date, limit: Seconds): Shown {
  if (channel.at === null) {
    const isFaulty = channel.quality !== "unheard" && channel.quality !== "good";
    return isFaulty ? { is: "faulty", quality: channel.quality, value: null, age: null } : { is: "never" };
  }
  const age = seconds(Math.max(0, (now.getTime() - Date.parse(channel.at)) / 1000));
  const value = channel.value_c === null ? null : celsius(channel.value_c);
  if (value === null || channel.quality !== "good") return { is: "faulty", quality: channel.quality, value, age };
  if (age > limit) return { is: "stale", value, age };
  return { is: "fresh", value, rate: channel.rate_c_per_h === null ? null : perHour(channel.rate_c_per_h), age };
}

/** The probes of a kiln that its people want to see. */
export const watchedOf = (kiln: Kiln): ChannelNow[] => kiln.now.channels.filter((channel) => !channel.is_hidden);

/** Say whether anything was ever heard of a kiln while it was watched, be it that its probes are broken. */
export const hasSpoken = ({ now }: Pick<Kiln, "now">): boolean =>
  now.last_at !== null || now.firing_id !== null || now.channels.some((channel) => channel.quality !== "unheard");

/** Say whether a kiln is known to be as it is shown: a probe speaks, or there has never been one. */
export const isHeard = (shown: readonly Shown[]): boolean =>
  shown.some((one) => one.is === "fresh") || shown.every((one) => one.is === "never");

/** Say whether a probe hangs in the kiln: a name that only an old log has says never a word, and others do. */
export const isThere = (one: Shown, shown: readonly Shown[]): boolean =>
  one.is !== "never" || shown.every((other) => other.is === "never");

/** A kiln with the newest of some points that came for it; one stamped ahead of time is the analysis's to judge. */
export function withPoints(known: KilnNow, points: CurveChannel[], now: Date): KilnNow {
  const latestMs = now.getTime() + AHEAD_MS;
  let lastMs = known.last_at === null ? Number.NEGATIVE_INFINITY : Date.parse(known.last_at);
  let isNew = false;
  const channels = known.channels.map((channel) => {
    const came = points.find((one) => one.channel_id === channel.channel_id);
    const value = came?.value_c.at(-1) ?? null;
    const ms = (came?.time_s.at(-1) ?? 0) * 1000;
    const sinceMs = channel.at === null ? Number.NEGATIVE_INFINITY : Date.parse(channel.at);
    if (value === null || ms <= sinceMs || ms > latestMs) return channel;
    isNew = true;
    lastMs = Math.max(lastMs, ms);
    return { ...channel, at: new Date(ms).toISOString(), value_c: value, quality: "good" };
  });
  return isNew ? { ...known, channels, last_at: new Date(lastMs).toISOString() } : known;
}

/** Learns how often a kiln's readings come: the median of the last few steps. */
export class UsualInterval {
  private lastMs: number | null = null;
  private steps: number[] = [];

  see(at: string | null): void {
    if (at === null) return;
    const ms = Date.parse(at);
    if (this.lastMs !== null && ms > this.lastMs) this.steps = [...this.steps, ms - this.lastMs].slice(-REMEMBERED);
    this.lastMs = ms;
  }

  get(): Seconds | null {
    const ordered = [...this.steps].sort((a, b) => a - b);
    const middle = ordered[Math.floor(ordered.length / 2)];
    return middle === undefined ? null : seconds(middle / 1000);
  }
}
