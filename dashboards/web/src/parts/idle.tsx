import { useLanguage } from "./use";

/** In the place of probes and curve, of a kiln that never sent a reading: what is to be done. */
export function NeverHeard({ mayConnect }: { mayConnect: boolean }) {
  const { say } = useLanguage();
  return (
    <section class="panel stack first" data-testid="never-heard">
      <p>{say(mayConnect ? "idle.connect" : "idle.askToConnect")}</p>
      {mayConnect && (
        <div class="row">
          <a class="button primary" href="/settings">
            {say("kilns.pairBridge")}
          </a>
        </div>
      )}
    </section>
  );
}

/** Above the curve of a kiln that does not fire: what the curve is, and how the next firing begins. */
export function Idle({ isSilent, mayFire }: { isSilent: boolean; mayFire: boolean }) {
  const { say } = useLanguage();
  if (isSilent) return <p data-testid="idle">{say("idle.silent")}</p>;
  return (
    <p class="quiet" data-testid="idle">
      {say("kiln.noFiring")} {mayFire && say("idle.next")}
    </p>
  );
}
