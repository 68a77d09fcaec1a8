import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { CurveChannel } from "../src/api";
import { startLive } from "../src/live";
import { type Drawn, follow } from "../src/live-curve";
import type { Load } from "../src/load";
import { type FakeService, FakeStream, fakeBrowser, SlowService } from "./fakes";

const CURVE = "/kilns/7/curve";
const points = (time_s: number[], value_c: number[], channel_id = 1): CurveChannel => ({
  ...{ channel_id, name: `p${channel_id}` },
  ...{ time_s, value_c },
});
const seconds = (from: number, count: number) => {
  const time_s = Array.from({ length: count }, (_, index) => from + index);
  return points(time_s, time_s);
};

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

const come = (...channels: CurveChannel[]) => FakeStream.newest.say("points", { kiln_id: 7, channels });

const lastTimes = () => {
  const load = told.at(-1);
  return load?.is === "ready" ? load.value.channels.map(({ time_s }) => time_s.at(-1)) : load?.is;
};

/** Let the service answer with a curve; it is asked again a while after it could not be reached. */
async function begin(...channels: CurveChannel[]): Promise<void> {
  await vi.advanceTimersByTimeAsync(0);
  service.answers.set(CURVE, { channels, damaged: [] });
  await vi.advanceTimersByTimeAsync(10_000);
}

test("a curve that could not be fetched is fetched again, with no more of what came early than it lacks", async () => {
  await vi.advanceTimersByTimeAsync(0);
  expect(told).toEqual([{ is: "failed", code: "offline" }]);
  come(points([100], [650]));
  service.answers.set(CURVE, { channels: [points([100, 110], [651, 652])], damaged: [] });

  await vi.advanceTimersByTimeAsync(10_000);

  expect(told.at(-1)).toMatchObject({ is: "ready", value: { channels: [points([100, 110], [651, 652])] } });
});

test("a page that is left fetches no curve any more", async () => {
  await vi.advanceTimersByTimeAsync(0);
  for (const stop of stops) stop();
  await vi.advanceTimersByTimeAsync(60_000);

  expect(service.count(CURVE)).toBe(1);
});

test("a curve of many probes, which the service itself thins no further, is not fetched at every message", async () => {
  await begin(seconds(0, 13_000));

  for (const time of [13_000, 13_001, 13_002]) come(points([time], [650]));
  await vi.advanceTimersByTimeAsync(5_000);

  expect(lastTimes()).toEqual([13_002]);
  expect(service.count(CURVE)).toBe(2);
});

test("a curve that has grown too long is fetched once, and what comes meanwhile is not lost", async () => {
  await begin(seconds(0, 100));
  const slow = new SlowService();
  vi.stubGlobal("fetch", slow.fetch);

  come(seconds(100, 12_000));
  come(points([12_100], [700]));
  come(points([12_101], [701]));
  expect(slow.count(CURVE)).toBe(1);
  slow.answer(CURVE, { channels: [points([0, 6_000, 12_099], [20, 400, 699])], damaged: [] });
  await vi.advanceTimersByTimeAsync(0);

  expect(told.at(-1)).toMatchObject({ is: "ready", value: { channels: [{ value_c: [20, 400, 699, 700, 701] }] } });
  expect(lastTimes()).toEqual([12_101]);
});

test("what was missed is asked for until it comes, from where every probe that speaks was last heard", async () => {
  await begin(points([4_990, 5_000], [649, 650]), points([4_900], [640], 2), points([100], [20], 3));
  service.answers.delete(CURVE);
  FakeStream.newest.say("open");
  await vi.advanceTimersByTimeAsync(0);
  come(points([5_600], [700]), points([5_600], [690], 2));
  await vi.advanceTimersByTimeAsync(10_000);
  const missed = [points([5_000, 5_300, 5_600], [650, 675, 700]), points([4_900, 5_600], [640, 690], 2)];
  service.answers.set(CURVE, { channels: missed, damaged: [] });

  await vi.advanceTimersByTimeAsync(10_000);

  const asked = service.addresses.filter((address) => address.includes("/curve")).slice(2);
  const from = encodeURIComponent(new Date(4_900_000).toISOString());
  expect(asked.map((address) => address.includes(`from_at=${from}`))).toEqual([true, true, true]);
  expect(told.at(-1)).toMatchObject({
    is: "ready",
    value: { channels: [{ time_s: [4_990, 5_000, 5_300, 5_600] }, {}, {}] },
  });
});
