import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Alarm, Kiln, KilnNow, Me } from "../src/api";
import { hearBeat, now } from "../src/clock";
import { connection, kilns, onConnected, openAlarms, startLive, startLooking } from "../src/live";
import { session } from "../src/session";
import { type FakeService, FakeStream, fakeBrowser, SlowService } from "./fakes";

const AT = "2026-03-14T22:10:00Z";
const kilnNow = (kiln_id: number, edited_at: string | null) =>
  ({ kiln_id, edited_at, now_at: AT, last_at: AT, channels: [], cones: [] }) as unknown as KilnNow;
const kiln = (id: number, name: string, edited_at: string | null) =>
  ({ id, name, edited_at, now: kilnNow(id, edited_at) }) as unknown as Kiln;
const me = (may: string[]) => ({ name: "Lan", workshops: [{ id: 1, name: "Xưởng", may }] }) as unknown as Me;
const namesShown = () => {
  const load = kilns.get();
  return load.is === "ready" ? load.value.map((one) => one.name) : load.is;
};

let service: FakeService;
let stop: () => void;

beforeEach(() => {
  service = fakeBrowser();
  hearBeat(AT, 1);
  kilns.set({ is: "loading" });
  openAlarms.set({ is: "loading" });
  connection.set({ is: "connecting" });
  service.answers.set("/kilns", [kiln(1, "Lò 1", AT)]).set("/alarms", []);
});

afterEach(() => {
  stop();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

async function follow(): Promise<void> {
  stop = startLive();
  FakeStream.newest.say("open");
  await vi.advanceTimersByTimeAsync(0);
}

test("what another person changes of a kiln is fetched once, however many events tell of it", async () => {
  await follow();
  service.answers.set("/kilns", [kiln(1, "Lò của Mai", "2026-03-14T22:11:00Z")]);

  for (let count = 0; count < 3; count += 1) FakeStream.newest.say("kiln", kilnNow(1, "2026-03-14T22:11:00Z"));
  await vi.advanceTimersByTimeAsync(1_000);
  FakeStream.newest.say("kiln", kilnNow(1, "2026-03-14T22:11:00Z"));
  await vi.advanceTimersByTimeAsync(1_000);

  expect(namesShown()).toEqual(["Lò của Mai"]);
  expect(service.count("/kilns")).toBe(2);
});

test("a kiln that somebody else has made comes; one out of use, which is in no list, is asked for once", async () => {
  await follow();
  service.answers.set("/kilns", [kiln(1, "Lò 1", AT), kiln(2, "Lò mới", null)]);

  FakeStream.newest.say("kiln", kilnNow(2, null));
  await vi.advanceTimersByTimeAsync(1_000);
  for (let count = 0; count < 3; count += 1) {
    FakeStream.newest.say("kiln", kilnNow(3, AT));
    await vi.advanceTimersByTimeAsync(1_000);
  }

  expect(namesShown()).toEqual(["Lò 1", "Lò mới"]);
  expect(service.count("/kilns")).toBe(3);
});

test("what could not be fetched while the stream lives says since when it is old, and is fetched again", async () => {
  await follow();
  service.answers.delete("/alarms");
  FakeStream.newest.say("open");
  await vi.advanceTimersByTimeAsync(0);
  expect(openAlarms.get()).toMatchObject({ is: "ready", staleSince: new Date(AT) });

  service.answers.set("/alarms", []);
  await vi.advanceTimersByTimeAsync(10_000);

  expect(openAlarms.get()).toEqual({ is: "ready", value: [], staleSince: null });
});

test("an answer that a later one has overtaken counts no more", async () => {
  const answers: ((value: Response) => void)[] = [];
  await follow();
  vi.stubGlobal("fetch", () => new Promise<Response>((resolve) => answers.push(resolve)));
  FakeStream.newest.say("open");
  FakeStream.newest.say("open");
  const [first, , second] = answers;

  second?.(Response.json([kiln(1, "tên mới", AT)]));
  await vi.advanceTimersByTimeAsync(0);
  first?.(Response.json([kiln(1, "tên cũ", AT)]));
  await vi.advanceTimersByTimeAsync(0);

  expect(namesShown()).toEqual(["tên mới"]);
});

test("an alarm that comes while the open ones are fetched is not lost, and one that ends is not open", async () => {
  const alarm = (id: number, cleared_at: string | null) =>
    ({ id, opened_at: AT, cleared_at, acknowledged_at: cleared_at }) as unknown as Alarm;
  await follow();
  const slow = new SlowService();
  vi.stubGlobal("fetch", slow.fetch);

  FakeStream.newest.say("open");
  FakeStream.newest.say("alarm", alarm(2, null));
  FakeStream.newest.say("alarm", alarm(1, AT));
  slow.answer("/kilns", []);
  slow.answer("/alarms", [alarm(1, null)]);
  await vi.advanceTimersByTimeAsync(0);

  expect(openAlarms.get()).toEqual({ is: "ready", value: [alarm(2, null)], staleSince: null });
});

test("a device that wakes up takes the stream up anew at once", async () => {
  await follow();
  document.dispatchEvent(new Event("visibilitychange"));
  expect(FakeStream.opened).toHaveLength(1);

  vi.setSystemTime(Date.now() + 3_600_000); // no timer has run, and the monotonic clock has stood still
  document.dispatchEvent(new Event("visibilitychange"));

  expect(FakeStream.opened).toHaveLength(2);
});

test("a stream that is lost twice in a row asks who one is: rights are renewed, and offline they stay", async () => {
  session.set({ is: "in", me: me(["look", "follow"]) });
  service.answers.set("/me", me(["look"]));
  await follow();

  FakeStream.newest.say("error");
  await vi.advanceTimersByTimeAsync(0);
  expect(service.count("/me")).toBe(0);
  await vi.advanceTimersByTimeAsync(1_000);
  FakeStream.newest.say("error");
  await vi.advanceTimersByTimeAsync(0);
  expect(session.get()).toEqual({ is: "in", me: me(["look"]) });

  service.answers.delete("/me");
  await vi.advanceTimersByTimeAsync(2_000);
  FakeStream.newest.say("error");
  await vi.advanceTimersByTimeAsync(0);
  expect(session.get()).toEqual({ is: "in", me: me(["look"]) });
});

test("a session that has ended while offline ends here, and the page is loaded anew for whoever comes next", async () => {
  session.set({ is: "in", me: me(["follow"]) });
  await follow();
  FakeStream.newest.say("error");
  for (let count = 0; count < 3; count += 1) {
    await vi.advanceTimersByTimeAsync(5_000);
    FakeStream.newest.say("error");
  }
  expect(session.get().is).toBe("in");

  service.answers.set("/me", 401);
  await vi.advanceTimersByTimeAsync(10_000);
  FakeStream.newest.say("error");
  await vi.advanceTimersByTimeAsync(0);

  expect(session.get()).toEqual({ is: "out" });
  expect(location.replace).toHaveBeenCalledExactlyOnceWith("/sign-in");
});

test("who only looks hears the service's clock from its kilns, and what was missed is filled at every look", async () => {
  let fills = 0;
  const unwatch = onConnected(() => (fills += 1));
  hearBeat("2026-03-14T20:00:00Z", 60);

  stop = startLooking();
  await vi.advanceTimersByTimeAsync(0);
  expect([now(), fills]).toEqual([new Date(AT), 1]);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(now()).toEqual(new Date(Date.parse(AT) + 60_000));
  service.answers.delete("/kilns");
  await vi.advanceTimersByTimeAsync(30_000);

  expect([connection.get().is, fills]).toEqual(["lost", 1]);
  unwatch();
});
