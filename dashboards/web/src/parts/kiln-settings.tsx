import { useEffect, useState } from "preact/hooks";
import { api, type Kiln, type Plan } from "../api";
import { refresh } from "../live";
import { useLoad } from "../load";
import { PlanFile } from "./plan-file";
import { PlanForm } from "./plan-form";
import { Choice, Outcome } from "./small";
import { useAction, useLanguage } from "./use";

/** Orton large cones that potters of the village fire to, cool to hot. */
export const CONES = [
  ...["022", "021", "020", "019", "018", "017", "016", "015", "014", "013", "012", "011", "010"],
  ...["09", "08", "07", "06", "05", "04", "03", "02", "01"],
  ...["1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "13", "14"],
] as const;

type Ware = Kiln["ware"][number];
const WARE: readonly Ware[] = ["raw", "bisqued", "thick", "large", "glossy"];

/** What is known of the ware with one thing more or less; nothing is both raw and bisqued. */
function withWare(ware: readonly Ware[], one: Ware, isSo: boolean): Ware[] {
  const against: Ware | null = one === "raw" ? "bisqued" : one === "bisqued" ? "raw" : null;
  const kept = ware.filter((other) => other !== one && !(isSo && other === against));
  return isSo ? [...kept, one] : kept;
}

/** Boxes to tick; a tick stands at once, and what the service has is taken over when it comes. */
function WareChoice({ ware, onWare }: { ware: readonly Ware[]; onWare: (ware: Ware[]) => void }) {
  const { say } = useLanguage();
  const [shown, setShown] = useState<readonly Ware[]>(ware);
  const said = ware.join();
  // biome-ignore lint/correctness/useExhaustiveDependencies: the list is a new one with every refresh, what it says is not
  useEffect(() => setShown(ware), [said]);
  const tick = (one: Ware, isSo: boolean) => {
    const changed = withWare(shown, one, isSo);
    setShown(changed);
    onWare(changed);
  };
  return (
    <fieldset class="ticks" data-testid="ware">
      <legend>{say("ware.title")}</legend>
      {WARE.map((one) => (
        <label key={one} class="row">
          <input
            type="checkbox"
            checked={shown.includes(one)}
            data-testid={`ware-${one}`}
            onChange={(event) => tick(one, event.currentTarget.checked)}
          />
          <span>{say(`ware.${one}`)}</span>
        </label>
      ))}
      <p class="quiet">{say("ware.why")}</p>
    </fieldset>
  );
}

/** What the operator may set for a kiln: the cone to reach, and the plan to follow. */
export function KilnSettings({ kiln }: { kiln: Kiln }) {
  const { say } = useLanguage();
  const [doing, run] = useAction();
  const [isEntering, setEntering] = useState<"rows" | "file" | null>(null);
  const [plans, reloadPlans] = useLoad(api.plans, []);
  const choose = (change: { target_cone: string | null } | { plan_id: number | null } | { ware: Ware[] }) =>
    run(async () => [await api.changeKiln(kiln.id, change), await refresh()]);
  const known = plans.is === "ready" ? plans.value : [];
  const cones: [string, string][] = CONES.map((cone) => [cone, say("cone.name", { cone })]);
  const takePlan = async (plan: Plan) => {
    reloadPlans();
    setEntering(null);
    await choose({ plan_id: plan.id });
  };
  return (
    <section class="panel stack" data-testid="kiln-settings">
      <h2>{say(kiln.now.firing_id === null ? "kiln.setNext" : "kiln.set")}</h2>
      <Choice
        label={say("cone.target")}
        testid="target-cone"
        value={kiln.target_cone ?? ""}
        options={[["", say("cone.noTarget")], ...cones]}
        onValue={(cone) => void choose({ target_cone: cone || null })}
      />
      <Choice
        label={say("kiln.plan")}
        testid="plan-choice"
        value={String(kiln.plan_id ?? "")}
        options={[["", say("kiln.noPlan")], ...known.map((plan): [string, string] => [String(plan.id), plan.name])]}
        onValue={(id) => void choose({ plan_id: id ? Number(id) : null })}
      />
      <WareChoice ware={kiln.ware} onWare={(ware) => void choose({ ware })} />
      <Outcome doing={doing} />
      {(["rows", "file"] as const).map((way) => (
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
