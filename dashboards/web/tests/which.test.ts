import { expect, test } from "vitest";
import type { Kiln } from "../src/api";
import type { Shown } from "../src/freshness";
import { celsius, seconds } from "../src/units";
import { type Among, count, found } from "../src/which";

const FRESH: Shown = { is: "fresh", value: celsius(900), rate: null, age: seconds(1) };
const STALE: Shown = { is: "stale", value: celsius(900), age: seconds(900) };

function among(name: string, workshop: string, open_alarms: number, firing_id: number | null, shown: Shown): Among {
  return { kiln: { name, now: { open_alarms, firing_id } } as Kiln, shown: [shown], workshop };
}

const KILNS = [
  among("Lò gas 1", "Xưởng Đỗ Gốm", 0, null, FRESH),
  among("Lò gas 2", "Xưởng Đỗ Gốm", 0, 7, FRESH),
  among("Lò than", "Nhà Hương", 2, 8, STALE),
];
const names = (some: readonly Among[]) => some.map((one) => one.kiln.name);

test("kilns that need somebody come first", () => {
  expect(names(found(KILNS, "all", ""))).toEqual(["Lò than", "Lò gas 2", "Lò gas 1"]);
});

test("each state has its kilns", () => {
  expect(names(found(KILNS, "firing", ""))).toEqual(["Lò than", "Lò gas 2"]);
  expect(names(found(KILNS, "unheard", ""))).toEqual(["Lò than"]);
  expect(count(KILNS, "alarm")).toBe(1);
});

test("names are found as people type them in a hurry", () => {
  expect(names(found(KILNS, "all", "xuong do"))).toEqual(["Lò gas 2", "Lò gas 1"]);
  expect(names(found(KILNS, "all", " HƯƠNG"))).toEqual(["Lò than"]);
  expect(found(KILNS, "all", "không có")).toEqual([]);
});
