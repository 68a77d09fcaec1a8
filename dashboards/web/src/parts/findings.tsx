import type { Finding } from "../api";
import type { Mark } from "../marks";
import { channelName } from "../names";
import { useLanguage } from "./use";
import { Verdict } from "./verdict";

const SHAPES: Readonly<Record<Finding["severity"], string>> = { info: "●", warning: "■", critical: "◆" };

export function Severity({ severity }: { severity: Finding["severity"] }) {
  const { say } = useLanguage();
  return (
    <span class={`severity ${severity}`}>
      <span aria-hidden="true">{SHAPES[severity]}</span> {say(`severity.${severity}`)}
    </span>
  );
}

/** Number the findings for the chart; an open one reaches to `nowS`. */
export const marksOf = (findings: readonly Finding[], nowS: number): Mark[] =>
  findings.map((finding, index) => ({
    label: String(index + 1),
    severity: finding.severity,
    from: Date.parse(finding.start_at) / 1000,
    to: finding.end_at ? Date.parse(finding.end_at) / 1000 : nowS,
  }));

/** Findings in order; with `onJudged` a person may say of each whether it was so. */
export function Findings({ findings, onJudged }: { findings: readonly Finding[]; onJudged?: () => void }) {
  const { say, format } = useLanguage();
  return (
    <section class="panel" data-testid="findings">
      <h2>{say("findings.title")}</h2>
      {findings.length === 0 && <p class="quiet">{say("findings.none")}</p>}
      <ol class="findings">
        {findings.map((finding, index) => {
          const from = format.clock(new Date(finding.start_at));
          const when = finding.end_at
            ? say("findings.from", { from, to: format.clock(new Date(finding.end_at)) })
            : say("findings.ongoing", { from });
          return (
            <li key={finding.id} class={finding.severity} data-testid="finding" data-kind={finding.kind}>
              <b class="flag">{index + 1}</b>
              <div>
                <p class="facts">
                  <Severity severity={finding.severity} />
                  <span>{when}</span>
                  {finding.channel && <span>{channelName(say, finding.channel)}</span>}
                  {finding.probability !== null && (
                    <span>{say("findings.sure", { percent: format.percent(finding.probability) })}</span>
                  )}
                </p>
                <h3>{finding.words.title}</h3>
                <p>{finding.words.detail}</p>
                {finding.words.advice && <p class="advice">→ {finding.words.advice}</p>}
                {onJudged && <Verdict finding={finding} onFinding={onJudged} />}
              </div>
            </li>
          );
        })}
      </ol>
    </section>
  );
}
