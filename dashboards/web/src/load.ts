import { type Inputs, useCallback, useEffect, useState } from "preact/hooks";
import { codeOf } from "./api/client";
import { now } from "./clock";

/** Something fetched: a page cannot reach the value without meeting its state. */
export type Load<T> =
  | { is: "loading" }
  | { is: "ready"; value: T; staleSince: Date | null }
  | { is: "failed"; code: string };

export const ready = <T>(value: T): Load<T> => ({ is: "ready", value, staleSince: null });

/** What is left when fetching failed: the old value, and since when it is old. */
export const failed = <T>(old: Load<T>, error: unknown): Load<T> =>
  old.is === "ready" ? { ...old, staleSince: old.staleSince ?? now() } : { is: "failed", code: codeOf(error) };

/**
 * Fetch when the inputs change; a failed refresh keeps the old value and says since when it is old. If the inputs may be
 * of another thing, `isStill` says whether a value is of this one: that of another is none.
 */
export function useLoad<T>(
  fetch: () => Promise<T>,
  inputs: Inputs,
  isStill: (value: T) => boolean = () => true,
): [Load<T>, () => void, (value: T) => void] {
  const [load, setLoad] = useState<Load<T>>({ is: "loading" });
  const [round, setRound] = useState(0);
  const own = (known: Load<T>): Load<T> => (known.is === "ready" && !isStill(known.value) ? { is: "loading" } : known);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the caller names what it depends on
  useEffect(() => {
    let isWanted = true;
    fetch().then(
      (value) => isWanted && setLoad(ready(value)),
      (error: unknown) => isWanted && setLoad((old) => failed(own(old), error)),
    );
    return () => {
      isWanted = false;
    };
  }, [...inputs, round]);
  return [
    own(load),
    useCallback(() => setRound((count) => count + 1), []),
    useCallback((value) => setLoad(ready(value)), []),
  ];
}
