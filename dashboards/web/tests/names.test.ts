import { expect, test } from "vitest";
import type { ChannelNamed } from "../src/api";
import { channelName, isShown, lookOf, lookOfChannel, nameIn } from "../src/names";
import { sayIn } from "../src/words";

const named = (name: string, change: Partial<ChannelNamed> = {}): ChannelNamed => ({
  ...{ name, label: null, is_hidden: false },
  ...change,
});
const KNOWN = [named("top"), named("t5", { label: "can gần cửa" }), named("t6", { is_hidden: true }), named("t7")];

test("a probe is called as its people call it, else by its place, else as it came", () => {
  const say = sayIn("vi");
  expect(["top", "t5", "t7"].map((name) => channelName(say, name, KNOWN))).toEqual(["can trên", "can gần cửa", "t7"]);
});

test("a hidden probe is not shown, and the others keep their colours", () => {
  expect(KNOWN.map((one) => isShown(one.name, KNOWN))).toEqual([true, true, false, true]);
  expect(lookOfChannel("t7", KNOWN)).toBe(lookOf(3));
  expect(isShown("of an old log", KNOWN)).toBe(true);
});

test("a kiln is called after its workshop too by who belongs to several", () => {
  const workshops = [
    { id: 1, name: "Xưởng Đỗ", may: [] },
    { id: 2, name: "Nhà Hương", may: [] },
  ];
  expect(nameIn(workshops, 2, "Lò 1")).toBe("Nhà Hương · Lò 1");
  expect(nameIn(workshops.slice(1), 2, "Lò 1")).toBe("Lò 1");
});
