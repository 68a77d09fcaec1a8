import { useState } from "preact/hooks";
import { api, type FiringDetail, type Me, type Segment } from "../api";
import { lastFiring } from "../live";
import { type CurveSource, useCurve } from "../live-curve";
import { ready, useLoad } from "../load";
import { type Action, mayIn } from "../may";
import { Batches } from "../parts/batches";
import { Cones } from "../parts/cones";
import { CurveChart } from "../parts/curve-chart";
import { Downloads } from "../parts/files";
import { Findings } from "../parts/findings";
import { type EditProps, FiringEdit } from "../parts/firing-edit";
import { Figure, Loaded, Moment, Outcome } from "../parts/small";
import { RUNNING_EVERY_MS, useAction, useLanguage, useRenewal, useTitle } from "../parts/use";
import { WitnessConesPart } from "../parts/witness-cones";
import { useStore } from "../store";
import { celsius, delta, perHour, seconds } from "../units";
import { language } from "../words";

const FEW_SEGMENTS = 12; // a hand-fired kiln goes up and down dozens of times

function Summary({ firing }: { firing: FiringDetail }) {
  const { say, format } = useLanguage();
  const lengthS = firing.ended_at ? (Date.parse(firing.ended_at) - Date.parse(firing.started_at)) / 1000 : null;
  return (
    <section class="panel first" data-testid="summary">
      <h2>{say("firing.summary")}</h2>
      <dl class="figures">
        {firing.peak_c !== null && (
          <Figure name={say("figure.peak")}>
            {format.temperature(celsius(firing.peak_c))}
            {firing.peak_at && <small>{format.clock(new Date(firing.peak_at))}</small>}
          </Figure>
        )}
        {firing.cone_reached && (
          <Figure name={say("cone.reached")}>{say("cone.name", { cone: firing.cone_reached })}</Figure>
        )}
        {firing.target_cone && (
          <Figure name={say("cone.target")}>{say("cone.name", { cone: firing.target_cone })}</Figure>
        )}
        {firing.max_spread_c !== null && (
          <Figure name={say("figure.maxSpread")}>{format.apart(delta(firing.max_spread_c))}</Figure>
        )}
        {lengthS !== null && <Figure name={say("figure.duration")}>{format.duration(seconds(lengthS))}</Figure>}
        {firing.fuel_used && (
          <Figure name={say("edit.fuel")}>
            {format.number(firing.fuel_used.amount, firing.fuel_used.amount % 1 === 0 ? 0 : 1)}{" "}
            {say(`edit.unit.${firing.fuel_used.unit}`)}
          </Figure>
        )}
        <Figure name={say("figure.ended")}>
          {firing.ended_at ? <Moment at={firing.ended_at} /> : say("firings.running")}
          {firing.end_cause && <small>{say(`firing.cause.${firing.end_cause}`)}</small>}
        </Figure>
      </dl>
    </section>
  );
}

function Files({ firing }: { firing: FiringDetail }) {
  const { say } = useLanguage();
  return (
    <section class="panel" data-testid="files">
      <h2>{say("firing.files")}</h2>
      <Downloads addressOf={(form) => api.fileOf(firing.id, form)} hasFindings />
    </section>
  );
}

