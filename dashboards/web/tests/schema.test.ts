import { readFile } from "node:fs/promises";
import openapiTS, { astToString } from "openapi-typescript";
import { expect, test } from "vitest";

test("the API's types are those of openapi.json (`npm run api` writes them)", async () => {
  const document = JSON.parse(await readFile("openapi.json", "utf8"));
  const kept = await readFile("src/api/schema.ts", "utf8");
  expect(kept).toContain(astToString(await openapiTS(document)).trim());
});
