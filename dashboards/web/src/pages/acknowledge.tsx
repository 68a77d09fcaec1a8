import { useState } from "preact/hooks";
import { type Alarm, api } from "../api";
import { AlarmWords } from "../parts/alarm-card";
import { Outcome } from "../parts/small";
import { useAction, useLanguage } from "../parts/use";

/** Opened from a push: one big button, no signing in. */
export function AcknowledgePage({ token }: { token: string }) {
  const { say } = useLanguage();
  const [alarm, setAlarm] = useState<Alarm | null>(null);
  const [doing, run] = useAction();
  const acknowledge = () => void run(async () => setAlarm(await api.acknowledgeByToken(token)));
  if (alarm) {
    return (
      <section class="panel acknowledged" data-testid="acknowledged">
        <p class="tick" role="status">
          ✓ {say("ack.done")}
        </p>
        <AlarmWords alarm={alarm} />
        <a class="button wide" href={`/kilns/${alarm.kiln_id}`}>
          {say("ack.see")}
        </a>
      </section>
    );
  }
  const isSpent = doing.is === "failed" && doing.code !== "offline";
  return (
    <section class="panel acknowledging">
      <h1>{say("ack.title")}</h1>
      <p>{say(isSpent ? "ack.used" : "ack.ask")}</p>
      {isSpent ? (
        <a class="button wide tall" href="/alarms">
          {say("alarms.title")}
        </a>
      ) : (
        <button
          type="button"
          class="primary huge"
          disabled={doing.is === "busy"}
          onClick={acknowledge}
          data-testid="acknowledge-token"
        >
          {doing.is === "busy" ? say("ack.sending") : `✓ ${say("alarms.acknowledge")}`}
        </button>
      )}
      {doing.is === "failed" && !isSpent && <Outcome doing={doing} />}
    </section>
  );
}
