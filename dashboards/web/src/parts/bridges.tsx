import { useState } from "preact/hooks";
import { api, type Bridge, type Pairing } from "../api";
import { useLoad } from "../load";
import { nameIn } from "../names";
import { useWorkshops } from "../session";
import { Confirm, Field, Loaded, Outcome } from "./small";
import { useAction, useLanguage } from "./use";

function PairingCode({ pairing, onClose }: { pairing: Pairing; onClose: () => void }) {
  const { say, format } = useLanguage();
  return (
    <div class="pairing" data-testid="pairing">
      <p>
        {say("setup.code")} · {pairing.bridge.name}
      </p>
      <b class="code" data-testid="pairing-code">
        {pairing.code}
      </b>
      <p class="quiet">{say("setup.codeUntil", { time: format.dayClock(new Date(pairing.expires_at)) })}</p>
      <p>{say("setup.command")}</p>
      <pre data-testid="pairing-command">
        canhlo-bridge pair {pairing.code} --server {location.origin}
      </pre>
      <button type="button" onClick={onClose}>
        {say("app.close")}
      </button>
    </div>
  );
}

function BridgeRow({
  bridge,
  onPairing,
  onChange,
}: {
  bridge: Bridge;
  onPairing: (pairing: Pairing) => void;
  onChange: () => void;
}) {
  const { say, format } = useLanguage();
  const name = nameIn(useWorkshops(), bridge.workshop_id, bridge.name);
  const [isAsking, setAsking] = useState(false);
  const [doing, run] = useAction();
  const day = (at: string) => format.dayClock(new Date(at));
  const state = bridge.revoked_at
    ? say("setup.revoked", { time: day(bridge.revoked_at) })
    : bridge.seen_at
      ? say("setup.seen", { time: day(bridge.seen_at) })
      : say(bridge.paired_at ? "setup.paired" : "setup.waiting");
  return (
    <li class={bridge.revoked_at ? "gone" : ""} data-testid="bridge">
      <div>
        <b>{bridge.name}</b>
        <span class="quiet">{state}</span>
      </div>
      {!bridge.revoked_at && (
        <div class="row">
          <button type="button" onClick={() => void run(async () => onPairing(await api.newPairingCode(bridge.id)))}>
            {say("setup.newCode")}
          </button>
          <button type="button" class="plain" data-testid="revoke-bridge" onClick={() => setAsking(true)}>
            {say("setup.revoke")}
          </button>
        </div>
      )}
      {doing.is === "failed" && <Outcome doing={doing} />}
      {isAsking && (
        <Confirm
          title={say("setup.revokeAsk", { name })}
          why={say("setup.revokeWhy")}
          go={say("setup.revoke")}
          onGo={() => void run(() => api.revokeBridge(bridge.id)).then(onChange)}
          onClose={() => setAsking(false)}
        />
      )}
    </li>
  );
}

/** The machines beside the kilns: pair them, see when they last spoke, revoke them. */
export function Bridges({ workshopId }: { workshopId: number }) {
  const { say } = useLanguage();
  const [load, reload] = useLoad(api.bridges, []);
  const [pairing, setPairing] = useState<Pairing | null>(null);
  const [name, setName] = useState("");
  const [doing, run] = useAction();
  const isOurs = (bridge: Bridge) => bridge.workshop_id === workshopId;
  const add = async (event: Event) => {
    event.preventDefault();
    const isMade = await run(async () =>
      setPairing(await api.addBridge({ workshop_id: workshopId, name: name.trim() })),
    );
    if (isMade) setName("");
    reload();
  };
  return (
    <section class="panel stack" data-testid="bridges">
      <h2>{say("setup.bridges")}</h2>
      <p class="quiet">{say("setup.bridgesWhy")}</p>
      {pairing && <PairingCode pairing={pairing} onClose={() => [setPairing(null), reload()]} />}
      <Loaded load={load} retry={reload}>
        {(bridges) => (
          <ul class="things">
            {bridges.filter(isOurs).map((bridge) => (
              <BridgeRow key={bridge.id} bridge={bridge} onPairing={setPairing} onChange={reload} />
            ))}
          </ul>
        )}
      </Loaded>
      <form class="add" onSubmit={(event) => void add(event)}>
        <Field
          label={say("setup.bridgeName")}
          hint={say("setup.bridgeHint")}
          value={name}
          onValue={setName}
          required
          testid="bridge-name"
        />
        <button type="submit" disabled={doing.is === "busy"} data-testid="add-bridge">
          + {say("setup.addBridge")}
        </button>
      </form>
      {doing.is === "failed" && <Outcome doing={doing} />}
    </section>
  );
}
