import { type ComponentChild, Fragment } from "preact";
import { useEffect } from "preact/hooks";
import type { Me } from "./api";
import { startLive, startLooking } from "./live";
import { mayAnywhere } from "./may";
import { AcknowledgePage } from "./pages/acknowledge";
import { AlarmsPage } from "./pages/alarms";
import { ComparePage } from "./pages/compare";
import { LinkPage, ProviderPage, ResetPage, SecondFactorPage, SetupPage, SignInPage } from "./pages/enter";
import { FiringPage } from "./pages/firing";
import { FiringsPage } from "./pages/firings";
import { JoinPage } from "./pages/join";
import { KilnPage } from "./pages/kiln";
import { KilnsPage } from "./pages/kilns";
import { SettingsPage } from "./pages/settings";
import { Door, Shell } from "./parts/shell";
import { Loaded } from "./parts/small";
import { useLanguage } from "./parts/use";
import { match, navigate, type Params, usePlace } from "./router";
import { askAgainSoon, askWhoIAm, session } from "./session";
import { useStore } from "./store";

const OPEN_PAGES: readonly (readonly [string, () => ComponentChild])[] = [
  ["/sign-in", () => <SignInPage />],
  ["/setup", () => <SetupPage />],
  ["/link", () => <LinkPage />],
  ["/reset", () => <ResetPage />],
  ["/provider", () => <ProviderPage />],
  ["/join", () => <JoinPage />],
  ["/acknowledge", () => <AcknowledgePage />],
];

const PAGES: readonly (readonly [string, (params: Params, me: Me) => ComponentChild])[] = [
  ["/", () => <KilnsPage />],
  ["/kilns/:id", ({ id }, me) => <KilnPage id={Number(id)} me={me} />],
  ["/firings", () => <FiringsPage />],
  ["/firings/:id", ({ id }, me) => <FiringPage id={Number(id)} me={me} />],
  ["/compare", () => <ComparePage />],
  ["/alarms", () => <AlarmsPage />],
  ["/settings", (_params, me) => <SettingsPage me={me} />],
];

function NotFound() {
  const { say } = useLanguage();
  return (
    <p class="waiting">
      {say("app.notFound")}. <a href="/">{say("app.home")}</a>
    </p>
  );
}

function SignedIn({ me, path }: { me: Me; path: string }) {
  const follows = mayAnywhere(me, "follow");
  useEffect(() => (follows ? startLive() : startLooking()), [follows]);
  for (const [pattern, draw] of PAGES) {
    const params = match(pattern, path);
    if (params) {
      return (
        <Shell me={me}>
          <Fragment key={path}>{draw(params, me)}</Fragment>
        </Shell>
      );
    }
  }
  return (
    <Shell me={me}>
      <NotFound />
    </Shell>
  );
}

function Guarded({ path }: { path: string }) {
  const state = useStore(session);
  useEffect(() => {
    if (state.is === "asking") void askWhoIAm();
    if (state.is === "out") navigate("/sign-in", { replace: true });
    return state.is === "unreachable" ? askAgainSoon() : undefined;
  }, [state]);
  if (state.is === "in" && state.me.lacks_factor)
    return (
      <Door>
        <SecondFactorPage me={state.me} />
      </Door>
    );
  if (state.is === "in") return <SignedIn me={state.me} path={path} />;
  return (
    <Door>
      <Loaded
        load={state.is === "unreachable" ? { is: "failed", code: state.code } : { is: "loading" }}
        retry={() => void askWhoIAm()}
      >
        {() => null}
      </Loaded>
    </Door>
  );
}

export function App() {
  const { path } = usePlace();
  const open = OPEN_PAGES.find(([one]) => one === path);
  return open ? <Door>{open[1]()}</Door> : <Guarded path={path} />;
}
