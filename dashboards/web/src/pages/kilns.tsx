import type { Kiln, Me } from "../api";
import { useNow } from "../clock";
import { kilns, refresh } from "../live";
import { KilnCard } from "../parts/kiln-card";
import { Loaded } from "../parts/small";
import { useLanguage } from "../parts/use";
import { session } from "../session";
import { useStore } from "../store";

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

/** Group kilns by workshop, for a technician who looks after several. */
function byWorkshop(found: readonly Kiln[], workshops: Me["workshops"]): [Me["workshops"][number], Kiln[]][] {
  return workshops
    .map((workshop): [Me["workshops"][number], Kiln[]] => [
      workshop,
      found.filter((kiln) => kiln.workshop_id === workshop.id),
    ])
    .filter(([, own]) => own.length > 0);
}

export function KilnsPage() {
  const { say } = useLanguage();
  const load = useStore(kilns);
  const now = useNow();
  const state = useStore(session);
  const workshops = state.is === "in" ? state.me.workshops : [];
  return (
    <Loaded load={load} retry={() => void refresh()}>
      {(found) =>
        found.length === 0 ? (
          <FirstSteps />
        ) : (
          <>
            <h1 class="unseen">{say("kilns.title")}</h1>
            {byWorkshop(found, workshops).map(([workshop, own]) => (
              <section key={workshop.id}>
                {workshops.length > 1 && <h2 class="workshop">{workshop.name}</h2>}
                <div class="kilns">
                  {own.map((kiln) => (
                    <KilnCard key={kiln.id} kiln={kiln} now={now} isTheirs={workshop.may.includes("follow")} />
                  ))}
                </div>
              </section>
            ))}
          </>
        )
      }
    </Loaded>
  );
}
