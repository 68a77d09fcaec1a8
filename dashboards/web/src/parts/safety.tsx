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

/** Where this person is signed in, and how to end all of it but here: as when a phone is lost. */
export function Safety() {
  const { say } = useLanguage();
  const [load, reload] = useLoad(() => api.sessions(), []);
  const [password, setPassword] = useState("");
  const [doing, run] = useAction();
  const end = async (event: Event) => {
    event.preventDefault();
    if (await run(() => api.endSessions({ password }))) setPassword("");
    reload();
  };
  return (
    <section class="panel stack" data-testid="safety">
      <h2>{say("safety.title")}</h2>
      <NewPassword />
      <h3>{say("safety.where")}</h3>
      <Loaded load={load}>
        {(found) => (
          <ul class="things">
            {found.map((one) => (
              <Where key={one.id} one={one} />
            ))}
          </ul>
        )}
      </Loaded>
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
    </section>
  );
}
