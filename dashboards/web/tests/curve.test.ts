import { describe, expect, test } from "vitest";
import type { CurveChannel } from "../src/api";
import { countPoints, heardUntil, merge, newerThan, newest, planAt, planWithin, valueNear } from "../src/curve";

const channel = (points: readonly (readonly [number, number | null])[], id = 1): CurveChannel => ({
  channel_id: id,
  name: `p${id}`,
  time_s: points.map(([time]) => time),
  value_c: points.map(([, value]) => value),
});
const pointsOf = (channels: readonly CurveChannel[]) =>
  channels.map(({ time_s, value_c }) => time_s.map((time, index) => [time, value_c[index]]));

describe("merge", () => {
  test("new points go on at the end", () => {
    const merged = merge(
      [
        channel([
          [1, 10],
          [2, 20],
        ]),
      ],
      [channel([[3, 30]])],
    );
    expect(pointsOf(merged)).toEqual([
      [
        [1, 10],
        [2, 20],
        [3, 30],
      ],
    ]);
  });
  test("merging the same points twice changes nothing", () => {
    const fresh = [
      channel([
        [2, 20],
        [3, 30],
      ]),
    ];
    const once = merge(
      [
        channel([
          [1, 10],
          [2, 20],
        ]),
      ],
      fresh,
    );
    expect(merge(once, fresh)).toEqual(once);
  });
  test("a line goes on over an interval that is usual for it, and not over a longer one", () => {
    const hourly = [0, 3600, 7200].map((time) => [time, time] as const);
    const [on, off] = [10_800, 36_000].map((time) => merge([channel(hourly)], [channel([[time, 1]])]));
    expect(pointsOf(on ?? [])).toEqual([[...hourly, [10_800, 1]]]);
    expect(pointsOf(off ?? [])).toEqual([[...hourly, [7201, null], [36_000, 1]]]);
  });
  test("a back-fill replaces what it covers and keeps what came after it", () => {
    const old = [
      channel([
        [1, 10],
        [2, null],
        [9, 90],
      ]),
    ];
    const merged = merge(old, [
      channel([
        [2, 20],
        [3, 30],
        [4, 40],
      ]),
    ]);
    expect(pointsOf(merged)).toEqual([
      [
        [1, 10],
        [2, 20],
        [3, 30],
        [4, 40],
        [9, 90],
      ],
    ]);
  });
  test("a long silence is left open until it is filled", () => {
    const broken = merge([channel([[0, 10]])], [channel([[1000, 20]])]);
    expect(pointsOf(broken)).toEqual([
      [
        [0, 10],
        [1, null],
        [1000, 20],
      ],
    ]);
    const filled = merge(broken, [
      channel([
        [0, 10],
        [500, 15],
        [1000, 20],
      ]),
    ]);
    expect(pointsOf(filled)).toEqual([
      [
        [0, 10],
        [500, 15],
        [1000, 20],
      ],
    ]);
  });
  test("a probe that appears is added, one without news is kept", () => {
    const merged = merge([channel([[1, 10]], 1)], [channel([[1, 5]], 2)]);
    expect(merged.map((one) => one.channel_id)).toEqual([1, 2]);
  });
  test("no new points change nothing", () => {
    const old = [channel([[1, 10]])];
    expect(merge(old, [channel([])])).toEqual(old);
  });
});

test("gaps are no points, and the newest time is of any probe", () => {
  const channels = [
    channel(
      [
        [1, 10],
        [2, null],
      ],
      1,
    ),
    channel([[7, 1]], 2),
    channel([], 3),
  ];
  expect([countPoints(channels), newest(channels), newest([])]).toEqual([2, 7, null]);
});

test("a curve is whole up to where every probe that still speaks was heard", () => {
  const at = (time: number, id: number) => channel([[time, 20]], id);
  expect(heardUntil([at(5000, 1), at(4000, 2), channel([], 3)])).toBe(4000);
  expect(heardUntil([at(5000, 1), at(3000, 2)])).toBe(5000);
  expect(heardUntil([channel([], 1)])).toBeNull();
});

test("what is older than the window is left away, and a probe that was silent in it has no point", () => {
  const channels = [
    channel(
      [
        [1, 10],
        [2, 20],
        [3, 30],
      ],
      1,
    ),
    channel([[1, 10]], 2),
  ];
  expect(pointsOf(newerThan(channels, 2))).toEqual([
    [
      [2, 20],
      [3, 30],
    ],
    [],
  ]);
});

test("the value under the finger is the nearest one that is near enough", () => {
  const [x, y] = [
    [0, 10, 20],
    [1, 2, null],
  ];
  expect([9, 12, 19, 40].map((at) => valueNear(x, y, at, 5))).toEqual([2, 2, null, null]);
});

test("a plan is straight between its corners and nothing outside", () => {
  const points = [
    { time_s: 0, temp_c: 20 },
    { time_s: 100, temp_c: 120 },
  ];
  expect([-1, 0, 50, 100, 101].map((time) => planAt(points, time))).toEqual([null, 20, 70, 120, null]);
});

test("a stretch of a plan ends where one looks, also between two corners", () => {
  const points = [
    { time_s: 0, temp_c: 20 },
    { time_s: 100, temp_c: 120 },
    { time_s: 200, temp_c: 120 },
  ];
  expect(planWithin(points, 50, 150)).toEqual([
    { time_s: 50, temp_c: 70 },
    { time_s: 100, temp_c: 120 },
    { time_s: 150, temp_c: 120 },
  ]);
  expect(planWithin(points, 110, 120).map((point) => point.temp_c)).toEqual([120, 120]);
  expect(planWithin(points, 0, 900)).toEqual(points);
  expect(planWithin(points, 300, 900)).toEqual([]);
});
