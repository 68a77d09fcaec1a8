import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { codeOf } from "../api/client";
import { onConnected } from "../live";
import { useStore } from "../store";
import { type Formats, formats } from "../units";
import { language, type Say, useSay } from "../words";

/** The words and the number formats of the language in use. */
export function useLanguage(): { say: Say; format: Formats } {
  const chosen = useStore(language);
  const format = useMemo(() => formats(chosen), [chosen]);
  return { say: useSay(), format };
}

/** Say in the browser's tab and its list of pages which page this is. */
export function useTitle(title: string): void {
  useEffect(() => {
    document.title = `${title} · Canh Lò`;
    return () => {
      document.title = "Canh Lò";
    };
  }, [title]);
}

export const RUNNING_EVERY_MS = 30_000; // of a running firing: what rings nobody comes with no event

/** Fetch anew when the stream is back, and every so often, if at all. */
export function useRenewal(reload: () => void, everyMs: number | null): void {
  useEffect(() => onConnected(reload), [reload]);
  useEffect(() => {
    if (everyMs === null) return;
    const timer = setInterval(reload, everyMs);
    return () => clearInterval(timer);
  }, [reload, everyMs]);
}

export type Doing = { is: "idle" } | { is: "busy" } | { is: "done"; at: Date } | { is: "failed"; code: string };

/**
 * Run one action at a time and keep what became of it; while one runs, another is not begun. `onFailure` may fetch anew
 * what somebody else has changed meanwhile.
 */
export function useAction(
  onFailure: () => void = () => undefined,
): [Doing, (action: () => Promise<unknown>) => Promise<boolean>] {
  const [doing, setDoing] = useState<Doing>({ is: "idle" });
  const isBusy = useRef(false); // at once, not only when it is drawn: two taps come within one drawing
  const run = async (action: () => Promise<unknown>) => {
    if (isBusy.current) return false;
    isBusy.current = true;
    setDoing({ is: "busy" });
    try {
      await action();
      setDoing({ is: "done", at: new Date() });
      return true;
    } catch (error) {
      setDoing({ is: "failed", code: codeOf(error) });
      onFailure();
      return false;
    } finally {
      isBusy.current = false;
    }
  };
  return [doing, run];
}
