import { useEffect, useRef, useState } from "preact/hooks";
import type { ChannelNamed, CurveChannel, Damaged, Finding, Plan } from "../api";
import { Chart, type Line } from "../chart";
import { now } from "../clock";
import { countPoints, newest, planAt, planWithin, valueNear } from "../curve";
import { channelName, isShown, lookOfChannel, PLAN_LOOK } from "../names";
import { celsius, type Formats, seconds } from "../units";
import { marksOf } from "./findings";
import { useLanguage } from "./use";

export const IDLE_HOURS = 12; // what is shown of a kiln that does not fire
const HOURS = [6, 2] as const;
const READ_WITHIN_S = 400;
const DAMAGED_TOLD = 3; // the others are hatched, and counted
const DAY_S = 24 * 3600;
const AHEAD_S = 2 * 3600; // how much of the plan's future is shown while it runs

interface CurveChartProps {
  channels: readonly CurveChannel[];
  damaged: readonly Damaged[];
  known: readonly ChannelNamed[];
  plan: Plan | null;
  startS: number | null;
  endS: number | null;
  findings: readonly Finding[];
}

export function Key({ colour, dash }: { colour: string; dash: readonly number[] }) {
  return (
    <svg class="key" viewBox="0 0 26 8" aria-hidden="true">
      <line x1="0" y1="4" x2="26" y2="4" stroke={colour} stroke-width="3" stroke-dasharray={dash.join(" ")} />
    </svg>
  );
}

function planLine(name: string, plan: Plan, startS: number, from: number, to: number): Line {
  const points = planWithin(plan.points, from - startS, to - startS);
  const x = points.map((point) => startS + point.time_s);
  return { name, x, y: points.map((point) => point.temp_c), ...PLAN_LOOK, width: 1.5 };
}

/** Write when a stretch ends: the day too if it is another than that of its beginning. */
function endOf(one: Damaged, format: Formats): string {
  const [from, to] = [new Date(one.from_at), new Date(one.to_at)];
  return from.toDateString() === to.toDateString() ? format.clock(to) : format.dayClock(to);
}

const isMidnight = (at: Date): boolean => at.getHours() === 0 && at.getMinutes() === 0;

/** The firing curve on clock time, with its plan, its findings, and the values under the finger. */
export function CurveChart({ channels: every, damaged, known, plan, startS, endS, findings }: CurveChartProps) {
  const { say, format } = useLanguage();
  const host = useRef<HTMLDivElement>(null);
  const chart = useRef<Chart | null>(null);
  const [place, setPlace] = useState<number | null>(null);
  const [hours, setHours] = useState<number | null>(null);
  const channels = every.filter((channel) => isShown(channel.name, known));
  const lastS = newest(channels);
  const shownToS = endS ?? now().getTime() / 1000; // where nothing comes any more, one sees since when
  const firstS = startS ?? Math.min(...channels.flatMap((channel) => channel.time_s[0] ?? []));
  const marks = marksOf(findings, lastS ?? 0);
  const planEnd = plan && startS !== null ? startS + (plan.points.at(-1)?.time_s ?? 0) : 0;
  const aheadS = hours === null && endS === null ? Math.min(planEnd, shownToS + AHEAD_S) : 0;
  const from = hours === null ? firstS : Math.max(firstS, shownToS - hours * 3600);
  const to = Math.max(shownToS, aheadS);
  const areDays = to - from > DAY_S; // then a time of day alone does not tell when

  useEffect(() => {
    if (!host.current) return;
    const made = new Chart(host.current, setPlace);
    chart.current = made;
    return () => made.destroy();
  }, []);

  useEffect(() => {
    if (lastS === null) return;
    const lines = channels.map((channel): Line => {
      const look = lookOfChannel(channel.name, known);
      return {
        name: channelName(say, channel.name, known),
        x: channel.time_s,
        y: channel.value_c,
        ...look,
        width: 2.5,
      };
    });
    if (plan && startS !== null) lines.push(planLine(say("chart.plan"), plan, startS, from, to));
    chart.current?.draw({
      lines,
      marks,
      hatched: damaged.map((one) => ({ from: Date.parse(one.from_at) / 1000, to: Date.parse(one.to_at) / 1000 })),
      from,
      to,
      isClock: true,
      writeX: (value) => {
        const at = new Date(value * 1000);
        return areDays && isMidnight(at) ? format.dayShort(at) : format.clock(at);
      },
      writeY: (value) => format.number(value),
    });
  });

  const latest = say(endS === null ? "chart.latest" : "chart.end");
  const atS = place ?? lastS;
  const at = new Date((atS ?? 0) * 1000);
  const under = atS === null ? [] : marks.filter((mark) => mark.from <= atS && atS <= mark.to);
  const planned = plan && startS !== null && atS !== null ? planAt(plan.points, atS - startS) : null;
  const written = (value: number | null) => (value === null ? "—" : format.temperature(celsius(value)));
  return (
    <figure
      class="chart"
      data-testid="chart"
      data-points={countPoints(channels)}
      data-last={lastS ?? ""}
      aria-label={say("chart.label")}
    >
      {lastS !== null && (
        <div class="readout" data-testid="readout">
          <b class="num">
            {format.clockExact(at)} {areDays && format.dayShort(at)}
          </b>
          {channels.map((channel) => (
            <span key={channel.channel_id} data-channel={channel.name}>
              <Key {...lookOfChannel(channel.name, known)} /> {channelName(say, channel.name, known)}{" "}
              <b class="num">
                {written(atS === null ? null : valueNear(channel.time_s, channel.value_c, atS, READ_WITHIN_S))}
              </b>
            </span>
          ))}
          {plan && (
            <span>
              <Key {...PLAN_LOOK} /> {say("chart.plan")} <b class="num">{written(planned)}</b>
            </span>
          )}
          {under.map((mark) => (
            <b key={mark.label} class={`flag ${mark.severity}`}>
              {mark.label}
            </b>
          ))}
          <span class="quiet">{place === null ? latest : ""}</span>
        </div>
      )}
      <div class="canvas" ref={host} hidden={lastS === null} />
      {damaged.slice(0, DAMAGED_TOLD).map((one) => (
        <p key={one.from_at} class="warn" data-testid="damaged">
          {say(one.step_s === null ? "chart.unreadable" : "chart.damaged", {
            from: format.dayClock(new Date(one.from_at)),
            to: endOf(one, format),
            step: format.duration(seconds(one.step_s ?? 0)),
          })}
        </p>
      ))}
      {damaged.length > DAMAGED_TOLD && (
        <p class="warn">{say("chart.damagedMore", { n: damaged.length - DAMAGED_TOLD })}</p>
      )}
      {lastS === null ? (
        <p class="quiet">{say("chart.empty")}</p>
      ) : (
        <div class="ranges">
          <button type="button" aria-pressed={hours === null} onClick={() => setHours(null)}>
            {startS === null ? say("chart.hours", { n: IDLE_HOURS }) : say("chart.all")}
          </button>
          {HOURS.map((one) => (
            <button key={one} type="button" aria-pressed={hours === one} onClick={() => setHours(one)}>
              {say("chart.hours", { n: one })}
            </button>
          ))}
          {place === null ? (
            <span class="quiet">{say("chart.touch")}</span>
          ) : (
            <button type="button" class="plain" onClick={() => chart.current?.letGo()}>
              ⇥ {latest}
            </button>
          )}
        </div>
      )}
    </figure>
  );
}
