import { useEffect, useState } from "preact/hooks";
import { api, type Me } from "../api";
import { ApiError } from "../api/client";
import { useLoad } from "../load";
import { problemText } from "../names";
import { Icon } from "../parts/icons";
import { NewPasskey } from "../parts/passkeys";
import { goTo } from "../parts/provider";
import { Field, Outcome } from "../parts/small";
import { useAction, useLanguage } from "../parts/use";
import { canHavePasskeys, signWithPasskey } from "../passkey";
import { navigate } from "../router";
import { askWhoIAm, enter, leave } from "../session";
import { language } from "../words";

const goHome = () => navigate("/", { replace: true });

export function SignInPage() {
  const { say } = useLanguage();
  const [login, setLogin] = useState("");
  const [password, setPassword] = useState("");
  const [doing, run] = useAction();
  const submit = async (event: Event) => {
    event.preventDefault();
    if (await run(async () => enter(await api.signIn({ login, password })))) goHome();
  };
  const [provider] = useLoad(api.provider, []);
  const sign = async () => {
    const { options } = await api.askForPasskey();
    enter(await api.signInByPasskey(await signWithPasskey(options)));
  };
  return (
    <form class="panel stack" onSubmit={(event) => void submit(event)} data-testid="sign-in-form">
      <h1>{say("enter.title")}</h1>
      <p class="quiet">{say("enter.lead")}</p>
      <Field
        label={say("enter.login")}
        value={login}
        onValue={setLogin}
        autocomplete="username"
        required
        testid="login"
      />
      <Field
        label={say("enter.password")}
        type="password"
        value={password}
        onValue={setPassword}
        autocomplete="current-password"
        required
        testid="password"
      />
      <button type="submit" class="primary wide tall" disabled={doing.is === "busy"} data-testid="sign-in">
        {say("enter.go")}
      </button>
      {canHavePasskeys() && (
        <button
          type="button"
          class="wide tall"
          disabled={doing.is === "busy"}
          data-testid="sign-in-passkey"
          onClick={() => void run(sign).then((isIn) => isIn && goHome())}
        >
          <Icon name="finger" /> {say("passkeys.enter")}
        </button>
      )}
      {provider.is === "ready" && provider.value.name !== null && (
        <button
          type="button"
          class="wide tall"
          disabled={doing.is === "busy"}
          data-testid="sign-in-provider"
          onClick={() => void run(() => goTo(api.beginWithProvider()))}
        >
          {say("provider.enter", { name: provider.value.name })}
        </button>
      )}
      {doing.is === "failed" && <Outcome doing={doing} />}
    </form>
  );
}

/** The token stands behind the #, so that it is in no server's log. */
function useToken(): string {
  const [token] = useState(() => location.hash.slice(1));
  return token;
}

/** Back from the identity provider, with what it gave the browser behind the `?`. */
export function ProviderPage() {
  const { say } = useLanguage();
  const [doing, run] = useAction();
  // biome-ignore lint/correctness/useExhaustiveDependencies: what was brought back counts once
  useEffect(() => {
    const said = new URLSearchParams(location.search);
    history.replaceState(null, "", "/provider"); // it stays in no list of pages
    const [code, state] = [said.get("code"), said.get("state")];
    const come = async () => {
      if (code === null || state === null) throw new ApiError("passkey_stopped", 0, said.get("error") ?? "no code");
      enter(await api.signInByProvider({ code, state }));
    };
    void run(come).then((isIn) => isIn && goHome());
  }, []);
  if (doing.is !== "failed") return <p class="waiting">{say("enter.link")}</p>;
  return (
    <div class="panel problem stack" role="alert">
      <p>✕ {doing.code === "refused" ? say("provider.unknown") : problemText(say, doing.code)}</p>
      <a class="button" href="/sign-in">
        {say("enter.title")}
      </a>
    </div>
  );
}

