import type { ComparedFiring } from "./api";
import { channelName } from "./names";
import { lookText } from "./witness";
import type { Say, WordKey } from "./words";

/** One row of the comparison table: a figure of every firing, and how far apart they are. */
export interface FigureRow {
  name: WordKey;
  digits: 0 | 1 | 2;
  values: (number | null)[];
  texts: (string | null)[] | null;
  differsMost: boolean;
  highest: number | null;
  lowest: number | null;
}

type NumberKey = {
  [K in keyof ComparedFiring]: ComparedFiring[K] extends number | null ? K : never;
}[keyof ComparedFiring];

const NUMBERS: readonly [NumberKey, WordKey, 0 | 1 | 2][] = [
  ["peak_c", "compare.peak_c", 0],
  ["heat_work", "compare.heat_work", 2],
  ["duration_h", "compare.duration_h", 1],
  ["rate_to_600_c_per_h", "compare.rate_to_600_c_per_h", 0],
  ["rate_600_to_1000_c_per_h", "compare.rate_600_to_1000_c_per_h", 0],
  ["rate_above_1000_c_per_h", "compare.rate_above_1000_c_per_h", 0],
  ["hold_min", "compare.hold_min", 0],
  ["cooling_through_573_c_per_h", "compare.cooling_through_573_c_per_h", 0],
  ["max_spread_c", "compare.max_spread_c", 0],
];
const PIECES: readonly [NumberKey, WordKey, 0 | 1 | 2][] = [
  ["pieces_loaded", "compare.pieces_loaded", 0],
  ["pieces_first", "compare.pieces_first", 0],
  ["pieces_second", "compare.pieces_second", 0],
  ["pieces_refire", "compare.pieces_refire", 0],
  ["pieces_reject", "compare.pieces_reject", 0],
];
const MARKED_ROWS = 3;
const WORTH_MARKING = 0.05; // of the mean: less is within what hand firing scatters

/** Return how far apart the values are, as a part of their mean size. */
export function scatter(values: readonly (number | null)[]): number {
  const known = values.filter((value) => value !== null);
  if (known.length < 2) return 0;
  const mean = known.reduce((sum, value) => sum + Math.abs(value), 0) / known.length;
  return mean === 0 ? 0 : (Math.max(...known) - Math.min(...known)) / mean;
}

function row(name: WordKey, digits: 0 | 1 | 2, values: (number | null)[]): FigureRow {
  const known = values.filter((value) => value !== null);
  const apart = scatter(values) > 0;
  return {
    name,
    digits,
    values,
    texts: null,
    differsMost: false,
    highest: apart ? values.indexOf(Math.max(...known)) : null,
    lowest: apart ? values.indexOf(Math.min(...known)) : null,
  };
}

const yieldOf = (firing: ComparedFiring): number | null =>
  firing.pieces_loaded > 0 ? (100 * firing.pieces_first) / firing.pieces_loaded : null;

/** Return how the cones beside each probe stood; null where nobody wrote it down. */
function conesText(say: Say, { witness_cones }: ComparedFiring): string | null {
  const beside = [...new Set(witness_cones.map((one) => one.channel))].map((channel) => {
    const seen = witness_cones.filter((one) => one.channel === channel);
    return `${channelName(say, channel, [])}: ${seen.map((one) => `${one.cone} ${lookText(say, one.seen)}`).join(", ")}`;
  });
  return beside.length > 0 ? beside.join("; ") : null;
}

export function figureRows(say: Say, firings: readonly ComparedFiring[]): FigureRow[] {
  const read = ([key, name, digits]: readonly [NumberKey, WordKey, 0 | 1 | 2]) =>
    row(
      name,
      digits,
      firings.map((firing) => firing[key]),
    );
  const fired = NUMBERS.map(read).filter((one) => one.values.some((value) => value !== null));
  const ranked = fired.filter((one) => scatter(one.values) >= WORTH_MARKING);
  ranked.sort((a, b) => scatter(b.values) - scatter(a.values));
  for (const one of ranked.slice(0, MARKED_ROWS)) one.differsMost = true;
  const ofWare = (one: FigureRow): FigureRow => ({
    ...one, // nothing was written down of it, which is not nothing
    values: one.values.map((value, index) => (firings[index]?.pieces_loaded ? value : null)),
  });
  const cones = firings.map((firing) => firing.cone_reached);
  const cone: FigureRow = { ...row("compare.cone_reached", 0, []), texts: cones, differsMost: new Set(cones).size > 1 };
  const seen = firings.map((firing) => conesText(say, firing));
  const witnesses: FigureRow = { ...row("witness.title", 0, []), texts: seen };
  const ware = firings.some((firing) => firing.pieces_loaded > 0);
  return [
    cone,
    ...(seen.some((one) => one !== null) ? [witnesses] : []),
    ...fired,
    ...(ware ? [row("compare.yield", 0, firings.map(yieldOf)), ...PIECES.map(read).map(ofWare)] : []),
  ];
}

// What a kiln is called must not be reckoned by a spreadsheet: an apostrophe makes it text there.
const asText = (cell: string) => (/^[=+@\t\r]|^-(?![\d.]+$)/.test(cell) ? `'${cell}` : cell);
const quoted = (cell: string) => (/[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell);

/** Write a table as CSV with a byte-order mark, so that spreadsheets read the Vietnamese letters. */
export const csv = (table: readonly (readonly string[])[]): string =>
  `\uFEFF${table.map((cells) => cells.map(asText).map(quoted).join(",")).join("\r\n")}\r\n`;
