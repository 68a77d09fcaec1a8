import { type ComponentChildren, Fragment } from "preact";
import { useState } from "preact/hooks";
import { api, type Batch } from "../api";
import { draftOf, EMPTY_DRAFT, firstPart } from "../batch";
import { useLoad } from "../load";
import { defectName } from "../names";
import { BatchForm } from "./batch-form";
import { Confirm, Loaded, Outcome } from "./small";
import { useAction, useLanguage } from "./use";

/** What is written down of a batch. */
function BatchView({ batch, children }: { batch: Batch; children?: ComponentChildren }) {
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
      {children}
    </article>
  );
}

function Change({ onEdit, onRemove }: { onEdit: () => void; onRemove: () => void }) {
  const { say } = useLanguage();
  return (
    <div class="row">
      <button type="button" onClick={onEdit} data-testid="batch-edit">
        {say("batch.edit")}
      </button>
      <button type="button" class="plain" onClick={onRemove}>
        {say("app.remove")}
      </button>
    </div>
  );
}

/** What was in the kiln, and what came out of it. */
export function Batches({ firingId, mayRecord }: { firingId: number; mayRecord: boolean }) {
  const { say } = useLanguage();
  const [load, reload] = useLoad(() => api.batches(firingId), [firingId]);
  const [edited, setEdited] = useState<number | "new" | null>(null);
  const [removed, setRemoved] = useState<Batch | null>(null);
  const [doing, run] = useAction(reload);
  const isOvertaken = doing.is === "failed" && doing.code === "changed_meanwhile";
  const close = () => [setEdited(null), reload()];
  if (!mayRecord && load.is === "ready" && load.value.length === 0) return null;
  return (
    <section class="panel stack" data-testid="batches">
      <h2>{say("batch.title")}</h2>
      {mayRecord && <p class="quiet">{say("batch.intro")}</p>}
      <Loaded load={load} retry={reload}>
        {(batches) => (
          <>
            {batches.map((batch) =>
              edited === batch.id ? (
                <Fragment key={batch.id}>
                  {isOvertaken && <BatchView batch={batch} />}
                  <BatchForm
                    first={draftOf(batch)}
                    isBusy={doing.is === "busy"}
                    onSave={(body) => run(() => api.changeBatch(batch, body))}
                    onClose={close}
                  />
                </Fragment>
              ) : (
                <BatchView key={batch.id} batch={batch}>
                  {mayRecord && <Change onEdit={() => setEdited(batch.id)} onRemove={() => setRemoved(batch)} />}
                </BatchView>
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
        mayRecord && (
          <button type="button" onClick={() => setEdited("new")} data-testid="add-batch">
            + {say("batch.add")}
          </button>
        )
      )}
      <Outcome doing={doing} />
      {removed && (
        <Confirm
          title={say("batch.removeAsk", { name: removed.ware })}
          go={say("app.remove")}
          onGo={() => void run(async () => [await api.removeBatch(removed), reload()])}
          onClose={() => setRemoved(null)}
        />
      )}
    </section>
  );
}
