import { useState } from "preact/hooks";
import { now } from "../clock";
import { momentOf, wallTime } from "../moments";
import { Field } from "./small";
import { useLanguage } from "./use";

const FORMS = ["csv", "parquet", "json"] as const;
export type Form = (typeof FORMS)[number];

/** Every reading of something, to keep or to look at elsewhere. */
export function Downloads({
  addressOf,
  hasFindings = false,
}: {
  addressOf: (form: Form) => string;
  hasFindings?: boolean;
}) {
  const { say } = useLanguage();
  return (
    <div class="row">
      {FORMS.map((form) => (
        <a key={form} class="button" href={addressOf(form)} download data-testid={`file-${form}`}>
          ↓ {form === "json" && hasFindings ? say("firing.file.findings") : say(`firing.file.${form}`)}
        </a>
      ))}
    </div>
  );
}

const HOUR_MS = 3_600_000;
const LONGEST_H = 72; // the service hands out no more at a time

/** The readings of a kiln over some hours, fired or not. */
export function Readings({ addressOf }: { addressOf: (from: string, to: string, form: Form) => string }) {
  const { say } = useLanguage();
  const [from, setFrom] = useState(() => wallTime(new Date(now().getTime() - 24 * HOUR_MS)));
  const [to, setTo] = useState(() => wallTime(new Date(now().getTime() + 60_000))); // to the end of this minute
  const [fromAt, toAt] = [momentOf(from, null), momentOf(to, null)];
  const hours = fromAt && toAt ? (Date.parse(toAt) - Date.parse(fromAt)) / HOUR_MS : 0;
  return (
    <details class="panel" data-testid="readings">
      <summary>{say("kiln.files")}</summary>
      <div class="stack">
        <Field label={say("kiln.filesFrom")} type="datetime-local" value={from} onValue={setFrom} testid="from" />
        <Field label={say("kiln.filesTo")} type="datetime-local" value={to} onValue={setTo} testid="to" />
        {fromAt && toAt && hours > 0 && hours <= LONGEST_H ? (
          <Downloads addressOf={(form) => addressOf(fromAt, toAt, form)} />
        ) : (
          <p class="warn">⚠ {say("kiln.filesBad")}</p>
        )}
      </div>
    </details>
  );
}
