import { describe, expect, test } from "vitest";
import { celsius, delta, formats, perHour, seconds, trend } from "../src/units";

const vi = formats("vi");
const en = formats("en");

describe("numbers", () => {
  test("Vietnamese writes a decimal comma, English a point", () => {
    expect([vi.number(12.25, 1), en.number(12.25, 2)]).toEqual(["12,3", "12.25"]);
  });
  test("a kiln's temperature has no thousands mark that could be read as a decimal", () => {
    expect([vi.temperature(celsius(1250.4)), en.temperature(celsius(1250.4))]).toEqual(["1250 °C", "1250 °C"]);
  });
  test("a large count has one", () => {
    expect([vi.number(12500), en.number(12500)]).toEqual(["12.500", "12,500"]);
  });
  test("nothing is minus nought", () => {
    expect(vi.number(-0.2)).toBe("0");
  });
});

describe("quantities", () => {
  test("a rate has its sign and the reader's unit", () => {
    expect([vi.rate(perHour(112.6)), en.rate(perHour(-80))]).toEqual(["+113 °C/giờ", "−80 °C/h"]);
  });
  test("a difference has no sign of its own", () => {
    expect(vi.apart(delta(24))).toBe("24 °C");
  });
  test("a part is a percentage", () => {
    expect(vi.percent(0.634)).toBe("63 %");
  });
  test("a slow drift is no rise", () => {
    expect([trend(perHour(2)), trend(perHour(20)), trend(perHour(-20))]).toEqual(["flat", "up", "down"]);
  });
});

describe("lengths of time", () => {
  test.each([
    [4, "4 giây", "4 s"],
    [59.6, "1 phút", "1 min"],
    [3599, "1 giờ", "1 h"],
    [8 * 3600 + 17 * 60, "8 giờ 17 phút", "8 h 17 min"],
    [80 * 3600, "3 ngày", "3 days"],
    [-5, "0 giây", "0 s"],
  ])("%d s", (length, vietnamese, english) => {
    expect([vi.duration(seconds(length)), en.duration(seconds(length))]).toEqual([vietnamese, english]);
  });
});

test("clock times are of 24 hours in both languages", () => {
  const night = new Date(2026, 2, 14, 0, 5, 9);
  expect([vi.clock(night), en.clock(night), en.clockExact(night)]).toEqual(["00:05", "00:05", "00:05:09"]);
  expect(vi.day(night)).toMatch(/^14[/-]0?3[/-]2026$/);
  expect(vi.dayShort(night)).toBe("14/03");
});
