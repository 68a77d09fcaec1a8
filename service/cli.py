"""The `canhlo` command."""

import argparse
import asyncio
import json
import sys
import tempfile
from contextlib import closing
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Final

from pydantic import ValidationError
from sqlalchemy.exc import DatabaseError, DBAPIError

from service import one_processor
from service.analysis import command as analyse
from service.app import Server, check_port, check_tls, create_app
from service.archive import command as archive
from service.archive import sinks
from service.client import command as remote
from service.demo.run import DemoOptions, run_demo
from service.errors import ServiceError
from service.logs import set_up_logs
from service.people import command as people
from service.series.sinks.kinds import reader_of
from service.settings import Settings
from service.spoken import Parser, say
from service.store.alone import alone
from service.store.database import Database
from service.store.identity import create_link, has_accounts
from service.store.migrate import upgrade
from service.store.tenancy import warn_of_power

FIRST_LINK_LASTS: Final = timedelta(hours=24)
LAST_PORT: Final = 65535


def main() -> None:
    """Run the command line; a failure that was foreseen is one line on stderr and exit code 2."""
    try:
        options = _parser().parse_args()
        options.run(options)
    except ValidationError as error:
        sys.exit(_fail(_told(error)))
    except (ServiceError, ValueError) as error:
        sys.exit(_fail(str(error)))
    except DBAPIError as error:
        sys.exit(_fail(_of_database(error)))
    except OSError as error:
        sys.exit(_fail(f"{error.filename or 'the system'}: {(error.strerror or str(error)).lower()}"))
    except KeyboardInterrupt:
        sys.exit(130)


def _fail(message: str) -> int:
    print(f"canhlo: {say(message)}", file=sys.stderr)
    return 2


def _told(error: ValidationError) -> str:
    """Return what is wrong with a setting, by the name that it has in the environment."""
    wrong = error.errors(include_input=False, include_url=False)[0]
    said = wrong["msg"].removeprefix("Value error, ")
    if not wrong["loc"]:  # it is about several, and names them
        return said
    name, *within = map(str, wrong["loc"])
    return f"CANHLO_{', '.join([name.upper(), *within])}: {said}"


def _of_database(error: DBAPIError) -> str:
    why = str(error.orig).partition("\n")[0]
    if type(error) is DatabaseError:  # SQLite's own word for a file that is not as it should be
        return f"the database is damaged ({why}); `canhlo restore` brings back a backup, into an empty folder"
    return f"the database cannot be used: {why}"


def _parser() -> argparse.ArgumentParser:
    parser = Parser(prog="canhlo", description="Canh Lò: keep watch over the kiln.")
    parser.add_argument("--version", action="version", version=f"canhlo {version('canhlo')}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    serve = commands.add_parser("serve", help="run the service (settings: CANHLO_... in the environment)")
    serve.add_argument("--data-dir", type=Path, help="where the database and keys live")
    serve.add_argument("--host", help="address to listen on (127.0.0.1)")
    serve.add_argument("--port", type=_port, help="port to listen on (8600)")
    serve.add_argument("--check", action="store_true", help="say whether the settings are right, and do not start")
    serve.set_defaults(run=_serve)
    demo = commands.add_parser("demo", help="replay two recorded firings through real instruments, broker and bridges")
    demo.add_argument("--speed", type=float, default=60.0, help="how many times faster the clock runs (60)")
    demo.add_argument("--until-done", action="store_true", help="end when both firings were replayed")
    demo.add_argument("--json", action="store_true", help="print what happened as JSON, and nothing else on stdout")
    demo.add_argument("--port", type=_port, default=8600, help="the page's port (8600; 0 takes any)")
    demo.add_argument("--folder", type=Path, help="keep everything in this folder instead of a temporary one")
    demo.set_defaults(run=_demo)
    analyse.add_command(commands.add_parser("analyse", help="read a log of any known format and say what it holds"))
    archive.add_import(commands.add_parser("import", help="bring a log of any known format into a kiln's history"))
    archive.add_export(commands.add_parser("export", help="hand out a firing as a plain log, Parquet or JSON"))
    archive.add_verify(commands.add_parser("verify", help="read back everything that is stored"))
    sinks.add_sinks(commands.add_parser("sinks", help="say where readings are passed on to, and how far that has got"))
    archive.add_backup(commands.add_parser("backup", help="write everything into one file, while the service runs"))
    archive.add_restore(commands.add_parser("restore", help="bring back a backup to where nothing is"))
    people.add_people(commands.add_parser("people", help="accounts: list, link to a new password, sign out, disable"))
    remote.add_kilns(commands.add_parser("kilns", help="list the kilns of a running service, as they are now"))
    remote.add_firings(commands.add_parser("firings", help="list the firings of a running service, newest first"))
    openapi = commands.add_parser("openapi", help="print the API's OpenAPI document")
    openapi.set_defaults(run=_openapi)
    return parser


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) <= LAST_PORT):
        msg = f"a port is a number from 0 to {LAST_PORT}, not {text!r}"
        raise argparse.ArgumentTypeError(msg)
    return int(text)


def _serve(options: argparse.Namespace) -> None:
    given = {
        name: getattr(options, name) for name in ("data_dir", "host", "port") if getattr(options, name) is not None
    }
    settings = Settings(**given)
    check_tls(settings)
    if options.check:
        print(say("the settings are right"))
        return
    set_up_logs(as_json=settings.logs == "json")
    check_port(settings.host, settings.port)  # first: what cannot serve must not change the tables
    settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    with alone(settings.database), closing(Database(settings.database, reads_from=reader_of(settings))) as database:
        upgrade(database)
        warn_of_power(database)
        _greet(settings, database)
        # The watch computes for seconds on end; who answers bridges must not wait long for its turn.
        sys.setswitchinterval(0.001)
        if not database.is_shared:  # or there are other services, perhaps on this machine
            one_processor.settle()
        Server(create_app(settings, database), settings).run()


def _greet(settings: Settings, database: Database) -> None:
    print(f"Canh Lò: {settings.url}   (data: {settings.data_dir})", flush=True)
    with database.write() as session:
        if has_accounts(session):
            return
        token = create_link(session, None, now=datetime.now(UTC), lasts=FIRST_LINK_LASTS)
    print(
        "Chưa có tài khoản nào. Mở liên kết này để tạo tài khoản đầu tiên (dùng một lần, trong 24 giờ):\n"
        "There is no account yet. Open this link to make the first one (works once, within 24 hours):\n"
        f"  {settings.url}/setup#{token}",
        flush=True,
    )


def _demo(options: argparse.Namespace) -> None:
    wanted = DemoOptions(options.speed, options.until_done, options.json, options.port, options.folder)
    asyncio.run(run_demo(wanted))


def _openapi(_options: argparse.Namespace) -> None:
    with tempfile.TemporaryDirectory() as folder:
        app = create_app(Settings(data_dir=Path(folder)), Database("sqlite://"))
    print(json.dumps(app.openapi(), indent=1, ensure_ascii=False))
