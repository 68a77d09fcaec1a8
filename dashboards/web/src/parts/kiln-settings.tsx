import { useState } from "preact/hooks";
import { api, type Kiln, type Plan } from "../api";
import { refresh, takeSaid } from "../live";
import { useLoad } from "../load";
import { createStore, useStore } from "../store";
import { CONES } from "../witness";
import { PlanFile } from "./plan-file";
import { PlanForm } from "./plan-form";
import { Choice, Outcome } from "./small";
import { type Doing, useAction, useLanguage } from "./use";

type Ware = Kiln["ware"][number];
const WARE: readonly Ware[] = ["raw", "bisqued", "thick", "large", "glossy"];

/** What is known of the ware with one thing more or less; nothing is both raw and bisqued. */
function withWare(ware: readonly Ware[], one: Ware, isSo: boolean): Ware[] {
  const against: Ware | null = one === "raw" ? "bisqued" : one === "bisqued" ? "raw" : null;
  const kept = ware.filter((other) => other !== one && !(isSo && other === against));
  return isSo ? [...kept, one] : kept;
}

function WareChoice({ ware, onTick }: { ware: readonly Ware[]; onTick: (one: Ware, isSo: boolean) => void }) {
  const { say } = useLanguage();
  return (
    <fieldset class="ticks" data-testid="ware">
      <legend>{say("ware.title")}</legend>
      {WARE.map((one) => (
        <label key={one} class="row">
          <input
            type="checkbox"
            checked={ware.includes(one)}
            data-testid={`ware-${one}`}
            onChange={(event) => onTick(one, event.currentTarget.checked)}
          />
          <span>{say(`ware.${one}`)}</span>
        </label>
      ))}
      <p class="quiet">{say("ware.why")}</p>
    </fieldset>
  );
}

type Wanted = Partial<Pick<Kiln, "target_cone" | "plan_id" | "ware">>;

/** Show what a person wants at once, and send it; what is wanted meanwhile goes after it, on top of its answer. */
function useWanted(kiln: Kiln): [Kiln, (change: (shown: Kiln) => Wanted) => Promise<boolean>, Doing] {
  const [wanted] = useState(() => createStore<Wanted | null>(null));
  const shown = { ...kiln, ...useStore(wanted) };
  const [doing, run] = useAction();
  const send = async () => {
    let newest = kiln;
    try {
      for (let sent = wanted.get(); sent !== null; sent = wanted.get()) {
        newest = await api.changeKiln(newest, sent);
        takeSaid(newest);
        if (wanted.get() === sent) wanted.set(null);
      }
    } catch (error) {
      wanted.set(null);
      void refresh(); // what stands there is what the service has
      throw error;
    }
  };
  const want = (change: (shown: Kiln) => Wanted) => {
    const before = wanted.get();
    wanted.set({ ...before, ...change({ ...kiln, ...before }) });
    return run(send);
  };
  return [shown, want, doing];
}

/** What the operator may set for a kiln: the cone to reach, the plan to follow, and what is in it. */
export function KilnSettings({ kiln, maySetUp }: { kiln: Kiln; maySetUp: boolean }) {
  const { say } = useLanguage();
  const [shown, want, doing] = useWanted(kiln);
  const [isEntering, setEntering] = useState<"rows" | "file" | null>(null);
  const [plans, reloadPlans] = useLoad(api.plans, []);
  const known = plans.is === "ready" ? plans.value.filter((plan) => plan.workshop_id === kiln.workshop_id) : [];
  const cones: [string, string][] = CONES.map((cone) => [cone, say("cone.name", { cone })]);
  const takePlan = async (plan: Plan) => {
    reloadPlans();
    setEntering(null);
    await want(() => ({ plan_id: plan.id }));
  };
  return (
    <section class="panel stack" data-testid="kiln-settings">
      <h2>{say(kiln.now.firing_id === null ? "kiln.setNext" : "kiln.set")}</h2>
      <Choice
        label={say("cone.target")}
        testid="target-cone"
        value={shown.target_cone ?? ""}
        options={[["", say("cone.noTarget")], ...cones]}
        onValue={(cone) => void want(() => ({ target_cone: cone || null }))}
      />
      <Choice
        label={say("kiln.plan")}
        testid="plan-choice"
        value={String(shown.plan_id ?? "")}
        options={[["", say("kiln.noPlan")], ...known.map((plan): [string, string] => [String(plan.id), plan.name])]}
        onValue={(id) => void want(() => ({ plan_id: id ? Number(id) : null }))}
      />
      <WareChoice
        ware={shown.ware}
        onTick={(one, isSo) => void want((newest) => ({ ware: withWare(newest.ware, one, isSo) }))}
      />
      <Outcome doing={doing} />
      {maySetUp &&
        (["rows", "file"] as const).map((way) => (
          <button
            key={way}
            type="button"
            aria-expanded={isEntering === way}
            onClick={() => setEntering(isEntering === way ? null : way)}
            data-testid={way === "rows" ? "new-plan" : "plan-from-file"}
          >
            {isEntering === way ? say("app.close") : `+ ${say(way === "rows" ? "kiln.newPlan" : "file.open")}`}
          </button>
        ))}
      {isEntering === "rows" && <PlanForm workshopId={kiln.workshop_id} onPlan={takePlan} />}
      {isEntering === "file" && <PlanFile workshopId={kiln.workshop_id} onPlan={takePlan} />}
    </section>
  );
}
