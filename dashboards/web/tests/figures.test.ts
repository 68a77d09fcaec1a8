import { expect, test } from "vitest";
import type { ComparedFiring } from "../src/api";
import { csv, figureRows, scatter } from "../src/figures";
import { sayIn } from "../src/words";

const firing = (id: number, change: Partial<ComparedFiring>): ComparedFiring => ({
  ...{ firing_id: id, label: `Lò · ${id}`, started_at: "2026-03-14T00:00:00Z", duration_h: 20, peak_c: 1250 },
  ...{ cone_reached: "8", heat_work: 1, heat_work_cone: "8", rate_to_600_c_per_h: 100, rate_600_to_1000_c_per_h: 120 },
  ...{ rate_above_1000_c_per_h: 80, hold_min: 20, cooling_through_573_c_per_h: -60, max_spread_c: 30 },
  ...{ pieces_loaded: 0, pieces_first: 0, pieces_second: 0, pieces_refire: 0, pieces_reject: 0 },
  witness_cones: [],
  ...change,
});
const find = (firings: ComparedFiring[], name: string) =>
  figureRows(sayIn("vi"), firings).find((row) => row.name === name);

test("the figures that differ most are marked, with their highest and lowest", () => {
  const firings = [firing(1, {}), firing(2, { max_spread_c: 60, peak_c: 1252 })];
  expect(find(firings, "compare.max_spread_c")).toMatchObject({ differsMost: true, highest: 1, lowest: 0 });
  expect(find(firings, "compare.peak_c")).toMatchObject({ differsMost: false });
});

test("another cone is always a difference", () => {
  expect(find([firing(1, {}), firing(2, { cone_reached: "9" })], "compare.cone_reached")?.differsMost).toBe(true);
});

test("the ware's rows are there only when ware was counted", () => {
  expect(find([firing(1, {})], "compare.yield")).toBeUndefined();
  const counted = [firing(1, { pieces_loaded: 200, pieces_first: 150 }), firing(2, {})];
  expect(find(counted, "compare.yield")?.values).toEqual([75, null]);
});

test("how the cones stood is told by the probes beside them, where somebody wrote it down", () => {
  const cone = { channel: "top", kind: "self_supporting" } as const;
  const seen = [
    { ...cone, cone: "5", seen: "down" },
    { ...cone, cone: "6", seen: 40 },
    { ...cone, channel: "góc lò", cone: "5", seen: "part" },
  ] as const;
  expect(find([firing(1, { witness_cones: [...seen] }), firing(2, {})], "witness.title")?.texts).toEqual([
    "can trên: 5 đã đổ, 6 ngả 40°; góc lò: 5 đang ngả",
    null,
  ]);
  expect(find([firing(1, {})], "witness.title")).toBeUndefined();
});

test("what is not known does not differ", () => {
  expect([scatter([1, null]), scatter([null, null]), scatter([0, 0])]).toEqual([0, 0, 0]);
});

test("a table for a spreadsheet keeps commas and Vietnamese letters", () => {
  expect(
    csv([
      ["Số liệu", "a,b"],
      ['"x"', "1"],
    ]),
  ).toBe('\uFEFFSố liệu,"a,b"\r\n"""x""",1\r\n');
});

test("a kiln's name is no formula to a spreadsheet, and a number below nought is one still", () => {
  const link = '=HYPERLINK("http://a.test")';

  expect(csv([[link, "-60.5", "-1+x", "+1"]])).toBe(`\uFEFF"'=HYPERLINK(""http://a.test"")",-60.5,'-1+x,'+1\r\n`);
});
