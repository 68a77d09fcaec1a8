import { useState } from "preact/hooks";
import { api, type SignedInAt } from "../api";
import { useLoad } from "../load";
import { guessDevice } from "../push";
import { Field, Loaded, Outcome } from "./small";
import { useAction, useLanguage } from "./use";

/** A new password, with the one before: whoever finds the phone cannot take the account over. */
function NewPassword() {
  const { say } = useLanguage();
  const [current, setCurrent] = useState("");
  const [chosen, setChosen] = useState("");
  const [doing, run] = useAction();
  const change = async (event: Event) => {
    event.preventDefault();
    if (!(await run(() => api.changePassword({ current, new: chosen })))) return;
    setCurrent("");
    setChosen("");
  };
  return (
    <form class="stack" onSubmit={(event) => void change(event)} data-testid="password-form">
      <Field
        label={say("safety.current")}
        type="password"
        value={current}
        onValue={setCurrent}
        autocomplete="current-password"
        required
        testid="current-password"
      />
      <Field
        label={say("safety.passwordNew")}
        type="password"
        minLength={8}
        value={chosen}
        onValue={setChosen}
        autocomplete="new-password"
        required
        testid="new-password"
      />
      <button type="submit" disabled={doing.is === "busy"} data-testid="change-password">
        {say("safety.change")}
      </button>
      <Outcome doing={doing} />
    </form>
  );
}

function Where({ one }: { one: SignedInAt }) {
  const { say, format } = useLanguage();
  return (
    <li data-testid="session">
      <div>
        <b>{one.is_this ? say("safety.here") : guessDevice(one.device) || say("safety.unknown")}</b>
        <span class="quiet">{say("safety.seen", { time: format.dayClock(new Date(one.seen_at)) })}</span>
      </div>
    </li>
  );
}

const FEW = 4;

/** The browsers in which somebody is signed in: this one, then those used last; all of them on demand. */
function Sessions({ found }: { found: readonly SignedInAt[] }) {
  const { say } = useLanguage();
  const [areAll, setAll] = useState(false);
  const ordered = [...found].sort((a, b) => Number(b.is_this) - Number(a.is_this));
  return (
    <>
      <ul class="things">
        {ordered.slice(0, areAll ? undefined : FEW).map((one) => (
          <Where key={one.id} one={one} />
        ))}
      </ul>
      {found.length > FEW && (
        <button
          type="button"
          class="plain"
          aria-expanded={areAll}
          onClick={() => setAll(!areAll)}
          data-testid="all-sessions"
        >
          {areAll ? say("safety.fewer") : say("safety.all", { n: found.length })}
        </button>
      )}
    </>
  );
}

/** How to end all sessions but this one, as when a phone is lost. */
function EndOthers({ onEnded }: { onEnded: () => void }) {
  const { say } = useLanguage();
  const [password, setPassword] = useState("");
  const [doing, run] = useAction();
  const end = async (event: Event) => {
    event.preventDefault();
    if (await run(() => api.endSessions({ password }))) onEnded();
  };
  return (
    <>
      <form class="add" onSubmit={(event) => void end(event)}>
        <Field
          label={say("enter.password")}
          type="password"
          value={password}
          onValue={setPassword}
          autocomplete="current-password"
          required
          testid="end-password"
        />
        <button type="submit" disabled={doing.is === "busy"} data-testid="end-sessions">
          {say("safety.end")}
        </button>
      </form>
      {doing.is === "failed" && <Outcome doing={doing} />}
    </>
  );
}

/** A new password, and where this person is signed in. */
export function Safety() {
  const { say } = useLanguage();
  const [load, reload] = useLoad(() => api.sessions(), []);
  return (
    <section class="panel stack" data-testid="safety">
      <h2>{say("safety.title")}</h2>
      <NewPassword />
      <h3>{say("safety.where")}</h3>
      <Loaded load={load} retry={reload}>
        {(found) => (
          <>
            <Sessions found={found} />
            {found.length > 1 && <EndOthers onEnded={reload} />}
          </>
        )}
      </Loaded>
    </section>
  );
}
