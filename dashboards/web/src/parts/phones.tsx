import { useEffect, useState } from "preact/hooks";
import { api, type Device, type Me } from "../api";
import { useLoad } from "../load";
import { enablePush, guessDevice, type PushState, pushState } from "../push";
import { Confirm, Field, Loaded, Outcome } from "./small";
import { useAction, useLanguage } from "./use";

function Enable({ me, devices, onDevice }: { me: Me; devices: readonly Device[]; onDevice: () => void }) {
  const { say } = useLanguage();
  const [state, setState] = useState<PushState | null>(null);
  const [device, setDevice] = useState(() => guessDevice(navigator.userAgent));
  const [doing, run] = useAction();
  const look = () => void pushState(devices).then(setState);
  useEffect(look, [devices]);
  const enable = async (event: Event) => {
    event.preventDefault();
    await run(() => enablePush(me.vapid_public_key, device.trim()));
    onDevice();
  };
  if (state === null) return null;
  if (state === "unsupported" || state === "denied") return <p class="warn">⚠ {say(`phones.${state}`)}</p>;
  if (state === "on") return <p class="good">✓ {say("phones.on")}</p>;
  return (
    <form class="stack" onSubmit={(event) => void enable(event)}>
      {state === "forgotten" && <p class="warn">⚠ {say("phones.forgotten")}</p>}
      <Field
        label={say("phones.device")}
        hint={say("phones.deviceHint")}
        value={device}
        onValue={setDevice}
        required
        testid="device-name"
      />
      <button type="submit" class="primary tall" disabled={doing.is === "busy"} data-testid="enable-push">
        {say("phones.enable")}
      </button>
      {doing.is === "failed" && (
        <p class="outcome" data-is="failed" role="status">
          ✕ {say("phones.failed")}
        </p>
      )}
    </form>
  );
}

function DeviceRow({ device, onChange }: { device: Device; onChange: () => void }) {
  const { say, format } = useLanguage();
  const [isAsking, setAsking] = useState(false);
  const [doing, run] = useAction();
  const last = device.last_delivered_at;
  return (
    <li data-testid="device">
      <div>
        <b>{device.device}</b>
        <span class={last ? "quiet" : "warn"}>
          {last ? say("phones.last", { time: format.dayClock(new Date(last)) }) : say("phones.never")}
        </span>
      </div>
      <div class="row">
        <button
          type="button"
          disabled={doing.is === "busy"}
          data-testid="test-device"
          onClick={() => void run(() => api.testDevice(device.id)).then(onChange)}
        >
          {doing.is === "done" ? `✓ ${say("phones.tested")}` : say("phones.test")}
        </button>
        <button type="button" class="plain" onClick={() => setAsking(true)}>
          {say("app.remove")}
        </button>
      </div>
      {doing.is === "failed" && <Outcome doing={doing} />}
      {isAsking && (
        <Confirm
          title={say("phones.removeAsk", { name: device.device })}
          go={say("app.remove")}
          onGo={() => void run(() => api.removeDevice(device.id)).then(onChange)}
          onClose={() => setAsking(false)}
        />
      )}
    </li>
  );
}

/** Which devices are rung, and when each was last reached. */
export function Phones({ me }: { me: Me }) {
  const { say } = useLanguage();
  const [load, reload] = useLoad(api.devices, []);
  return (
    <section class="panel stack" data-testid="phones">
      <h2>{say("phones.title")}</h2>
      <Loaded load={load} retry={reload}>
        {(devices) => (
          <>
            <Enable me={me} devices={devices} onDevice={reload} />
            <ul class="things">
              {devices.length === 0 && <li class="warn">⚠ {say("phones.none")}</li>}
              {devices.map((device) => (
                <DeviceRow key={device.id} device={device} onChange={reload} />
              ))}
            </ul>
          </>
        )}
      </Loaded>
    </section>
  );
}
