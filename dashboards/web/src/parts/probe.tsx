import type { ChannelNow, Kiln } from "../api";
import { isThere, type Shown, watchedOf } from "../freshness";
import { channelName, lookOfChannel, qualityName } from "../names";
import { type CelsiusPerHour, type Trend, trend } from "../units";
import { useLanguage } from "./use";

const ARROWS: Readonly<Record<Trend, string>> = { up: "↗", down: "↘", flat: "→" };

export function Rate({ rate }: { rate: CelsiusPerHour }) {
  const { say, format } = useLanguage();
  const way = trend(rate);
  return (
    <span class={`rate ${way}`}>
      <span role="img" aria-label={say(`rate.${way}`)}>
        {ARROWS[way]}
      </span>{" "}
      {format.rate(rate)}
    </span>
  );
}

/** One probe: its place, its value in big numerals, how fast it moves and how old it is. */
function Probe({ channel, shown, kiln }: { channel: ChannelNow; shown: Shown; kiln: Kiln }) {
  const { say, format } = useLanguage();
  const { value, age } = shown.is === "never" ? { value: null, age: null } : shown;
  return (
    <div class={`probe ${shown.is}`} data-testid="probe" data-channel={channel.name} data-state={shown.is}>
      <span class="place">
        <i class="swatch" style={{ background: lookOfChannel(channel.name, kiln.now.channels).colour }} />
        {channelName(say, channel.name, kiln.now.channels)}
      </span>
      <span class="big" data-testid="probe-value">
        {value === null ? "—" : format.number(value)}
        <small>°C</small>
      </span>
      {shown.is === "fresh" && shown.rate !== null && <Rate rate={shown.rate} />}
      {shown.is === "stale" && <span class="warn">⏱ {say("fresh.stale")}</span>}
      {shown.is === "faulty" && <span class="warn">⚠ {qualityName(say, shown.quality)}</span>}
      <span class="age" data-testid="probe-age">
        {age === null ? say("fresh.never") : say("fresh.age", { age: format.duration(age) })}
      </span>
    </div>
  );
}

/** The probes that hang in a kiln; each keeps the colour that it has in the chart. */
export function Probes({ kiln, shown }: { kiln: Kiln; shown: readonly Shown[] }) {
  return watchedOf(kiln).map((channel, index) => {
    const one = shown[index];
    return one && isThere(one, shown) && <Probe key={channel.channel_id} channel={channel} shown={one} kiln={kiln} />;
  });
}
