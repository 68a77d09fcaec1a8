import { useState } from "preact/hooks";
import { api, type Plan } from "../api";
import { EMPTY_ROW, type PlanRow, planPoints } from "../plan";
import { seconds } from "../units";
import { Choice, Field, Outcome } from "./small";
import { useAction, useLanguage } from "./use";

const FIRST_ROWS: readonly PlanRow[] = [
  { target: "600", by: "rate", amount: "100", hold: "" },
  { target: "1250", by: "rate", amount: "120", hold: "20" },
];

interface RowProps {
  row: PlanRow;
  number: number;
  onRow: (row: PlanRow) => void;
  onRemove: () => void;
}

function Row({ row, number, onRow, onRemove }: RowProps) {
  const { say } = useLanguage();
  const by = [
    ["rate", say("plan.byRate")],
    ["minutes", say("plan.byMinutes")],
  ] as const;
  return (
    <fieldset class="plan-row">
      <legend>{say("plan.row", { n: number })}</legend>
      <Field
        label={say("plan.target")}
        inputMode="decimal"
        value={row.target}
        onValue={(target) => onRow({ ...row, target })}
      />
      <Field
        label={say("plan.amount")}
        inputMode="decimal"
        value={row.amount}
        onValue={(amount) => onRow({ ...row, amount })}
      />
      <Choice
        label={say("plan.by")}
        value={row.by}
        options={by}
        onValue={(to) => onRow({ ...row, by: to === "minutes" ? to : "rate" })}
      />
      <Field
        label={say("plan.hold")}
        inputMode="decimal"
        value={row.hold}
        onValue={(hold) => onRow({ ...row, hold })}
      />
      <button
        type="button"
        class="plain"
        aria-label={`${say("app.remove")}: ${say("plan.row", { n: number })}`}
        onClick={onRemove}
      >
        ✕
      </button>
    </fieldset>
  );
}

/** Enter a plan as rows: how hot, how fast or how long, and how long to hold there. */
export function PlanForm({ workshopId, onPlan }: { workshopId: number; onPlan: (plan: Plan) => Promise<unknown> }) {
  const { say, format } = useLanguage();
  const [name, setName] = useState("");
  const [start, setStart] = useState("25");
  const [rows, setRows] = useState<readonly PlanRow[]>(FIRST_ROWS);
  const [doing, run] = useAction();
  const result = planPoints(start, rows);
  const length = result.is === "points" ? (result.points.at(-1)?.time_s ?? 0) : null;
  const wrong =
    result.is === "wrong"
      ? say(`plan.bad.${result.what}`, { n: result.row + 1 })
      : name.trim() === ""
        ? say("plan.bad.name")
        : null;
  const save = (event: Event) => {
    event.preventDefault();
    if (result.is !== "points" || wrong !== null) return;
    const asked = { workshop_id: workshopId, name: name.trim(), points: result.points };
    void run(async () => onPlan(await api.addPlan(asked)));
  };
  const change = (index: number, row: PlanRow) => setRows(rows.map((old, at) => (at === index ? row : old)));
  return (
    <form class="stack" onSubmit={save} data-testid="plan-form">
      <div class="pair">
        <Field label={say("plan.name")} value={name} onValue={setName} testid="plan-name" />
        <Field label={say("plan.start")} inputMode="decimal" value={start} onValue={setStart} />
      </div>
      {rows.map((row, index) => (
        <Row
          // biome-ignore lint/suspicious/noArrayIndexKey: a row is its place in the plan
          key={index}
          row={row}
          number={index + 1}
          onRow={(changed) => change(index, changed)}
          onRemove={() => setRows(rows.filter((_, at) => at !== index))}
        />
      ))}
      <p class={wrong ? "warn" : "quiet"} role="status">
        {wrong ?? (length !== null && say("plan.total", { age: format.duration(seconds(length)) }))}
      </p>
      <div class="row">
        <button type="button" onClick={() => setRows([...rows, EMPTY_ROW])}>
          + {say("plan.addRow")}
        </button>
        <button type="submit" class="primary" disabled={wrong !== null || doing.is === "busy"} data-testid="plan-save">
          {say("app.save")}
        </button>
      </div>
      <Outcome doing={doing} />
    </form>
  );
}
