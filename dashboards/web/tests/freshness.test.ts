import { expect, test } from "vitest";
import type { ChannelNow, Kiln, KilnNow } from "../src/api";
import { timeAt } from "../src/clock";
import { hasSpoken, isThere, show, staleAfter, UsualInterval, withPoints } from "../src/freshness";
import { seconds } from "../src/units";

const AT = "2026-03-14T22:10:00Z";
const after = (s: number) => new Date(Date.parse(AT) + s * 1000);
const probe = (change: Partial<ChannelNow> = {}): ChannelNow => ({
  ...{ channel_id: 1, name: "top", at: AT, value_c: 900, rate_c_per_h: 100, quality: "good" },
  ...{ label: null, is_hidden: false },
  ...change,
});

test("a value turns old when nothing came for longer than the limit", () => {
  expect(show(probe(), after(59), seconds(60)).is).toBe("fresh");
  expect(show(probe(), after(61), seconds(60))).toEqual({ is: "stale", value: 900, age: 61 });
});

test("a probe that never spoke is not old", () => {
  expect(show(probe({ at: null, value_c: null, quality: "unheard" }), after(1), seconds(60))).toEqual({ is: "never" });
});

test("a probe that was broken from the beginning is shown as broken; a name of an old log is not shown beside it", () => {
  const names = ["good", "no_value", "unheard"].map((quality) => probe({ at: null, value_c: null, quality }));
  const shown = [show(probe(), after(1), seconds(60)), ...names.map((one) => show(one, after(1), seconds(60)))];

  expect(shown.map((one) => one.is)).toEqual(["fresh", "never", "faulty", "never"]);
  expect(shown.map((one) => isThere(one, shown))).toEqual([true, false, true, false]);
  expect(isThere({ is: "never" }, [{ is: "never" }])).toBe(true);
});

test("a fault is never shown as a good value", () => {
  expect(show(probe({ quality: "open", value_c: null }), after(1), seconds(60)).is).toBe("faulty");
  expect(show(probe({ quality: "fault" }), after(1), seconds(60)).is).toBe("faulty");
});

test("a reading from a clock ahead of ours has no negative age", () => {
  expect(show(probe(), after(-3), seconds(60))).toMatchObject({ is: "fresh", age: 0 });
});

test("the limit is three usual intervals, a minute at least, and longer in a replay", () => {
  expect([staleAfter(null, 1), staleAfter(seconds(5), 1), staleAfter(seconds(30), 1)]).toEqual([60, 60, 90]);
  expect(staleAfter(seconds(60), 60)).toBe(480);
});

test("a kiln has spoken when it was heard, be it that its only probe is broken; an old log is no word of it", () => {
  const kiln = (change: Partial<KilnNow>) =>
    ({ now: { last_at: null, firing_id: null, channels: [], ...change } }) as unknown as Kiln;
  const silent = { at: null, value_c: null };

  expect(hasSpoken(kiln({}))).toBe(false);
  expect(hasSpoken(kiln({ channels: [probe({ ...silent, quality: "unheard" })] }))).toBe(false);
  expect(hasSpoken(kiln({ channels: [probe({ ...silent, quality: "no_value" })] }))).toBe(true);
  expect(hasSpoken(kiln({ last_at: AT }))).toBe(true);
  expect(hasSpoken(kiln({ firing_id: 3 }))).toBe(true);
});

test("the usual interval is the median step, and one hole does not change it", () => {
  const usual = new UsualInterval();
  expect(usual.get()).toBeNull();
  for (const s of [0, 10, 20, 500, 510, 510, 520]) usual.see(after(s).toISOString());
  expect(usual.get()).toBe(10);
});

test("the service's clock runs on between beats at its own rate, never backwards", () => {
  const beat = { nowMs: 1_000_000, rate: 60, heardMs: 500, heardWallMs: 7_000_000 };
  const at = (ms: number) => timeAt(beat, ms, 7_000_000);
  expect([at(500), at(1500), at(400)]).toEqual([1_000_000, 1_060_000, 1_000_000]);
});

test("the service's clock goes on while the device sleeps, whichever of its own clocks stands still or is set back", () => {
  const [hour, beat] = [3_600_000, { nowMs: 1_000_000, rate: 1, heardMs: 500, heardWallMs: 7_000_000 }];
  expect(timeAt(beat, 700, 7_000_000 + hour)).toBe(1_000_000 + hour);
  expect(timeAt(beat, 500 + hour, 7_000_000 - hour)).toBe(1_000_000 + hour);
});

test("a kiln's values go with its newest points, and never back", () => {
  const known = { kiln_id: 1, last_at: AT, channels: [probe(), probe({ channel_id: 2 })] } as unknown as KilnNow;
  const points = (s: number, value: number | null) => [
    {
      channel_id: 1,
      name: "top",
      time_s: [after(s - 1).getTime() / 1000, after(s).getTime() / 1000],
      value_c: [1, value],
    },
  ];

  const fresh = withPoints(known, points(2, 901), after(3));

  expect(fresh.channels.map((one) => [one.value_c, one.at])).toEqual([
    [901, after(2).toISOString()],
    [900, AT],
  ]);
  expect(fresh.last_at).toBe(after(2).toISOString());
  expect(withPoints(known, points(-2, 1), after(3))).toBe(known);
  expect(withPoints(known, points(2, null), after(3))).toBe(known);
  expect(withPoints(known, points(7200, 1), after(3))).toBe(known);
});
