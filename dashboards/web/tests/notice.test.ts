import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { acknowledge, type Doors, type Push, showAlarm } from "../src/notice";

const AT = new Date(2026, 2, 14, 23, 5); // by the device's own clock
const PUSH: Push = {
  ...{ title: "Lò 1: can đứt", body: "Can trên mất số.", tag: "alarm-3", url: "/acknowledge#abc" },
  ...{ ack_token: "abc", ack_label: "Đã nhận", actions: true },
};

/** What a device shows, and where it goes. */
class FakeDevice implements Doors {
  readonly shown: [string, object][] = [];
  readonly opened: string[] = [];

  constructor(
    readonly post: Doors["post"],
    private readonly opens = true,
  ) {}

  readonly show = async (title: string, options: object) => {
    this.shown.push([title, options]);
  };

  readonly open = async (url: string) => {
    if (!this.opens) throw new Error("no window without a tap");
    this.opened.push(url);
  };
}

beforeEach(() => {
  vi.useFakeTimers({ now: AT });
});

afterEach(() => {
  vi.useRealTimers();
});

test.each([
  ["từ", 4, "Can trên mất số."],
  ["từ", 6, "từ 23:05 · Can trên mất số."],
  ["since", 600, "since 23:05 · Can trên mất số."],
])("a push that is late says %s when it began, %d minutes after: %s", async (since, minutes, body) => {
  const device = new FakeDevice(async () => ({ ok: true }));
  vi.setSystemTime(AT.getTime() + minutes * 60_000);

  await showAlarm({ ...PUSH, since, at: AT.toISOString() }, device);

  expect(device.shown).toMatchObject([[PUSH.title, { body, timestamp: AT.getTime() }]]);
});

test("only what is not over stands there until somebody taps", async () => {
  const device = new FakeDevice(async () => ({ ok: true }));

  for (const is_over of [false, true]) await showAlarm({ ...PUSH, is_over }, device);

  expect(device.shown).toMatchObject([
    [PUSH.title, { requireInteraction: true, body: PUSH.body }],
    [PUSH.title, { requireInteraction: false }],
  ]);
});

test("an alarm that somebody takes on is a quiet tick in its place", async () => {
  const device = new FakeDevice(async () => ({ ok: true }));

  await acknowledge(PUSH, device);

  expect(device.shown).toMatchObject([["✓ Đã nhận", { body: PUSH.title, tag: PUSH.tag, silent: true }]]);
  expect(device.opened).toEqual([]);
});

test.each([
  ["refuses it", async () => ({ ok: false })],
  ["is not reached", () => Promise.reject(new Error("timeout"))],
])("an alarm that is not taken on because the service %s stands there as before, and opens", async (_why, post) => {
  const [device, before] = [new FakeDevice(post), new FakeDevice(post)];
  await showAlarm(PUSH, before);

  await acknowledge(PUSH, device);

  expect(device.shown).toEqual(before.shown);
  expect(device.opened).toEqual([PUSH.url]);
});

test("an alarm that was not taken on stands there also where no page can be opened", async () => {
  const device = new FakeDevice(() => Promise.reject(new Error("timeout")), false);

  await acknowledge(PUSH, device);

  expect(device.shown).toMatchObject([[PUSH.title, { data: PUSH, actions: [{ action: "ack", title: "Đã nhận" }] }]]);
});
