/** A push as the service sends it, and what becomes of it on the device; the service worker lends its doors. */

export interface Push {
  title: string;
  body: string;
  tag: string;
  url: string;
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

export const showAlarm = (push: Push, { show }: Doors): Promise<void> =>
  show(push.title, {
    body: push.body,
    tag: push.tag,
    data: push,
    icon: ICON,
    badge: "/icons/badge-96.png",
    renotify: true,
    requireInteraction: true,
    vibrate: [300, 150, 300, 150, 600],
    actions: push.actions && push.ack_token ? [{ action: "ack", title: push.ack_label ?? "Đã nhận" }] : [],
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
