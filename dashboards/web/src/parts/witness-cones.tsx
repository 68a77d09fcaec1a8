import { useState } from "preact/hooks";
import { api, type FiringDetail, type WitnessCone, type WitnessCones } from "../api";
import { useLoad } from "../load";
import { channelName, isShown } from "../names";
import { another, BENDS, type Bend, CONES, type ConeRow, conesIn, learntOf, lookText, rowOf, usual } from "../witness";
import { Choice, Field, Loaded, Outcome } from "./small";
import { useAction, useLanguage } from "./use";

/** A cone that leans so far from upright, as one sees it in its place. */
function ConePicture({ tipDeg, isMolten }: { tipDeg: number; isMolten: boolean }) {
  const [sin, cos] = [Math.sin((tipDeg * Math.PI) / 180), Math.cos((tipDeg * Math.PI) / 180)];
  const tip = `${16 + 20 * sin},${28 - 25 * cos}`;
  const bent = `M10 30 Q${11 + 7 * sin} ${8 + 2 * sin} ${tip} Q${21 + 4 * sin} ${16 + 3 * sin} 20 30 Z`;
  return (
    <svg class="cone-picture" viewBox="0 0 42 34" aria-hidden="true">
      <path d="M2 31 H40" />
      <path class="body" d={isMolten ? "M5 30 Q8 23 17 24 Q30 23 37 30 Z" : bent} />
    </svg>
  );
}

function Seen({ cone }: { cone: WitnessCone }) {
  const { say, format } = useLanguage();
  const look = BENDS.find((one) => one.bend === cone.seen);
  return (
    <li class="witness" data-testid="witness-cone">
      <ConePicture
        tipDeg={look?.tipDeg ?? (typeof cone.seen === "number" ? cone.seen : 0)}
        isMolten={cone.seen === "molten"}
      />
      <div>
        <b>{say("cone.name", { cone: cone.cone })}</b> {lookText(say, cone.seen)}
        {cone.kind === "large" && <span class="quiet"> · {say("witness.kind.large")}</span>}
        {cone.progress !== null && (
          <small class="quiet">
            {say("witness.computed", { percent: format.percent(Math.min(1, cone.progress)) })}
          </small>
        )}
      </div>
    </li>
  );
}

interface RowProps {
  row: ConeRow;
  at: number;
  probes: readonly [string, string][];
  onRow: (row: ConeRow) => void;
  onRemove: () => void;
}

function Row({ row, at, probes, onRow, onRemove }: RowProps) {
  const { say } = useLanguage();
  const looks = (bend: Bend) => row.tip.trim() === "" && row.bend === bend;
  return (
    <fieldset class="witness-row" data-testid="witness-row">
      <legend>{say("witness.row", { n: at + 1 })}</legend>
      <button type="button" class="plain" aria-label={say("app.remove")} onClick={onRemove}>
        ✕
      </button>
      <div class="pair">
        <Choice
          label={say("witness.beside")}
          value={row.channel}
          options={probes}
          onValue={(channel) => onRow({ ...row, channel })}
        />
        <Choice
          label={say("witness.cone")}
          value={row.cone}
          options={CONES.map((cone) => [cone, say("cone.name", { cone })])}
          onValue={(cone) => onRow({ ...row, cone })}
          testid="witness-cone-name"
        />
      </div>
      <div class="bends">
        {BENDS.map(({ bend, tipDeg }) => (
          <label key={bend} class={looks(bend) ? "bend chosen" : "bend"}>
            <input
              type="radio"
              name={`bend-${at}`}
              checked={looks(bend)}
              data-testid={`bend-${bend}`}
              onChange={() => onRow({ ...row, bend, tip: "" })}
            />
            <ConePicture tipDeg={tipDeg} isMolten={bend === "molten"} />
            <span>{say(`witness.${bend}`)}</span>
          </label>
        ))}
      </div>
      <div class="pair">
        <Field
          label={say("witness.angle")}
          inputMode="decimal"
          value={row.tip}
          onValue={(tip) => onRow({ ...row, tip })}
          testid="witness-tip"
        />
        <Choice
          label={say("witness.kind")}
          value={row.kind}
          options={[
            ["self_supporting", say("witness.kind.self_supporting")],
            ["large", say("witness.kind.large")],
          ]}
          onValue={(kind) => onRow({ ...row, kind: kind === "large" ? "large" : "self_supporting" })}
        />
      </div>
    </fieldset>
  );
}

interface FormProps {
  known: WitnessCones;
  firing: FiringDetail;
  probes: readonly [string, string][];
  onClose: () => void;
  onSaved: (saved: WitnessCones) => void;
  onFailure: () => void;
}

