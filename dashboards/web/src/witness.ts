import type { ConeOffset, WitnessCone, WitnessConeIn } from "./api";
import { numberOf } from "./moments";
import type { Say } from "./words";

export type Bend = Exclude<WitnessCone["seen"], number>;

/** How cones are drawn and read: how far the tip is from upright [°]; one that is molten is a puddle. */
export const BENDS: readonly { bend: Bend; tipDeg: number }[] = [
  { bend: "not_begun", tipDeg: 8 },
  { bend: "part", tipDeg: 50 },
  { bend: "down", tipDeg: 90 },
  { bend: "molten", tipDeg: 90 },
];

/** Orton's cones, cool to hot. */
export const CONES: readonly string[] = [
  ...["022", "021", "020", "019", "018", "017", "016", "015", "014", "013", "012", "011", "010"],
  ...["09", "08", "07", "06", "05.5", "05", "04", "03", "02", "01"],
  ...["1", "2", "3", "4", "5", "5.5", "6", "7", "8", "9", "10", "11", "12", "13", "14"],
];

/** Say how a cone stands, in a word or by its angle. */
export const lookText = (say: Say, seen: WitnessCone["seen"]): string =>
  typeof seen === "number" ? say("witness.tip", { deg: seen }) : say(`witness.${seen}`);

/** One cone of the form, as typed: an angle, where there is one, counts and not the look. */
export interface ConeRow {
  channel: string;
  cone: string;
  kind: WitnessCone["kind"];
  bend: Bend | "";
  tip: string;
}

export const rowOf = (cone: WitnessCone): ConeRow => ({
  ...{ channel: cone.channel, cone: cone.cone, kind: cone.kind },
  ...(typeof cone.seen === "number" ? { bend: "", tip: String(cone.seen) } : { bend: cone.seen, tip: "" }),
});

const isWhole = (cone: string) => !cone.endsWith(".5");

/** Return the cones that are usually set beside a probe: the target, and the whole ones before and after it. */
export function usual(channel: string, target: string | null): ConeRow[] {
  const aim = target ?? "6";
  const at = CONES.indexOf(aim);
  const beside = [CONES.slice(0, at).filter(isWhole).at(-1), aim, CONES.slice(at + 1).find(isWhole)];
  return beside
    .filter((cone) => cone !== undefined)
    .map((cone) => ({ channel, cone, kind: "self_supporting", bend: "", tip: "" }));
}

/** Return the next cone to be written down: as the last, a whole cone hotter. */
export function another(rows: readonly ConeRow[], channel: string): ConeRow {
  const last = rows.at(-1);
  const hotter = last && CONES.slice(CONES.indexOf(last.cone) + 1).find(isWhole);
  return {
    ...{ channel: last?.channel ?? channel, cone: hotter ?? "6", kind: last?.kind ?? "self_supporting" },
    ...{ bend: "", tip: "" },
  };
}

/** Return what to send; null while an angle is none. Cones of which nothing is said were not there. */
export function conesIn(rows: readonly ConeRow[]): WitnessConeIn[] | null {
  const cones: WitnessConeIn[] = [];
  for (const { channel, cone, kind, bend, tip } of rows) {
    const tipDeg = tip.trim() === "" ? null : numberOf(tip);
    if (tip.trim() !== "" && (tipDeg === null || tipDeg < 0 || tipDeg > 90)) return null;
    const seen = tipDeg ?? bend;
    if (seen !== "") cones.push({ channel, cone, kind, seen });
  }
  return cones;
}

const UNSURE_SD_C = 10; // nearly as little as is known before any cone

/** Say which way cones feel another heat than the probe shows, if they agree well enough to tell. */
export function learntOf({ mean_c, sd_c }: ConeOffset): "nothing" | "same" | "more" | "less" {
  if (sd_c > UNSURE_SD_C) return "nothing";
  return Math.round(mean_c) === 0 ? "same" : mean_c > 0 ? "more" : "less";
}
