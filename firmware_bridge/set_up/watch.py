"""A running bridge's readings in the terminal, anew every second."""

import time
from pathlib import Path
from typing import Final

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from firmware_bridge.status import Snapshot, read_snapshot
from firmware_bridge.status_page import rate_text, state_text, store_lines, value_text
from firmware_bridge.words import Words

EVERY_S: Final = 1.0
# The bridge writes its status every second; a slow disk may take some.
STALE_S: Final = 10.0


def watch(status_file: Path, words: Words, console: Console, *, is_once: bool) -> bool:
    """Show the status until interrupted, or once; say whether a bridge is running."""
    if is_once:
        console.print(look(status_file, words))
        return _age_s(status_file) <= STALE_S
    with Live(look(status_file, words), console=console, screen=console.is_terminal) as live:
        try:
            while True:
                time.sleep(EVERY_S)
                live.update(look(status_file, words))
        except KeyboardInterrupt:
            return True


def look(status_file: Path, words: Words) -> RenderableType:
    """Return what is to be seen now; old values are shown as what they are."""
    snapshot, age_s = read_snapshot(status_file), _age_s(status_file)
    if snapshot is None:
        return Text(words("watch.absent", path=status_file), "bold red")
    if age_s > STALE_S:
        warning = Text(words("watch.stale", age=words.duration(age_s)), "bold red")
        return Group(warning, _tables(snapshot, words))
    return _tables(snapshot, words)


def _age_s(status_file: Path) -> float:
    try:
        return time.time() - status_file.stat().st_mtime
    except OSError:
        return float("inf")


def _tables(snapshot: Snapshot, words: Words) -> RenderableType:
    readings = _table(words, "channel", "value", "rate", "age")
    for one in snapshot.channels:
        cells = (value_text(one, words), rate_text(one, words), words.duration(snapshot.age_s(one)))
        _add(readings, f"{one.kiln} / {one.channel}", *cells, is_well=one.value is not None)
    sources = _table(words, "source", "state", "count", "refused")
    for source in snapshot.sources:
        state, is_bad = state_text(source, words)
        numbers = (words.number(source.readings), words.refused(source.rejected))
        _add(sources, source.name, state, *numbers, is_well=not is_bad)
    store = Table.grid(padding=(0, 2))
    for name, value, is_well in store_lines(snapshot, words):
        _add(store, name, value, is_well=is_well)
    return Panel(Group(readings, sources, store), title=words("page.title"))


def _table(words: Words, *columns: str) -> Table:
    return Table(*(words(f"page.{key}") for key in columns), expand=True)


def _add(table: Table, *cells: str, is_well: bool) -> None:
    """Add a row of plain texts: a bracket in them is a bracket, not markup."""
    table.add_row(*(Text(cell) for cell in cells), style="" if is_well else "bold red")
