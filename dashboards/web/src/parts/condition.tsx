import { useState } from "preact/hooks";
import { api, type Condition, type Kiln } from "../api";
import { useLoad } from "../load";
import { channelName, isShown } from "../names";
import { Loaded } from "./small";
import { useLanguage } from "./use";

function Trend({ change }: { change: Condition["change"] }) {
  const { say, format } = useLanguage();
  if (change === null) return <p class="quiet">{say("condition.few")}</p>;
  if (!change.is_slower) return <p>{say("condition.steady")}</p>;
  const share = (part: number) => format.percent(Math.abs(part));
  return (
    <p class="warn">
      ⚠{" "}
      {say("condition.slower", {
        share: share(change.share_per_month),
        low: share(change.high_per_month),
        high: share(change.low_per_month),
      })}
    </p>
  );
}

function Rates({ rates }: { rates: Condition["highest_rates"] }) {
  const { say, format } = useLanguage();
  if (rates.length === 0) return null;
  return (
    <div class="scroll">
      <table>
        <caption>{say("condition.rates")}</caption>
        <thead>
          <tr>
            <th>{say("condition.at")}</th>
            <th>{say("condition.shown")}</th>
            <th>{say("condition.likely")}</th>
          </tr>
        </thead>
        <tbody>
          {rates.map((one) => (
            <tr key={one.at_c}>
              <td class="num">{format.number(one.at_c)} °C</td>
              <td class="num">{format.number(one.shown_c_per_h)}</td>
              <td class="num">{format.number(one.likely_c_per_h)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Drift({ drift, kiln }: { drift: Condition["drifts"][number]; kiln: Kiln }) {
  const { say, format } = useLanguage();
  const said = {
    probe: channelName(say, drift.channel, kiln.now.channels),
    apart: format.number(Math.abs(drift.per_firing_c), 1),
    n: drift.firings,
  };
  if (!drift.is_named) return <p>{say("condition.straight", said)}</p>;
  return <p class="warn">⚠ {say(drift.per_firing_c < 0 ? "condition.driftDown" : "condition.driftUp", said)}</p>;
}

function Told({ kiln }: { kiln: Kiln }) {
  const { say } = useLanguage();
  const [load, reload] = useLoad(() => api.condition(kiln.id), [kiln.id]);
  return (
    <Loaded load={load} retry={reload}>
      {(found) => (
        <>
          {found.firings === 0 ? (
            <p class="quiet">{say("condition.none")}</p>
          ) : (
            <>
              <p class="quiet">{say("condition.from", { n: found.firings })}</p>
              <Trend change={found.change} />
            </>
          )}
          {found.drifts.map(
            (one) => isShown(one.channel, kiln.now.channels) && <Drift key={one.channel} drift={one} kiln={kiln} />,
          )}
          <Rates rates={found.highest_rates} />
        </>
      )}
    </Loaded>
  );
}

/** What past firings show of a kiln and its probes; read when somebody wants it, for forty firings take a while. */
export function ConditionPart({ kiln }: { kiln: Kiln }) {
  const { say } = useLanguage();
  const [isOpen, setOpen] = useState(false);
  return (
    <details class="panel" data-testid="condition" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>{say("condition.title")}</summary>
      <div class="stack">{isOpen && <Told kiln={kiln} />}</div>
    </details>
  );
}
