"""`canhlo kilns`, `canhlo firings`: what a running service says, for people and as JSON lines for programs."""

import argparse
import os
from collections.abc import Callable, Iterable
from datetime import datetime
from itertools import islice
from typing import TypeVar
from urllib.parse import urlsplit

import msgspec

from service.client.http import Client
from service.client.models import Firing, Kiln
from service.errors import ServiceError
from service.in_clear import stays_here
from service.spoken import say

T = TypeVar("T", Kiln, Firing)


class UnsaidError(ServiceError):
    """It was not said where the service is, or with which token."""

    code = "invalid"


def add_connection(parser: argparse.ArgumentParser) -> None:
    """Add how a running service is reached."""
    parser.add_argument("--url", help="address of the service ($CANHLO_URL)")
    parser.add_argument("--token", help="an API token from its settings page; better in $CANHLO_TOKEN")


def add_kilns(parser: argparse.ArgumentParser) -> None:
    """Add the options of `canhlo kilns`."""
    add_connection(parser)
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    parser.set_defaults(run=run_kilns)


def add_firings(parser: argparse.ArgumentParser) -> None:
    """Add the options of `canhlo firings`."""
    add_connection(parser)
    parser.add_argument("--kiln", type=int, metavar="ID", help="of this kiln only")
    parser.add_argument("--limit", type=_how_many, default=20, help="so many, newest first (20)")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    parser.set_defaults(run=run_firings)


def _how_many(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        msg = f"wanted a number such as 20, not {text!r}"
        raise argparse.ArgumentTypeError(msg)
    return int(text)


def connect(options: argparse.Namespace) -> Client:
    """Return a client for what was said on the command line or in the environment."""
    url, token = options.url or os.environ.get("CANHLO_URL"), options.token or os.environ.get("CANHLO_TOKEN")
    if not url or not token:
        msg = "say --url and --token, or set CANHLO_URL and CANHLO_TOKEN; tokens are made on the settings page"
        raise UnsaidError(msg)
    if not url.startswith(("http://", "https://")):
        msg = f"{url!r} is no address of a service; wanted one such as https://lo.example.org"
        raise UnsaidError(msg)
    if url.startswith("http://") and not stays_here(urlsplit(url).hostname or "", ()):
        msg = f"{url} would be sent the token in clear; wanted https://"
        raise UnsaidError(msg)
    return Client(url, token=token)


def run_kilns(options: argparse.Namespace) -> None:
    with connect(options) as canhlo:
        _tell(canhlo.kilns(), _kiln_line, as_json=options.json)


def run_firings(options: argparse.Namespace) -> None:
    with connect(options) as canhlo:
        _tell(islice(canhlo.firings(kiln_id=options.kiln), options.limit), _firing_line, as_json=options.json)


def _kiln_line(kiln: Kiln) -> str:
    probes = ", ".join(f"{one.name} {_degrees(one.value_c)}" for one in kiln.now.channels)
    return f"{kiln.id:>5}  {kiln.name}  {say(kiln.now.phase)}  {probes}".rstrip()


def _firing_line(firing: Firing) -> str:
    ended = say("running") if firing.ended_at is None else _clock(firing.ended_at)
    return (
        f"{firing.id:>5}  {firing.kiln_name} {firing.number}  {_clock(firing.started_at)} - {ended}"
        f"  {say('peak')} {_degrees(firing.peak_c)}  {say('cone')} {firing.cone_reached or '-'}"
    )


def _tell(found: Iterable[T], line: Callable[[T], str], *, as_json: bool) -> None:
    for one in found:
        print(msgspec.json.encode(one).decode() if as_json else line(one), flush=True)


def _degrees(value_c: float | None) -> str:
    return "-" if value_c is None else f"{value_c:.0f} °C"


def _clock(at: datetime) -> str:
    """Return a time by this machine's clock, as pages show it by theirs, with its offset from UTC."""
    return at.astimezone().isoformat(sep=" ", timespec="minutes")
