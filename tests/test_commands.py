"""The two commands as a shell has them, whatever they are asked to do."""

import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from importlib.metadata import version
from pathlib import Path

import pytest

from firmware_bridge import cli as bridge_cli
from service import cli
from service.store.alone import alone

BIN = Path(sys.executable).parent
OLD = Path(__file__).parent / "service/old"


@pytest.mark.parametrize("command", ["canhlo", "canhlo-bridge"])
def test_a_command_says_its_version(command: str) -> None:
    done = subprocess.run([BIN / command, "--version"], capture_output=True, text=True, check=True)

    assert done.stdout == f"{command} {version('canhlo')}\n"


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        ([], "canhlo: the following arguments are required: COMMAND"),
        (
            ["serve", "--port", "99999"],
            "canhlo serve: argument --port: a port is a number from 0 to 65535, not '99999'",
        ),
        (["demo", "--port", "99999"], "canhlo demo: argument --port: a port is a number from 0 to 65535, not '99999'"),
        (["demo", "--folder", "/proc/lo"], "canhlo: /proc/lo: no such file or directory"),
        (
            ["import", "log.csv", "--kiln", "lo-1", "--cone", "cone 6"],
            "canhlo import: argument --cone: there is no cone",
        ),
        (["kilns", "--token", "x", "--url", "lo.vn"], "canhlo: 'lo.vn' is no address of a service; wanted one such as"),
        (["firings", "--limit", "-1"], "canhlo firings: argument --limit: wanted a number such as 20, not '-1'"),
    ],
)
def test_what_is_wrong_with_a_command_is_said_in_one_line(
    words: list[str], wanted: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LC_ALL", "en_GB.UTF-8")
    monkeypatch.setattr("sys.argv", ["canhlo", *words])

    with pytest.raises(SystemExit) as ended:
        cli.main()

    assert_one_line(ended.value.code, capsys.readouterr(), wanted)


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        (
            ["scan", "--mqtt", "lo.vn:abc"],
            "canhlo-bridge scan: argument --mqtt: cần tên máy như / wanted a host such as",
        ),
        (["scan", "--mqtt", ":1883"], "canhlo-bridge scan: argument --mqtt: cần tên máy như / wanted a host such as"),
        (["scan", "--seconds", "x"], "canhlo-bridge scan: argument --seconds: invalid float value: 'x'"),
        (["pair"], "canhlo-bridge pair: the following arguments are required: code"),
    ],
)
def test_what_is_wrong_with_a_command_of_the_bridge_is_said_in_one_line(
    words: list[str], wanted: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        bridge_cli.main(words)

    assert_one_line(ended.value.code, capsys.readouterr(), wanted)


def assert_one_line(code: object, said: tuple[str, str], wanted: str) -> None:
    out, err = said
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert err.startswith(wanted)


def test_a_port_that_is_taken_is_told_before_the_database_is_brought_along(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "canhlo.sqlite3")) as old:
        old.executescript((OLD / "0001.sqlite.canhlo.sql").read_text())
    with socket.create_server(("127.0.0.1", 0)) as taken:
        words = ["serve", "--data-dir", str(tmp_path), "--port", str(taken.getsockname()[1])]
        done = subprocess.run([BIN / "canhlo", *words], capture_output=True, text=True, check=False, timeout=60)

    with closing(sqlite3.connect(tmp_path / "canhlo.sqlite3")) as old:
        (revision,) = old.execute("SELECT version_num FROM alembic_version").fetchone()
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert revision == "0001"


def test_a_second_service_on_one_sqlite_file_is_refused(tmp_path: Path) -> None:
    with alone(f"sqlite:///{tmp_path / 'canhlo.sqlite3'}"):
        words = ["serve", "--data-dir", str(tmp_path), "--port", "0"]
        done = subprocess.run([BIN / "canhlo", *words], capture_output=True, text=True, check=False, timeout=60)

    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert "canhlo.sqlite3" in done.stderr
    assert not (tmp_path / "canhlo.sqlite3").exists()


@pytest.fixture
def heeds_ctrl_c() -> Iterator[None]:
    """Let programs that are started heed SIGINT, though whoever started the tests ignores it (`nohup`, `&`)."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("heeds_ctrl_c")
@pytest.mark.parametrize("words", [["canhlo", "serve"], ["canhlo", "demo"], ["canhlo-bridge"]])
def test_ctrl_c_while_a_command_is_still_loading_ends_it_without_a_word(words: list[str], tmp_path: Path) -> None:
    (tmp_path / "httpx.py").write_text('import signal\nprint("loading", flush=True)\nsignal.pause()\n')
    program = subprocess.Popen(
        [BIN / words[0], *words[1:]],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={"PYTHONPATH": str(tmp_path), "HOME": str(tmp_path)},
    )
    with program:
        assert program.stdout is not None
        assert program.stdout.readline() == "loading\n"
        program.send_signal(signal.SIGINT)
        said = program.communicate(timeout=30)

    assert (program.returncode, *said) == (130, "", "")
