"""An analysis for the terminal: what was read, each firing with its curve, and what there is to say of it."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import Final

import numpy as np
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from service.alarms.wording import words as finding_words
from service.analysis.analyse import AnalysedFiring, Analysis
from service.analysis.braille import curve
from service.analysis.words import Words
from service.core.curve import drawn_gap_s, thin_min_max
from service.core.findings import Finding, Severity
from service.importers.log import Channel

CURVE_LINES: Final = 10
SPREAD_FROM_C: Final = 1.0
_STYLE: Final = {Severity.CRITICAL: "bold red", Severity.WARNING: "yellow", Severity.INFO: "cyan"}


class Report:
    """Prints one analysis; times are of `zone`, or count from the log's beginning if it has no calendar."""

    def __init__(self, analysis: Analysis, file: Path, words: Words, zone: tzinfo | None) -> None:
        self._analysis = analysis
        self._file = file
        self._words = words
        self._zone = zone or UTC
        self._advised: set[str] = set()

    def show(self, console: Console) -> None:
        """Print all of it."""
        words, analysis = self._words, self._analysis
        console.print(Text(words("report.log", format=analysis.log.format, file=self._file.name), "bold"))
        for remark in analysis.log.remarks:
            console.print(Text(words(f"remark.{remark.key}", **remark.values), "dim"))
        console.print(self._channels())
        for number, firing in enumerate(analysis.firings, start=1):
            console.print(self._firing(firing, number, console.width))
        if not analysis.firings:
            console.print(words("report.no_firing", peak=words.celsius(self._hottest_c())))
        if analysis.findings:
            title = Text(words("report.outside"), "bold")
            console.print(Panel(Group(*self._findings(analysis.findings)), title=title, title_align="left"))

    def _channels(self) -> Table:
        words = self._words
        table = Table(box=None, header_style="dim", pad_edge=False)
        for key in ("channel", "unit", "samples", "first", "last", "interval", "range"):
            table.add_column(words(f"report.{key}"), justify="right" if key in ("samples", "interval") else "left")
        for recording in self._analysis.log.recordings:
            for name, channel in recording.channels.items():
                if len(channel.samples.time_s):
                    table.add_row(" · ".join(filter(None, (recording.name, name))), *self._channel(channel))
        return table

    def _channel(self, channel: Channel) -> Iterable[str]:
        words, samples = self._words, channel.samples
        time_s = np.unique(samples.time_s)
        good = samples.value[np.isfinite(samples.value)]
        interval = f"{words.number(float(np.median(np.diff(time_s))), 1)} s" if len(time_s) > 1 else "–"
        extremes = " – ".join(words.number(float(end), 1) for end in (good.min(), good.max())) if len(good) else "–"
        ends = (self._date(float(end)) for end in (time_s[0], time_s[-1]))
        return (channel.unit.value, words.number(len(samples.time_s)), *ends, interval, extremes)

    def _firing(self, firing: AnalysedFiring, number: int, width: int) -> RenderableType:
        words = self._words
        title = " · ".join(filter(None, (words("report.firing", number=number), firing.recording.name)))
        parts: list[RenderableType] = [self._curve(firing, max(width - 16, 20)), Text(), self._facts(firing)]
        if firing.segments:
            parts += [Text(), self._segments(firing)]
        parts += [Text(), *self._findings(firing.assessed.findings)]
        return Panel(Group(*parts), title=Text(title, "bold"), title_align="left")

    def _curve(self, firing: AnalysedFiring, width: int) -> RenderableType:
        if len(firing.time_s) < 2:
            return Text()
        thin_s, thin_c = thin_min_max(firing.time_s, firing.temp_c, width * 2, gap_s=drawn_gap_s(firing.time_s))
        lines = curve(thin_s, thin_c, width=width, height=CURVE_LINES)
        levels = np.linspace(float(firing.temp_c.max()), float(firing.temp_c.min()), CURVE_LINES)
        shown = [
            f"{self._words.number(level):>6} {line}" if row % 3 == 0 else f"{'':6} {line}"
            for row, (level, line) in enumerate(zip(levels.tolist(), lines, strict=True))
        ]
        first, last = self._time(float(firing.time_s[0])), self._time(float(firing.time_s[-1]))
        return Text("\n".join([*shown, f"{'':6} {first}{last:>{max(width - len(first), 0)}}"]), no_wrap=True)

    def _facts(self, firing: AnalysedFiring) -> Table:
        words, summary = self._words, firing.assessed.summary
        table = Table.grid(padding=(0, 2))
        cause = firing.assessed.cause
        ended = words(f"end_cause.{cause.value}") if cause else words("report.running")
        table.add_row(words("report.start"), self._date(firing.assessed.start_s))
        table.add_row(words("report.end"), f"{self._time(firing.end_s)}, {ended}")
        table.add_row(words("report.lasted"), _hours(firing.end_s - firing.assessed.start_s))
        if summary is not None:
            peak = words("report.peak_value", peak=words.celsius(summary.peak_c), at=self._time(summary.peak_s))
            table.add_row(words("report.peak"), peak)
            table.add_row(words("report.cone"), summary.cone_reached or words("report.no_cone"))
            bending = [one for one in summary.cones if one.down_s is None]
            if bending:
                most = max(bending, key=lambda one: one.progress)
                share = f"{words.number(most.progress * 100)} %"
                table.add_row(words("report.next_cone"), words("report.next_cone_value", cone=most.cone, share=share))
            if summary.max_spread_c is not None and summary.max_spread_c >= SPREAD_FROM_C:
                table.add_row(words("report.spread"), words.celsius(summary.max_spread_c))
        for phase in firing.phases:
            table.add_row(words(f"report.{phase.name}"), _hours(phase.end_s - phase.start_s))
        return table

    def _segments(self, firing: AnalysedFiring) -> Table:
        words = self._words
        table = Table(box=None, header_style="dim", pad_edge=False)
        for key in ("segment", "first", "lasted", "from_c", "to_c", "rate"):
            table.add_column(words(f"report.{key}"), justify="right" if key not in ("segment", "first") else "left")
        for one in firing.segments:
            table.add_row(
                words(f"segment.{one.kind}"),
                self._time(one.start_s),
                _hours(one.end_s - one.start_s),
                words.celsius(one.from_c),
                words.celsius(one.to_c),
                words.number(one.rate_c_per_h),
            )
        return table

    def _findings(self, findings: Iterable[Finding]) -> Iterator[RenderableType]:
        found = sorted(findings, key=lambda one: one.start_s)
        if not found:
            yield Text(self._words("report.no_findings"), "dim")
        for one in found:
            yield from self._finding(one)

    def _finding(self, one: Finding) -> Iterator[RenderableType]:
        words = self._words
        end = words("report.still") if one.end_s is None else self._time(one.end_s)
        said = finding_words(
            one.kind,
            advice_key=one.advice_key,
            channel=one.channel,
            evidence=one.evidence,
            start_at=_moment(one.start_s),
            end_at=None if one.end_s is None else _moment(one.end_s),
            language=words.language,
        )
        title = Text.assemble(
            (words(f"severity.{one.severity.value}"), _STYLE[one.severity]),
            f"  {self._time(one.start_s)} – {end}  ",
            (said.title, "bold"),
        )
        if one.probability is not None:
            title.append(f"  ({words('report.probability', share=f'{words.number(one.probability * 100)} %')})")
        yield title
        is_new = said.advice not in {"", *self._advised}
        self._advised.add(said.advice)
        for line in filter(None, (said.detail, words("report.advice_is", advice=said.advice) if is_new else "")):
            yield Padding(Text(line), (0, 0, 0, 4))

    def _time(self, unix_s: float) -> str:
        return self._say_time(unix_s, "%d/%m %H:%M")

    def _date(self, unix_s: float) -> str:
        return self._say_time(unix_s, "%d/%m/%Y %H:%M")

    def _say_time(self, unix_s: float, written: str) -> str:
        return f"{_moment(unix_s).astimezone(self._zone):{written}}" if self._analysis.log.is_dated else _hours(unix_s)

    def _hottest_c(self) -> float | None:
        every = [one.value for part in self._analysis.log.recordings for one in part.temperatures.values()]
        good = [float(np.nanmax(value)) for value in every if np.isfinite(value).any()]
        return max(good, default=None)


def _moment(unix_s: float) -> datetime:
    return datetime.fromtimestamp(unix_s, UTC)


def _hours(seconds: float) -> str:
    minutes = round(seconds / 60)
    return f"{minutes // 60}:{minutes % 60:02}"
