import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { api } from "../src/api";
import { type FakeService, fakeBrowser } from "./fakes";

let service: FakeService;

beforeEach(() => {
  service = fakeBrowser();
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

test("who waits too long for an answer is told that nobody was reached", async () => {
  const never = (_address: string, { signal }: { signal: AbortSignal }) =>
    new Promise((_, refuse) => signal.addEventListener("abort", () => refuse(new Error("given up"))));
  vi.stubGlobal("fetch", never);

  const asked = expect(api.kilns()).rejects.toMatchObject({ code: "offline" });
  await vi.advanceTimersByTimeAsync(20_000);

  await asked;
});

test("a page that stands in the service's place, as before a hotel's network, is no answer", async () => {
  vi.stubGlobal("fetch", async () => new Response("<html>Sign in to the network</html>"));

  await expect(api.kilns()).rejects.toMatchObject({ code: "offline" });
});

test("what is refused is refused with its code, or else with its status", async () => {
  service.answers.set("/kilns", 503);

  await expect(api.kilns()).rejects.toMatchObject({ code: "http_503", status: 503 });
});
