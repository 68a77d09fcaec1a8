import { useState } from "preact/hooks";
import { Field, Outcome } from "./small";
import { type Doing, useLanguage } from "./use";

interface AskedProps {
  go: string;
  doing: Doing;
  onGo: (password: string) => Promise<boolean>;
  onClose?: () => void;
  testid: string;
}

/** The password once more, before something that would open or close the account to somebody. */
export function Asked({ go, doing, onGo, onClose, testid }: AskedProps) {
  const { say } = useLanguage();
  const [password, setPassword] = useState("");
  const submit = async (event: Event) => {
    event.preventDefault();
    if (await onGo(password)) setPassword("");
  };
  return (
    <form class="stack" onSubmit={(event) => void submit(event)} data-testid={testid}>
      <Field
        label={say("safety.current")}
        type="password"
        value={password}
        onValue={setPassword}
        autocomplete="current-password"
        required
        testid={`${testid}-password`}
      />
      <div class="row">
        <button type="submit" class="primary" disabled={doing.is === "busy"} data-testid={`${testid}-go`}>
          {go}
        </button>
        {onClose && (
          <button type="button" class="plain" onClick={onClose}>
            {say("app.cancel")}
          </button>
        )}
      </div>
      {doing.is === "failed" && <Outcome doing={doing} />}
    </form>
  );
}
