import type { ComponentChildren } from "preact";
import type { Me } from "../api";
import { beat, useNow } from "../clock";
import { connection, kilns, openAlarms } from "../live";
import { mayAnywhere } from "../may";
import { usePlace } from "../router";
import { switchLanguage } from "../session";
import { useStore } from "../store";
import { language, type WordKey } from "../words";
import { Icon, type IconName, KilnMark } from "./icons";
import { useLanguage } from "./use";

const PAGES: readonly (readonly [string, IconName, WordKey])[] = [
  ["/", "kilns", "nav.kilns"],
  ["/firings", "firings", "nav.firings"],
  ["/alarms", "alarms", "nav.alarms"],
  ["/settings", "settings", "nav.settings"],
];

export function LanguageSwitch() {
  const { say } = useLanguage();
  const chosen = useStore(language);
  return (
    <fieldset class="languages" data-testid="language-switch">
      <legend class="unseen">{say("app.language")}</legend>
      {(["vi", "en"] as const).map((one) => (
        <button
          key={one}
          type="button"
          lang={one}
          data-testid={`language-${one}`}
          aria-pressed={one === chosen}
          aria-label={one === "vi" ? "Tiếng Việt" : "English"}
          onClick={() => switchLanguage(one)}
        >
          {one.toUpperCase()}
        </button>
      ))}
    </fieldset>
  );
}

function Replay() {
  const { say, format } = useLanguage();
  const { rate } = useStore(beat);
  const now = useNow();
  if (rate <= 1) return null;
  return (
    <span class="replay" data-testid="replay">
      <b>{say("app.replay", { rate: format.number(rate) })}</b> {format.dayClock(now)}
    </span>
  );
}

/** Say that the link is gone, and how old what is on screen is. */
function LostBanner() {
  const { say, format } = useLanguage();
  const state = useStore(connection);
  const known = useStore(kilns);
  if (state.is !== "lost") return null;
  const times = known.is === "ready" ? known.value.flatMap((kiln) => kiln.now.last_at ?? []) : [];
  const last = times.sort().at(-1);
  return (
    <div class="lost" role="alert" data-testid="lost">
      <span aria-hidden="true">⚠</span>{" "}
      {last ? say("app.lost", { time: format.clock(new Date(last)) }) : say("app.lostNow")}
    </div>
  );
}

function Navigation({ me }: { me: Me }) {
  const { say } = useLanguage();
  const { path } = usePlace();
  const alarms = useStore(openAlarms);
  const waiting = alarms.is === "ready" ? alarms.value.filter((alarm) => alarm.acknowledged_at === null).length : 0;
  const isHere = (to: string) => (to === "/" ? path === "/" || path.startsWith("/kilns") : path.startsWith(to));
  return (
    <nav class="navigation" aria-label={say("app.menu")}>
      {PAGES.filter(([, icon]) => icon !== "alarms" || mayAnywhere(me, "follow")).map(([to, icon, word]) => (
        <a key={to} href={to} aria-current={isHere(to) ? "page" : undefined} data-testid={`nav-${icon}`}>
          <span class="nav-icon">
            <Icon name={icon} />
            {icon === "alarms" && waiting > 0 && <b class="count">{waiting}</b>}
          </span>
          {say(word)}
        </a>
      ))}
    </nav>
  );
}

const Brand = () => (
  <a class="brand" href="/">
    <KilnMark />
    Canh Lò
  </a>
);

export function Footer() {
  const { say } = useLanguage();
  return <footer class="footer">{say("app.footer")}</footer>;
}

export function Shell({ me, children }: { me: Me; children: ComponentChildren }) {
  const { say } = useLanguage();
  return (
    <>
      <a class="skip" href="#main">
        {say("app.skip")}
      </a>
      <header class="top">
        <Brand />
        <Replay />
        <Navigation me={me} />
        <LanguageSwitch />
      </header>
      <LostBanner />
      <main class="main" id="main" tabindex={-1}>
        {children}
      </main>
      <Footer />
    </>
  );
}

/** The frame of pages for people who are not signed in. */
export function Door({ children }: { children: ComponentChildren }) {
  return (
    <>
      <header class="top">
        <Brand />
        <LanguageSwitch />
      </header>
      <main class="main door">{children}</main>
      <Footer />
    </>
  );
}
