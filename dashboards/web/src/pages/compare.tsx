import { useEffect, useRef, useState } from "preact/hooks";
import { api, type Comparison, type Me } from "../api";
import { Chart } from "../chart";
import { valueNear } from "../curve";
import { csv, type FigureRow, figureRows } from "../figures";
import { useLoad } from "../load";
import { lookOf, nameIn } from "../names";
import { Key } from "../parts/curve-chart";
import { Loaded } from "../parts/small";
import { useLanguage, useTitle } from "../parts/use";
import { navigate, usePlace } from "../router";
import { useWorkshops } from "../session";

/** Compare firings; for who belongs to several workshops, each is called after its own. */
async function compared(
  ids: readonly number[],
  align: Comparison["align"],
  workshops: Me["workshops"],
): Promise<Comparison> {
  const comparison = await api.comparison(ids, align);
  if (workshops.length < 2) return comparison;
  const firings = await Promise.all(ids.map(api.firing));
  const called = <T extends { firing_id: number; label: string }>(one: T): T => {
    const firing = firings.find(({ id }) => id === one.firing_id);
    return firing ? { ...one, label: nameIn(workshops, firing.workshop_id, one.label) } : one;
  };
  return { ...comparison, curves: comparison.curves.map(called), firings: comparison.firings.map(called) };
}

function Curves({ comparison }: { comparison: Comparison }) {
  const { say, format } = useLanguage();
  const host = useRef<HTMLDivElement>(null);
  const chart = useRef<Chart | null>(null);
  const [place, setPlace] = useState<number | null>(null);
  const isTime = comparison.x_label === "hours";
  const writeX = (value: number) =>
    isTime ? `${format.number(value, value % 1 === 0 ? 0 : 1)} h` : `${format.number(value)}°`;
  useEffect(() => {
    if (!host.current) return;
    const made = new Chart(host.current, setPlace);
    chart.current = made;
    return () => made.destroy();
  }, []);
  useEffect(() => {
    const xs = comparison.curves.flatMap((curve) => [curve.x[0] ?? [], curve.x.at(-1) ?? []].flat());
    if (xs.length === 0) return;
    chart.current?.draw({
      lines: comparison.curves.map((curve, index) => ({
        name: curve.label,
        x: curve.x,
        y: curve.y,
        ...lookOf(index),
        width: 2.2,
      })),
      marks: [],
      hatched: [],
      from: Math.min(...xs),
      to: Math.max(...xs),
      isClock: false,
      writeX,
      writeY: (value) => format.number(value),
    });
  });
  const points = comparison.curves.reduce((sum, curve) => sum + curve.x.length, 0);
  const within = isTime ? 0.15 : 12;
  return (
    <div class="chart" data-testid="chart" data-points={points} data-last={comparison.curves[0]?.x.at(-1) ?? ""}>
      <h2>{say(isTime ? "compare.byTime" : "compare.byTemperature")}</h2>
      <div class="readout" data-testid="readout">
        {place === null ? (
          <span class="quiet">{say("chart.touch")}</span>
        ) : (
          <b class="num">{writeX(Math.round(place * 10) / 10)}</b>
        )}
        {comparison.curves.map((curve, index) => {
          const value = place === null ? null : valueNear(curve.x, curve.y, place, within);
          return (
            <span key={curve.firing_id}>
              <Key {...lookOf(index)} /> <a href={`/firings/${curve.firing_id}`}>{curve.label}</a>{" "}
              <b class="num">{value === null ? "" : `${format.number(value)} ${isTime ? "°C" : say("unit.rate")}`}</b>
            </span>
          );
        })}
      </div>
      <div class="canvas" ref={host} />
    </div>
  );
}

function Table({ comparison }: { comparison: Comparison }) {
  const { say, format } = useLanguage();
  const rows = figureRows(say, comparison.firings);
  const cone = comparison.firings.find((firing) => firing.heat_work_cone)?.heat_work_cone ?? "";
  const name = (row: FigureRow) => say(row.name, { cone });
  const cell = (row: FigureRow, index: number) => {
    const value = row.values[index];
    if (row.texts) return row.texts[index] ?? "—";
    return value === undefined || value === null ? "—" : format.number(value, row.digits);
  };
  const labels = comparison.firings.map((firing) => firing.label);
  const plain = (row: FigureRow, index: number) => String((row.texts ?? row.values)[index] ?? "");
  const written = csv([
    [say("compare.figure"), ...labels],
    ...rows.map((row) => [name(row), ...labels.map((_, index) => plain(row, index))]),
  ]);
  const [href, setHref] = useState("");
  useEffect(() => {
    const made = URL.createObjectURL(new Blob([written], { type: "text/csv;charset=utf-8" }));
    setHref(made);
    return () => URL.revokeObjectURL(made);
  }, [written]);
  return (
    <section class="panel">
      <header class="split">
        <h2>{say("compare.table")}</h2>
        <a class="button" href={href} download="canhlo-comparison.csv" data-testid="csv">
          ↓ {say("compare.csv")}
        </a>
      </header>
      <div class="scroll">
        <table class="compared" data-testid="compared">
          <thead>
            <tr>
              <th>{say("compare.figure")}</th>
              {labels.map((label, index) => (
                <th key={comparison.firings[index]?.firing_id}>
                  <Key {...lookOf(index)} /> {label}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map((row) => (
              <tr key={row.name} class={row.differsMost ? "differs" : ""}>
                <th scope="row">
                  {name(row)}
                  {row.differsMost && <small>◆ {say("compare.much")}</small>}
                </th>
                {labels.map((label, index) => (
                  <td key={label} class={row.texts ? "" : "num"}>
                    {cell(row, index)}
                    {row.differsMost && row.highest === index && " ▲"}
                    {row.differsMost && row.lowest === index && " ▼"}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

export function ComparePage() {
  const { say } = useLanguage();
  useTitle(say("compare.title"));
  const query = new URLSearchParams(usePlace().search);
  const ids = query
    .getAll("firing")
    .filter((id) => /^\d+$/.test(id))
    .map(Number)
    .slice(0, 8);
  const align = query.get("align") === "temperature" ? "temperature" : "time";
  const workshops = useWorkshops();
  const [load, retry] = useLoad<Comparison | null>(
    () => (ids.length < 2 ? Promise.resolve(null) : compared(ids, align, workshops)),
    [ids.join(), align],
  );
  const to = (by: string) => `/compare?${ids.map((id) => `firing=${id}`).join("&")}&align=${by}`;
  return (
    <>
      <header class="page-head">
        <h1>{say("compare.title")}</h1>
        <fieldset class="toggle" data-testid="align">
          <legend>{say("compare.align")}</legend>
          {(["time", "temperature"] as const).map((by) => (
            <button
              key={by}
              type="button"
              aria-pressed={by === align}
              data-testid={`align-${by}`}
              onClick={() => navigate(to(by), { replace: true })}
            >
              {say(`compare.${by}`)}
            </button>
          ))}
        </fieldset>
        <a class="button" href="/firings">
          {say("compare.choose")}
        </a>
      </header>
      <Loaded load={load} retry={retry}>
        {(comparison) =>
          comparison === null ? (
            <p class="waiting">{say("compare.few")}</p>
          ) : (
            <div class="stack">
              <section class="panel">
                <Curves comparison={comparison} />
              </section>
              <Table comparison={comparison} />
            </div>
          )
        }
      </Loaded>
    </>
  );
}
