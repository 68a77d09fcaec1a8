import { useState } from "preact/hooks";
import { api, type FiringDetail, type Kiln, type Me } from "../api";
import { useNow } from "../clock";
import { countPoints, newerThan } from "../curve";
import { hasSpoken } from "../freshness";
import { kilns, lastAlarm, lastFiring, refresh } from "../live";
import { type Drawn, useCurve } from "../live-curve";
import { type Load, useLoad } from "../load";
import { type Action, mayIn } from "../may";
import { Ahead } from "../parts/ahead";
import { Calibrations } from "../parts/calibrations";
import { ConditionPart } from "../parts/condition";
import { Cones } from "../parts/cones";
import { CurveChart, IDLE_HOURS } from "../parts/curve-chart";
import { Readings } from "../parts/files";
import { Findings } from "../parts/findings";
import { Idle, NeverHeard } from "../parts/idle";
import { hottestOf, KilnMouth, NextCone, OpenAlarms, PhaseWord, shownOf } from "../parts/kiln-card";
import { KilnSettings } from "../parts/kiln-settings";
import { LogFile } from "../parts/log-file";
import { Probes } from "../parts/probe";
import { ProbeNames } from "../parts/probe-names";
import { Confirm, Figure, Loaded, Moment, Outcome } from "../parts/small";
import { RUNNING_EVERY_MS, useAction, useLanguage, useRenewal, useTitle } from "../parts/use";
import { useStore } from "../store";
import { celsius, delta, seconds } from "../units";
import { language } from "../words";

const ON_TIME_S = 300; // nobody would call so little late
const IDLE_MS = IDLE_HOURS * 3_600_000;

/** How late or early the kiln is by its plan, in the potter's words. */
function Pace({ behindS, since }: { behindS: number; since: string }) {
  const { say, format } = useLanguage();
  const age = format.duration(seconds(Math.abs(behindS)));
  const pace = Math.abs(behindS) < ON_TIME_S ? "onTime" : behindS > 0 ? "behind" : "ahead";
  return (
    <Figure name={say("pace.title")}>
      <span data-testid="pace">{say(`pace.${pace}`, { age })}</span>
      <small>{say("pace.since", { time: format.clock(new Date(since)) })}</small>
    </Figure>
  );
}

function Figures({ kiln, now }: { kiln: Kiln; now: Date }) {
  const { say, format } = useLanguage();
  const { started_at, peak_c, spread_c, behind_s, behind_since } = kiln.now;
  if (!started_at && peak_c === null && spread_c === null && !kiln.target_cone) return null;
  return (
    <dl class="figures">
      {started_at && (
        <Figure name={say("figure.started")}>
          <Moment at={started_at} />
        </Figure>
      )}
      {started_at && (
        <Figure name={say("figure.duration")}>
          {format.duration(seconds((now.getTime() - Date.parse(started_at)) / 1000))}
        </Figure>
      )}
      {behind_s !== null && behind_since !== null && <Pace behindS={behind_s} since={behind_since} />}
      {peak_c !== null && <Figure name={say("figure.peak")}>{format.temperature(celsius(peak_c))}</Figure>}
      {spread_c !== null && <Figure name={say("figure.spread")}>{format.apart(delta(spread_c))}</Figure>}
      {kiln.target_cone && <Figure name={say("cone.target")}>{say("cone.name", { cone: kiln.target_cone })}</Figure>}
    </dl>
  );
}

function EndFiring({ firingId }: { firingId: number }) {
  const { say } = useLanguage();
  const [isAsking, setAsking] = useState(false);
  const [doing, run] = useAction();
  const end = () => void run(async () => [await api.endFiring(firingId), await refresh()]);
  return (
    <>
      <button
        type="button"
        class="danger"
        data-testid="end-firing"
        disabled={doing.is === "busy"}
        onClick={() => setAsking(true)}
      >
        {say("kiln.end")}
      </button>
      <Outcome doing={doing} />
      {isAsking && (
        <Confirm
          title={say("kiln.endAsk")}
          why={say("kiln.endWhy")}
          go={say("kiln.end")}
          onGo={end}
          onClose={() => setAsking(false)}
        />
      )}
    </>
  );
}

/** Keep the running firing's findings and cones up to date as events come; null while none runs. */
function useFiring({
  now: { firing_id: firingId },
  plan_id,
  target_cone,
}: Kiln): [Load<FiringDetail | null>, () => void] {
  const changed = useStore(lastFiring);
  const alarm = useStore(lastAlarm);
  const chosen = useStore(language);
  const [load, reload] = useLoad(
    () => (firingId === null ? Promise.resolve(null) : api.firing(firingId)),
    [firingId, chosen, changed, alarm, plan_id, target_cone],
    (firing) => (firing?.id ?? null) === firingId, // not the one before
  );
  useRenewal(reload, RUNNING_EVERY_MS);
  return [load, reload];
}

