/** A push as the service sends it, and what becomes of it on the device; the service worker lends its doors. */

export interface Push {
  title: string;
  body: string;
  tag: string;
  url: string;
  at?: string; // when it began
  since?: string; // the word for it, in the reader's language
  is_over?: boolean;
  ack_token?: string;
  ack_label?: string;
  seen_token?: string;
  actions?: boolean;
}

export interface Doors {
  post: (path: string, token: string) => Promise<{ ok: boolean }>;
  show: (title: string, options: object) => Promise<void>;
  open: (url: string) => Promise<void>;
}

const ICON = "/icons/kiln-192.png";
const LATE_MS = 300_000; // shown later than this, "now" in its words is not now
const two = (value: number) => String(value).padStart(2, "0");

/** Return the words of a push; one that comes late says since when it is so, by the device's own clock. */
function bodyOf({ body, at, since }: Push): string {
  const began = new Date(at ?? "");
  if (!(Date.now() - began.getTime() > LATE_MS)) return body;
  return `${since} ${two(began.getHours())}:${two(began.getMinutes())} · ${body}`;
}

export const showAlarm = (push: Push, { show }: Doors): Promise<void> =>
  show(push.title, {
    body: bodyOf(push),
    tag: push.tag,
    data: push,
    icon: ICON,
    badge: "/icons/badge-96.png",
    renotify: true,
    requireInteraction: !push.is_over, // what is over need not stand there until somebody taps
    vibrate: [300, 150, 300, 150, 600],
    actions: push.actions && push.ack_token ? [{ action: "ack", title: push.ack_label ?? "Đã nhận" }] : [],
    ...(push.at !== undefined && { timestamp: Date.parse(push.at) }),
  });

/** Say that somebody has it. If that does not get through, the alarm stands there again, and its page opens. */
export async function acknowledge(push: Push, doors: Doors): Promise<void> {
  const response = await doors.post("acknowledge", push.ack_token ?? "").catch(() => null);
  if (response?.ok) {
    const quiet = { body: push.title, tag: push.tag, icon: ICON, silent: true };
    await doors.show(`✓ ${push.ack_label ?? "Đã nhận"}`, quiet);
    return;
  }
  await showAlarm(push, doors);
  await doors.open(push.url).catch(() => undefined); // a browser opens none when the tap is long ago
}
