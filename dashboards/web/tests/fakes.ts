import { vi } from "vitest";

/** A stream of the service, which a test speaks through. */
export class FakeStream extends EventTarget {
  static opened: FakeStream[] = [];

  constructor(readonly url: string) {
    super();
    FakeStream.opened.push(this);
  }

  static get newest(): FakeStream {
    return FakeStream.opened.at(-1) as FakeStream;
  }

  say(kind: string, data: unknown = null): void {
    this.dispatchEvent(Object.assign(new Event(kind), { data: JSON.stringify(data) }));
  }

  close(): void {}
}

/** The service: answers each path with a body, refuses it with a status, or is not reached. */
export class FakeService {
  readonly asked: string[] = []; // paths, and ...
  readonly addresses: string[] = []; // ... in full
  readonly answers = new Map<string, object | number>();

  count(path: string): number {
    return this.asked.filter((one) => one === path).length;
  }

  readonly fetch = async (address: string): Promise<Response> => {
    const path = address.replace("/api/v1", "").replace(/\?.*/, "");
    this.asked.push(path);
    this.addresses.push(address);
    const answer = this.answers.get(path);
    if (answer === undefined) throw new TypeError("not reached");
    if (typeof answer === "number") return new Response("{}", { status: answer });
    return Response.json(answer);
  };
}

/** A service that answers when a test lets it. */
export class SlowService {
  private readonly waiting: { path: string; answer: (response: Response) => void }[] = [];

  count(path: string): number {
    return this.waiting.filter((one) => one.path === path).length;
  }

  readonly fetch = (address: string): Promise<Response> =>
    new Promise((answer) => this.waiting.push({ path: address.replace("/api/v1", "").replace(/\?.*/, ""), answer }));

  /** Answer all that has been asked of a path. */
  answer(path: string, body: object): void {
    for (const one of this.waiting) if (one.path === path) one.answer(Response.json(body));
  }
}

/** Put a page in the place of a browser's, with a clock that stands still; returns its service. */
export function fakeBrowser(): FakeService {
  const [service, page] = [new FakeService(), new EventTarget()];
  FakeStream.opened = [];
  vi.useFakeTimers({ now: new Date("2026-03-14T22:10:00Z") });
  vi.stubGlobal("window", globalThis);
  vi.stubGlobal("document", new EventTarget());
  vi.stubGlobal("EventSource", FakeStream);
  vi.stubGlobal("fetch", service.fetch);
  vi.stubGlobal("location", { replace: vi.fn() });
  vi.stubGlobal("addEventListener", page.addEventListener.bind(page));
  vi.stubGlobal("removeEventListener", page.removeEventListener.bind(page));
  vi.stubGlobal("dispatchEvent", page.dispatchEvent.bind(page));
  return service;
}
