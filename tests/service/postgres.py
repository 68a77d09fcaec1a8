"""A PostgreSQL server of the tests' own, in a temporary folder, gone with them."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ADMIN = "canhlo_test"


IN_A_HURRY = "-c fsync=off -c full_page_writes=off"


@contextmanager
def postgres_server(settings: str = "", files: Path | None = None) -> Iterator[str]:
    """Start a server that listens on a Unix socket only; give the URL of its cluster, without a database's name.

    Of `files` it has a copy of its own, `../files` in its settings. `IN_A_HURRY` are settings for who
    makes a database for every test and cuts off no machine's power.
    """
    programs = max(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: int(folder.parent.name))
    folder = Path(tempfile.mkdtemp(prefix="canhlo-pg-"))
    if files is not None:
        shutil.copytree(files, folder / "files")
    # The server refuses to run as root; everybody else runs it as themselves.
    as_other = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] if os.getuid() == 0 else []
    if as_other:
        for path in (folder, *folder.rglob("*")):
            shutil.chown(path, "postgres", "postgres")
    data = folder / "data"

    def run(program: str, *words: str) -> None:
        subprocess.run([*as_other, programs / program, *words], check=True, stdout=subprocess.DEVNULL, cwd=folder)

    try:
        run("initdb", "-D", str(data), "-U", ADMIN, "--auth=trust", "--no-sync", "-E", "UTF8")
        options = f"-c listen_addresses='' -c unix_socket_directories={folder} -c max_connections=200 {settings}"
        run("pg_ctl", "-D", str(data), "-o", options, "-l", str(folder / "log"), "-w", "start")
        try:
            yield f"postgresql+psycopg://{ADMIN}@/{{name}}?host={folder}"
        finally:
            run("pg_ctl", "-D", str(data), "-m", "immediate", "-w", "stop")
    finally:
        shutil.rmtree(folder)
