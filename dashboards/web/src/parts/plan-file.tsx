import { useState } from "preact/hooks";
import { api, type Plan } from "../api";
import { Choice, Outcome } from "./small";
import { useAction, useLanguage } from "./use";

/** Take a plan from a schedule file of another system; where it names no unit, a person does. */
export function PlanFile({ workshopId, onPlan }: { workshopId: number; onPlan: (plan: Plan) => Promise<unknown> }) {
  const { say } = useLanguage();
  const [file, setFile] = useState<File | null>(null);
  const [unit, setUnit] = useState("");
  const [doing, run] = useAction();
  const take = (event: Event) => {
    event.preventDefault();
    if (file === null) return;
    void run(async () => {
      const asked = { workshop_id: workshopId, file_name: file.name.slice(0, 120), content: await file.text() };
      const plans = await api.importPlans(unit === "c" || unit === "f" ? { ...asked, unit } : asked);
      if (plans[0]) await onPlan(plans[0]);
    });
  };
  const units: [string, string][] = [
    ["", say("file.unitUnsaid")],
    ["c", "°C"],
    ["f", "°F"],
  ];
  return (
    <form class="stack" onSubmit={take} data-testid="plan-file">
      <label class="field">
        <span>{say("file.choose")}</span>
        <input
          type="file"
          accept=".json,.csv,.txt,.pkp,application/json,text/*"
          data-testid="plan-file-input"
          onChange={(event) => setFile(event.currentTarget.files?.[0] ?? null)}
        />
      </label>
      <p class="quiet">{say("file.why")}</p>
      <Choice label={say("file.unit")} value={unit} options={units} onValue={setUnit} testid="plan-file-unit" />
      {doing.is === "failed" && doing.code === "unreadable_schedule" && unit === "" && (
        <p class="warn">{say("file.unitWhy")}</p>
      )}
      <div class="row">
        <button
          type="submit"
          class="primary"
          disabled={file === null || doing.is === "busy"}
          data-testid="plan-file-go"
        >
          {say("file.go")}
        </button>
        <Outcome doing={doing} />
      </div>
    </form>
  );
}
