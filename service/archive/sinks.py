"""`canhlo sinks`: where readings are passed on to, how far behind each place is, and what is wrong with it."""

import argparse
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy.orm import Session

from service.analysis.words import counted
from service.errors import NotFoundError, ServiceError
from service.opening import opened, settings_of
from service.series.sinks.compare import compare
from service.series.sinks.errors import SinkError
from service.series.sinks.kinds import reader
from service.series.sinks.reading import EVERY_UNIT
from service.settings import Settings, SinkSettings
from service.store import sinks
from service.store.database import Database
from service.store.models import Sink


class SinkFailsError(ServiceError):
    """A sink takes nothing at present; what it lacks waits here."""

    code = "sink_fails"


class SinkLacksError(ServiceError):
    """A sink has not what it was sent; it is owed that anew."""

    code = "sink_lacks"


def add_sinks(parser: argparse.ArgumentParser) -> None:
    """Add the options of `canhlo sinks`."""
    parser.add_argument(
        "--compare",
        action="store_true",
        help="ask each sink for all that is sealed here, and send anew what it lacks",
    )
    parser.add_argument("--forget", metavar="NAME", help="give up a sink that is no longer in CANHLO_SINKS")
    parser.add_argument("--data-dir", type=Path, help="where the database lives")
    parser.set_defaults(run=run_sinks)


def run_sinks(options: argparse.Namespace) -> None:
    """Say how each sink is; fail if one of them is not well."""
    settings = settings_of(options)
    with opened(options) as database:
        if options.forget is not None:
            with database.write() as session:
                if not sinks.forget(session, options.forget):
                    msg = f"there is no sink {options.forget!r}"
                    raise NotFoundError(msg)
            print(f"{options.forget}: forgotten")
            return
        if options.compare:
            _compare(settings, database)
            return
        unwell = []
        with database.read() as session:
            known = {sink.name: sink for sink in sinks.every(session)}
            for name, one in settings.sinks.items():
                print(f"{name} ({one.kind}, {one.url}){', read from' if name == settings.read_from else ''}")
                wrong = [*_wrong_with_sending(known.get(name)), *_wrong_with_reading(name, one)]
                print(f"  {_progress(session, known.get(name))}")
                print("".join(f"  FAILS {line}\n" for line in wrong), end="")
                unwell += [name] if wrong else []
            for name in sorted(known.keys() - settings.sinks.keys()):
                print(
                    f"{name}: no longer in CANHLO_SINKS; what it is owed is kept until `canhlo sinks --forget {name}`"
                )
        if not settings.sinks:
            print("CANHLO_SINKS names none: readings are kept here alone")
    if unwell:
        msg = f"not well: {', '.join(unwell)}. Nothing is lost: they get what they lack once they are"
        raise SinkFailsError(msg)


def _compare(settings: Settings, database: Database) -> None:
    """Ask each sink for what it should have; fail if one lacks some of it."""
    lacking = []
    for name, one in settings.sinks.items():
        asked = reader(name, one)
        try:
            print(f"{name} ({one.kind}, {one.url})", flush=True)
            for month in compare(database, asked):
                verdict = (
                    f"LACKS {month.lacking:,}, of {counted(month.kilns, 'kiln')}" if month.lacking else "all there"
                )
                print(f"  {month.month}: {counted(month.readings, 'reading')}: {verdict}", flush=True)
                lacking += [name] if month.lacking and name not in lacking else []
        finally:
            asked.close()
    if lacking:
        msg = f"{', '.join(lacking)}: `canhlo serve` sends what is missing once more"
        raise SinkLacksError(msg)


def _progress(session: Session, sink: Sink | None) -> str:
    if sink is None:
        return "nothing was sent yet: `canhlo serve` does it"
    behind = sinks.lag(session, sink.name, sink.block_id)
    waiting = "" if behind.oldest_at is None else f", the oldest came at {behind.oldest_at:%Y-%m-%d %H:%M:%S} UTC"
    owed = f"{counted(behind.owed, 'kiln-month')} of sealed readings owed"
    return f"{counted(behind.blocks, 'block')} to settle{waiting}; {owed}"


def _wrong_with_sending(sink: Sink | None) -> Iterator[str]:
    if sink is not None and sink.failure is not None:
        yield f"since {sink.failed_at:%Y-%m-%d %H:%M} UTC: {sink.failure}"


def _wrong_with_reading(name: str, settings: SinkSettings) -> Iterator[str]:
    asked = reader(name, settings)
    try:
        asked.as_taken(0, 0, 0, 1, EVERY_UNIT)
    except SinkError as error:
        yield f"to be read: {error}"
    finally:
        asked.close()