/** Where a password is not enough: the passkey is made before anything else is seen. */
export function SecondFactorPage({ me }: { me: Me }) {
  const { say } = useLanguage();
  return (
    <section class="panel stack" data-testid="second-factor">
      <h1>{say("passkeys.needTitle", { name: me.name })}</h1>
      <p class="quiet">{say(canHavePasskeys() ? "passkeys.need" : "passkeys.cannot")}</p>
      {canHavePasskeys() && <NewPasskey onMade={() => void askWhoIAm()} />}
      <button type="button" class="plain" onClick={() => void leave()}>
        {say("settings.signOut")}
      </button>
    </section>
  );
}

export function SetupPage() {
  const { say } = useLanguage();
  const token = useToken();
  const [asked, setAsked] = useState({ name: "", login: "", password: "", workshop_name: "" });
  const [doing, run] = useAction();
  const submit = async (event: Event) => {
    event.preventDefault();
    if (await run(async () => enter(await api.setUp({ ...asked, token, language: language.get() })))) goHome();
  };
  const field = (name: keyof typeof asked) => ({
    value: asked[name],
    onValue: (value: string) => setAsked({ ...asked, [name]: value }),
    required: true,
    testid: `setup-${name}`,
  });
  if (token === "") return <p class="panel problem">{say("enter.noToken")}</p>;
  return (
    <form class="panel stack" onSubmit={(event) => void submit(event)} data-testid="setup-form">
      <h1>{say("enter.setup")}</h1>
      <p class="quiet">{say("enter.setupLead")}</p>
      <Field label={say("enter.workshop")} {...field("workshop_name")} />
      <Field label={say("enter.name")} autocomplete="name" {...field("name")} />
      <Field label={say("enter.login")} autocomplete="username" {...field("login")} />
      <Field
        label={say("enter.passwordNew")}
        type="password"
        minLength={8}
        autocomplete="new-password"
        {...field("password")}
      />
      <button type="submit" class="primary wide tall" disabled={doing.is === "busy"} data-testid="setup">
        {say("enter.setupGo")}
      </button>
      {doing.is === "failed" && <Outcome doing={doing} />}
    </form>
  );
}

export function LinkPage() {
  const { say } = useLanguage();
  const token = useToken();
  const [doing, run] = useAction();
  // biome-ignore lint/correctness/useExhaustiveDependencies: the link is spent once
  useEffect(() => {
    void run(async () => enter(await api.signInByLink({ token }))).then((isIn) => isIn && goHome());
  }, []);
  if (doing.is !== "failed") return <p class="waiting">{say("enter.link")}</p>;
  return (
    <div class="panel problem" role="alert">
      <p>✕ {doing.code === "refused" ? say("enter.linkBad") : problemText(say, doing.code)}</p>
      <a class="button" href="/sign-in">
        {say("enter.title")}
      </a>
    </div>
  );
}

/** For whoever forgot the password: the link that whoever runs the machine made sets a new one. */
export function ResetPage() {
  const { say } = useLanguage();
  const token = useToken();
  const [chosen, setChosen] = useState("");
  const [doing, run] = useAction();
  const submit = async (event: Event) => {
    event.preventDefault();
    if (await run(async () => enter(await api.signInByLink({ token, new_password: chosen })))) goHome();
  };
  if (doing.is === "failed" && doing.code === "passkey_needed")
    return (
      <div class="panel stack" role="status" data-testid="reset-done">
        <p>✓ {say("passkeys.nowEnter")}</p>
        <a class="button" href="/sign-in">
          {say("enter.title")}
        </a>
      </div>
    );
  return (
    <form class="panel stack" onSubmit={(event) => void submit(event)} data-testid="reset-form">
      <h1>{say("safety.reset")}</h1>
      <Field
        label={say("enter.passwordNew")}
        type="password"
        minLength={8}
        value={chosen}
        onValue={setChosen}
        autocomplete="new-password"
        required
        testid="new-password"
      />
      <button type="submit" class="primary wide tall" disabled={doing.is === "busy"} data-testid="reset">
        {say("safety.change")}
      </button>
      {doing.is === "failed" && <Outcome doing={doing} />}
    </form>
  );
}
