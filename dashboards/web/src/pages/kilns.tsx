import { useState } from "preact/hooks";
import { api, type Kiln, type Me } from "../api";
import { useNow } from "../clock";
import { kilns, refresh } from "../live";
import { useLoad } from "../load";
import { KilnCard, shownOf } from "../parts/kiln-card";
import { Loaded } from "../parts/small";
import { useLanguage, useTitle } from "../parts/use";
import { useWorkshops } from "../session";
import { createStore, useStore } from "../store";
import { type Among, count, found, WHICH, type Which } from "../which";

function FirstSteps() {
  const { say } = useLanguage();
  return (
    <section class="panel first-steps" data-testid="first-steps">
      <h1>{say("kilns.empty")}</h1>
      <ol>
        <li>{say("kilns.emptyStep1")}</li>
        <li>{say("kilns.emptyStep2")}</li>
        <li>{say("kilns.emptyStep3")}</li>
      </ol>
      <a class="button primary" href="/settings">
        {say("kilns.emptyGo")}
      </a>
    </section>
  );
}

/** That alarms ring nowhere is said where people look, not only where they could change it. */
function NoPhone() {
  const { say } = useLanguage();
  const [load] = useLoad(api.devices, []);
  if (load.is !== "ready" || load.value.length > 0) return null;
  return (
    <p class="panel row no-phone" data-testid="no-phone">
      <span class="warn">⚠ {say("kilns.noPhone")}</span>
      <a class="button" href="/settings">
        {say("kilns.noPhoneGo")}
      </a>
    </p>
  );
}

const FEW = 12; // as many as one takes in at a glance
const PAGE = 48;
const asked = createStore<{ which: Which; text: string }>({ which: "all", text: "" }); // it stays from page to page

function Find({ among }: { among: readonly Among[] }) {
  const { say } = useLanguage();
  const { which, text } = useStore(asked);
  return (
    <search class="find">
      <input
        type="search"
        value={text}
        placeholder={say("find.text")}
        aria-label={say("find.text")}
        data-testid="find-text"
        onInput={(event) => asked.set({ which, text: event.currentTarget.value })}
      />
      <div class="ranges">
        {WHICH.map((one) => (
          <button
            key={one}
            type="button"
            aria-pressed={one === which}
            data-testid={`find-${one}`}
            onClick={() => asked.set({ which: one, text })}
          >
            {say(`find.${one}`)} <span class="num">{count(among, one)}</span>
          </button>
        ))}
      </div>
    </search>
  );
}

/** The kilns, by workshop for a technician who looks after several; where there are many, those that are asked for. */
function Kilns({ known, workshops }: { known: readonly Kiln[]; workshops: Me["workshops"] }) {
  const { say } = useLanguage();
  const { which, text } = useStore(asked);
  const [most, setMost] = useState(PAGE);
  const now = useNow();
  const theirs = new Map(workshops.map((one) => [one.id, one]));
  const among = known.map((kiln): Among => {
    const workshop = theirs.get(kiln.workshop_id)?.name ?? "";
    return { kiln, shown: shownOf(kiln, now), workshop };
  });
  const areMany = known.length > FEW;
  const wanted = areMany ? found(among, which, text) : among;
  const seen = wanted.slice(0, most);
  return (
    <>
      <h1 class="unseen">{say("kilns.title")}</h1>
      {workshops.some((one) => one.may.includes("follow")) && <NoPhone />}
      {areMany && <Find among={among} />}
      {wanted.length === 0 && <p class="waiting">{say("find.none")}</p>}
      {[...new Set(seen.map((one) => one.kiln.workshop_id))].map((id) => (
        <section key={id}>
          {workshops.length > 1 && <h2 class="workshop">{theirs.get(id)?.name}</h2>}
          <div class="kilns">
            {seen
              .filter((one) => one.kiln.workshop_id === id)
              .map(({ kiln, shown }) => (
                <KilnCard
                  key={kiln.id}
                  kiln={kiln}
                  shown={shown}
                  now={now}
                  isTheirs={theirs.get(id)?.may.includes("follow") ?? false}
                />
              ))}
          </div>
        </section>
      ))}
      {wanted.length > most && (
        <button type="button" class="wide" onClick={() => setMost(most + PAGE)}>
          {say("find.more", { n: wanted.length - most })}
        </button>
      )}
    </>
  );
}

export function KilnsPage() {
  useTitle(useLanguage().say("kilns.title"));
  const load = useStore(kilns);
  const workshops = useWorkshops();
  return (
    <Loaded load={load} retry={() => void refresh()}>
      {(known) => (known.length === 0 ? <FirstSteps /> : <Kilns known={known} workshops={workshops} />)}
    </Loaded>
  );
}
