import { useEffect } from "preact/hooks";
import { api, type Forecast } from "../api";
import { useLoad } from "../load";
import { Figure, Moment } from "./small";
import { useLanguage } from "./use";

const FORECAST_EVERY_MS = 60_000;

function When({ name, moments }: { name: string; moments: Forecast["done"] }) {
  const { say, format } = useLanguage();
  if (moments === null) return null;
  const clock = (at: string) => format.clock(new Date(at));
  return (
    <Figure name={name}>
      <Moment at={moments.likely_at} />
      <small>{say("forecast.between", { early: clock(moments.early_at), late: clock(moments.late_at) })}</small>
    </Figure>
  );
}

/** When the firing will be done, and by what that is known; nothing while nothing tells. */
export function Ahead({ firingId }: { firingId: number }) {
  const { say } = useLanguage();
  const [load, reload] = useLoad(() => api.forecast(firingId), [firingId]);
  useEffect(() => {
    const timer = setInterval(reload, FORECAST_EVERY_MS);
    return () => clearInterval(timer);
  }, [reload]);
  if (load.is !== "ready" || load.value.basis === "nothing") return null;
  return (
    <section class="panel second" data-testid="ahead">
      <h2>{say("forecast.title")}</h2>
      <dl class="figures">
        <When name={say("forecast.done")} moments={load.value.done} />
        <When name={say("forecast.cone")} moments={load.value.cone_down} />
      </dl>
      <p class="quiet">{say(`forecast.by.${load.value.basis}`)}</p>
    </section>
  );
}
