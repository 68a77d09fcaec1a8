import { useEffect, useState } from "preact/hooks";
import { createStore } from "./store";

/** One beat of the service's clock; between beats it runs on, `rate` times as fast as the browser's. */
export interface Beat {
  nowMs: number;
  rate: number;
  heardMs: number;
  heardWallMs: number;
}

/** How long ago a beat was heard: the monotonic clock stands still while a device sleeps, the wall's may be set back. */
const sinceMs = (beat: Beat, monotonicMs: number, wallMs: number): number =>
  Math.max(0, monotonicMs - beat.heardMs, wallMs - beat.heardWallMs);

export const timeAt = (beat: Beat, monotonicMs: number, wallMs: number): number =>
  beat.nowMs + sinceMs(beat, monotonicMs, wallMs) * beat.rate;

const heard = (nowMs: number, rate: number): Beat => ({
  nowMs,
  rate,
  heardMs: performance.now(),
  heardWallMs: Date.now(),
});

export const beat = createStore<Beat>(heard(Date.now(), 1));

export function hearBeat(nowAt: string, rate: number): void {
  beat.set(heard(Date.parse(nowAt), rate));
}

export const silentMs = (): number => sinceMs(beat.get(), performance.now(), Date.now());

export const now = (): Date => new Date(timeAt(beat.get(), performance.now(), Date.now()));

/** Return the service's time, and draw again every second. */
export function useNow(): Date {
  const [, redraw] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => redraw((count) => count + 1), 1000);
    return () => clearInterval(timer);
  }, []);
  return now();
}
