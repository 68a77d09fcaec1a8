import { useState } from "preact/hooks";
import { type Alarm, api } from "../api";
import { lastAlarm, openAlarms, refresh } from "../live";
import type { Load } from "../load";
import { usePaged } from "../paging";
import { AlarmCard } from "../parts/alarm-card";
import { Loaded } from "../parts/small";
import { useLanguage, useTitle } from "../parts/use";
import { useStore } from "../store";
import { language } from "../words";

const PAGE = 100;

/** What holds still and nobody has comes first, then what is over and nobody has seen; of alike ones the newest. */
const urgentFirst = (alarms: readonly Alarm[]): Alarm[] => {
  const waits = (alarm: Alarm) => (alarm.acknowledged_at !== null ? 2 : alarm.state === "cleared" ? 1 : 0);
  return [...alarms].sort((a, b) => waits(a) - waits(b) || b.opened_at.localeCompare(a.opened_at));
};

function List({ load, retry, none }: { load: Load<Alarm[]>; retry: () => void; none: string }) {
  return (
    <Loaded load={load} retry={retry}>
      {(alarms) => (
        <div class="alarms">
          {alarms.length === 0 && <p class="waiting">✓ {none}</p>}
          {urgentFirst(alarms).map((alarm) => (
            <AlarmCard key={alarm.id} alarm={alarm} onAlarm={retry} />
          ))}
        </div>
      )}
    </Loaded>
  );
}

function Open() {
  const { say } = useLanguage();
  return <List load={useStore(openAlarms)} retry={() => void refresh()} none={say("alarms.none")} />;
}

function All() {
  const { say } = useLanguage();
  const chosen = useStore(language);
  const changed = useStore(lastAlarm);
  const [load, retry, more] = usePaged((limit, beforeId) => api.alarms("all", limit, beforeId), PAGE, [
    chosen,
    changed,
  ]);
  return (
    <>
      <List load={load} retry={retry} none={say("alarms.noneAtAll")} />
      {more && (
        <button type="button" class="wide" onClick={more} data-testid="more">
          {say("app.more")}
        </button>
      )}
    </>
  );
}

export function AlarmsPage() {
  const { say } = useLanguage();
  useTitle(say("alarms.title"));
  const [isAll, setAll] = useState(false);
  return (
    <>
      <header class="page-head">
        <h1>{say("alarms.title")}</h1>
        <div class="toggle">
          <button type="button" aria-pressed={!isAll} onClick={() => setAll(false)} data-testid="alarms-open">
            {say("alarms.open")}
          </button>
          <button type="button" aria-pressed={isAll} onClick={() => setAll(true)} data-testid="alarms-all">
            {say("alarms.all")}
          </button>
        </div>
      </header>
      {isAll ? <All /> : <Open />}
    </>
  );
}
