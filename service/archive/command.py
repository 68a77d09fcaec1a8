"""`canhlo import`, `export`, `verify`: firings in from logs and out as files, and whether what is stored holds."""

import argparse
import os
import sys
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.analysis.command import add_reading_options, asked_of, cone_called
from service.analysis.words import Words, counted
from service.archive.backup import back_up, restore
from service.archive.bring_in import bring_in, look_at
from service.archive.hand_out import FORMATS, hand_out, write
from service.client.command import add_connection, connect
from service.errors import InvalidError, NotFoundError
from service.importers.read import read_log
from service.opening import opened, settings_of
from service.series.codec import DamagedError
from service.series.verify import verify
from service.spoken import choose_language
from service.store import audit
from service.store.database import Database
from service.store.models import Firing, Kiln, Workshop

MOST_TOLD: Final = 20


def add_import(parser: argparse.ArgumentParser) -> None:
    """Add the options of `canhlo import`."""
    add_reading_options(parser)
    parser.add_argument(
        "--kiln", required=True, metavar="K", help="key or name of the kiln; WORKSHOP/K if two share it"
    )
    parser.add_argument("--start", metavar="TIME", help="when a log without a calendar began: 2026-11-20T19:30+07:00")
    parser.add_argument(
        "--cone", type=cone_called, metavar="N", help="the cone that its firings were to reach, such as 6 or 04"
    )
    parser.add_argument("--data-dir", type=Path, help="where the database lives")
    parser.set_defaults(run=run_import)


def add_export(parser: argparse.ArgumentParser) -> None:
    """Add the options of `canhlo export`."""
    parser.add_argument(
        "firing", metavar="FIRING", help="the firing's number in the address of its page, or KILN/NUMBER"
    )
    parser.add_argument("--format", choices=FORMATS, default="csv", help="csv is the plain log (csv)")
    parser.add_argument("--out", type=Path, metavar="FILE", help="the file to write (standard output)")
    parser.add_argument(
        "--as-taken", action="store_true", help="without the calibrations of the probes, to be brought in elsewhere"
    )
    parser.add_argument("--data-dir", type=Path, help="where the database lives")
    add_connection(parser)
    parser.set_defaults(run=run_export)


def add_verify(parser: argparse.ArgumentParser) -> None:
    """Add the options of `canhlo verify`."""
    parser.add_argument("--data-dir", type=Path, help="where the database lives")
    parser.set_defaults(run=run_verify)


def add_backup(parser: argparse.ArgumentParser) -> None:
    """Add the options of `canhlo backup`."""
    parser.add_argument("file", type=Path, metavar="FILE", help="the file to write, such as canhlo-2026-11-20.tar")
    parser.add_argument("--data-dir", type=Path, help="where the database lives")
    parser.set_defaults(run=run_backup)


def add_restore(parser: argparse.ArgumentParser) -> None:
    """Add the options of `canhlo restore`."""
    parser.add_argument("file", type=Path, metavar="FILE", help="a file from `canhlo backup`")
    parser.add_argument("--data-dir", type=Path, help="where it is to go; nothing may be there yet")
    parser.set_defaults(run=run_restore)


def run_import(options: argparse.Namespace) -> None:
    """Bring in a log, all of it or nothing."""
    asked = asked_of(options)
    start_at = _start(options.start, asked.zone) if options.start else None
    log = read_log(options.log, asked)
    if any(remark.key == "no_time_zone" for remark in log.remarks):  # hours off in a kiln's history, for good
        msg = f"{options.log.name}: its times name no time zone; say --time-zone, such as Asia/Ho_Chi_Minh"
        raise InvalidError(msg)
    now, words = datetime.now(UTC), Words(choose_language(None))
    with opened(options) as database:
        with database.read() as session:
            kiln = _find_kiln(session, options.kiln)
        found = look_at(kiln, log, start_at=start_at, target_cone=options.cone, now=now)
        with database.write() as session:
            came = bring_in(session, session.get_one(Kiln, kiln.id), found, now=now)
            counts = {
                "new": words.number(came.readings - came.known),
                "known": words.number(came.known),
                "firings": len(came.firings),
            }
            lines = [words("import.done", kiln=kiln.name, **counts)]
            lines += [_told(firing, words, asked.zone) for firing in came.firings]
            lines += [f"  {words(f'remark.{one.key}', **one.values)}" for one in log.remarks]
    print("\n".join(lines))


def run_export(options: argparse.Namespace) -> None:
    """Hand out a firing, of the database here or of a running service."""
    if options.url or (options.data_dir is None and "CANHLO_URL" in os.environ):
        _export_from(options)
        return
    with opened(options) as database, database.read() as session:
        firing = _find_firing(session, options.firing)
        handed = hand_out(session, firing, now=datetime.now(UTC), with_note=True, is_as_taken=options.as_taken)
        pieces = write(handed, options.format)
        if options.out is None:
            for piece in pieces:
                sys.stdout.buffer.write(piece)
            sys.stdout.flush()
            return
        try:
            with options.out.open("wb") as file:
                file.writelines(pieces)
        except OSError as error:
            msg = f"{options.out} cannot be written: {(error.strerror or str(error)).lower()}"
            raise InvalidError(msg) from error
    print(f"{options.out}: {counted(sum(len(one.time_s) for one in handed.channels.values()), 'reading')}")