/** What is drawn of a kiln that does not fire: its last hours. */
function lastHours({ channels, damaged }: Drawn, now: Date): Drawn {
  const fromMs = now.getTime() - IDLE_MS;
  return {
    channels: newerThan(channels, fromMs / 1000),
    damaged: damaged.filter((one) => Date.parse(one.to_at) > fromMs),
  };
}

function LiveKiln({ kiln, may }: { kiln: Kiln; may: (action: Action) => boolean }) {
  const { say, format } = useLanguage();
  const now = useNow();
  const [load, reload] = useFiring(kiln);
  const firing = load.is === "ready" ? load.value : null;
  const found = load.is === "ready" ? { ...load, value: load.value?.findings ?? [] } : load;
  const hasProbes = kiln.now.channels.length > 0; // on a bridge, or in an old log alone
  const isIdle = kiln.now.firing_id === null;
  const startedMs = kiln.now.started_at ? Date.parse(kiln.now.started_at) : null;
  const idleFromMs = (Math.floor(now.getTime() / IDLE_MS) - 1) * IDLE_MS; // earlier than is drawn: it seldom moves
  const whole = useCurve({ is: "live", kilnId: kiln.id, fromMs: startedMs ?? idleFromMs });
  const curve = whole.is === "ready" && startedMs === null ? { ...whole, value: lastHours(whole.value, now) } : whole;
  const shown = shownOf(kiln, now);
  const hottest = hottestOf(shown);
  useTitle(hottest === null ? kiln.name : `${format.temperature(hottest)} · ${kiln.name}`);
  return (
    <>
      <header class="page-head">
        <KilnMouth shown={shown} />
        <div>
          <h1>{kiln.name}</h1>
          <p class="facts">
            <PhaseWord kiln={kiln} shown={shown} />
            <span>{say(`fuel.${kiln.fuel}`)}</span>
            <OpenAlarms kiln={kiln} isTheirs={may("follow")} />
          </p>
        </div>
      </header>
      <div class="columns">
        <div class="stack">
          {hasSpoken(kiln) && shown.length > 0 && (
            <section class="panel now first">
              <div class="probes">
                <Probes kiln={kiln} shown={shown} />
              </div>
              <NextCone kiln={kiln} />
            </section>
          )}
          {hasSpoken(kiln) ? (
            <section class="panel stack first">
              <Loaded load={curve}>
                {(drawn) => (
                  <>
                    {isIdle && (
                      <Idle
                        isSilent={countPoints(drawn.channels) === 0 && drawn.damaged.length === 0}
                        mayFire={may("fire")}
                      />
                    )}
                    {(!isIdle || drawn.damaged.length > 0 || countPoints(drawn.channels) > 0) && (
                      <CurveChart
                        {...drawn}
                        known={kiln.now.channels}
                        plan={firing?.plan ?? null}
                        startS={startedMs === null ? null : startedMs / 1000}
                        endS={null}
                        findings={firing?.findings ?? []}
                      />
                    )}
                  </>
                )}
              </Loaded>
            </section>
          ) : (
            <NeverHeard mayConnect={may("set_up")} />
          )}
          {!isIdle && <Findings load={found} retry={reload} known={kiln.now.channels} isRunning />}
        </div>
        <div class="stack">
          {hasProbes && (
            <section class="panel">
              <Figures kiln={kiln} now={now} />
              <div class="row">
                <a class="button" href={`/firings?kiln=${kiln.id}`}>
                  {say("kiln.past")}
                </a>
                {kiln.now.firing_id !== null && may("fire") && <EndFiring firingId={kiln.now.firing_id} />}
              </div>
            </section>
          )}
          {kiln.now.firing_id !== null && may("follow") && <Ahead firingId={kiln.now.firing_id} />}
          <Cones cones={kiln.now.cones} known={kiln.now.channels} target={kiln.target_cone} />
          {may("fire") && <KilnSettings kiln={kiln} maySetUp={may("set_up")} />}
          {hasProbes && <ConditionPart kiln={kiln} />}
          {hasProbes && may("set_up") && <ProbeNames kilnId={kiln.id} />}
          {hasProbes && may("set_up") && <Calibrations kiln={kiln} />}
          {may("set_up") && <LogFile kiln={kiln} />}
          {hasProbes && <Readings addressOf={(from, to, form) => api.readingsOf(kiln.id, from, to, form)} />}
        </div>
      </div>
    </>
  );
}

export function KilnPage({ id, me }: { id: number; me: Me }) {
  const { say } = useLanguage();
  const load = useStore(kilns);
  return (
    <Loaded load={load} retry={() => void refresh()}>
      {(found) => {
        const kiln = found.find((one) => one.id === id);
        return kiln ? (
          <LiveKiln key={kiln.id} kiln={kiln} may={(action) => mayIn(me, kiln.workshop_id, action)} />
        ) : (
          <p class="waiting">{say("error.not_found")}</p>
        );
      }}
    </Loaded>
  );
}
