import type { Cone } from "../api";
import { channelName } from "../names";
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

/** Per probe, how far each cone has bent. */
export function Cones({ cones, target }: { cones: readonly Cone[]; target: string | null }) {
  const { say } = useLanguage();
  const channels = [...new Set(cones.map((cone) => cone.channel))];
  if (channels.length === 0) return null;
  return (
    <section class="panel" data-testid="cones">
      <h2>{say("cone.progress")}</h2>
      {channels.map((channel) => (
        <div key={channel} class="cones">
          <h3>{channelName(say, channel)}</h3>
          <ul>
            {cones
              .filter((cone) => cone.channel === channel)
              .map((cone) => (
                <ConeRow key={cone.cone} cone={cone} isTarget={cone.cone === target} />
              ))}
          </ul>
        </div>
      ))}
    </section>
  );
}
