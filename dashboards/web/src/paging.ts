import { type Inputs, useState } from "preact/hooks";
import { type Load, useLoad } from "./load";

const MOST_AT_ONCE = 200; // the service hands out no more

type FetchPage<T> = (limit: number, beforeId: number | undefined) => Promise<T[]>;

/** Fetch the first `count` of a list, page by page. */
export async function fetchFirst<T extends { id: number }>(fetch: FetchPage<T>, count: number): Promise<T[]> {
  const found: T[] = [];
  while (found.length < count) {
    const limit = Math.min(MOST_AT_ONCE, count - found.length);
    const page = await fetch(limit, found.at(-1)?.id);
    found.push(...page);
    if (page.length < limit) break;
  }
  return found;
}

/** Fetch a list as far as somebody wants to see it, anew when the inputs change; at its end there is no more to show. */
export function usePaged<T extends { id: number }>(
  fetch: FetchPage<T>,
  pageSize: number,
  inputs: Inputs,
): [Load<T[]>, () => void, (() => void) | null] {
  const [count, setCount] = useState(pageSize);
  const [load, reload] = useLoad(() => fetchFirst(fetch, count), [...inputs, count]);
  const isMore = load.is === "ready" && load.value.length >= count;
  return [load, reload, isMore ? () => setCount(count + pageSize) : null];
}
