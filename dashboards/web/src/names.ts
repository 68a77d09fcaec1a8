import type { ChannelNamed, Me } from "./api";
import { isWordKey, type Say } from "./words";

/** Return a probe's name: as its people call it, else by its place's word, else as it came. */
export function channelName(say: Say, name: string, known: readonly ChannelNamed[]): string {
  const label = known.find((one) => one.name === name)?.label;
  if (label) return label;
  const key = `channel.${name}`;
  return isWordKey(key) ? say(key) : name;
}

/** Return what a kiln or a bridge is called, after its workshop for who belongs to several. */
export function nameIn(workshops: Me["workshops"], workshopId: number, name: string): string {
  const workshop = workshops.length > 1 && workshops.find((one) => one.id === workshopId);
  return workshop ? `${workshop.name} · ${name}` : name;
}

export function qualityName(say: Say, quality: string): string {
  const key = `quality.${quality}`;
  return say(isWordKey(key) ? key : "quality.fault");
}

export function problemText(say: Say, code: string): string {
  const key = `error.${code}`;
  return say(isWordKey(key) ? key : "error.unexpected");
}

export interface LineLook {
  colour: string;
  dash: readonly number[];
}

/** How lines are told apart: colour and dash together. */
export const LOOKS: readonly LineLook[] = [
  { colour: "#ff9a4d", dash: [] },
  { colour: "#86dcbc", dash: [] },
  { colour: "#7fa8ff", dash: [7, 4] },
  { colour: "#f3d36b", dash: [2, 4] },
  { colour: "#f08bb0", dash: [12, 4] },
  { colour: "#b8c4de", dash: [12, 4, 2, 4] },
  { colour: "#4fd3e6", dash: [5, 3] },
  { colour: "#c79bff", dash: [3, 3] },
];
export const PLAN_LOOK: LineLook = { colour: "#c3cee6", dash: [6, 6] };

export const lookOf = (index: number): LineLook => LOOKS[index % LOOKS.length] ?? PLAN_LOOK;

/** A probe of a kiln looks the same everywhere, whichever others are shown beside it. */
export const lookOfChannel = (name: string, known: readonly ChannelNamed[]): LineLook =>
  lookOf(
    Math.max(
      0,
      known.findIndex((one) => one.name === name),
    ),
  );

/** Say whether people want to see a probe; the analysis goes on with all of them. */
export const isShown = (name: string, known: readonly ChannelNamed[]): boolean =>
  known.every((one) => one.name !== name || !one.is_hidden);

export function defectName(say: Say, defect: string): string {
  const key = `defect.${defect}`;
  return isWordKey(key) ? say(key) : defect;
}