def _export_from(options: argparse.Namespace) -> None:
    """Have a running service hand out a firing, which it knows by the number in its page's address."""
    if options.out is None or not options.firing.isascii() or not options.firing.isdigit():
        msg = "from a running service, say --out FILE and the firing's number in the address of its page, such as 12"
        raise InvalidError(msg)
    with connect(options) as canhlo:
        written = canhlo.export(int(options.firing), options.out, form=options.format, as_taken=options.as_taken)
    print(f"{options.out}: {written / 1e6:,.1f} MB")


def run_verify(options: argparse.Namespace) -> None:
    """Read back everything that is stored; fail if anything of it is damaged."""
    damaged = 0
    with opened(options) as database:
        for part in verify(database):
            share = f", {part.bytes / part.readings:.2f} bytes each" if part.readings else ""
            verdict = f"{len(part.damaged)} DAMAGED" if part.damaged else "all as written"
            print(f"{part.name}: {counted(part.readings, 'reading')}{share}: {verdict}", flush=True)
            print("".join(f"  {one}\n" for one in part.damaged[:MOST_TOLD]), end="")
            damaged += len(part.damaged)
        damaged += _verify_audits(database)
    if damaged:
        msg = f"not as it was written: {counted(damaged, 'place')}; restore what is lost from a backup"
        raise DamagedError(msg)


def _verify_audits(database: Database) -> int:
    """Follow every workshop's chain of entries; return how many chains are broken."""
    damaged = 0
    with database.read() as session:
        for workshop_id in session.scalars(select(Workshop.id).order_by(Workshop.id)):
            broken = audit.first_broken(session, workshop_id)
            told = "all as written" if broken is None else f"DAMAGED from entry {broken.id}, {broken.at:%Y-%m-%d %H:%M}"
            entries = counted(audit.count(session, workshop_id), "entry", "entries")
            print(f"audit of workshop {workshop_id}: {entries}: {told}", flush=True)
            damaged += broken is not None
    return damaged


def run_backup(options: argparse.Namespace) -> None:
    """Write a backup; the service may go on meanwhile."""
    with opened(options) as database:
        for name in back_up(settings_of(options), database, options.file.absolute(), now=datetime.now(UTC)):
            print(f"  {name}", flush=True)
    print(f"{options.file}: {options.file.stat().st_size / 1e6:,.1f} MB")


def run_restore(options: argparse.Namespace) -> None:
    """Bring back a backup to where nothing is, and read all of it back."""
    manifest = restore(settings_of(options), options.file)
    print(f"restored: a backup of {manifest.made_at[:16]} UTC by version {manifest.version}")
    for name in ("workshop", "account", "kiln", "firing", "alarm"):
        print(f"  {manifest.rows.get(name, 0):>8,}  {name}s")
    run_verify(options)


def _told(firing: Firing, words: Words, zone: tzinfo | None) -> str:
    """Return a firing in a line; its times are of the log's zone, or of this machine's clock."""
    times = (at.astimezone(zone).isoformat(" ", "minutes") for at in (firing.started_at, firing.ended_at) if at)
    values = {"times": " – ".join(times), "peak": words.celsius(firing.peak_c), "cone": firing.cone_reached or "–"}
    return f"  {words('import.firing', number=firing.number, **values)}"


def _start(text: str, zone: tzinfo | None) -> datetime:
    try:
        start_at = datetime.fromisoformat(text)
    except ValueError as error:
        msg = f"--start {text!r} is no time; wanted one such as 2026-11-20T19:30+07:00"
        raise InvalidError(msg) from error
    if start_at.tzinfo is None and zone is None:
        msg = f"--start {text!r} names no time zone; say {text}+07:00, or --time-zone"
        raise InvalidError(msg)
    return start_at if start_at.tzinfo else start_at.replace(tzinfo=zone)


def _find_kiln(session: Session, wanted: str) -> Kiln:
    workshop, _, name = wanted.rpartition("/")
    every = list(session.scalars(select(Kiln).order_by(Kiln.id)))
    found = [
        kiln
        for kiln in every
        if name.casefold() in (kiln.key.casefold(), kiln.name.casefold()) and workshop in ("", str(kiln.workshop_id))
    ]
    if len(found) == 1:
        return found[0]
    if found:
        choices = ", ".join(f"{kiln.workshop_id}/{kiln.key}" for kiln in found)
        msg = f"{len(found)} kilns are called {wanted!r}; say which: {choices}"
        raise InvalidError(msg)
    known = ", ".join(kiln.key for kiln in every[:20]) or "none yet: make one on the settings page"
    msg = f"there is no kiln {wanted!r}; there are: {known}"
    raise NotFoundError(msg)


def _find_firing(session: Session, wanted: str) -> Firing:
    kiln, _, number = wanted.rpartition("/")
    if not number.isascii() or not number.isdigit():
        msg = f"{wanted!r} names no firing; wanted a number such as 12, or KILN/NUMBER such as lo-1/3"
        raise InvalidError(msg)
    query = select(Firing).where(Firing.id == int(number))
    if kiln:
        query = select(Firing).where(Firing.kiln_id == _find_kiln(session, kiln).id, Firing.number == int(number))
    found = session.scalar(query)
    if found is None:
        msg = f"there is no firing {wanted!r}"
        raise NotFoundError(msg)
    return found
