import { api, type Finding } from "../api";
import { Outcome } from "./small";
import { useAction, useLanguage } from "./use";

/** What a person who was there says of a finding: with one tap, and taken back with another. */
export function Verdict({ finding, onFinding }: { finding: Finding; onFinding: () => void }) {
  const { say } = useLanguage();
  const [doing, run] = useAction();
  const said = finding.verdict?.verdict ?? null;
  const judge = (verdict: "true" | "false") =>
    void run(async () => [await api.judgeFinding(finding.id, said === verdict ? null : verdict), onFinding()]);
  return (
    <div class="row verdict" data-testid="verdict" data-said={said ?? ""}>
      <span class="quiet">
        {finding.verdict ? say("verdict.by", { name: finding.verdict.by }) : say("verdict.ask")}
      </span>
      {(["true", "false"] as const).map((one) => (
        <button
          key={one}
          type="button"
          aria-pressed={said === one}
          disabled={doing.is === "busy"}
          onClick={() => judge(one)}
          data-testid={`verdict-${one}`}
        >
          {one === "true" ? "✓" : "✕"} {say(`verdict.${one}`)}
        </button>
      ))}
      {doing.is === "failed" && <Outcome doing={doing} />}
    </div>
  );
}
