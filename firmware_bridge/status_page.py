"""A snapshot as one plain page, without a script: it comes anew every few seconds."""

from collections.abc import Iterable, Sequence
from html import escape
from typing import Final

from firmware_bridge.latest import ChannelStatus
from firmware_bridge.line_status import LineStatus
from firmware_bridge.status import OfflineStatus, Snapshot, SourceStatus, SpoolStatus
from firmware_bridge.words import LANGUAGES, Words

REFRESH_S: Final = 5
NEARLY_FULL: Final = 0.8  # of the spool: of 1 GB a month of eight probes at 1 Hz is left then
_UNITS: Final = {"c": "°C"}
_CLOCK: Final = {True: "page.clock_right", False: "page.clock_wrong", None: "page.clock_unknown"}
_STYLE: Final = (
    "body{font:18px/1.5 system-ui,sans-serif;max-width:60rem;margin:1rem auto;padding:0 1rem;color:#222}"
    "table{border-collapse:collapse;width:100%;margin:0 0 1.5rem}th,td{text-align:left;padding:.3rem .6rem;"
    "border-bottom:1px solid #ccc}td.n{text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums}"
    ".bad{color:#a00;font-weight:bold}"
    "@media(prefers-color-scheme:dark){body{background:#181818;color:#ddd}th,td{border-color:#444}.bad{color:#f88}}"
)


def render_page(snapshot: Snapshot, words: Words) -> str:
    """Return the page; what is wrong is said in words too, not by its colour alone."""
    other = next(one for one in LANGUAGES if one != words.language)
    return (
        f'<!doctype html><html lang="{words.language}"><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width"><meta http-equiv="refresh" content="{REFRESH_S}">'
        f"<title>{escape(words('page.title'))}</title><style>{_STYLE}</style>"
        f'<p><a href="?lang={other}">{escape(words("page.other_language"))}</a></p>'
        f"<h1>{escape(words('page.title'))}</h1>"
        f"<p>{escape(words('page.not_safety'))}</p>"
        f"{_readings(snapshot, words)}{_sources(snapshot.sources, words)}{_store(snapshot, words)}</html>\n"
    )


def value_text(channel: ChannelStatus, words: Words) -> str:
    """Return the value with its unit, or the fault in words."""
    if channel.value is None:
        return words.quality(channel.quality)
    return f"{words.measured(channel.value, 1)} {_UNITS.get(channel.unit, channel.unit)}"


def rate_text(channel: ChannelStatus, words: Words) -> str:
    if channel.rate_per_h is None:
        return "–"
    unit = _UNITS.get(channel.unit, channel.unit)
    return f"{'+' if channel.rate_per_h > 0 else ''}{words.measured(channel.rate_per_h)} {unit}/{words('time.hour')}"


def state_text(source: SourceStatus, words: Words) -> tuple[str, bool]:
    """Return how it is with an instrument, and whether something is wrong; one that never says anything is."""
    if not source.connected:
        return words("page.away"), True
    return (words("page.there"), False) if source.readings else (words("page.there_empty"), True)


def store_lines(snapshot: Snapshot, words: Words) -> list[tuple[str, str, bool]]:
    """Return what is to be known of disk and service: name, value, and whether it is as it should be."""
    spool, uplink = snapshot.spool, snapshot.uplink
    why = words(f"why.{uplink.cause}") if uplink.cause else uplink.detail or "–"
    link = words("page.link_up") if uplink.is_up else words("page.link_down", detail=why)
    waiting = words(
        "page.waiting_value", readings=words.number(spool.waiting_readings), size=words.size(spool.size_bytes)
    )
    return [
        (words("page.link"), link, uplink.is_up),
        (words("page.waiting"), waiting, True),
        (words("page.fill"), *_fill(spool, words)),
        (words("page.free"), words.size(spool.free_bytes), spool.free_bytes > 100e6),
        (words("page.quarantined"), words.number(spool.quarantined_blocks), spool.quarantined_blocks == 0),
        (words("page.thinned"), words.number(spool.thinned_readings), spool.thinned_readings == 0),
        (words("page.dropped"), words.number(spool.dropped_readings), spool.dropped_readings == 0),
        (words("page.failed_commits"), words.number(spool.failed_commits), spool.failed_commits == 0),
        (words("page.clock"), *_clock(snapshot, words)),
        (words("page.offline"), *_offline(snapshot.offline, words)),
        *((words("page.line", port=one.port), *_line(one, words)) for one in snapshot.lines),
    ]


