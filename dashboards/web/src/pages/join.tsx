import { useEffect, useState } from "preact/hooks";
import { api, type Invited, type Me } from "../api";
import { problemText } from "../names";
import { Field, Outcome } from "../parts/small";
import { useAction, useLanguage } from "../parts/use";
import { navigate } from "../router";
import { enter } from "../session";
import { language } from "../words";

/** Where an invitation's link leads: who invites to what, and the way in with an account or without. */
export function JoinPage() {
  const { say } = useLanguage();
  const [token] = useState(() => location.hash.slice(1));
  const [invited, setInvited] = useState<Invited | null>(null);
  const [me, setMe] = useState<Me | null>(null);
  const [person, setPerson] = useState({ name: "", login: "", password: "" });
  const [looking, look] = useAction();
  const [doing, run] = useAction();
  // biome-ignore lint/correctness/useExhaustiveDependencies: looked at once
  useEffect(() => {
    void look(async () => setInvited(await api.lookAtInvitation(token)));
    api.me().then(setMe, () => undefined); // somebody without an account is nobody yet
  }, []);
  const submit = async (event: Event) => {
    event.preventDefault();
    const asked = me ? { token } : { token, person: { ...person, language: language.get() } };
    if (await run(async () => enter(await api.join(asked)))) navigate("/", { replace: true });
  };
  const field = (name: keyof typeof person) => ({
    value: person[name],
    onValue: (value: string) => setPerson({ ...person, [name]: value }),
    required: true,
    testid: `join-${name}`,
  });
  if (looking.is === "failed") {
    const words = looking.code === "refused" ? say("join.bad") : problemText(say, looking.code);
    return (
      <p class="panel problem" role="alert">
        ✕ {words}
      </p>
    );
  }
  if (!invited) return <p class="waiting">{say("app.loading")}</p>;
  return (
    <form class="panel stack" onSubmit={(event) => void submit(event)} data-testid="join-form">
      <h1>{say("join.title")}</h1>
      <p>
        {say("join.lead", {
          who: invited.invited_by,
          workshop: invited.workshop_name,
          role: say(`role.${invited.role}`),
        })}
      </p>
      <p class="quiet">{say(`role.why.${invited.role}`)}</p>
      {me ? (
        <p>{say("join.asYou", { name: me.name })}</p>
      ) : (
        <>
          <Field label={say("enter.name")} autocomplete="name" {...field("name")} />
          <Field label={say("enter.login")} autocomplete="username" {...field("login")} />
          <Field
            label={say("enter.passwordNew")}
            type="password"
            minLength={8}
            autocomplete="new-password"
            {...field("password")}
          />
        </>
      )}
      <button type="submit" class="primary wide tall" disabled={doing.is === "busy"} data-testid="join">
        {say("join.go")}
      </button>
      {doing.is === "failed" && <Outcome doing={doing} />}
      {!me && <p class="quiet">{say("join.have")}</p>}
    </form>
  );
}
