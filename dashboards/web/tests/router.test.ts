import { expect, test } from "vitest";
import { match } from "../src/router";

test.each([
  ["/", "/", {}],
  ["/kilns/:id", "/kilns/7", { id: "7" }],
  ["/kilns/:id", "/kilns/7/", { id: "7" }],
  ["/kilns/:id", "/kilns/x%2Fy", { id: "x/y" }],
])("%s is %s", (pattern, path, params) => {
  expect(match(pattern, path)).toEqual(params);
});

test.each([
  ["/kilns/:id", "/kilns"],
  ["/kilns/:id", "/firings/7"],
  ["/", "/kilns"],
])("%s is not %s", (pattern, path) => {
  expect(match(pattern, path)).toBeNull();
});
