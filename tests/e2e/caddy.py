"""A real Caddy of the tests' own, with the recipe of docs/install.md."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from programs import Program, running

HOUSE = Path(__file__).parents[2]


def recipe(address: str, service_port: int = 8600) -> str:
    """Return the Caddyfile of a service on the same machine, made by the command that the page shows."""
    shown = re.search(r"sed '(.*kilns\.example\.org.*)' docker/Caddyfile", (HOUSE / "docs/install.md").read_text())
    assert shown
    script = shown[1].replace("kilns.example.org", address).replace(":8600", f":{service_port}")
    words = ["sed", script, HOUSE / "docker/Caddyfile"]
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout


@contextmanager
def caddy(folder: Path, sites: str, *options: str) -> Iterator[Program]:
    """Run Caddy with some sites; what it keeps is in `folder`, and what it says in `folder`/caddy.log."""
    program = shutil.which("caddy")
    assert program, "Debian's caddy is needed: `bash .ci/servers` installs it"
    own = "\n".join(("admin off", "skip_install_trust", f"storage file_system {folder / 'caddy'}", *options))
    (folder / "Caddyfile").write_text(f"{{\n{own}\n}}\n{sites}")
    words = [program, "run", "--config", str(folder / "Caddyfile"), "--adapter", "caddyfile"]
    homes = {"XDG_CONFIG_HOME": str(folder), "XDG_DATA_HOME": str(folder)}
    with running(words, folder / "caddy.log", homes) as started:
        started.said("serving initial configuration")
        yield started