def _fill(spool: SpoolStatus, words: Words) -> tuple[str, bool]:
    """Return how full the spool is, and whether there is time left to do something about it."""
    used, most = words.size(spool.used_bytes), words.size(spool.most_bytes)
    share = spool.used_bytes / spool.most_bytes if spool.most_bytes else 0.0
    return words("page.fill_value", percent=words.number(100 * share), used=used, most=most), share < NEARLY_FULL


def _clock(snapshot: Snapshot, words: Words) -> tuple[str, bool]:
    """Return what is known of the time, and whether nothing is to be said against it."""
    if not snapshot.is_clock_sure:
        return words("page.clock_estimated"), False
    return words(_CLOCK[snapshot.is_clock_synchronised]), snapshot.is_clock_synchronised is not False


def _line(line: LineStatus, words: Words) -> tuple[str, bool]:
    """Return how it is with an RS-485 line: one fault, however many instruments hang on it."""
    if not line.is_open:
        return words("page.line_shut"), False
    if line.is_silent:
        return words("page.line_silent"), False
    if line.absent:
        return words("page.line_absent", sources=", ".join(line.absent)), False
    return words("page.line_well"), True


def _offline(offline: OfflineStatus, words: Words) -> tuple[str, bool]:
    """Return which alarms work without the network, and whether nothing is to be said against it."""
    if not offline.actions:
        return words("page.offline_no_actions"), True
    if not offline.kinds:
        return words("page.offline_no_limits"), True
    if offline.failed:
        return words("page.offline_failed", n=offline.failed), False
    if offline.is_on_duty:
        breaches = ", ".join(offline.breaches) or words("page.offline_calm")
        return words("page.offline_duty", breaches=breaches), not offline.breaches
    kinds = ", ".join(words(f"page.{kind}") for kind in offline.kinds)
    lists = {"kilns": ", ".join(offline.kilns), "actions": ", ".join(offline.actions)}
    return words("page.offline_ready", kinds=kinds, **lists), True


def _readings(snapshot: Snapshot, words: Words) -> str:
    rows = [
        [
            _cell(f"{one.kiln} / {one.channel}"),
            _cell(value_text(one, words), is_number=True, is_bad=one.value is None),
            _cell(rate_text(one, words), is_number=True),
            _cell(words.duration(snapshot.age_s(one)), is_number=True),
        ]
        for one in snapshot.channels
    ]
    heads = [words(f"page.{key}") for key in ("channel", "value", "rate", "age")]
    return _table(words("page.readings"), heads, rows) if rows else f"<p>{escape(words('page.no_readings'))}</p>"


def _sources(sources: Iterable[SourceStatus], words: Words) -> str:
    rows = [
        [
            _cell(one.name),
            _cell(state, is_bad=is_bad),
            _cell(words.number(one.readings), is_number=True),
            _cell(words.refused(one.rejected)),
        ]
        for one in sources
        for state, is_bad in [state_text(one, words)]
    ]
    return _table(
        words("page.sources"), [words(f"page.{key}") for key in ("source", "state", "count", "refused")], rows
    )


def _store(snapshot: Snapshot, words: Words) -> str:
    rows = [[_cell(name), _cell(value, is_bad=not is_well)] for name, value, is_well in store_lines(snapshot, words)]
    return _table(words("page.store"), [], rows)


def _cell(text: str, *, is_number: bool = False, is_bad: bool = False) -> str:
    kinds = " ".join(name for name, holds in (("n", is_number), ("bad", is_bad)) if holds)
    return f'<td class="{kinds}">{"⚠ " if is_bad else ""}{escape(text)}</td>'


def _table(title: str, heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    head = "".join(f"<th>{escape(name)}</th>" for name in heads)
    body = "".join(f"<tr>{''.join(row)}</tr>" for row in rows)
    return f"<h2>{escape(title)}</h2><table><tr>{head}</tr>{body}</table>"
