import { useState } from "preact/hooks";
import { api, type Channel } from "../api";
import { refresh } from "../live";
import { useLoad } from "../load";
import { channelName } from "../names";
import { Field, Loaded, Outcome } from "./small";
import { useAction, useLanguage } from "./use";

interface Draft {
  channel: Channel;
  label: string;
  isHidden: boolean;
}

const draftOf = (channel: Channel): Draft => ({ channel, label: channel.label ?? "", isHidden: channel.is_hidden });
const said = ({ label, isHidden }: Draft) => ({ label: label.trim() || null, is_hidden: isHidden });
const isChanged = (draft: Draft) =>
  said(draft).label !== draft.channel.label || draft.isHidden !== draft.channel.is_hidden;

function Names({ channels }: { channels: readonly Channel[] }) {
  const { say } = useLanguage();
  const [drafts, setDrafts] = useState(() => channels.map(draftOf));
  const [doing, run] = useAction();
  const put = (draft: Draft) =>
    setDrafts((old) => old.map((one) => (one.channel.id === draft.channel.id ? draft : one)));
  const save = async (event: Event) => {
    event.preventDefault();
    await run(async () => {
      for (const draft of drafts.filter(isChanged)) {
        put(draftOf(await api.changeChannel(draft.channel.id, said(draft))));
      }
      await refresh();
    });
  };
  return (
    <form class="stack" onSubmit={(event) => void save(event)}>
      {drafts.map((draft) => (
        <div key={draft.channel.id} class="probe-name" data-testid="probe-name" data-channel={draft.channel.name}>
          <Field
            label={say("probes.called", { name: draft.channel.name })}
            hint={channelName(say, draft.channel.name, [])}
            value={draft.label}
            maxLength={40}
            onValue={(label) => put({ ...draft, label })}
            testid="probe-label"
          />
          <label class="row">
            <input
              type="checkbox"
              checked={draft.isHidden}
              data-testid="probe-hide"
              onChange={(event) => put({ ...draft, isHidden: event.currentTarget.checked })}
            />
            <span>{say("probes.hide")}</span>
          </label>
        </div>
      ))}
      <div class="row">
        <button type="submit" disabled={!drafts.some(isChanged) || doing.is === "busy"} data-testid="probe-names-save">
          {say("app.save")}
        </button>
        <Outcome doing={doing} />
      </div>
    </form>
  );
}

/** What the people of a kiln call its probes, and which of them they do not want to see. */
export function ProbeNames({ kilnId }: { kilnId: number }) {
  const { say } = useLanguage();
  const [load, reload] = useLoad(() => api.channels(kilnId), [kilnId]);
  return (
    <details class="panel" data-testid="probe-names">
      <summary>{say("probes.title")}</summary>
      <div class="stack">
        <p class="quiet">{say("probes.why")}</p>
        <Loaded load={load} retry={reload}>
          {(channels) => (channels.length === 0 ? <p>{say("probes.none")}</p> : <Names channels={channels} />)}
        </Loaded>
      </div>
    </details>
  );
}
