import { useState } from "preact/hooks";
import type { ChannelNamed, Cone } from "../api";
import { channelName, isShown } from "../names";
import { useLanguage } from "./use";

export function Bar({ part, label }: { part: number; label: string }) {
  const shown = Math.max(0, Math.min(1, part));
  return (
    <div
      class="bar"
      role="progressbar"
      aria-label={label}
      aria-valuenow={Math.round(shown * 100)}
      aria-valuemin={0}
      aria-valuemax={100}
    >
      <i class={shown >= 1 ? "full" : ""} style={{ width: `${shown * 100}%` }} />
    </div>
  );
}

function ConeRow({ cone, isTarget }: { cone: Cone; isTarget: boolean }) {
  const { say, format } = useLanguage();
  const isDown = cone.progress >= 1;
  const name = say("cone.name", { cone: cone.cone });
  const done = cone.down_at ? say("cone.down", { time: format.clock(new Date(cone.down_at)) }) : say("cone.isDown");
  return (
    <li class="cone">
      <span class={isTarget ? "target" : ""}>
        {isTarget && <span aria-hidden="true">◎ </span>}
        {name}
      </span>
      <Bar
        part={cone.progress}
        label={say("cone.progressOf", { cone: name, percent: format.percent(Math.min(1, cone.progress)) })}
      />
      <span class="num">{isDown ? `✓ ${done}` : format.percent(Math.max(0, cone.progress))}</span>
    </li>
  );
}

const FEW_PROBES = 2;

/** Of one probe's cones those that people look for: the last that fell, the next that will, the target. */
export function near(cones: readonly Cone[], target: string | null, areFewProbes: boolean): readonly Cone[] {
  const [lastDown, nextUp] = areFewProbes ? [3, 2] : [1, 1]; // many probes: nobody reads thirty rows beside a fire
  const down = cones.filter((cone) => cone.progress >= 1).slice(-lastDown);
  const up = cones.filter((cone) => cone.progress < 1).slice(0, nextUp);
  return cones.filter((cone) => down.includes(cone) || up.includes(cone) || cone.cone === target);
}

interface ConesProps {
  cones: readonly Cone[];
  known: readonly ChannelNamed[];
  target: string | null;
}

/** Per probe, how far each cone has bent. */
export function Cones({ cones, known, target }: ConesProps) {
  const { say } = useLanguage();
  const [areAll, setAll] = useState(false);
  const names = [...new Set(cones.map((cone) => cone.channel))].filter((name) => isShown(name, known));
  if (names.length === 0) return null;
  const probes = names.map((channel) => {
    const all = cones.filter((cone) => cone.channel === channel);
    return { channel, all, few: near(all, target, names.length <= FEW_PROBES) };
  });
  return (
    <section class="panel" data-testid="cones">
      <h2>{say("cone.progress")}</h2>
      {probes.map(({ channel, all, few }) => (
        <div key={channel} class="cones">
          <h3>{channelName(say, channel, known)}</h3>
          <ul>
            {(areAll ? all : few).map((cone) => (
              <ConeRow key={cone.cone} cone={cone} isTarget={cone.cone === target} />
            ))}
          </ul>
        </div>
      ))}
      {probes.some(({ all, few }) => few.length < all.length) && (
        <button type="button" class="plain" aria-expanded={areAll} onClick={() => setAll(!areAll)}>
          {say(areAll ? "cone.fewer" : "cone.all")}
        </button>
      )}
    </section>
  );
}
