import { expect, test } from "vitest";
import { isWordKey, sayIn } from "../src/words";
import { en } from "../src/words/en";
import { vi } from "../src/words/vi";

const holes = (text: string) => [...text.matchAll(/\{(\w+)\}/g)].map((found) => found[1]).sort();

test("both languages have the same keys", () => {
  expect(Object.keys(en).sort()).toEqual(Object.keys(vi).sort());
});

test.each(Object.keys(vi).filter(isWordKey))("%s has words and the same holes in both languages", (key) => {
  expect(vi[key].trim()).not.toBe("");
  expect(en[key].trim()).not.toBe("");
  expect(holes(en[key])).toEqual(holes(vi[key]));
});

test("holes are filled", () => {
  expect(sayIn("vi")("cone.name", { cone: "8" })).toBe("côn 8");
  expect(sayIn("en")("cone.name", { cone: "8" })).toBe("cone 8");
});
