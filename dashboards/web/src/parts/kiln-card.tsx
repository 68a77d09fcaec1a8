import type { Kiln } from "../api";
import { beat } from "../clock";
import { hasSpoken, isHeard, type Shown, show, staleAfter, watchedOf } from "../freshness";
import { glow } from "../heat";
import { connection, usualInterval } from "../live";
import { type Celsius, seconds } from "../units";
import { Bar } from "./cones";
import { Probes } from "./probe";
import { useLanguage } from "./use";

export function shownOf(kiln: Kiln, now: Date): Shown[] {
  const rate = connection.get().is === "lost" ? 1 : beat.get().rate; // what cannot come is not merely late
  const limit = staleAfter(usualInterval(kiln.id), rate);
  return watchedOf(kiln).map((channel) => show(channel, now, limit));
}

/** How hot a kiln is at its hottest probe, as far as that is known now. */
export const hottestOf = (shown: readonly Shown[]): Celsius | null =>
  shown.reduce<Celsius | null>((most, one) => {
    if (one.is !== "fresh") return most;
    return most === null || one.value > most ? one.value : most;
  }, null);

/** The kiln's mouth: it glows as hot as the newest good reading, and is dark when nothing is known. */
export function KilnMouth({ shown }: { shown: readonly Shown[] }) {
  return (
    <svg class="mouth" viewBox="0 0 64 76" aria-hidden="true">
      <path d="M3 74V34a29 29 0 0 1 58 0v40z" class="bricks" />
      <path d="M11 74V36a21 21 0 0 1 42 0v38z" fill={glow(hottestOf(shown))} class="inside" />
      <path d="M11 60h42M18 60v14M46 60v14M32 60v14" class="shelf" />
      <path d="M19 60v-9q0-3 3-3h3q3 0 3 3v9M34 60v-6q-2-8 5-9 7 1 5 9v6" class="ware" />
    </svg>
  );
}

export function NextCone({ kiln }: { kiln: Kiln }) {
  const { say, format } = useLanguage();
  const { cone_reached, next_cone_progress, phase } = kiln.now;
  const next_cone = phase === "cooling" ? null : kiln.now.next_cone; // it bends no further
  if (cone_reached === null && next_cone === null) return null;
  const name = next_cone && say("cone.name", { cone: next_cone });
  return (
    <div class="next-cone">
      {cone_reached && (
        <span>
          ✓ {say("cone.reached")} <b>{say("cone.name", { cone: cone_reached })}</b>
        </span>
      )}
      {name && (
        <span>
          {say("cone.next")} <b>{name}</b> <span class="num">{format.percent(next_cone_progress ?? 0)}</span>
        </span>
      )}
      {name && (
        <Bar
          part={next_cone_progress ?? 0}
          label={say("cone.progressOf", { cone: name, percent: format.percent(next_cone_progress ?? 0) })}
        />
      )}
    </div>
  );
}

/** What the kiln does; not known while no probe says anything. */
export function PhaseWord({ kiln, shown }: { kiln: Kiln; shown: readonly Shown[] }) {
  const { say } = useLanguage();
  if (!hasSpoken(kiln)) return null;
  if (!isHeard(shown)) return <span class="phase">{say("phase.unknown")}</span>;
  return <span class={`phase ${kiln.now.phase}`}>{say(`phase.${kiln.now.phase}`)}</span>;
}

/** How many alarms a kiln has; whose they are can go and see them. */
export function OpenAlarms({ kiln, isTheirs }: { kiln: Kiln; isTheirs: boolean }) {
  const { say } = useLanguage();
  if (kiln.now.open_alarms === 0) return null;
  const words = `⚠ ${say("kilns.openAlarms", { n: kiln.now.open_alarms })}`;
  return isTheirs ? (
    <a class="badge" href="/alarms" data-testid="kiln-alarms">
      {words}
    </a>
  ) : (
    <span class="badge">{words}</span>
  );
}

interface CardProps {
  kiln: Kiln;
  shown: readonly Shown[];
  now: Date;
  isTheirs: boolean;
}

export function KilnCard({ kiln, shown, now, isTheirs }: CardProps) {
  const { say, format } = useLanguage();
  const started = kiln.now.started_at;
  return (
    <article class="kiln" data-testid="kiln-card" data-kiln={kiln.id}>
      <header>
        <KilnMouth shown={shown} />
        <div>
          <h2>
            <a href={`/kilns/${kiln.id}`}>{kiln.name}</a>
          </h2>
          <p class="facts">
            <PhaseWord kiln={kiln} shown={shown} />
            {started && (
              <span>
                {say("kilns.sinceStart", {
                  age: format.duration(seconds((now.getTime() - Date.parse(started)) / 1000)),
                })}
              </span>
            )}
          </p>
        </div>
      </header>
      <OpenAlarms kiln={kiln} isTheirs={isTheirs} />
      <div class="probes">
        {hasSpoken(kiln) ? (
          <Probes kiln={kiln} shown={shown} />
        ) : (
          <p class="quiet">
            {say("kilns.noReading")}. <a href="/settings">{say("kilns.pairBridge")}</a>
          </p>
        )}
      </div>
      <NextCone kiln={kiln} />
      {hasSpoken(kiln) && (
        <a class="button wide" href={`/kilns/${kiln.id}`}>
          {say("kilns.open")}
        </a>
      )}
    </article>
  );
}
