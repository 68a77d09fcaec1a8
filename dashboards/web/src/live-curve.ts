import { useEffect, useState } from "preact/hooks";
import { api, type Curve, type CurveChannel } from "./api";
import { codeOf } from "./api/client";
import { now } from "./clock";
import { countPoints, heardUntil, merge } from "./curve";
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
  let meanwhile: CurveChannel[][] | null = null; // what comes while the whole is fetched; null while it is not
  let mostPoints = TOO_MANY;
  let missedFrom: number | null = null; // what came since then was not all heard [s]
  let isOver = false;
  let again = 0;

  const draw = (channels: CurveChannel[], damaged: Drawn["damaged"]) => {
    drawn = { channels, damaged };
    tell(ready(drawn));
  };
  const take = (fresh: CurveChannel[]) => {
    meanwhile?.push(fresh);
    if (isOver || drawn === null) return;
    draw(merge(drawn.channels, fresh), drawn.damaged);
    if (again === 0 && countPoints(drawn.channels) > mostPoints) void fetchWhole();
  };
  const later = (act: () => Promise<void>) => {
    clearTimeout(again);
    again = window.setTimeout(() => {
      again = 0;
      void act();
    }, FETCH_AGAIN_MS);
  };
  const fetchWhole = async () => {
    if (meanwhile !== null) return;
    const came: CurveChannel[][] = [];
    meanwhile = came;
    try {
      const whole = await fetchAll(source);
      if (isOver) return;
      mostPoints = Math.max(TOO_MANY, 2 * countPoints(whole.channels)); // many probes need more, however thin
      missedFrom = null;
      draw(came.reduce<CurveChannel[]>(merge, whole.channels), whole.damaged);
    } catch (error) {
      if (isOver) return;
      if (drawn === null) tell({ is: "failed", code: codeOf(error) });
      later(fetchWhole);
    } finally {
      meanwhile = null;
    }
  };
  const backFill = async () => {
    const heardTo = drawn === null ? null : heardUntil(drawn.channels);
    if (source.is !== "live" || heardTo === null) return fetchWhole();
    const from = Math.min(heardTo, missedFrom ?? heardTo);
    missedFrom = from;
    try {
      const { channels } = await api.kilnCurve(source.kilnId, new Date(from * 1000), now(), WIDTH);
      missedFrom = null;
      take(channels);
    } catch {
      if (!isOver) later(backFill);
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
