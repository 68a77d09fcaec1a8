import { type Alarm, api } from "../api";
import { kilns, takeAlarm } from "../live";
import { channelName } from "../names";
import { useWorkshops } from "../session";
import { useStore } from "../store";
import { Severity } from "./findings";
import { Outcome } from "./small";
import { useAction, useLanguage } from "./use";

function History({ alarm }: { alarm: Alarm }) {
  const { say, format } = useLanguage();
  return (
    <details>
      <summary>{say("alarms.history")}</summary>
      <ol class="history">
        {alarm.events.map((event) => (
          <li key={`${event.at}/${event.what}/${event.who ?? ""}`}>
            <span class="num">{format.clockExact(new Date(event.at))}</span> {say(`alarms.event.${event.what}`)}
            {event.who && ` · ${event.who}`}
          </li>
        ))}
      </ol>
    </details>
  );
}

interface WordsProps {
  alarm: Alarm;
  hasWorkshop: boolean;
  isUrgent: boolean;
}

/** What an alarm says, and of which kiln. */
export function AlarmWords({ alarm, hasWorkshop, isUrgent }: WordsProps) {
  const { say, format } = useLanguage();
  const load = useStore(kilns);
  const kiln = load.is === "ready" ? load.value.find((one) => one.id === alarm.kiln_id) : undefined;
  return (
    <>
      <p class="facts">
        {isUrgent && <Severity severity={alarm.severity} />}
        {hasWorkshop && <span data-testid="alarm-workshop">{alarm.workshop_name}</span>}
        <a href={`/kilns/${alarm.kiln_id}`}>{alarm.kiln_name}</a>
        {alarm.channel && <span>{channelName(say, alarm.channel, kiln?.now.channels ?? [])}</span>}
        <span>{format.dayClock(new Date(alarm.opened_at))}</span>
      </p>
      <h2>{alarm.words.title}</h2>
      <p>{alarm.words.detail}</p>
      {alarm.words.advice && (
        <p class="advice">
          <b>{say("alarms.do")}:</b> {alarm.words.advice}
        </p>
      )}
    </>
  );
}

/** One alarm: what, where, what to do, who has it; acknowledged with one tap. */
export function AlarmCard({ alarm, onAlarm }: { alarm: Alarm; onAlarm: (alarm: Alarm) => void }) {
  const { say, format } = useLanguage();
  const [doing, run] = useAction();
  const acknowledge = async () => {
    const changed = await api.acknowledge(alarm.id);
    takeAlarm(changed);
    onAlarm(changed);
  };
  return (
    <article
      class={`alarm ${alarm.severity} ${alarm.state}`}
      data-testid="alarm"
      data-kind={alarm.kind}
      data-state={alarm.state}
    >
      <AlarmWords alarm={alarm} hasWorkshop={useWorkshops().length > 1} isUrgent />
      <p class="facts">
        <b class={`state ${alarm.state}`} data-testid="alarm-state">
          {say(`alarms.state.${alarm.state}`)}
        </b>
        {alarm.acknowledged_at && (
          <span>
            ✓{" "}
            {say("alarms.acknowledged", {
              who: alarm.acknowledged_by ?? "—",
              time: format.clock(new Date(alarm.acknowledged_at)),
            })}
          </span>
        )}
      </p>
      {alarm.acknowledged_at === null && (
        <button
          type="button"
          class={alarm.state === "cleared" ? "wide" : "primary wide tall"}
          disabled={doing.is === "busy"}
          data-testid="acknowledge"
          onClick={() => void run(acknowledge)}
        >
          {doing.is === "busy" ? say("ack.sending") : `✓ ${say("alarms.acknowledge")}`}
        </button>
      )}
      {doing.is === "failed" && <Outcome doing={doing} />}
      <History alarm={alarm} />
    </article>
  );
}
