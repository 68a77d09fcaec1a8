import { useEffect, useState } from "preact/hooks";
import { createStore } from "./store";

/** One beat of the service's clock; between beats it runs on, `rate` times as fast as the browser's. */
export interface Beat {
  nowMs: number;
  rate: number;
  heardMs: number;
}

export const timeAt = (beat: Beat, monotonicMs: number): number =>
  beat.nowMs + Math.max(0, monotonicMs - beat.heardMs) * beat.rate;

export const beat = createStore<Beat>({ nowMs: Date.now(), rate: 1, heardMs: performance.now() });

export function hearBeat(nowAt: string, rate: number): void {
  beat.set({ nowMs: Date.parse(nowAt), rate, heardMs: performance.now() });
}

export const now = (): Date => new Date(timeAt(beat.get(), performance.now()));

/** Return the service's time, and draw again every second. */
export function useNow(): Date {
  const [, redraw] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => redraw((count) => count + 1), 1000);
    return () => clearInterval(timer);
  }, []);
  return now();
}
