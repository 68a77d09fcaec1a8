import { useEffect, useState } from "preact/hooks";
import { api, type Changed, type Firing, type FiringDetail, type FuelUnit } from "../api";
import { useLoad } from "../load";
import { momentOf, numberOf, wallTime } from "../moments";
import { celsius } from "../units";
import { Choice, Confirm, Field, Outcome } from "./small";
import { useAction, useLanguage } from "./use";

const UNITS: readonly FuelUnit[] = ["kg_lpg", "briquettes", "kg_coal", "kg_wood", "kwh"];

export interface EditProps {
  firing: FiringDetail;
  onFiring: (firing: FiringDetail) => void;
  reload: () => void;
}

function FuelUsed({ firing, onFiring, reload }: EditProps) {
  const { say } = useLanguage();
  const [savedAmount, savedUnit] = [String(firing.fuel_used?.amount ?? ""), firing.fuel_used?.unit ?? "kg_lpg"];
  const [amount, setAmount] = useState(savedAmount);
  const [unit, setUnit] = useState<FuelUnit>(savedUnit);
  const [doing, run] = useAction(reload);
  useEffect(() => {
    setAmount(savedAmount);
    setUnit(savedUnit);
  }, [savedAmount, savedUnit]);
  const said = amount === savedAmount ? (firing.fuel_used?.amount ?? null) : numberOf(amount);
  const isBad = amount.trim() !== "" && (said === null || said < 0);
  const save = (event: Event) => {
    event.preventDefault();
    const used = said === null ? null : { amount: said, unit };
    if (!isBad) void run(async () => onFiring(await api.changeFiring(firing, { fuel_used: used })));
  };
  return (
    <form class="stack" onSubmit={save}>
      <div class="pair">
        <Field label={say("edit.fuel")} inputMode="decimal" value={amount} onValue={setAmount} testid="fuel-amount" />
        <Choice
          label={say("edit.unit")}
          value={unit}
          options={UNITS.map((one): [string, string] => [one, say(`edit.unit.${one}`)])}
          onValue={(text) => setUnit(UNITS.find((one) => one === text) ?? "kg_lpg")}
          testid="fuel-unit"
        />
      </div>
      {isBad && <p class="warn">{say("edit.bad")}</p>}
      <div class="row">
        <button type="submit" disabled={isBad || doing.is === "busy"} data-testid="fuel-save">
          {say("app.save")}
        </button>
        <Outcome doing={doing} />
      </div>
    </form>
  );
}

/** What looking at the readings again has changed, in a sentence. */
function Change({ changed }: { changed: Changed }) {
  const { say, format } = useLanguage();
  const peak = (value: number | null) => (value === null ? "—" : format.temperature(celsius(value)));
  return (
    <p class="quiet" role="status" data-testid="changed">
      {changed.has_changed
        ? say("edit.changed", {
            before: peak(changed.before.peak_c),
            after: peak(changed.after.peak_c),
            found: changed.findings_new.length,
            gone: changed.findings_withdrawn.length,
          })
        : say("edit.same")}
    </p>
  );
}

interface LookProps {
  firing: FiringDetail;
  onChanged: (changed: Changed) => void;
  reload: () => void;
}

