import { useState } from "preact/hooks";
import { api, type Passkey } from "../api";
import { type Load, useLoad } from "../load";
import { canHavePasskeys, makePasskey } from "../passkey";
import { guessDevice } from "../push";
import { Asked } from "./asked";
import { Loaded } from "./small";
import { useAction, useLanguage } from "./use";

function Row({ one, onRemove }: { one: Passkey; onRemove: () => void }) {
  const { say, format } = useLanguage();
  const used = one.used_at;
  return (
    <li data-testid="passkey">
      <div>
        <b>{guessDevice(one.device) || say("safety.unknown")}</b>
        <span class="quiet">
          {used
            ? say("safety.seen", { time: format.dayClock(new Date(used)) })
            : say("passkeys.made", { time: format.dayClock(new Date(one.created_at)) })}
        </span>
      </div>
      <button type="button" class="plain" onClick={onRemove} data-testid="remove-passkey">
        {say("app.remove")}
      </button>
    </li>
  );
}

/** Make a passkey of this device; `onMade` is told what there is then. */
export function NewPasskey({ onMade, onClose }: { onMade: () => void; onClose?: () => void }) {
  const { say } = useLanguage();
  const [doing, run] = useAction();
  const make = async (password: string) => {
    const isMade = await run(async () => {
      const { options } = await api.askForNewPasskey({ password });
      await api.addPasskey(await makePasskey(options));
    });
    if (isMade) onMade();
    return isMade;
  };
  return (
    <Asked go={say("passkeys.add")} doing={doing} onGo={make} {...(onClose && { onClose })} testid="new-passkey" />
  );
}

type Wish = { is: "none" } | { is: "add" } | { is: "remove"; id: number } | { is: "wanted"; wanted: boolean };

/** The devices that sign this person in by finger or face, and whether a password still does. */
export function Passkeys() {
  const { say } = useLanguage();
  const [load, reload] = useLoad(api.passkeys, []);
  const [wish, setWish] = useState<Wish>({ is: "none" });
  const [doing, run] = useAction();
  if (!isOffered(load)) return null;
  const done = () => [setWish({ is: "none" }), reload()];
  const act = async (password: string) => {
    const isDone = await run(async () => {
      if (wish.is === "remove") await api.removePasskey({ password, passkey_id: wish.id });
      if (wish.is === "wanted") await api.chooseTwoFactors({ password, are_wanted: wish.wanted });
    });
    if (isDone) done();
    return isDone;
  };
  return (
    <section class="panel stack" data-testid="passkeys">
      <h2>{say("passkeys.title")}</h2>
      <p class="quiet">{say("passkeys.why")}</p>
      <Loaded load={load} retry={reload}>
        {(found) => (
          <>
            <ul class="things">
              {found.passkeys.map((one) => (
                <Row key={one.id} one={one} onRemove={() => setWish({ is: "remove", id: one.id })} />
              ))}
            </ul>
            {found.passkeys.length > 0 && !found.are_required && (
              <div class="ticks">
                <label>
                  <input
                    type="checkbox"
                    checked={found.are_wanted}
                    data-testid="wants-passkey"
                    onClick={(event) => {
                      event.preventDefault(); // it stands for what is so, and changes with the password
                      setWish({ is: "wanted", wanted: !found.are_wanted });
                    }}
                  />
                  {say("passkeys.only")}
                </label>
              </div>
            )}
          </>
        )}
      </Loaded>
      {wish.is === "none" && (
        <button type="button" onClick={() => setWish({ is: "add" })} data-testid="add-passkey">
          + {say("passkeys.add")}
        </button>
      )}
      {wish.is === "add" && <NewPasskey onMade={done} onClose={done} />}
      {wish.is === "remove" && (
        <>
          <p class="warn">{say("passkeys.removeWhy")}</p>
          <Asked go={say("passkeys.remove")} doing={doing} onGo={act} onClose={done} testid="end-passkey" />
        </>
      )}
      {wish.is === "wanted" && (
        <Asked
          go={say(wish.wanted ? "passkeys.close" : "passkeys.open")}
          doing={doing}
          onGo={act}
          onClose={done}
          testid="choose-passkey"
        />
      )}
    </section>
  );
}

const isOffered = (load: Load<{ are_offered: boolean }>): boolean =>
  canHavePasskeys() && (load.is !== "ready" || load.value.are_offered);
