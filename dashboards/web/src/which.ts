import type { Kiln } from "./api";
import { isHeard, type Shown } from "./freshness";

/** A kiln among many, with what makes somebody look for it. */
export interface Among {
  kiln: Kiln;
  shown: readonly Shown[];
  workshop: string;
}

export const WHICH = ["all", "alarm", "firing", "unheard"] as const;
export type Which = (typeof WHICH)[number];

const IS: Readonly<Record<Which, (one: Among) => boolean>> = {
  all: () => true,
  alarm: ({ kiln }) => kiln.now.open_alarms > 0,
  firing: ({ kiln }) => kiln.now.firing_id !== null,
  unheard: ({ shown }) => !isHeard(shown),
};
const URGENT: readonly Which[] = ["alarm", "firing", "all"];

/** Write a name as people type it in a hurry: without marks and capitals. */
export const plainly = (text: string): string =>
  text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase().replaceAll("đ", "d").trim();

export const count = (kilns: readonly Among[], which: Which): number => kilns.filter(IS[which]).length;

/** Return the kilns that are asked for, those first that need somebody; else they stay in their order. */
export function found(kilns: readonly Among[], which: Which, text: string): Among[] {
  const wanted = plainly(text);
  const urgency = (one: Among) => URGENT.findIndex((what) => IS[what](one));
  return kilns
    .filter((one) => IS[which](one) && plainly(`${one.workshop} ${one.kiln.name}`).includes(wanted))
    .sort((a, b) => urgency(a) - urgency(b));
}
