"""How the service gets onto a machine: its installer, its units, and the recipe of its images."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
import yaml
from postgres import ADMIN, postgres_server
from sqlalchemy import create_engine, text

from service.archive.backup import back_up, restore
from service.demo.broker import free_port
from service.settings import Settings
from service.store.database import Database
from service.store.migrate import upgrade

HOUSE = Path(__file__).parents[2]
INSTALL = HOUSE / "service/install"
DOCKER = HOUSE / "docker"
COMPOSE = yaml.safe_load((DOCKER / "compose.yaml").read_text())
POSTGRES = yaml.safe_load((DOCKER / "compose.postgres.yaml").read_text())
SERVICES = [service for compose in (COMPOSE, POSTGRES) for service in compose["services"].values()]
SETTINGS = {f"CANHLO_{name.upper()}" for name in Settings.model_fields}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Another root, in which the installer has run."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "--no-index"]
    subprocess.run([*command, "--wheel-dir", str(folder), str(HOUSE)], check=True)
    made = tmp_path_factory.mktemp("root")
    env = {"CANHLO_ROOT": str(made), "PATH": "/usr/bin:/bin", "PYTHON": sys.executable, "HOME": str(Path.home())}
    words = ["sh", str(INSTALL / "install.sh"), str(next(folder.glob("*.whl"))), "https://lo.example.org"]
    subprocess.run(words, check=True, env=env, timeout=400)
    return made


@pytest.fixture
def installed(root: Path, tmp_path: Path) -> Iterator[str]:
    """Give the address of the installed service, at work away from the house."""
    port = free_port()
    env = {"CANHLO_DATA_DIR": str(tmp_path / "data"), "CANHLO_PORT": str(port), "PATH": "/usr/bin:/bin"}
    canhlo = root / "opt/canhlo/bin/canhlo"
    with subprocess.Popen([canhlo, "serve"], env=env, cwd=tmp_path, stdout=subprocess.DEVNULL) as service:
        try:
            _wait_for(f"http://127.0.0.1:{port}/readyz")
            yield f"http://127.0.0.1:{port}"
        finally:
            service.send_signal(signal.SIGTERM)
            assert service.wait(15) in (0, -signal.SIGTERM)


def _wait_for(url: str) -> None:
    deadline = time.monotonic() + 40
    while True:
        try:
            httpx.get(url).raise_for_status()
        except httpx.HTTPError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
        else:
            return


@pytest.mark.timeout(500)
def test_the_installed_service_answers_with_its_page_and_backs_itself_up(
    installed: str, root: Path, tmp_path: Path
) -> None:
    page = httpx.get(installed)
    assert page.status_code == 200
    assert "/assets/" in page.text

    env = {"CANHLO_DATA_DIR": str(tmp_path / "data"), "PATH": "/usr/bin:/bin", "CANHLO_KEEP_BACKUPS": "2"}
    (tmp_path / "backups").mkdir()
    for day in ("2026-01-01", "2026-01-02", "2026-01-03"):
        (tmp_path / f"backups/canhlo-{day}T120000.tar").touch()
    program = [root / "usr/local/lib/canhlo/backup", root / "opt/canhlo/bin/canhlo", tmp_path / "backups"]
    subprocess.run(program, env=env, check=True, stdout=subprocess.DEVNULL)

    kept = sorted(path.name for path in (tmp_path / "backups").iterdir())
    assert len(kept) == 2
    assert kept[0] == "canhlo-2026-01-03T120000.tar"


def test_a_backup_that_fails_is_told_and_leaves_the_newest_of_those_before(tmp_path: Path) -> None:
    for day in range(1, 16):
        (tmp_path / f"canhlo-2026-01-{day:02}T120000.tar").touch()
    (tmp_path / ".canhlo-left").mkdir()
    os.utime(tmp_path / ".canhlo-left", (0, 0))
    failing = tmp_path / "failing"
    failing.write_text("#!/bin/sh\nexit 3\n")
    failing.chmod(0o755)

    for _ in range(2):
        assert subprocess.run(["sh", INSTALL / "backup.sh", failing, tmp_path], check=False).returncode == 3

    kept = sorted(path.name for path in tmp_path.glob("*canhlo-*"))
    assert kept == [f"canhlo-2026-01-{day:02}T120000.tar" for day in range(3, 16)]


@pytest.mark.timeout(500)
def test_the_installer_puts_everything_in_its_place_and_keeps_settings(root: Path) -> None:
    settings = (root / "etc/canhlo/canhlo.env").read_text()

    assert "CANHLO_PUBLIC_URL=https://lo.example.org" in settings
    assert set(re.findall(r"^#? ?(CANHLO_\w+)=", settings, re.MULTILINE)) <= SETTINGS
    for unit in ("canhlo.service", "canhlo-backup.service", "canhlo-backup.timer"):
        assert (root / "etc/systemd/system" / unit).read_text() == (INSTALL / unit).read_text()


@pytest.mark.parametrize("program", ["service", "firmware_bridge"])
def test_an_upgrade_of_debian_that_takes_its_python_away_is_mended_by_installing_again(
    tmp_path: Path, program: str
) -> None:
    script = (HOUSE / program / "install/install.sh").read_text()
    [step] = [line for line in script.splitlines() if "-m venv" in line]
    env = {"HOME_DIR": str(tmp_path), "PYTHON": sys.executable, "PATH": "/usr/bin:/bin"}

    def packages() -> Path:
        subprocess.run(["sh", "-euc", step], env=env, check=True)
        return next(tmp_path.glob("lib/python3.*"))

    was = packages()
    (tmp_path / "kept while it works").touch()
    packages()
    assert (tmp_path / "kept while it works").exists()
    was.rename(was.with_name("python3.1"))

    assert packages() == was
    assert subprocess.run([tmp_path / "bin/pip", "--version"], check=False).returncode == 0


@pytest.mark.parametrize("page", sorted(HOUSE.glob("docs/*.md")), ids=lambda page: page.stem)
def test_no_setting_that_a_page_shows_has_a_comment_behind_it(page: Path) -> None:
    """In an EnvironmentFile of systemd it would be part of the value."""
    shown = "".join(re.findall(r"^```\w*\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL))
    settings = re.findall(r"^CANHLO_\w+=.*", shown, re.MULTILINE)

    assert [line for line in settings if re.search(r"\s#", re.sub(r"(['\"]).*?\1", "", line))] == []


def test_every_setting_that_the_compose_file_sets_is_one() -> None:
    given = [name for compose in (COMPOSE, POSTGRES) for name in compose["services"]["canhlo"]["environment"]]

    assert {name for name in given if name.startswith("CANHLO_")} <= SETTINGS


def test_the_service_runs_with_no_more_rights_than_it_needs() -> None:
    canhlo = COMPOSE["services"]["canhlo"]

    assert canhlo["read_only"] is True
    assert canhlo["cap_drop"] == ["ALL"]
    assert "ports" not in canhlo  # the world comes in through Caddy alone
    whole = [one for one in SERVICES if "image" in one or "build" in one]
    assert [one for one in whole if one.get("security_opt") != ["no-new-privileges:true"]] == []
    assert "USER canhlo" in (DOCKER / "Dockerfile").read_text()


@pytest.mark.parametrize(("password", "starts"), [("", False), ("a long one", True)])
def test_grafana_does_not_start_with_the_password_that_all_know(password: str, starts: bool) -> None:
    command = [part.replace("$$", "$") for part in COMPOSE["services"]["grafana"]["entrypoint"]]
    assert command[-1].rstrip().endswith("exec /run.sh")
    command[-1] = command[-1].replace("/run.sh", "echo starts")
    run = subprocess.run(
        command, env={**os.environ, "GF_SECURITY_ADMIN_PASSWORD": password}, capture_output=True, text=True, check=False
    )

    assert ("starts" in run.stdout) is starts
    assert ("CANHLO_GRAFANA_PASSWORD" in run.stderr) is not starts


def test_everything_that_the_recipes_take_is_there() -> None:
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", (DOCKER / "Dockerfile").read_text(), re.MULTILINE)
    mounted = [one.split(":")[0] for service in SERVICES for one in service.get("volumes", [])]

    missing = [name for line in copied for name in line.split() if not (HOUSE / name).exists()]
    missing += [
        name
        for name in mounted
        if name.startswith(".") and "passwords" not in name and not (DOCKER / name).resolve().exists()
    ]
    assert missing == []
    assert {name for name in mounted if not name.startswith(".")} == {*COMPOSE["volumes"], *POSTGRES["volumes"]}


def test_postgresql_in_a_container_asks_for_its_passwords_and_is_the_clients_version() -> None:
    service, server = POSTGRES["services"]["canhlo"], POSTGRES["services"]["postgres"]
    recipe = (DOCKER / "Dockerfile").read_text()

    given = {**service["environment"], **server["environment"]}
    url = given.pop("CANHLO_DATABASE_URL")
    assert all(re.fullmatch(r"\$\{\w+:\?[^}]+\}", value) for value in given.values())
    inside = COMPOSE["services"]["canhlo"]["environment"]["CANHLO_INSIDE_HOSTS"]
    assert Settings(database_url=url, inside_hosts=inside).database == "postgresql+psycopg://canhlo@postgres/canhlo"
    assert re.findall(r"postgresql-client-(\d+)", recipe) == [server["image"].removeprefix("postgres:")]
    assert "FROM python:3.13-slim-trixie AS base" in recipe  # Debian 13 has that client


def test_postgresqls_account_for_the_service_is_no_superuser_and_its_backup_comes_back(tmp_path: Path) -> None:
    with postgres_server() as url:
        folder = url.partition("host=")[2]
        env = {"PGHOST": folder, "POSTGRES_USER": ADMIN, "CANHLO_POSTGRES_PASSWORD": "it's a secret"}
        subprocess.run([DOCKER / "postgres.sh"], env={**os.environ, **env}, check=True, stdout=subprocess.DEVNULL)
        (tmp_path / "one").mkdir()
        one = Settings(data_dir=tmp_path / "one", database_url=f"postgresql+psycopg://canhlo@/canhlo?host={folder}")
        database = Database(one.database)
        upgrade(database)
        with database.read() as session:
            mighty = session.scalars(text("SELECT rolname FROM pg_roles WHERE rolsuper OR rolbypassrls")).all()
        list(back_up(one, database, tmp_path / "backup.tar", now=datetime.now(UTC)))
        database.close()
        admin = create_engine(url.format(name="postgres"), isolation_level="AUTOCOMMIT")
        with admin.connect() as connection:
            connection.execute(text("DROP DATABASE canhlo"))
            connection.execute(text("CREATE DATABASE canhlo OWNER canhlo"))
        admin.dispose()

        restore(Settings(data_dir=tmp_path / "two", database_url=one.database_url), tmp_path / "backup.tar")

    assert mighty == [ADMIN]


def test_the_broker_keeps_at_once_what_it_acknowledges() -> None:
    lines = (DOCKER / "mosquitto.conf").read_text().splitlines()

    assert {"persistence true", "autosave_interval 1", "autosave_on_changes true"} <= set(lines)


def test_the_dashboard_asks_for_figures_that_the_service_tells(root: Path) -> None:
    board = json.loads((HOUSE / "dashboards/grafana/dashboards/service.json").read_text())
    asked = " ".join(target["expr"] for panel in board["panels"] for target in panel["targets"])
    program = (
        "import service.counters; from prometheus_client import generate_latest; print(generate_latest().decode())"
    )
    told = subprocess.run([root / "opt/canhlo/bin/python", "-c", program], capture_output=True, text=True, check=True)

    names = set(re.findall(r"\b(?:canhlo|process)_\w+", asked))
    assert {name for name in names if f"# TYPE {name.removesuffix('_total')}" not in told.stdout} == set()
