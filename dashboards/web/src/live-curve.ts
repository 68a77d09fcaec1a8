import { useEffect, useState } from "preact/hooks";
import { api, type Curve, type CurveChannel } from "./api";
import { codeOf } from "./api/client";
import { now } from "./clock";
import { countPoints, merge, newest } from "./curve";
import { onConnected, onPoints } from "./live";
import { type Load, ready } from "./load";

const WIDTH = 900;
const TOO_MANY = 12_000; // points: beyond this the curve is fetched again, thinned
const FETCH_AGAIN_MS = 10_000;

/** Which curve: a kiln's own from a moment on, or a finished firing's. */
export type CurveSource =
  | { is: "live"; kilnId: number; fromMs: number }
  | { is: "finished"; firingId: number; span: string };

/** What is drawn of a curve, and where it is not of the readings themselves. */
export type Drawn = Pick<Curve, "channels" | "damaged">;

const fetchAll = (source: CurveSource): Promise<Drawn> =>
  source.is === "live"
    ? api.kilnCurve(source.kilnId, new Date(source.fromMs), now(), WIDTH)
    : api.firingCurve(source.firingId, WIDTH);

/** Fetch a curve, keep it growing with the live points, and fill what was missed while the link was down. */
export function useCurve(source: CurveSource | null): Load<Drawn> {
  const [load, setLoad] = useState<Load<Drawn>>({ is: "loading" });
  // biome-ignore lint/correctness/useExhaustiveDependencies: a source is the same when it says the same
  useEffect(() => {
    if (source === null) return;
    setLoad({ is: "loading" });
    return follow(source, setLoad);
  }, [JSON.stringify(source)]);
  return load;
}

/** Tell of a curve and of all that comes to it, until the returned function is called. */
export function follow(source: CurveSource, tell: (load: Load<Drawn>) => void): () => void {
  let drawn: Drawn | null = null;
  let early: CurveChannel[][] = []; // came while the whole was fetched
  let isOver = false;
  let again = 0;

  const take = (fresh: CurveChannel[]) => {
    if (isOver) return;
    if (drawn === null) {
      early.push(fresh);
      return;
    }
    drawn = { ...drawn, channels: merge(drawn.channels, fresh) };
    if (countPoints(drawn.channels) > TOO_MANY) void fetchWhole();
    tell(ready(drawn));
  };
  const fetchWhole = async () => {
    clearTimeout(again);
    early = [];
    try {
      const whole = await fetchAll(source);
      if (isOver) return;
      drawn = whole;
      const waiting = early;
      early = [];
      for (const fresh of waiting) take(fresh);
      tell(ready(drawn));
    } catch (error) {
      if (isOver || drawn !== null) return;
      tell({ is: "failed", code: codeOf(error) });
      again = window.setTimeout(fetchWhole, FETCH_AGAIN_MS);
    }
  };
  const backFill = async () => {
    const last = drawn === null ? null : newest(drawn.channels);
    if (source.is !== "live" || last === null) return fetchWhole();
    try {
      take((await api.kilnCurve(source.kilnId, new Date(last * 1000), now(), WIDTH)).channels);
    } catch {
      // the next connection tries again
    }
  };

  void fetchWhole();
  const unwatch =
    source.is === "finished"
      ? []
      : [
          onPoints((points) => points.kiln_id === source.kilnId && take(points.channels)),
          onConnected(() => void backFill()),
        ];
  return () => {
    isOver = true;
    clearTimeout(again);
    for (const stop of unwatch) stop();
  };
}
