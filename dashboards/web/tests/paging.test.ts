import { expect, test } from "vitest";
import { fetchFirst } from "../src/paging";

const ALL = Array.from({ length: 450 }, (_, index) => ({ id: 1000 - index }));
const asked: number[] = [];
const page = async (limit: number, beforeId: number | undefined) => {
  asked.push(limit);
  return ALL.filter(({ id }) => beforeId === undefined || id < beforeId).slice(0, limit);
};

test("more than the service hands out at once is fetched page by page, each after the one before", async () => {
  expect(await fetchFirst(page, 440)).toEqual(ALL.slice(0, 440));
  expect(asked).toEqual([200, 200, 40]);
});

test("a list ends where a page is not full", async () => {
  expect(await fetchFirst(page, 480)).toEqual(ALL);
  expect(await fetchFirst(async () => [], 40)).toEqual([]);
});
