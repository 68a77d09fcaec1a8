import { useState } from "preact/hooks";
import { api, type BroughtIn, type Kiln } from "../api";
import { momentOf } from "../moments";
import { CONES } from "../witness";
import { Choice, Field, Outcome } from "./small";
import { useAction, useLanguage } from "./use";

/** Bring a logger's file into a kiln's history; what it does not say of itself, a person does. */
export function LogFile({ kiln }: { kiln: Kiln }) {
  const { say, format } = useLanguage();
  const [file, setFile] = useState<File | null>(null);
  const [said, setSaid] = useState({ unit: "", start: "", cone: "" });
  const [came, setCame] = useState<BroughtIn | null>(null);
  const [doing, run] = useAction();
  const take = (event: Event) => {
    event.preventDefault();
    if (file === null) return;
    setCame(null);
    const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
    const asked = {
      ...(said.unit && { unit: said.unit }),
      ...(said.cone && { target_cone: said.cone }),
      ...(said.start && { start_at: momentOf(said.start, null) ?? "" }),
    };
    void run(async () => setCame(await api.bringInLog(kiln.id, file, { time_zone: zone, ...asked })));
  };
  return (
    <details class="panel" data-testid="log-file">
      <summary>{say("log.title")}</summary>
      <form class="stack" onSubmit={take}>
        <p class="quiet">{say("log.why")}</p>
        <label class="field">
          <span>{say("log.choose")}</span>
          <input
            type="file"
            data-testid="log-file-input"
            onChange={(event) => setFile(event.currentTarget.files?.[0] ?? null)}
          />
        </label>
        <Choice
          label={say("cone.target")}
          value={said.cone}
          options={[
            ["", say("log.noCone")],
            ...CONES.map((cone): [string, string] => [cone, say("cone.name", { cone })]),
          ]}
          onValue={(cone) => setSaid({ ...said, cone })}
          testid="log-file-cone"
        />
        <Choice
          label={say("file.unit")}
          value={said.unit}
          options={[
            ["", say("file.unitUnsaid")],
            ["c", "°C"],
            ["f", "°F"],
          ]}
          onValue={(unit) => setSaid({ ...said, unit })}
          testid="log-file-unit"
        />
        <Field
          label={say("log.start")}
          type="datetime-local"
          value={said.start}
          onValue={(start) => setSaid({ ...said, start })}
          testid="log-file-start"
        />
        <div class="row">
          <button
            type="submit"
            class="primary"
            disabled={file === null || doing.is === "busy"}
            data-testid="log-file-go"
          >
            {say("log.go")}
          </button>
        </div>
        {doing.is === "busy" && <p class="waiting">{say("log.busy")}</p>}
        {doing.is === "failed" && <Outcome doing={doing} />}
        {doing.is === "failed" && doing.code === "unreadable_log" && said.unit === "" && (
          <p class="warn">{say("log.unitWhy")}</p>
        )}
        {came && (
          <div class="stack" data-testid="log-file-came">
            <p>
              ✓{" "}
              {say("log.done", {
                format: came.format,
                readings: format.number(came.readings),
                firings: format.number(came.firing_ids.length),
              })}
            </p>
            {came.remarks.map((remark) => (
              <p key={remark} class="quiet">
                {remark}
              </p>
            ))}
            <div class="row">
              {came.firing_ids.map((id, index) => (
                <a key={id} class="button" href={`/firings/${id}`}>
                  {say("log.look", { n: format.number(index + 1) })}
                </a>
              ))}
            </div>
          </div>
        )}
      </form>
    </details>
  );
}
