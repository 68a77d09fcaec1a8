import { describe, expect, test } from "vitest";
import { heightsOf, offLines, shortened, spread } from "../src/ends";

const gaps = (places: readonly number[]) => places.slice(1).map((place, index) => place - (places[index] ?? 0));

test("names of lines that end far apart stand at their ends", () => {
  expect(spread([40, 80, 200], 15, 10, 300)).toEqual([40, 80, 200]);
});

test("names of probes at nearly one temperature stand one below the other around it, in the order of the lines", () => {
  expect(spread([100, 101, 102, 103, 104], 15, 10, 300)).toEqual([72, 87, 102, 117, 132]);
});

test("names that are pushed push their neighbours on", () => {
  expect(spread([100, 100, 112, 200], 15, 10, 300)).toEqual([89, 104, 119, 200]);
});

test.each([
  ["top", [10, 10, 11], [10, 25, 40]],
  ["bottom", [298, 299, 300], [270, 285, 300]],
])("names stay inside the chart at its %s", (_, wanted, places) => {
  expect(spread(wanted, 15, 10, 300)).toEqual(places);
});

test("too many names for the height share it", () => {
  const places = spread(Array<number>(41).fill(150), 15, 100, 300);
  expect([places[0], places.at(-1)]).toEqual([100, 300]);
  expect(gaps(places).every((gap) => Math.abs(gap - 5) < 1e-9)).toBe(true);
});

test("a name that is too long keeps its beginning and its end", () => {
  const fits = (name: string) => name.length <= 11;
  expect(shortened("can trên", fits)).toBe("can trên");
  expect(shortened("Lò 1 · hai can nhiệt · 12", fits)).toBe("Lò 1 ·…· 12");
});

describe("names that lie over a line", () => {
  const plan = [[94, 120]] as const;

  test("go to the nearest side of it together", () => {
    expect(offLines([99, 114], [plan, plan], 15, 10, 300)).toEqual([79, 94]);
    expect(offLines([100, 115, 200], [plan, plan, []], 15, 84, 300)).toEqual([120, 135, 200]);
  });
  test("stay where the next free place is too far to see whose they are", () => {
    expect(offLines([100], [[[10, 200]]], 15, 10, 300)).toEqual([100]);
  });
  test("stay where nothing crosses them", () => {
    expect(offLines([40, 130], [plan, plan], 15, 10, 300)).toEqual([40, 130]);
  });
});

test("a line takes the heights that it has beside a name, also between two far corners, and none in a gap", () => {
  const area = { xOf: (x: number) => x, yOf: (y: number) => 1000 - y };
  const plan = { name: "dự kiến", colour: "#fff", x: [0, 100, 200], y: [0, 100, null] };
  expect(heightsOf(plan, area, 20, 40)).toEqual([960, 980]);
  expect(heightsOf(plan, area, 90, 150)).toEqual([900, 910]);
  expect(heightsOf(plan, area, 120, 150)).toBeNull();
});
