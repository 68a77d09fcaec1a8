import type { PlanPoint } from "./api";
import { numberOf } from "./moments";

/** One row of the plan form, as typed. */
export interface PlanRow {
  target: string;
  by: "rate" | "minutes";
  amount: string;
  hold: string;
}

export type PlanResult =
  | { is: "points"; points: PlanPoint[] }
  | { is: "wrong"; what: "start" | "target" | "amount" | "hold"; row: number };

const HOTTEST_C = 1500;
export const EMPTY_ROW: PlanRow = { target: "", by: "rate", amount: "", hold: "" };

const isTemperature = (value: number | null): value is number => value !== null && value >= 0 && value <= HOTTEST_C;

/** Turn the rows into the corners of the plan: ramp to each target, then hold there. */
export function planPoints(startText: string, rows: readonly PlanRow[]): PlanResult {
  const start = numberOf(startText);
  if (!isTemperature(start)) return { is: "wrong", what: "start", row: 0 };
  const points: PlanPoint[] = [{ time_s: 0, temp_c: start }];
  let [timeS, tempC] = [0, start];
  for (const [index, row] of rows.entries()) {
    const [target, amount, hold] = [numberOf(row.target), numberOf(row.amount), numberOf(row.hold || "0")];
    if (!isTemperature(target)) return { is: "wrong", what: "target", row: index };
    if (amount === null || amount <= 0) return { is: "wrong", what: "amount", row: index };
    if (hold === null || hold < 0) return { is: "wrong", what: "hold", row: index };
    const rampS = row.by === "minutes" ? amount * 60 : (Math.abs(target - tempC) / amount) * 3600;
    for (const stepS of [rampS, hold * 60]) {
      timeS += stepS;
      if (stepS > 0) points.push({ time_s: timeS, temp_c: target });
    }
    tempC = target;
  }
  return points.length < 2 ? { is: "wrong", what: "target", row: 0 } : { is: "points", points };
}
