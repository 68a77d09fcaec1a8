import { useState } from "preact/hooks";
import { type AuditEntry, api } from "../api";
import { isWordKey } from "../words";
import { Outcome } from "./small";
import { useAction, useLanguage } from "./use";

function Entry({ entry }: { entry: AuditEntry }) {
  const { say, format } = useLanguage();
  const key = `audit.${entry.what.replaceAll(" ", "_")}`;
  const { role, after, name, file, changes } = entry.details;
  const roleKey = `role.${after ?? role}`;
  const about = isWordKey(roleKey) ? say(roleKey) : (name ?? file ?? changes);
  return (
    <li data-testid="audit-entry">
      <div>
        <b>{entry.who}</b> {isWordKey(key) ? say(key) : entry.what}
        {about && <> · {about}</>}
        <span class="quiet">{format.dayClock(new Date(entry.at))}</span>
      </div>
    </li>
  );
}

/** Who did what, newest first; fetched when somebody wants to see it. */
export function Audit({ workshopId }: { workshopId: number }) {
  const { say } = useLanguage();
  const [entries, setEntries] = useState<readonly AuditEntry[]>([]);
  const [isWhole, setWhole] = useState(false);
  const [doing, run] = useAction();
  const more = (known: readonly AuditEntry[]) =>
    run(async () => {
      const found = await api.audit(workshopId, known.at(-1)?.id);
      setEntries([...known, ...found]);
      setWhole(found.length === 0);
    });
  return (
    <details class="panel stack" data-testid="audit" onToggle={(event) => event.currentTarget.open && void more([])}>
      <summary>
        <h2>{say("audit.title")}</h2>
      </summary>
      <p class="quiet">{say("audit.why")}</p>
      <ul class="things">
        {entries.map((entry) => (
          <Entry key={entry.id} entry={entry} />
        ))}
      </ul>
      {!isWhole && (
        <button type="button" disabled={doing.is === "busy"} onClick={() => void more(entries)}>
          {say("audit.more")}
        </button>
      )}
      {doing.is === "failed" && <Outcome doing={doing} />}
    </details>
  );
}
