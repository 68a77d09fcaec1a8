import type { ChannelNamed, Finding } from "../api";
import type { Load } from "../load";
import type { Mark } from "../marks";
import { channelName } from "../names";
import { Loaded } from "./small";
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

interface Numbered {
  finding: Finding;
  number: number; // of its flag on the chart
}

const WORST_FIRST: readonly Finding["severity"][] = ["critical", "warning", "info"];
const worstFirst = (a: Numbered, b: Numbered) =>
  WORST_FIRST.indexOf(a.finding.severity) - WORST_FIRST.indexOf(b.finding.severity);

interface RowProps extends Numbered {
  known: readonly ChannelNamed[];
  onJudged: (() => void) | undefined;
}

function FindingRow({ finding, number, known, onJudged }: RowProps) {
  const { say, format } = useLanguage();
  const from = format.clock(new Date(finding.start_at));
  const when = finding.end_at
    ? say("findings.from", { from, to: format.clock(new Date(finding.end_at)) })
    : say("findings.ongoing", { from });
  return (
    <li class={finding.severity} data-testid="finding" data-kind={finding.kind}>
      <b class="flag">{number}</b>
      <div>
        <p class="facts">
          <Severity severity={finding.severity} />
          <span>{when}</span>
          {finding.channel && <span>{channelName(say, finding.channel, known)}</span>}
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
}

interface ListProps {
  findings: readonly Finding[];
  known: readonly ChannelNamed[];
  isRunning: boolean;
  onJudged: (() => void) | undefined; // then a person may say of each whether it was so
}

/** Of a finished firing in order, of a running one first what holds now, the worst on top. */
function List({ findings, known, isRunning, onJudged }: ListProps) {
  const { say } = useLanguage();
  const all = findings.map((finding, index): Numbered => ({ finding, number: index + 1 }));
  const isShown = ({ finding }: Numbered) => !isRunning || finding.end_at === null;
  const shown = all.filter(isShown);
  const over = all.filter((one) => !isShown(one)).reverse();
  if (isRunning) shown.sort(worstFirst);
  const list = (some: readonly Numbered[]) => (
    <ol class="findings">
      {some.map((one) => (
        <FindingRow key={one.finding.id} {...one} known={known} onJudged={onJudged} />
      ))}
    </ol>
  );
  return (
    <>
      {shown.length === 0 && <p class="quiet">{say(over.length > 0 ? "findings.noneNow" : "findings.none")}</p>}
      {list(shown)}
      {over.length > 0 && (
        <details>
          <summary>{say("findings.over", { n: over.length })}</summary>
          {list(over)}
        </details>
      )}
    </>
  );
}

interface FindingsProps extends Omit<ListProps, "findings" | "onJudged"> {
  load: Load<readonly Finding[]>;
  retry: () => void;
  onJudged?: () => void;
}

/** What was found in a firing: that nothing was is said only once that is known. */
export function Findings({ load, retry, onJudged, ...rest }: FindingsProps) {
  const { say } = useLanguage();
  return (
    <section class="panel" data-testid="findings">
      <h2>{say("findings.title")}</h2>
      <Loaded load={load} retry={retry}>
        {(findings) => <List findings={findings} onJudged={onJudged} {...rest} />}
      </Loaded>
    </section>
  );
}
