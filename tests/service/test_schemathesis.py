"""The API does what its OpenAPI document says, and nothing that is sent to it makes it fail: Schemathesis, bounded.

`make fuzz-api` does the same for longer. Both send to the real server, on each database, what the document allows, what
it forbids, and chains of requests whose answers name the next.
"""

import logging
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from lived_in import fill
from running import running

from service.api.limits import TryLimit
from service.settings import Settings
from service.store import identity, sessions
from service.store.database import Database

CONFIG = Path(__file__).parent / "schemathesis.toml"
SEED = int(os.environ.get("CANHLO_FUZZ_SEED", "20260301"))
EXAMPLES = int(os.environ.get("CANHLO_FUZZ_EXAMPLES", "2"))  # of each operation, beside one for every rule of its form


def fuzz(address: str, cookie: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run Schemathesis against a service; its exit code says whether anything failed."""
    return subprocess.run(
        [
            *(sys.executable, "-m", "schemathesis.cli", "--config-file", CONFIG),
            *("run", f"{address}/api/v1/openapi.json", "--header", f"Cookie: {cookie}"),
            *("--max-examples", str(EXAMPLES), "--seed", str(SEED), "--no-color"),
        ],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PYTHONPATH": str(CONFIG.parent)},  # for its hooks
        cwd=folder,  # it keeps what it found there
    )


def sign_in(database: Database) -> str:
    with database.write() as session:
        lan = identity.account_by_login(session, "lan@example.org")
        assert lan is not None
        return f"canhlo={sessions.open_session(session, lan, now=datetime.now(UTC))}"


@pytest.mark.timeout(900)  # a minute on two cores of its own, more on a machine that is busy
def test_the_api_keeps_to_its_document_whatever_is_sent(
    database: Database, settings: Settings, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    fill(database)

    with running(settings, database, requests=TryLimit(tries=10_000_000, refill_s=1)) as address:
        done = fuzz(address, sign_in(database), tmp_path)

    assert done.returncode == 0, done.stdout + done.stderr
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR] == []
