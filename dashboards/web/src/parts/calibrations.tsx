import { useState } from "preact/hooks";
import { api, type Calibration, type Channel, type Kiln } from "../api";
import { now } from "../clock";
import { useLoad } from "../load";
import { momentOf, numberOf, wallTime } from "../moments";
import { channelName, isShown } from "../names";
import { Choice, Field, Loaded, Outcome } from "./small";
import { useAction, useLanguage } from "./use";

interface Row {
  indicated: string;
  error: string;
}

/** Return the points of a table, null if one is no number or they do not go up. */
export function pointsOf(rows: readonly Row[]): { indicated_c: number; error_c: number }[] | null {
  const points: { indicated_c: number; error_c: number }[] = [];
  for (const row of rows) {
    const [indicated, error] = [numberOf(row.indicated), numberOf(row.error)];
    const before = points.at(-1);
    if (indicated === null || error === null || (before && indicated <= before.indicated_c)) return null;
    points.push({ indicated_c: indicated, error_c: error });
  }
  return points;
}

function Known({ one, onGone }: { one: Calibration; onGone: () => void }) {
  const { say, format } = useLanguage();
  const [doing, run] = useAction();
  const parts = [
    one.offset_c !== 0 && `${one.offset_c > 0 ? "+" : ""}${format.number(one.offset_c, 1)} °C`,
    one.points.length > 0 && say("calibration.points", { n: one.points.length }),
    one.note,
  ];
  return (
    <li data-testid="calibration">
      <div>
        <b>{format.dayClock(new Date(one.from_at))}</b>
        <span class="quiet">{parts.filter(Boolean).join(" · ")}</span>
      </div>
      <button
        type="button"
        class="plain"
        aria-label={say("app.remove")}
        disabled={doing.is === "busy"}
        onClick={() => void run(async () => [await api.removeCalibration(one.id), onGone()])}
      >
        ✕
      </button>
    </li>
  );
}

function New({ channel, onMade }: { channel: Channel; onMade: () => void }) {
  const { say } = useLanguage();
  const [from, setFrom] = useState(() => wallTime(now()));
  const [offset, setOffset] = useState("0");
  const [note, setNote] = useState("");
  const [rows, setRows] = useState<readonly Row[]>([]);
  const [doing, run] = useAction();
  const [offsetC, points, fromAt] = [numberOf(offset), pointsOf(rows), momentOf(from, null)];
  const isWhole = offsetC !== null && points !== null && fromAt !== null;
  const save = (event: Event) => {
    event.preventDefault();
    if (offsetC === null || points === null || fromAt === null) return;
    const asked = { from_at: fromAt, offset_c: offsetC, points, note };
    void run(async () => [await api.addCalibration(channel.id, asked), setRows([]), setNote(""), onMade()]);
  };
  const change = (index: number, row: Row) => setRows(rows.map((old, at) => (at === index ? row : old)));
  return (
    <form class="stack" onSubmit={save}>
      <Field label={say("calibration.from")} type="datetime-local" value={from} onValue={setFrom} />
      <Field
        label={say("calibration.offset")}
        inputMode="text"
        value={offset}
        onValue={setOffset}
        testid="calibration-offset"
      />
      {rows.map((row, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a row is its place in the table
        <div class="pair" key={index}>
          <Field
            label={say("calibration.indicated")}
            inputMode="decimal"
            value={row.indicated}
            onValue={(indicated) => change(index, { ...row, indicated })}
          />
          <Field
            label={say("calibration.error")}
            inputMode="text"
            value={row.error}
            onValue={(error) => change(index, { ...row, error })}
          />
        </div>
      ))}
      <button type="button" onClick={() => setRows([...rows, { indicated: "", error: "" }])}>
        + {say("calibration.addRow")}
      </button>
      <Field
        label={say("calibration.note")}
        hint={say("calibration.noteHint")}
        value={note}
        onValue={setNote}
        testid="calibration-note"
      />
      {!isWhole && <p class="warn">{say("calibration.bad")}</p>}
      <div class="row">
        <button type="submit" disabled={!isWhole || doing.is === "busy"} data-testid="calibration-save">
          {say("app.save")}
        </button>
        <Outcome doing={doing} />
      </div>
    </form>
  );
}

function OfChannel({ channel }: { channel: Channel }) {
  const { say } = useLanguage();
  const [load, reload] = useLoad(() => api.calibrations(channel.id), [channel.id]);
  return (
    <>
      <Loaded load={load} retry={reload}>
        {(known) =>
          known.length === 0 ? (
            <p class="quiet">{say("calibration.none")}</p>
          ) : (
            <ul class="things">
              {known.map((one) => (
                <Known key={one.id} one={one} onGone={reload} />
              ))}
            </ul>
          )
        }
      </Loaded>
      <New channel={channel} onMade={reload} />
    </>
  );
}

/** What is known to be wrong with the probes of a kiln; closed until somebody wants it. */
export function Calibrations({ kiln }: { kiln: Kiln }) {
  const { say } = useLanguage();
  const [load, reload] = useLoad(() => api.channels(kiln.id), [kiln.id]);
  const [chosen, setChosen] = useState("");
  return (
    <details class="panel" data-testid="calibrations">
      <summary>{say("calibration.title")}</summary>
      <div class="stack">
        <p class="quiet">{say("calibration.why")}</p>
        <Loaded load={load} retry={reload}>
          {(every) => {
            const probes = every.filter((one) => one.unit === "c" && isShown(one.name, kiln.now.channels));
            const channel = probes.find((one) => String(one.id) === chosen) ?? probes[0];
            const options = probes.map((one): [string, string] => [
              String(one.id),
              channelName(say, one.name, kiln.now.channels),
            ]);
            return (
              channel && (
                <div class="stack">
                  <Choice
                    label={say("calibration.probe")}
                    value={String(channel.id)}
                    options={options}
                    onValue={setChosen}
                  />
                  <OfChannel key={channel.id} channel={channel} />
                </div>
              )
            );
          }}
        </Loaded>
      </div>
    </details>
  );
}
