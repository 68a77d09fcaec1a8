import { api, type Device } from "./api";

export type PushState = "unsupported" | "denied" | "off" | "on";

/** Decode the service's VAPID key, which comes as URL-safe base64. */
export function keyBytes(key: string): Uint8Array<ArrayBuffer> {
  const plain = atob(key.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(plain, (letter) => letter.charCodeAt(0));
}

const isSupported = () => "serviceWorker" in navigator && "PushManager" in window && "Notification" in window;

export async function pushState(): Promise<PushState> {
  if (!isSupported()) return "unsupported";
  if (Notification.permission === "denied") return "denied";
  const worker = await navigator.serviceWorker.getRegistration("/");
  return (await worker?.pushManager.getSubscription()) ? "on" : "off";
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