function Segments({ segments }: { segments: readonly Segment[] }) {
  const { say, format } = useLanguage();
  if (segments.length === 0) return null;
  return (
    <details class="panel" data-testid="segments" open={segments.length <= FEW_SEGMENTS}>
      <summary>
        <h2>
          {say("firing.segments")} <span class="quiet">({segments.length})</span>
        </h2>
      </summary>
      <div class="scroll">
        <table>
          <thead>
            <tr>
              <th>{say("firing.segment")}</th>
              <th>°C</th>
              <th>{say("unit.rate")}</th>
            </tr>
          </thead>
          <tbody>
            {segments.map((segment) => (
              <tr key={segment.start_at}>
                <td class="num">
                  {say(`firing.${segment.kind}`)}
                  <small>
                    {format.clock(new Date(segment.start_at))}–{format.clock(new Date(segment.end_at))}
                  </small>
                </td>
                <td class="num">
                  {format.number(segment.from_c)} → {format.number(segment.to_c)}
                </td>
                <td class="num">{format.bareRate(perHour(segment.rate_c_per_h))}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </details>
  );
}

interface ViewProps extends EditProps {
  may: (action: Action) => boolean;
}

function Note({ firing, onFiring, reload }: EditProps) {
  const { say } = useLanguage();
  const [typed, setTyped] = useState<{ text: string; over: string } | null>(null); // over what was saved at the time
  const [doing, run] = useAction(reload);
  const isNew = typed !== null && typed.text !== firing.note;
  const isOvertaken = isNew && typed.over !== firing.note;
  const type = (text: string) => setTyped(text === firing.note ? null : { text, over: typed?.over ?? firing.note });
  const write = async (text: string) => {
    const saved = await api.changeFiring(firing, { note: text });
    setTyped((now) => (now === null || now.text === text ? null : { text: now.text, over: saved.note }));
    onFiring(saved);
  };
  const save = (event: Event) => {
    event.preventDefault();
    if (isNew) void run(() => write(typed.text));
  };
  return (
    <form class="panel stack" onSubmit={save}>
      <label class="field">
        <span>{say("firing.note")}</span>
        <textarea
          rows={3}
          maxLength={2000}
          value={typed?.text ?? firing.note}
          data-testid="note"
          onInput={(event) => type(event.currentTarget.value)}
        />
      </label>
      {isOvertaken && (
        <p class="warn" data-testid="note-now">
          {say("firing.noteNow", { note: firing.note || "—" })}
        </p>
      )}
      <div class="row">
        <button type="submit" disabled={!isNew || doing.is === "busy"} data-testid="note-save">
          {say(isOvertaken ? "firing.noteOver" : "app.save")}
        </button>
        <Outcome doing={doing} />
      </div>
    </form>
  );
}

function FiringView({ firing, may, onFiring, reload }: ViewProps) {
  const { say, format } = useLanguage();
  const startMs = Date.parse(firing.started_at);
  const source: CurveSource = firing.ended_at
    ? { is: "finished", firingId: firing.id, span: `${firing.started_at} ${firing.ended_at}` }
    : { is: "live", kilnId: firing.kiln_id, fromMs: startMs };
  const curve = useCurve(source);
  useTitle(`${firing.kiln_name} · ${say("firings.number", { n: firing.number })}`);
  return (
    <>
      <header class="page-head">
        <div>
          <h1>
            <a href={`/kilns/${firing.kiln_id}`}>{firing.kiln_name}</a> · {say("firings.number", { n: firing.number })}
          </h1>
          <p class="facts">{format.dayClock(new Date(startMs))}</p>
        </div>
      </header>
      <div class="columns">
        <div class="stack">
          <section class="panel">
            <Loaded load={curve}>
              {(drawn) => (
                <CurveChart
                  {...drawn}
                  known={firing.channels}
                  plan={firing.plan}
                  startS={startMs / 1000}
                  endS={firing.ended_at ? Date.parse(firing.ended_at) / 1000 : null}
                  findings={firing.findings}
                />
              )}
            </Loaded>
          </section>
          <Findings
            load={ready(firing.findings)}
            retry={reload}
            known={firing.channels}
            isRunning={firing.ended_at === null}
            {...(may("fire") && { onJudged: reload })}
          />
          <Batches firingId={firing.id} mayRecord={may("record")} />
          <WitnessConesPart firing={firing} mayRecord={may("record")} />
        </div>
        <div class="stack">
          <Summary firing={firing} />
          <Cones cones={firing.cones} known={firing.channels} target={firing.target_cone} />
          <Segments segments={firing.segments} />
          <Files firing={firing} />
          {may("fire") && (
            <FiringEdit firing={firing} onFiring={onFiring} reload={reload} mayRecompute={may("set_up")} />
          )}
          {may("fire") && may("follow") && <Note firing={firing} onFiring={onFiring} reload={reload} />}
        </div>
      </div>
    </>
  );
}

export function FiringPage({ id, me }: { id: number; me: Me }) {
  const chosen = useStore(language);
  const changed = useStore(lastFiring);
  const [load, retry, put] = useLoad(() => api.firing(id), [id, chosen, changed?.id === id ? changed : null]);
  const isRunning = load.is === "ready" && load.value.ended_at === null;
  useRenewal(retry, isRunning ? RUNNING_EVERY_MS : null);
  return (
    <Loaded load={load} retry={retry}>
      {(firing) => (
        <FiringView
          key={firing.id}
          firing={firing}
          may={(action) => mayIn(me, firing.workshop_id, action)}
          onFiring={put}
          reload={retry}
        />
      )}
    </Loaded>
  );
}
