import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { startLive } from "../src/live";
import { type Drawn, follow } from "../src/live-curve";
import type { Load } from "../src/load";
import { type FakeService, FakeStream, fakeBrowser } from "./fakes";

const points = (time_s: number[], value_c: number[]) => ({ channel_id: 1, name: "top", time_s, value_c });

let service: FakeService;
let told: Load<Drawn>[];
let stops: (() => void)[];

beforeEach(() => {
  service = fakeBrowser();
  service.answers.set("/kilns", []).set("/alarms", []);
  told = [];
  stops = [startLive(), follow({ is: "live", kilnId: 7, fromMs: 0 }, (load) => told.push(load))];
});

afterEach(() => {
  for (const stop of stops) stop();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

test("a curve that could not be fetched is fetched again, with no more of what came early than it lacks", async () => {
  await vi.advanceTimersByTimeAsync(0);
  expect(told).toEqual([{ is: "failed", code: "offline" }]);
  FakeStream.newest.say("points", { kiln_id: 7, channels: [points([100], [650])] });
  service.answers.set("/kilns/7/curve", { channels: [points([100, 110], [651, 652])], damaged: [] });

  await vi.advanceTimersByTimeAsync(10_000);

  expect(told.at(-1)).toMatchObject({ is: "ready", value: { channels: [points([100, 110], [651, 652])] } });
});

test("a page that is left fetches no curve any more", async () => {
  await vi.advanceTimersByTimeAsync(0);
  for (const stop of stops) stop();
  await vi.advanceTimersByTimeAsync(60_000);

  expect(service.count("/kilns/7/curve")).toBe(1);
});
