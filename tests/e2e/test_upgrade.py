"""What the installer does to an installation that is at work, with stand-ins for systemctl and pip."""

import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

INSTALL = Path(__file__).parents[2] / "service/install"
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Give a root with a program, in which a stand-in for pip writes down what it is asked."""
    programs = tmp_path / "root/opt/canhlo/bin"
    programs.mkdir(parents=True)
    for name in ("python", "pip"):
        script(programs / name, f'echo "{name} $1" >> "{tmp_path}/calls"')
    with zipfile.ZipFile(tmp_path / "canhlo-1.whl", "w") as wheel:
        for path in INSTALL.iterdir():
            wheel.write(path, f"service/install/{path.name}")
        wheel.writestr("service/install/run.txt", "")
    return tmp_path / "root"


@pytest.fixture
def run(root: Path, tmp_path: Path) -> Run:
    """Run the installer beside a systemctl that fails at some of its words; what it was asked is in `calls`."""

    def running(*words: str, failing: str = r"quiet\ canhlo.service\ canhlo@") -> subprocess.CompletedProcess[str]:
        systemctl = script(
            tmp_path / "systemctl", f'echo "$@" >> "{tmp_path}/calls"; case "$*" in *{failing}*) exit 3; esac'
        )
        env = {
            "CANHLO_ROOT": str(root),
            "CANHLO_SYSTEMCTL": str(systemctl),
            "PYTHON": sys.executable,
            "CANHLO_LOOKS_EVERY_S": "0",
        }
        command = ["sh", str(INSTALL / "install.sh"), *words]
        return subprocess.run(
            command, env={**os.environ, **env}, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60
        )

    return running


def script(path: Path, line: str) -> Path:
    path.write_text(f"#!/bin/sh\n{line}\n")
    path.chmod(0o755)
    return path


def calls(tmp_path: Path) -> list[str]:
    return (tmp_path / "calls").read_text().splitlines()


def test_a_new_service_is_enabled_and_started(run: Run, tmp_path: Path) -> None:
    assert run("canhlo-1.whl", "https://lo.example.org").returncode == 0

    assert [call for call in calls(tmp_path) if "canhlo" in call] == [
        "enable --quiet --now canhlo-backup.timer",
        "enable --quiet canhlo.service",
        "restart canhlo.service",
        *["is-active --quiet canhlo.service"] * 5,  # it stays up
    ]


@pytest.mark.parametrize(
    "words",
    [
        ("canhlo-1.whl", "canhlo-2.whl"),
        ("canhlo-1.whl", "canhlo-2.whl", "https://lo.example.org"),
        ("canhlo-1.whl", "lo.example.org"),
    ],
)
def test_what_is_no_address_changes_nothing(run: Run, root: Path, tmp_path: Path, words: tuple[str, ...]) -> None:
    ended = run(*words)

    assert ended.returncode == 2
    assert f"given: {' '.join(words)}." in ended.stderr
    assert sorted(path.name for path in root.rglob("*") if path.is_file()) == ["pip", "python"]
    assert not (tmp_path / "calls").exists()


def test_of_several_processes_each_is_renewed_and_restarted(run: Run, root: Path, tmp_path: Path) -> None:
    run("canhlo-1.whl")
    template = root / "etc/systemd/system/canhlo@.service"
    template.write_text("as it was in the version before")
    (tmp_path / "calls").unlink()

    assert run("canhlo-1.whl").returncode == 0

    assert "ExecStart=/opt/canhlo/bin/canhlo serve --port %i\n" in template.read_text()
    assert calls(tmp_path)[-1] == "try-restart canhlo.service canhlo@*.service"
    assert not [call for call in calls(tmp_path) if call.startswith("enable") and "canhlo.service" in call]


def test_a_service_at_work_is_backed_up_before_anything_is_changed(run: Run, tmp_path: Path) -> None:
    run("canhlo-1.whl")
    (tmp_path / "calls").unlink()

    assert run("canhlo-1.whl", failing="nothing").returncode == 0

    assert calls(tmp_path)[:4] == [
        "is-active --quiet canhlo.service canhlo@*.service",
        "start canhlo-backup.service",
        "python -c",  # it only asks whether pip is there
        "pip install",
    ]


def test_without_a_backup_nothing_is_changed(run: Run, tmp_path: Path) -> None:
    run("canhlo-1.whl")
    (tmp_path / "calls").unlink()

    ended = run("canhlo-1.whl", failing="start\\ canhlo-backup")

    assert ended.returncode == 1
    assert "nothing was changed: see journalctl -u canhlo-backup" in ended.stderr
    assert calls(tmp_path)[-1] == "start canhlo-backup.service"


def test_a_service_that_does_not_stay_up_is_told(run: Run, tmp_path: Path) -> None:
    ended = run("canhlo-1.whl", failing="is-active")  # as with a setting that the new version does not take

    assert ended.returncode == 1
    assert "The service does NOT run" in ended.stderr
    assert calls(tmp_path)[-2:] == ["restart canhlo.service", "is-active --quiet canhlo.service"]
