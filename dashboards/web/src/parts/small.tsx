import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import type { Load } from "../load";
import { problemText } from "../names";
import { type Doing, useLanguage } from "./use";

/** What an action came to: shown next to its button, and read out. */
export function Outcome({ doing }: { doing: Doing }) {
  const { say, format } = useLanguage();
  return (
    <p class="outcome" role="status" data-testid="outcome" data-is={doing.is}>
      {doing.is === "done" && `✓ ${say("app.saved", { time: format.clockExact(doing.at) })}`}
      {doing.is === "failed" && `✕ ${problemText(say, doing.code)}`}
    </p>
  );
}

function Stale({ since, retry }: { since: Date; retry: (() => void) | undefined }) {
  const { say, format } = useLanguage();
  return (
    <p class="row stale" role="status" data-testid="stale">
      <span class="warn">⚠ {say("app.stale", { time: format.clock(since) })}</span>
      {retry && (
        <button type="button" onClick={retry}>
          {say("app.retry")}
        </button>
      )}
    </p>
  );
}

/** A page's content once it is there, and that it may be old; before that, that it is coming or why it does not. */
export function Loaded<T>({
  load,
  retry,
  children,
}: {
  load: Load<T>;
  retry?: () => void;
  children: (value: T) => ComponentChildren;
}) {
  const { say } = useLanguage();
  if (load.is === "loading") return <p class="waiting">{say("app.loading")}</p>;
  if (load.is === "ready")
    return (
      <>
        {load.staleSince && <Stale since={load.staleSince} retry={retry} />}
        {children(load.value)}
      </>
    );
  return (
    <div class="panel problem" role="alert">
      <p>✕ {problemText(say, load.code)}</p>
      {retry && (
        <button type="button" onClick={retry}>
          {say("app.retry")}
        </button>
      )}
    </div>
  );
}

interface ConfirmProps {
  title: string;
  why?: string;
  go: string;
  onGo: () => void;
  onClose: () => void;
}

export function Confirm({ title, why, go, onGo, onClose }: ConfirmProps) {
  const { say } = useLanguage();
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog ref={dialog} onClose={onClose} data-testid="confirm">
      <h2>{title}</h2>
      {why && <p>{why}</p>}
      <div class="row">
        <button type="button" class="danger" data-testid="confirm-go" onClick={() => [onGo(), onClose()]}>
          {go}
        </button>
        <button type="button" onClick={onClose}>
          {say("app.cancel")}
        </button>
      </div>
    </dialog>
  );
}

export function Figure({ name, children }: { name: string; children: ComponentChildren }) {
  return (
    <div class="figure">
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

interface FieldProps {
  label: string;
  value: string;
  onValue: (value: string) => void;
  type?: "text" | "password" | "number" | "datetime-local";
  hint?: string;
  testid?: string;
  required?: boolean;
  minLength?: number;
  maxLength?: number;
  autocomplete?: string;
  inputMode?: "numeric" | "decimal" | "text";
}

export function Field({ label, value, onValue, hint, testid, type = "text", ...rest }: FieldProps) {
  return (
    <label class="field">
      <span>{label}</span>
      <input
        {...rest}
        type={type as "text"}
        value={value}
        placeholder={hint ?? ""}
        data-testid={testid}
        onInput={(event) => onValue(event.currentTarget.value)}
      />
    </label>
  );
}

interface ChoiceProps {
  label: string;
  value: string;
  options: readonly (readonly [string, string])[];
  onValue: (value: string) => void;
  testid?: string;
}

export function Choice({ label, value, options, onValue, testid }: ChoiceProps) {
  return (
    <label class="field">
      <span>{label}</span>
      <select value={value} data-testid={testid} onChange={(event) => onValue(event.currentTarget.value)}>
        {options.map(([key, text]) => (
          <option key={key} value={key} selected={key === value}>
            {text}
          </option>
        ))}
      </select>
    </label>
  );
}

/** A moment as a figure: the clock first, the day below it. */
export function Moment({ at }: { at: string }) {
  const { format } = useLanguage();
  const date = new Date(at);
  return (
    <>
      {format.clock(date)}
      <small>{format.day(date)}</small>
    </>
  );
}
