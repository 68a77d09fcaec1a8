import { expect, test } from "vitest";
import type { Cone } from "../src/api";
import { near } from "../src/parts/cones";

const CONES: readonly Cone[] = [1, 1, 1, 1, 0.8, 0.5, 0.1, 0].map((progress, index) => ({
  ...{ channel: "top", cone: String(index + 1), down_at: null },
  progress,
}));
const shown = (target: string | null, areFewProbes: boolean) =>
  near(CONES, target, areFewProbes).map((cone) => cone.cone);

test("of a kiln with one or two probes the last three that fell are shown, the next two and the target", () => {
  expect(shown("8", true)).toEqual(["2", "3", "4", "5", "6", "8"]);
});

test("with more probes each has its last that fell, its next and the target", () => {
  expect(shown("8", false)).toEqual(["4", "5", "8"]);
  expect(shown(null, false)).toEqual(["4", "5"]);
});
