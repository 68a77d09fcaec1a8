import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { askAgainSoon, askWhoIAm, session } from "../src/session";
import { type FakeService, fakeBrowser } from "./fakes";

let service: FakeService;
let stop: () => void;

beforeEach(async () => {
  service = fakeBrowser();
  await askWhoIAm();
  stop = askAgainSoon();
});

afterEach(() => {
  stop();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

test("who was not reached is asked again after a while", async () => {
  expect(session.get()).toEqual({ is: "unreachable", code: "offline" });
  service.answers.set("/me", 401);

  await vi.advanceTimersByTimeAsync(10_000);

  expect(session.get()).toEqual({ is: "out" });
});

test.each([
  ["there is a network", () => dispatchEvent(new Event("online"))],
  ["the page is looked at", () => document.dispatchEvent(new Event("visibilitychange"))],
])("who was not reached is asked again at once when %s", async (_when, happen) => {
  service.answers.set("/me", 401);

  happen();
  await vi.advanceTimersByTimeAsync(0);

  expect(session.get()).toEqual({ is: "out" });
});
