import { useState } from "preact/hooks";
import { api, type Fuel, type Kiln, type Me } from "../api";
import { kilns, refresh } from "../live";
import { mayAnywhere } from "../may";
import { Audit } from "../parts/audit";
import { Bridges } from "../parts/bridges";
import { Passkeys } from "../parts/passkeys";
import { People } from "../parts/people";
import { Phones } from "../parts/phones";
import { Provider } from "../parts/provider";
import { Safety } from "../parts/safety";
import { LanguageSwitch } from "../parts/shell";
import { Choice, Field, Loaded, Outcome } from "../parts/small";
import { Tokens } from "../parts/tokens";
import { useAction, useLanguage, useTitle } from "../parts/use";
import { leave } from "../session";
import { useStore } from "../store";

const FUELS: readonly Fuel[] = ["lpg", "coal", "wood", "electric"];

function Kilns({ workshopId }: { workshopId: number }) {
  const { say } = useLanguage();
  const load = useStore(kilns);
  const [name, setName] = useState("");
  const [fuel, setFuel] = useState<Fuel>("lpg");
  const [doing, run] = useAction();
  const isOurs = (kiln: Kiln) => kiln.workshop_id === workshopId;
  const add = async (event: Event) => {
    event.preventDefault();
    const asked = { workshop_id: workshopId, name: name.trim(), fuel };
    if (await run(() => api.addKiln(asked))) setName("");
    await refresh();
  };
  return (
    <section class="panel stack" data-testid="kilns">
      <h2>{say("setup.kilns")}</h2>
      <Loaded load={load}>
        {(found) => (
          <ul class="things">
            {found.filter(isOurs).map((kiln) => (
              <li key={kiln.id}>
                <div>
                  <a href={`/kilns/${kiln.id}`}>
                    <b>{kiln.name}</b>
                  </a>
                  <span class="quiet">
                    {say(`fuel.${kiln.fuel}`)} · {say("setup.key")} <code>{kiln.key}</code>
                  </span>
                </div>
              </li>
            ))}
          </ul>
        )}
      </Loaded>
      <form class="add" onSubmit={(event) => void add(event)}>
        <Field
          label={say("setup.kilnName")}
          hint={say("setup.kilnHint")}
          value={name}
          onValue={setName}
          required
          testid="kiln-name"
        />
        <Choice
          label={say("fuel.label")}
          value={fuel}
          options={FUELS.map((one): [string, string] => [one, say(`fuel.${one}`)])}
          onValue={(text) => setFuel(FUELS.find((one) => one === text) ?? "lpg")}
        />
        <button type="submit" disabled={doing.is === "busy"} data-testid="add-kiln">
          + {say("setup.addKiln")}
        </button>
      </form>
      {doing.is === "failed" && <Outcome doing={doing} />}
    </section>
  );
}

function Account({ me }: { me: Me }) {
  const { say } = useLanguage();
  const [doing, run] = useAction();
  return (
    <section class="panel stack">
      <h2>{say("settings.account")}</h2>
      <p>
        <b>{me.name}</b> <span class="quiet">{me.login}</span>
      </p>
      <div class="row split">
        <span>{say("app.language")}</span>
        <LanguageSwitch />
      </div>
      <button type="button" onClick={() => void run(leave)} disabled={doing.is === "busy"} data-testid="sign-out">
        {say("settings.signOut")}
      </button>
      {doing.is === "failed" && <Outcome doing={doing} />}
      <p class="quiet">{say("settings.version", { version: me.version })}</p>
    </section>
  );
}

export function SettingsPage({ me }: { me: Me }) {
  const { say } = useLanguage();
  useTitle(say("settings.title"));
  const [chosen, setChosen] = useState(String(me.workshops[0]?.id ?? ""));
  const options = me.workshops.map((workshop): [string, string] => [String(workshop.id), workshop.name]);
  const workshop = me.workshops.find((one) => String(one.id) === chosen);
  return (
    <>
      <header class="page-head">
        <h1>{say("settings.title")}</h1>
        {options.length > 1 ? (
          <Choice label={say("settings.workshop")} value={chosen} options={options} onValue={setChosen} />
        ) : (
          <p class="facts">{workshop?.name}</p>
        )}
      </header>
      <div class="halves">
        <div class="stack">
          {workshop?.may.includes("set_up") && <Kilns key={workshop.id} workshopId={workshop.id} />}
          {workshop?.may.includes("set_up") && <Bridges key={workshop.id} workshopId={workshop.id} />}
          {workshop?.may.includes("govern") && <People key={workshop.id} me={me} workshopId={workshop.id} />}
        </div>
        <div class="stack">
          {mayAnywhere(me, "follow") && <Phones me={me} />}
          <Account me={me} />
          <Passkeys />
          <Provider />
          <Safety />
          {workshop?.may.includes("govern") && <Tokens key={workshop.id} workshopId={workshop.id} />}
          {workshop?.may.includes("govern") && <Audit key={workshop.id} workshopId={workshop.id} />}
        </div>
      </div>
    </>
  );
}
