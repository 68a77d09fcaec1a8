import { useState } from "preact/hooks";
import { api } from "../api";
import { useLoad } from "../load";
import { Asked } from "./asked";
import { useAction, useLanguage } from "./use";

/** Go to the identity provider; it sends the browser back to `/provider`. */
export async function goTo(way: Promise<{ url: string }>): Promise<void> {
  location.assign((await way).url);
}

/** Who this person is at the identity provider, if the service knows one. */
export function Provider() {
  const { say } = useLanguage();
  const [load, reload] = useLoad(api.tie, []);
  const [isAsking, setAsking] = useState(false);
  const [doing, run] = useAction();
  if (load.is !== "ready" || load.value.name === null) return null;
  const { name, known_as } = load.value;
  const close = () => setAsking(false);
  const act = (password: string) =>
    run(async () => {
      if (known_as === null) return goTo(api.beginToTie({ password }));
      await api.untie({ password });
      close();
      reload();
    });
  const go = say(known_as === null ? "provider.tie" : "provider.untie", { name });
  return (
    <section class="panel stack" data-testid="provider">
      <h2>{say("provider.title", { name })}</h2>
      <p class="quiet">{known_as === null ? say("provider.why", { name }) : say("provider.tied", { who: known_as })}</p>
      {isAsking ? (
        <Asked go={go} doing={doing} onGo={act} onClose={close} testid="tie-provider" />
      ) : (
        <button type="button" onClick={() => setAsking(true)} data-testid="ask-provider">
          {go}
        </button>
      )}
    </section>
  );
}
