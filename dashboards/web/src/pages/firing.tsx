import { useEffect, useState } from "preact/hooks";
import { api, type FiringDetail, type Segment } from "../api";
import { lastFiring, onConnected } from "../live";
import { type CurveSource, useCurve } from "../live-curve";
import { ready, useLoad } from "../load";
import { Batches } from "../parts/batches";
import { Cones } from "../parts/cones";
import { CurveChart } from "../parts/curve-chart";
import { Downloads } from "../parts/files";
import { Findings } from "../parts/findings";
import { FiringEdit } from "../parts/firing-edit";
import { Figure, Loaded, Moment, Outcome } from "../parts/small";
import { useAction, useLanguage, useTitle } from "../parts/use";
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

interface ViewProps {
  firing: FiringDetail;
  onFiring: (firing: FiringDetail) => void;
  reload: () => void;
}

function Note({ firing, onFiring, reload }: ViewProps) {
  const { say } = useLanguage();
  const [text, setText] = useState(firing.note);
  const [doing, run] = useAction(reload);
  const save = (event: Event) => {
    event.preventDefault();
    void run(async () => onFiring(await api.changeFiring(firing, { note: text })));
  };
  return (
    <form class="panel stack" onSubmit={save}>
      <label class="field">
        <span>{say("firing.note")}</span>
        <textarea
          rows={3}
          maxLength={2000}
          value={text}
          data-testid="note"
          onInput={(event) => setText(event.currentTarget.value)}
        />
      </label>
      <div class="row">
        <button type="submit" disabled={text === firing.note || doing.is === "busy"} data-testid="note-save">
          {say("app.save")}
        </button>
        <Outcome doing={doing} />
      </div>
      {doing.is === "failed" && text !== firing.note && (
        <p class="quiet" data-testid="note-now">
          {say("firing.noteNow", { note: firing.note || "—" })}
        </p>
      )}
    </form>
  );
}

function FiringView({ firing, onFiring, reload }: ViewProps) {
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
            onJudged={reload}
          />
          <Batches firingId={firing.id} />
          <WitnessConesPart firing={firing} />
        </div>
        <div class="stack">
          <Summary firing={firing} />
          <Cones cones={firing.cones} known={firing.channels} target={firing.target_cone} />
          <Segments segments={firing.segments} />
          <Files firing={firing} />
          <FiringEdit firing={firing} onFiring={onFiring} reload={reload} />
          <Note firing={firing} onFiring={onFiring} reload={reload} />
        </div>
      </div>
    </>
  );
}

export function FiringPage({ id }: { id: number }) {
  const chosen = useStore(language);
  const changed = useStore(lastFiring);
  const [load, retry, put] = useLoad(() => api.firing(id), [id, chosen, changed?.id === id ? changed : null]);
  useEffect(() => onConnected(retry), [retry]);
  return (
    <Loaded load={load} retry={retry}>
      {(firing) => <FiringView key={firing.id} firing={firing} onFiring={put} reload={retry} />}
    </Loaded>
  );
}
