import { type Alarm, api } from "../api";
import { useLoad } from "../load";
import { AlarmWords } from "../parts/alarm-card";
import { Loaded, Outcome } from "../parts/small";
import { useAction, useLanguage } from "../parts/use";
import { usePlace } from "../router";

function Spent() {
  const { say } = useLanguage();
  return (
    <section class="panel acknowledging">
      <h1>{say("ack.title")}</h1>
      <p>{say("ack.used")}</p>
      <a class="button wide tall" href="/alarms">
        {say("alarms.title")}
      </a>
    </section>
  );
}

/** How an alarm stands: whoever opens an old push must not run to a kiln that is well again. */
function Standing({ alarm }: { alarm: Alarm }) {
  const { say, format } = useLanguage();
  return (
    <p class="facts">
      <b class={`state ${alarm.state}`} data-testid="alarm-state">
        {say(`alarms.state.${alarm.state}`)}
      </b>
      {alarm.cleared_at !== null && <span>{format.dayClock(new Date(alarm.cleared_at))}</span>}
    </p>
  );
}

function OneAlarm({ token }: { token: string }) {
  const { say, format } = useLanguage();
  const [load, reload, put] = useLoad(() => api.lookByToken(token), [token]);
  const [doing, run] = useAction();
  const acknowledge = () => void run(async () => put(await api.acknowledgeByToken(token)));
  if (token === "" || (load.is === "failed" && load.code === "refused")) return <Spent />;
  return (
    <Loaded load={load} retry={reload}>
      {(alarm) => {
        const isOver = alarm.cleared_at !== null;
        return (
          <section class="panel acknowledging" data-testid="one-alarm">
            <h1 class="unseen">{say("ack.title")}</h1>
            <Standing alarm={alarm} />
            <AlarmWords alarm={alarm} hasWorkshop isUrgent={!isOver} />
            {alarm.acknowledged_at === null ? (
              <>
                <p class="quiet">{say(isOver ? "ack.askOver" : "ack.ask")}</p>
                <button
                  type="button"
                  class={isOver ? "wide tall" : "primary huge"}
                  disabled={doing.is === "busy"}
                  onClick={acknowledge}
                  data-testid="acknowledge-token"
                >
                  {doing.is === "busy" ? say("ack.sending") : `✓ ${say(isOver ? "ack.seen" : "alarms.acknowledge")}`}
                </button>
                {doing.is === "failed" && <Outcome doing={doing} />}
              </>
            ) : (
              <>
                <p class="tick" role="status" data-testid="acknowledged">
                  ✓{" "}
                  {say("alarms.acknowledged", {
                    who: alarm.acknowledged_by ?? "—",
                    time: format.clock(new Date(alarm.acknowledged_at)),
                  })}
                </p>
                <a class="button wide" href={`/kilns/${alarm.kiln_id}`}>
                  {say("ack.see")}
                </a>
              </>
            )}
          </section>
        );
      }}
    </Loaded>
  );
}

/** Opened from a push: what the alarm is and one big button, without signing in. */
export function AcknowledgePage() {
  const token = usePlace().hash.slice(1);
  return <OneAlarm key={token} token={token} />;
}
