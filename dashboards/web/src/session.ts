import { api, type Me } from "./api";
import { ApiError, codeOf, whenSignedOut } from "./api/client";
import { hearBeat } from "./clock";
import { createStore, useStore } from "./store";
import { chooseLanguage, hasChosen, type Language, language } from "./words";

const ASK_AGAIN_MS = 10_000;

export type Session = { is: "asking" } | { is: "in"; me: Me } | { is: "out" } | { is: "unreachable"; code: string };

export const session = createStore<Session>({ is: "asking" });

/** Return the workshops of who is signed in. */
export function useWorkshops(): Me["workshops"] {
  const state = useStore(session);
  return state.is === "in" ? state.me.workshops : [];
}

/** Forget whoever was in: the page loads anew, so that the next person sees nothing of what it held. */
function end(): void {
  const wasIn = session.get().is === "in";
  session.set({ is: "out" });
  if (wasIn) location.replace("/sign-in");
}

whenSignedOut(end);

/** Take who I am; a language chosen on this device stands above the one on file. */
export function enter(me: Me): void {
  hearBeat(me.now_at, me.clock_rate);
  if (!hasChosen()) chooseLanguage(me.language);
  session.set({ is: "in", me });
}

export async function askWhoIAm(): Promise<void> {
  try {
    enter(await api.me());
  } catch (error) {
    const isOut = error instanceof ApiError && error.status === 401;
    session.set(isOut ? { is: "out" } : { is: "unreachable", code: codeOf(error) });
  }
}

/** Ask again after a while, and as soon as there may be a network, until the returned function is called. */
export function askAgainSoon(): () => void {
  const ask = () => void askWhoIAm();
  const timer = setTimeout(ask, ASK_AGAIN_MS);
  addEventListener("online", ask);
  document.addEventListener("visibilitychange", ask);
  return () => {
    clearTimeout(timer);
    removeEventListener("online", ask);
    document.removeEventListener("visibilitychange", ask);
  };
}

/** Ask what I may do by now; a session that has ended ends here too, and what cannot be asked stays as it was. */
export async function renew(): Promise<void> {
  const me = await api.me().catch(() => null);
  if (me && session.get().is === "in") session.set({ is: "in", me });
}

export async function leave(): Promise<void> {
  await api.signOut();
  end();
}

/** Switch the language here at once, and on file as soon as the service hears it. */
export function switchLanguage(chosen: Language): void {
  if (chosen === language.get() && hasChosen()) return;
  chooseLanguage(chosen);
  if (session.get().is === "in") api.changeMe({ language: chosen }).catch(() => undefined);
}
