import type { Batch, BatchIn, Grade } from "./api";

export const GRADES: readonly Grade[] = ["first", "second", "refire", "reject"];
export const DEFECTS = [
  "crack",
  "dunting",
  "bloating",
  "pinhole",
  "crawling",
  "crazing",
  "underfired",
  "overfired",
  "black_core",
  "warping",
  "explosion",
] as const;

/** The batch form, as typed. */
export interface BatchDraft {
  ware: string;
  pieces: string;
  note: string;
  rows: readonly OutcomeRow[];
}

export interface OutcomeRow {
  grade: Grade;
  defect: string;
  count: string;
}

const wholeNumber = (text: string): number | null => (/^\d{1,7}$/.test(text.trim()) ? Number(text) : null);

export const EMPTY_DRAFT: BatchDraft = {
  ware: "",
  pieces: "",
  note: "",
  rows: [{ grade: "first", defect: "", count: "" }],
};

export const draftOf = (batch: Batch): BatchDraft => ({
  ware: batch.ware,
  pieces: String(batch.pieces_loaded),
  note: batch.note,
  rows: batch.outcomes.map((one) => ({ grade: one.grade, defect: one.defect ?? "", count: String(one.count) })),
});

export const counted = (draft: BatchDraft): number =>
  draft.rows.reduce((sum, row) => sum + (wholeNumber(row.count) ?? 0), 0);

/** Return what to send; null while the ware or a number is missing. Rows left empty are dropped. */
export function batchIn(draft: BatchDraft): BatchIn | null {
  const pieces = wholeNumber(draft.pieces);
  const filled = draft.rows.filter((row) => row.count.trim() !== "");
  if (draft.ware.trim() === "" || pieces === null) return null;
  const outcomes: BatchIn["outcomes"] = [];
  for (const row of filled) {
    const count = wholeNumber(row.count);
    if (count === null) return null;
    outcomes.push({ grade: row.grade, defect: row.defect || null, count });
  }
  return { ware: draft.ware.trim(), pieces_loaded: pieces, note: draft.note.trim(), outcomes };
}

/** Return the part of what was loaded that came out as first quality, null when nothing was loaded. */
export function firstPart(batch: Batch): number | null {
  const first = batch.outcomes.filter((one) => one.grade === "first").reduce((sum, one) => sum + one.count, 0);
  return batch.pieces_loaded > 0 && batch.outcomes.length > 0 ? first / batch.pieces_loaded : null;
}
