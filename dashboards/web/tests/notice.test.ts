import { expect, test } from "vitest";
import { acknowledge, type Doors, type Push, showAlarm } from "../src/notice";

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
