import { api, type Device } from "./api";

/** `forgotten`: this browser waits for alarms, and the service does not ring it (any more). */
export type PushState = "unsupported" | "denied" | "off" | "forgotten" | "on";

/** Decode the service's VAPID key, which comes as URL-safe base64. */
export function keyBytes(key: string): Uint8Array<ArrayBuffer> {
  const plain = atob(key.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(plain, (letter) => letter.charCodeAt(0));
}

const isSupported = () => "serviceWorker" in navigator && "PushManager" in window && "Notification" in window;

async function sha256(text: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Say whether this browser gets alarms, going by the devices that the service rings. */
export async function pushState(rung: readonly Device[]): Promise<PushState> {
  if (!isSupported()) return "unsupported";
  if (Notification.permission === "denied") return "denied";
  const worker = await navigator.serviceWorker.getRegistration("/");
  const own = await worker?.pushManager.getSubscription();
  if (!own) return "off";
  const digest = await sha256(own.endpoint);
  return rung.some((device) => device.endpoint_sha256 === digest) ? "on" : "forgotten";
}

/** Ask the person, then the browser, then tell the service where this device is reached. */
export async function enablePush(vapidKey: string, device: string): Promise<Device> {
  if ((await Notification.requestPermission()) !== "granted") throw new Error("notifications are not allowed");
  const worker = await navigator.serviceWorker.ready;
  await (await worker.pushManager.getSubscription())?.unsubscribe(); // it may be made with another service's key
  const made = await worker.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: keyBytes(vapidKey) });
  const { endpoint, keys } = made.toJSON();
  const [p256dh, auth] = [keys?.p256dh, keys?.auth];
  if (!endpoint || !p256dh || !auth) throw new Error("the browser gave an incomplete subscription");
  return api.addDevice({ endpoint, keys: { p256dh, auth }, device });
}

export function guessDevice(agent: string): string {
  const kinds = [
    [/iPhone/, "iPhone"],
    [/iPad/, "iPad"],
    [/Android.*Mobile/, "Android"],
    [/Android/, "Android tablet"],
    [/Windows/, "Windows"],
    [/Mac OS/, "Mac"],
    [/Linux/, "Linux"],
  ] as const;
  return kinds.find(([pattern]) => pattern.test(agent))?.[1] ?? "";
}
