"""What other programs rely on stays as they know it."""

import json
import re
from pathlib import Path

from firmware_bridge import uplink
from firmware_bridge.recorder import HEARTBEAT_S
from service.api import connections
from service.api.problems import STATUS
from service.app import create_app
from service.core import cones
from service.settings import Settings
from service.store.database import Database

PAGE = Path(__file__).parents[1] / "dashboards/web"


def test_the_page_was_made_from_this_api(tmp_path: Path) -> None:
    """`canhlo openapi > dashboards/web/openapi.json`, then `npm run api`, after every change of the API."""
    database = Database("sqlite://")
    try:
        document = create_app(Settings(data_dir=tmp_path), database).openapi()
    finally:
        database.close()

    assert json.loads((PAGE / "openapi.json").read_text()) == json.loads(json.dumps(document))


def test_the_page_has_words_for_whatever_is_noted_of_people() -> None:
    """What the audit log calls a deed is said in the reader's language, and not as the service calls it."""
    service = "".join(path.read_text() for path in (PAGE.parents[1] / "service").rglob("*.py"))
    noted = set(re.findall(r'audit\.note\([^"]*?what="([a-z ]+)"', service))  # with a keyword ...
    noted |= set(re.findall(r'_?note\(session, \w+, "([a-z ]+)"', service))  # ... of oneself, and by `canhlo people`
    words = "".join(path.read_text() for path in (PAGE / "src/words").glob("vi*.ts"))

    assert len(noted) > 30
    assert {what for what in noted if f'"audit.{what.replace(" ", "_")}"' not in words} == set()


def test_the_page_has_words_for_whatever_is_refused() -> None:
    words = "".join(path.read_text() for path in (PAGE / "src/words").glob("vi*.ts"))

    assert {code for code in STATUS if f'"error.{code}"' not in words} == set()


def test_the_page_offers_the_cones_that_the_science_knows() -> None:
    listed = (PAGE / "src/witness.ts").read_text().partition("CONES:")[2].partition("];")[0]

    assert tuple(re.findall(r'"([\d.]+)"', listed)) == cones.names()


def test_a_bridge_with_nothing_new_keeps_its_connection() -> None:
    assert 2 * HEARTBEAT_S < uplink.KEPT_OPEN_S < connections.KEPT_OPEN_S


def test_what_is_installed_is_what_was_tested() -> None:
    """`make lock` writes all of them: the service's and the bridge's locks, and that of the tests."""
    run, bridge, dev = (_locked(name) for name in ("run", "bridge", "dev"))

    assert bridge.items() <= run.items()
    assert {name: dev.get(name) for name in run} == run


def _locked(name: str) -> dict[str, list[str]]:
    """Return the versions of each package; one may have several, for several versions of Python."""
    lines = (PAGE.parents[1] / f"requirements/{name}.txt").read_text()
    found: dict[str, list[str]] = {}
    for package, version in re.findall(r"^([a-z0-9._-]+)==(\S+)", lines, re.MULTILINE):
        found.setdefault(package, []).append(version)
    return {package: sorted(versions) for package, versions in found.items()}
