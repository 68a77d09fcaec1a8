import { useState } from "preact/hooks";
import { api, type Firing, type Kiln } from "../api";
import { kilns, lastFiring } from "../live";
import { nameIn } from "../names";
import { usePaged } from "../paging";
import { Choice, Loaded } from "../parts/small";
import { useLanguage, useTitle } from "../parts/use";
import { navigate, usePlace } from "../router";
import { useWorkshops } from "../session";
import { useStore } from "../store";
import { celsius, delta, seconds } from "../units";

const PAGE = 40;
const MOST = 8;

interface RowProps {
  firing: Firing;
  peakC: number | null;
  isPicked: boolean;
  onPick: (() => void) | null;
}

function FiringRow({ firing, peakC, isPicked, onPick }: RowProps) {
  const { say, format } = useLanguage();
  const started = new Date(firing.started_at);
  const lengthMs = firing.ended_at ? Date.parse(firing.ended_at) - started.getTime() : null;
  const kiln = nameIn(useWorkshops(), firing.workshop_id, firing.kiln_name);
  const name = `${kiln} · ${say("firings.number", { n: firing.number })}`;
  return (
    <li class={isPicked ? "firing picked" : "firing"} data-testid="firing">
      <label class="pick">
        <input
          type="checkbox"
          checked={isPicked}
          disabled={onPick === null}
          aria-label={say("firings.pick", { name })}
          data-testid="pick-firing"
          onChange={() => onPick?.()}
        />
      </label>
      <a href={`/firings/${firing.id}`}>
        <b>{name}</b>
        <span class="facts">
          <span>{format.dayClock(started)}</span>
          {lengthMs === null ? (
            <span class="phase heating">{say("firings.running")}</span>
          ) : (
            <span>{format.duration(seconds(lengthMs / 1000))}</span>
          )}
          {firing.end_cause && <span>{say(`firing.cause.${firing.end_cause}`)}</span>}
        </span>
      </a>
      <span class="num hot">{peakC === null ? "—" : format.temperature(celsius(peakC))}</span>
      <span class="facts side">
        {firing.cone_reached && <span>✓ {say("cone.name", { cone: firing.cone_reached })}</span>}
        {firing.max_spread_c !== null && <span>↕ {format.apart(delta(firing.max_spread_c))}</span>}
      </span>
    </li>
  );
}

export function FiringsPage() {
  const { say } = useLanguage();
  useTitle(say("firings.title"));
  const { search } = usePlace();
  const kilnText = new URLSearchParams(search).get("kiln");
  const kilnId = kilnText && /^\d+$/.test(kilnText) ? Number(kilnText) : null;
  const known = useStore(kilns);
  const changed = useStore(lastFiring);
  const [picked, setPicked] = useState<readonly number[]>([]);
  const [load, retry, more] = usePaged(
    (limit, beforeId) => api.firings({ limit, beforeId, kilnId: kilnId ?? undefined }),
    PAGE,
    [kilnId, changed?.id, changed?.ended_at],
  );
  const workshops = useWorkshops();
  const optionOf = (kiln: Kiln): [string, string] => [String(kiln.id), nameIn(workshops, kiln.workshop_id, kiln.name)];
  const options = known.is === "ready" ? known.value.map(optionOf) : [];
  const live = new Map(known.is === "ready" ? known.value.map(({ now }) => [now.firing_id, now.peak_c]) : []);
  const toggle = (id: number) => setPicked(picked.includes(id) ? picked.filter((one) => one !== id) : [...picked, id]);
  return (
    <>
      <header class="page-head">
        <h1>{say("firings.title")}</h1>
        <Choice
          label={say("firings.kiln")}
          testid="filter-kiln"
          value={String(kilnId ?? "")}
          options={[["", say("firings.all")], ...options]}
          onValue={(id) => navigate(id ? `/firings?kiln=${id}` : "/firings", { replace: true })}
        />
      </header>
      <Loaded load={load} retry={retry}>
        {(firings) => (
          <>
            {firings.length === 0 && <p class="waiting">{say("firings.none")}</p>}
            <ul class="firings">
              {firings.map((firing) => {
                const isPicked = picked.includes(firing.id);
                const onPick = isPicked || picked.length < MOST ? () => toggle(firing.id) : null;
                const peakC = live.get(firing.id) ?? firing.peak_c; // of a running one it is a while since it was written
                return <FiringRow key={firing.id} {...{ firing, peakC, isPicked, onPick }} />;
              })}
            </ul>
            {more && (
              <button type="button" class="wide" onClick={more} data-testid="more">
                {say("app.more")}
              </button>
            )}
          </>
        )}
      </Loaded>
      <div class="tray">
        {picked.length < 2 ? (
          <span class="quiet">{say("firings.pickHint")}</span>
        ) : (
          <a
            class="button primary"
            href={`/compare?${picked.map((id) => `firing=${id}`).join("&")}&align=time`}
            data-testid="compare"
          >
            {say("firings.compare", { n: picked.length })}
          </a>
        )}
      </div>
    </>
  );
}
