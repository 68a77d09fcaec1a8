import { useState } from "preact/hooks";
import type { BatchIn } from "../api";
import { onceKey } from "../api/client";
import { type BatchDraft, batchIn, counted, DEFECTS, GRADES, type OutcomeRow } from "../batch";
import { Choice, Field } from "./small";
import { useLanguage } from "./use";

function OutcomeFields({
  row,
  onRow,
  onRemove,
}: {
  row: OutcomeRow;
  onRow: (row: OutcomeRow) => void;
  onRemove: () => void;
}) {
  const { say } = useLanguage();
  const grades = GRADES.map((grade): [string, string] => [grade, say(`grade.${grade}`)]);
  const defects = DEFECTS.map((defect): [string, string] => [defect, say(`defect.${defect}`)]);
  const chooseGrade = (text: string) => {
    const grade = GRADES.find((one) => one === text);
    if (grade) onRow({ ...row, grade });
  };
  return (
    <div class="outcome-row" data-testid="outcome-row">
      <Field
        label={say("batch.count")}
        inputMode="numeric"
        value={row.count}
        onValue={(count) => onRow({ ...row, count })}
        testid="outcome-count"
      />
      <Choice label={say("batch.grade")} value={row.grade} options={grades} onValue={chooseGrade} />
      <Choice
        label={say("batch.defect")}
        value={row.defect}
        options={[["", say("batch.noDefect")], ...defects]}
        onValue={(defect) => onRow({ ...row, defect })}
      />
      <button type="button" class="plain" aria-label={say("app.remove")} onClick={onRemove}>
        ✕
      </button>
    </div>
  );
}

interface BatchFormProps {
  first: BatchDraft;
  isBusy: boolean;
  onSave: (body: BatchIn, key: string) => Promise<boolean>;
  onClose: () => void;
}

export function BatchForm({ first, isBusy, onSave, onClose }: BatchFormProps) {
  const { say, format } = useLanguage();
  const [draft, setDraft] = useState(first);
  const [key] = useState(onceKey);
  const body = batchIn(draft);
  const [total, seen] = [body?.pieces_loaded ?? 0, counted(draft)];
  const setRow = (index: number, row: OutcomeRow | null) =>
    setDraft({ ...draft, rows: draft.rows.flatMap((old, at) => (at === index ? (row ?? []) : old)) });
  const save = async (event: Event) => {
    event.preventDefault();
    if (body && (await onSave(body, key))) onClose();
  };
  const numbers = { n: format.number(seen), total: format.number(total) };
  return (
    <form class="stack batch" onSubmit={(event) => void save(event)} data-testid="batch-form">
      <div class="pair">
        <Field
          label={say("batch.ware")}
          hint={say("batch.wareHint")}
          value={draft.ware}
          onValue={(ware) => setDraft({ ...draft, ware })}
          testid="batch-ware"
        />
        <Field
          label={say("batch.pieces")}
          inputMode="numeric"
          value={draft.pieces}
          onValue={(pieces) => setDraft({ ...draft, pieces })}
          testid="batch-pieces"
        />
      </div>
      <h3>{say("batch.out")}</h3>
      {draft.rows.map((row, index) => (
        <OutcomeFields
          // biome-ignore lint/suspicious/noArrayIndexKey: a row is its place in the form
          key={index}
          row={row}
          onRow={(changed) => setRow(index, changed)}
          onRemove={() => setRow(index, null)}
        />
      ))}
      <button
        type="button"
        onClick={() => setDraft({ ...draft, rows: [...draft.rows, { grade: "second", defect: "", count: "" }] })}
      >
        + {say("batch.addRow")}
      </button>
      <Field label={say("batch.note")} value={draft.note} onValue={(note) => setDraft({ ...draft, note })} />
      <p class={body === null || seen > total ? "warn" : "quiet"} role="status">
        {body === null ? say("batch.bad") : say(seen > total ? "batch.tooMany" : "batch.counted", numbers)}
      </p>
      <div class="row">
        <button type="submit" class="primary" disabled={body === null || isBusy} data-testid="batch-save">
          {say("app.save")}
        </button>
        <button type="button" onClick={onClose}>
          {say("app.cancel")}
        </button>
      </div>
    </form>
  );
}
