import { describe, expect, test } from "vitest";
import { batchIn, counted, draftOf, EMPTY_DRAFT, firstPart } from "../src/batch";
import { numberOf } from "../src/moments";
import { type PlanRow, planPoints } from "../src/plan";
import { another, conesIn, learntOf, rowOf, usual } from "../src/witness";

const row = (target: string, by: PlanRow["by"], amount: string, hold = ""): PlanRow => ({ target, by, amount, hold });

describe("the plan form", () => {
  test("a comma and a point are the same", () => {
    expect(["12,5", " 12.5 ", "−2,5", "12h", ""].map(numberOf)).toEqual([12.5, 12.5, -2.5, null, null]);
  });
  test("a mark before three digits is of thousands to one and a decimal to another: neither is guessed", () => {
    expect(["1.250", "1,250", "-12.500"].map(numberOf)).toEqual([null, null, null]);
    expect(["0.125", "1250", "1.25", "1250.125"].map(numberOf)).toEqual([0.125, 1250, 1.25, 1250.125]);
    expect(planPoints("20", [row("1.250", "rate", "100")])).toEqual({ is: "wrong", what: "target", row: 0 });
  });
  test("ramps by rate and by minutes, and holds, become corners", () => {
    const result = planPoints("20", [row("620", "rate", "100"), row("1220", "minutes", "300", "30")]);
    expect(result).toEqual({
      is: "points",
      points: [
        { time_s: 0, temp_c: 20 },
        { time_s: 21_600, temp_c: 620 },
        { time_s: 39_600, temp_c: 1220 },
        { time_s: 41_400, temp_c: 1220 },
      ],
    });
  });
  test("a way down needs no minus sign", () => {
    expect(planPoints("1000", [row("800", "rate", "100")])).toMatchObject({
      points: [{}, { time_s: 7200, temp_c: 800 }],
    });
  });
  test.each([
    ["cold", [row("600", "rate", "100")], "start", 0],
    ["20", [row("1600", "rate", "100")], "target", 0],
    ["20", [row("600", "rate", "100"), row("900", "rate", "0")], "amount", 1],
    ["20", [row("600", "rate", "100", "-1")], "hold", 0],
    ["20", [], "target", 0],
  ] as const)("what is wrong is named with its row", (start, rows, what, at) => {
    expect(planPoints(start, rows)).toEqual({ is: "wrong", what, row: at });
  });
});

describe("the batch form", () => {
  const draft = {
    ...{ ware: " bát men ngọc ", pieces: "480", note: "" },
    rows: [
      { grade: "first", defect: "", count: "431" },
      { grade: "reject", defect: "crack", count: "8" },
      { grade: "second", defect: "", count: "" },
    ],
  } as const;
  test("rows left empty are dropped, no defect is null", () => {
    expect(batchIn(draft)).toEqual({
      ...{ ware: "bát men ngọc", pieces_loaded: 480, note: "" },
      outcomes: [
        { grade: "first", defect: null, count: 431 },
        { grade: "reject", defect: "crack", count: 8 },
      ],
    });
    expect(counted(draft)).toBe(439);
  });
  test("it cannot be sent without ware, pieces and whole numbers", () => {
    expect(batchIn(EMPTY_DRAFT)).toBeNull();
    expect(batchIn({ ...draft, rows: [{ grade: "first", defect: "", count: "1,5" }] })).toBeNull();
  });
  test("what was saved comes back as it was", () => {
    const body = batchIn(draft);
    const batch = {
      id: 1,
      firing_id: 1,
      version: "08e7d766cd6e",
      ...body,
      ...{ ware: "x", pieces_loaded: 500, note: "", outcomes: body?.outcomes ?? [] },
    };
    expect(batchIn(draftOf(batch))).toMatchObject({ pieces_loaded: 500, outcomes: body?.outcomes });
    expect(firstPart(batch)).toBeCloseTo(0.862);
  });
});

describe("the form of witness cones", () => {
  const row = { channel: "top", cone: "6", kind: "self_supporting", bend: "part", tip: "" } as const;
  test("beside a probe stand the target, and those before and after it", () => {
    expect(usual("top", "6").map((one) => one.cone)).toEqual(["5", "6", "7"]);
    expect(usual("top", "14").map((one) => one.cone)).toEqual(["13", "14"]);
    expect(usual("top", "022").map((one) => one.cone)).toEqual(["022", "021"]);
    expect(usual("top", "5.5").map((one) => one.cone)).toEqual(["5", "5.5", "6"]);
  });
  test("an angle counts and not the look, and cones of which nothing is said were not there", () => {
    const seen = { channel: "top", cone: "6", kind: "self_supporting" };
    expect(conesIn([row, { ...row, tip: "45,5" }, { ...row, bend: "" }])).toEqual([
      { ...seen, seen: "part" },
      { ...seen, seen: 45.5 },
    ]);
  });
  test.each(["91", "-1", "half"])("%s is no angle", (tip) => {
    expect(conesIn([{ ...row, tip }])).toBeNull();
  });
  test("what is saved is what is edited", () => {
    for (const seen of ["molten", 30] as const) {
      const saved = { channel: "top", cone: "7", kind: "large", seen } as const;
      expect(conesIn([rowOf({ ...saved, progress: 0.5 })])).toEqual([saved]);
    }
  });
  test("cones that contradict one another or the probe teach nothing", () => {
    const of = (mean_c: number, sd_c: number) => learntOf({ channel: "top", firings: 1, mean_c, sd_c });
    expect([of(-3, 11.9), of(0.4, 4), of(3, 4), of(-3, 4)]).toEqual(["nothing", "same", "more", "less"]);
  });
  test("the next cone is one hotter beside the same probe", () => {
    expect(another([{ ...row, kind: "large" }], "kiln")).toEqual({ ...row, cone: "7", kind: "large", bend: "" });
    expect(another([], "kiln").channel).toBe("kiln");
  });
});
