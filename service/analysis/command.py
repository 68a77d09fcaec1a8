"""`canhlo analyse`: a log in, a report out, no server."""

import argparse
import json
import sys
from pathlib import Path

from rich.console import Console

from service.analysis.analyse import analyse
from service.analysis.contract import as_json
from service.analysis.report import Report
from service.analysis.words import Words
from service.core import cones
from service.core.defect_rules import WARE
from service.core.watch import FUELS, Watch
from service.core.witness import PRIOR
from service.errors import InvalidError
from service.importers.log import Asked
from service.importers.read import read_log
from service.importers.schedules.read import read_schedule
from service.importers.times import zone_called
from service.spoken import LANGUAGES, choose_language


def add_reading_options(parser: argparse.ArgumentParser) -> None:
    """Add what a person can say of a log that does not say it itself."""
    parser.add_argument("log", type=Path, metavar="LOG", help="the log file; its format is seen from what it holds")
    parser.add_argument("--unit", choices=("c", "f"), help="of temperatures whose unit the log does not say")
    parser.add_argument("--time-zone", metavar="ZONE", help="of times without one, such as Asia/Ho_Chi_Minh (UTC)")
    parser.add_argument("--interval", type=float, metavar="SECONDS", help="between samples of a log without times")


def asked_of(options: argparse.Namespace) -> Asked:
    """Return what was said of the log on the command line."""
    if options.interval is not None and not 0 < options.interval <= 86_400:
        msg = f"--interval must be more than 0 and at most 86,400 seconds, not {options.interval:g}"
        raise InvalidError(msg)
    return Asked(options.unit, zone_called(options.time_zone), options.interval)


def add_command(parser: argparse.ArgumentParser) -> None:
    """Add the options of `canhlo analyse`."""
    add_reading_options(parser)
    parser.add_argument(
        "--cone", type=cone_called, metavar="N", help="the cone that the firing was to reach, such as 6 or 04"
    )
    parser.add_argument("--fuel", choices=FUELS, default="lpg", help="what the kiln burns (lpg)")
    parser.add_argument("--schedule", type=Path, metavar="FILE", help="what it was fired by, in any known format")
    parser.add_argument("--schedule-unit", choices=("c", "f"), help="of a schedule that does not say its unit")
    parser.add_argument("--schedule-name", metavar="NAME", help="which, if the file holds several")
    parser.add_argument("--ware", type=_ware, default=frozenset(), metavar="A,B", help=f"of {', '.join(WARE)}")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="also draw the curves into a .png, .svg or .pdf")
    parser.add_argument("--json", action="store_true", help="print the analysis as JSON, and nothing else on stdout")
    parser.add_argument("--lang", choices=LANGUAGES, help="tiếng Việt / English")
    parser.set_defaults(run=run)


def cone_called(text: str) -> str:
    """Return the cone that a command line names; a mistake of whoever wrote it if there is none."""
    if text not in cones.names():
        msg = f"there is no cone {text!r}; there are: {' '.join(cones.names())}"
        raise argparse.ArgumentTypeError(msg)
    return text


def _ware(text: str) -> frozenset[str]:
    ware = frozenset(filter(None, text.split(",")))
    if unknown := ware - set(WARE):
        msg = f"there is no ware {', '.join(map(repr, sorted(unknown)))}; there are: {', '.join(WARE)}"
        raise argparse.ArgumentTypeError(msg)
    return ware


def _watch(options: argparse.Namespace) -> Watch:
    schedule = None
    if options.schedule is not None:
        schedule = read_schedule(options.schedule, options.schedule_unit, name=options.schedule_name)
    return Watch(options.cone, options.fuel, ware=options.ware, schedule=schedule, unlearnt=PRIOR)


def run(options: argparse.Namespace) -> None:
    """Read, look, and tell."""
    words = Words(choose_language(options.lang))
    asked = asked_of(options)
    analysis = analyse(read_log(options.log, asked), _watch(options))
    if options.json:
        sys.stdout.write(json.dumps(as_json(analysis), ensure_ascii=False, indent=1, allow_nan=False) + "\n")
    else:
        Report(analysis, options.log, words, asked.zone).show(Console(highlight=False))
    if options.plot is not None:
        from service.analysis.plot import plot

        plot(analysis, options.plot, words)
