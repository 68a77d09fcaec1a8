import { useState } from "preact/hooks";
import { api, type NewToken, type Token } from "../api";
import { useLoad } from "../load";
import { Choice, Field, Loaded, Outcome } from "./small";
import { useAction, useLanguage } from "./use";

const DAYS = ["30", "90", "366"] as const;

function TokenRow({ workshopId, token, onChange }: { workshopId: number; token: Token; onChange: () => void }) {
  const { say, format } = useLanguage();
  const [doing, run] = useAction();
  const day = (at: string) => format.dayClock(new Date(at));
  return (
    <li data-testid="token">
      <div>
        <b>{token.name}</b>
        <span class="quiet">
          {say(`tokens.scope.${token.scope}`)} · {say("people.until", { time: day(token.expires_at) })} ·{" "}
          {token.used_at ? say("tokens.used", { time: day(token.used_at) }) : say("tokens.unused")}
        </span>
      </div>
      <button
        type="button"
        class="plain"
        data-testid="revoke-token"
        onClick={() => void run(() => api.revokeToken(workshopId, token.id)).then(onChange)}
      >
        {say("setup.revoke")}
      </button>
      {doing.is === "failed" && <Outcome doing={doing} />}
    </li>
  );
}

/** Tokens with which other programs read or change what is the workshop's. */
export function Tokens({ workshopId }: { workshopId: number }) {
  const { say } = useLanguage();
  const [load, reload] = useLoad(() => api.tokens(workshopId), [workshopId]);
  const [made, setMade] = useState<NewToken | null>(null);
  const [name, setName] = useState("");
  const [scope, setScope] = useState<Token["scope"]>("read");
  const [days, setDays] = useState<string>(DAYS[1]);
  const [doing, run] = useAction();
  const add = async (event: Event) => {
    event.preventDefault();
    const asked = { name: name.trim(), scope, days: Number(days) };
    if (await run(async () => setMade(await api.addToken(workshopId, asked)))) setName("");
    reload();
  };
  return (
    <section class="panel stack" data-testid="tokens">
      <h2>{say("tokens.title")}</h2>
      <p class="quiet">{say("tokens.why")}</p>
      {made && (
        <div class="pairing" data-testid="new-token">
          <p>{say("tokens.once")}</p>
          <pre>{made.token}</pre>
          <button type="button" onClick={() => setMade(null)}>
            {say("app.close")}
          </button>
        </div>
      )}
      <Loaded load={load} retry={reload}>
        {(found) => (
          <ul class="things">
            {found.map((token) => (
              <TokenRow key={token.id} workshopId={workshopId} token={token} onChange={reload} />
            ))}
          </ul>
        )}
      </Loaded>
      <form class="add" onSubmit={(event) => void add(event)}>
        <Field
          label={say("tokens.name")}
          hint={say("tokens.nameHint")}
          value={name}
          onValue={setName}
          required
          testid="token-name"
        />
        <Choice
          label={say("tokens.scope")}
          value={scope}
          options={(["read", "write"] as const).map((one): [string, string] => [one, say(`tokens.scope.${one}`)])}
          onValue={(text) => setScope(text === "write" ? "write" : "read")}
        />
        <Choice
          label={say("tokens.days")}
          value={days}
          options={DAYS.map((one): [string, string] => [one, say("unit.day", { n: one })])}
          onValue={setDays}
        />
        <button type="submit" disabled={doing.is === "busy"} data-testid="add-token">
          + {say("tokens.add")}
        </button>
      </form>
      {doing.is === "failed" && <Outcome doing={doing} />}
    </section>
  );
}