function Times({ firing, onChanged, reload }: LookProps) {
  const { say } = useLanguage();
  const savedStart = wallTime(new Date(firing.started_at));
  const savedEnd = firing.ended_at ? wallTime(new Date(firing.ended_at)) : "";
  const [start, setStart] = useState(savedStart);
  const [end, setEnd] = useState(savedEnd);
  const [doing, run] = useAction(reload);
  useEffect(() => {
    setStart(savedStart);
    setEnd(savedEnd);
  }, [savedStart, savedEnd]);
  const startedAt = momentOf(start, firing.started_at);
  const endedAt = firing.ended_at === null ? null : momentOf(end, firing.ended_at);
  const isWhole = startedAt !== null && (firing.ended_at === null || endedAt !== null);
  const isSame = startedAt === firing.started_at && endedAt === firing.ended_at;
  const save = (event: Event) => {
    event.preventDefault();
    if (startedAt === null) return;
    void run(async () => onChanged(await api.changeTimes(firing, { started_at: startedAt, ended_at: endedAt })));
  };
  return (
    <form class="stack" onSubmit={save}>
      <Field label={say("edit.started")} type="datetime-local" value={start} onValue={setStart} testid="edit-start" />
      {firing.ended_at !== null && (
        <Field label={say("edit.ended")} type="datetime-local" value={end} onValue={setEnd} testid="edit-end" />
      )}
      <p class="quiet">{say("edit.timesWhy")}</p>
      <div class="row">
        <button type="submit" disabled={!isWhole || isSame || doing.is === "busy"} data-testid="times-save">
          {say("edit.times")}
        </button>
        <Outcome doing={doing} />
      </div>
    </form>
  );
}

/** Join the firing that came after this one, or split what was joined. */
function Merge({ firing, onChanged, reload }: LookProps) {
  const { say, format } = useLanguage();
  const [load] = useLoad(() => api.firings({ kilnId: firing.kiln_id, limit: 200 }), [firing.version]);
  const [asked, setAsked] = useState<Firing | null>(null);
  const [doing, run] = useAction(reload);
  const later = load.is === "ready" ? load.value.filter((one) => one.started_at > firing.started_at) : [];
  const next = later.at(-1);
  const join = (one: Firing) => void run(async () => onChanged(await api.mergeFirings(firing, one.id)));
  const split = () => void run(async () => onChanged(await api.unmergeFiring(firing)));
  return (
    <div class="stack">
      {firing.parts.length > 0 && (
        <>
          <p>
            {say("edit.parts", {
              list: firing.parts.map((one) => say("firings.number", { n: one.number })).join(", "),
            })}
          </p>
          <button type="button" onClick={split} disabled={doing.is === "busy"} data-testid="unmerge">
            {say("edit.unmerge")}
          </button>
        </>
      )}
      {next && firing.ended_at !== null && (
        <>
          <button type="button" onClick={() => setAsked(next)} disabled={doing.is === "busy"} data-testid="merge">
            {say("edit.merge", { n: next.number, time: format.dayClock(new Date(next.started_at)) })}
          </button>
          <p class="quiet">{say("edit.mergeWhy")}</p>
        </>
      )}
      <Outcome doing={doing} />
      {asked && (
        <Confirm
          title={say("edit.mergeAsk", { n: asked.number })}
          why={say("edit.mergeWhy")}
          go={say("edit.mergeGo")}
          onGo={() => join(asked)}
          onClose={() => setAsked(null)}
        />
      )}
    </div>
  );
}

function Recompute({ firing, onChanged, reload }: LookProps) {
  const { say } = useLanguage();
  const [doing, run] = useAction(reload);
  const again = () => void run(async () => onChanged(await api.recomputeFiring(firing.id)));
  return (
    <div class="row">
      <button type="button" onClick={again} disabled={doing.is === "busy"} data-testid="recompute">
        {say("edit.recompute")}
      </button>
      <Outcome doing={doing} />
    </div>
  );
}

/** Put right what the readings alone got wrong: fuel, times, and firings that were one. */
export function FiringEdit({ firing, mayRecompute, onFiring, reload }: EditProps & { mayRecompute: boolean }) {
  const { say } = useLanguage();
  const [changed, setChanged] = useState<Changed | null>(null);
  const take = (one: Changed) => [setChanged(one), onFiring(one.firing)];
  return (
    <section class="panel stack" data-testid="firing-edit">
      <h2>{say("edit.title")}</h2>
      <FuelUsed firing={firing} onFiring={onFiring} reload={reload} />
      <Times firing={firing} onChanged={take} reload={reload} />
      <Merge firing={firing} onChanged={take} reload={reload} />
      {mayRecompute && firing.ended_at !== null && <Recompute firing={firing} onChanged={take} reload={reload} />}
      {changed && <Change changed={changed} />}
    </section>
  );
}