function Form({ known, firing, probes, onClose, onSaved, onFailure }: FormProps) {
  const { say } = useLanguage();
  const first = probes[0]?.[0] ?? "";
  const [rows, setRows] = useState<readonly ConeRow[]>(() =>
    known.cones.length > 0 ? known.cones.map(rowOf) : usual(first, firing.target_cone),
  );
  const [doing, run] = useAction(onFailure);
  const cones = conesIn(rows);
  const save = (event: Event) => {
    event.preventDefault();
    if (cones) void run(async () => onSaved(await api.writeWitnessCones(known, cones)));
  };
  const isNothing = cones !== null && cones.length === 0 && known.cones.length === 0;
  return (
    <form class="stack" onSubmit={save} data-testid="witness-form">
      {rows.map((row, at) => (
        <Row
          // biome-ignore lint/suspicious/noArrayIndexKey: a row is its place in the form
          key={at}
          {...{ row, at, probes }}
          onRow={(changed) => setRows(rows.map((old, index) => (index === at ? changed : old)))}
          onRemove={() => setRows(rows.filter((_, index) => index !== at))}
        />
      ))}
      <button type="button" onClick={() => setRows([...rows, another(rows, first)])} data-testid="witness-add">
        + {say("witness.add")}
      </button>
      {(cones === null || isNothing) && <p class="warn">{say(cones === null ? "witness.badAngle" : "witness.none")}</p>}
      <div class="row">
        <button
          type="submit"
          class="primary"
          disabled={cones === null || isNothing || doing.is === "busy"}
          data-testid="witness-save"
        >
          {say("app.save")}
        </button>
        <button type="button" onClick={onClose}>
          {say("app.cancel")}
        </button>
      </div>
      {doing.is === "failed" && (
        <>
          <Outcome doing={doing} />
          <p class="quiet">{say("witness.now")}</p>
          <ul class="witnesses">
            {known.cones.map((cone, at) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: the same cone may stand there twice
              <Seen key={at} cone={cone} />
            ))}
          </ul>
        </>
      )}
    </form>
  );
}

/** What cones have taught of a kiln so far: how far off its probes are from what ware feels beside them. */
function Learnt({ firing, written }: { firing: FiringDetail; written: string }) {
  const { say, format } = useLanguage();
  const [load] = useLoad(() => api.coneOffsets(firing.kiln_id), [firing.kiln_id, written]);
  if (load.is !== "ready" || load.value.length === 0) return null;
  return (
    <ul class="things" data-testid="learnt">
      {load.value.map((one) => (
        <li key={one.channel}>
          {say(`witness.learnt.${learntOf(one)}`, {
            probe: channelName(say, one.channel, firing.channels),
            apart: format.number(Math.abs(one.mean_c)),
            sure: format.number(2 * one.sd_c),
            n: one.firings,
          })}
        </li>
      ))}
    </ul>
  );
}

/** How the cones beside the probes stood afterwards: what the probes say of heat is set right by it. */
export function WitnessConesPart({ firing, mayRecord }: { firing: FiringDetail; mayRecord: boolean }) {
  const { say } = useLanguage();
  const [load, reload, put] = useLoad(() => api.witnessCones(firing.id), [firing.id]);
  const [isEdited, setEdited] = useState(false);
  const worked = [...new Set(firing.cones.map((one) => one.channel))];
  const probes = worked
    .filter((name) => isShown(name, firing.channels))
    .map((name): [string, string] => [name, channelName(say, name, firing.channels)]);
  if (probes.length === 0 || firing.ended_at === null) return null;
  if (!mayRecord && load.is === "ready" && load.value.cones.length === 0) return null;
  return (
    <section class="panel stack" data-testid="witness-cones">
      <h2>{say("witness.title")}</h2>
      {mayRecord && <p class="quiet">{say("witness.intro")}</p>}
      <Loaded load={load} retry={reload}>
        {(known) => (
          <>
            {isEdited ? (
              <Form
                {...{ known, firing, probes }}
                onClose={() => setEdited(false)}
                onSaved={(saved) => [put(saved), setEdited(false)]}
                onFailure={reload}
              />
            ) : (
              <>
                {probes.map(([name, shown]) => {
                  const beside = known.cones.filter((one) => one.channel === name);
                  return (
                    beside.length > 0 && (
                      <div key={name}>
                        <h3>{shown}</h3>
                        <ul class="witnesses">
                          {beside.map((cone, at) => (
                            // biome-ignore lint/suspicious/noArrayIndexKey: the same cone may stand there twice
                            <Seen key={at} cone={cone} />
                          ))}
                        </ul>
                      </div>
                    )
                  );
                })}
                {mayRecord && (
                  <button type="button" onClick={() => setEdited(true)} data-testid="witness-edit">
                    {known.cones.length > 0 ? say("batch.edit") : `+ ${say("witness.write")}`}
                  </button>
                )}
              </>
            )}
            <Learnt firing={firing} written={known.version} />
          </>
        )}
      </Loaded>
    </section>
  );
}
