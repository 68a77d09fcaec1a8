import { useState } from "preact/hooks";
import { api, type Batch } from "../api";
import { draftOf, EMPTY_DRAFT, firstPart } from "../batch";
import { useLoad } from "../load";
import { defectName } from "../names";
import { BatchForm } from "./batch-form";
import { Confirm, Loaded, Outcome } from "./small";
import { useAction, useLanguage } from "./use";

function BatchView({ batch, onEdit, onRemove }: { batch: Batch; onEdit: () => void; onRemove: () => void }) {
  const { say, format } = useLanguage();
  const first = firstPart(batch);
  return (
    <article class="batch" data-testid="batch">
      <h3>
        {batch.ware} <span class="num quiet">{format.number(batch.pieces_loaded)}</span>
        {first !== null && <span class="yield">{say("batch.first", { percent: format.percent(first) })}</span>}
      </h3>
      <ul class="outcomes">
        {batch.outcomes.map((one) => (
          <li key={`${one.grade}/${one.defect ?? ""}`} class={one.grade}>
            <b class="num">{format.number(one.count)}</b> {say(`grade.${one.grade}`)}
            {one.defect && <span class="quiet"> · {defectName(say, one.defect)}</span>}
          </li>
        ))}
      </ul>
      {batch.note && <p class="quiet">{batch.note}</p>}
      <div class="row">
        <button type="button" onClick={onEdit}>
          {say("batch.edit")}
        </button>
        <button type="button" class="plain" onClick={onRemove}>
          {say("app.remove")}
        </button>
      </div>
    </article>
  );
}

/** What was in the kiln, and what came out of it. */
export function Batches({ firingId }: { firingId: number }) {
  const { say } = useLanguage();
  const [load, reload] = useLoad(() => api.batches(firingId), [firingId]);
  const [edited, setEdited] = useState<number | "new" | null>(null);
  const [removed, setRemoved] = useState<Batch | null>(null);
  const [doing, run] = useAction();
  const close = () => [setEdited(null), reload()];
  return (
    <section class="panel stack" data-testid="batches">
      <h2>{say("batch.title")}</h2>
      <p class="quiet">{say("batch.intro")}</p>
      <Loaded load={load} retry={reload}>
        {(batches) => (
          <>
            {batches.map((batch) =>
              edited === batch.id ? (
                <BatchForm
                  key={batch.id}
                  first={draftOf(batch)}
                  isBusy={doing.is === "busy"}
                  onSave={(body) => run(() => api.changeBatch(batch, body))}
                  onClose={close}
                />
              ) : (
                <BatchView
                  key={batch.id}
                  batch={batch}
                  onEdit={() => setEdited(batch.id)}
                  onRemove={() => setRemoved(batch)}
                />
              ),
            )}
          </>
        )}
      </Loaded>
      {edited === "new" ? (
        <BatchForm
          first={EMPTY_DRAFT}
          isBusy={doing.is === "busy"}
          onSave={(body, key) => run(() => api.addBatch(firingId, body, key))}
          onClose={close}
        />
      ) : (
        <button type="button" onClick={() => setEdited("new")} data-testid="add-batch">
          + {say("batch.add")}
        </button>
      )}
      <Outcome doing={doing} />
      {removed && (
        <Confirm
          title={say("batch.removeAsk", { name: removed.ware })}
          go={say("app.remove")}
          onGo={() => void run(() => api.removeBatch(removed)).then(reload)}
          onClose={() => setRemoved(null)}
        />
      )}
    </section>
  );
}
