"""Logs on a second machine, as docs/install.md sets it up: its own script, and real rsyslogs."""

import logging
import logging.handlers
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from programs import Program, until

from service.demo.broker import free_port

SCRIPT = Path(__file__).parents[2] / "service/install/logs.sh"


def run_script(root: Path, *words: str | Path) -> None:
    root.mkdir(exist_ok=True)
    env = {"CANHLO_ROOT": str(root), "PATH": "/usr/bin:/bin"}
    subprocess.run(["sh", SCRIPT, *words], env=env, check=True, capture_output=True, text=True)


class Machine:
    """One with a root of its own, and the rsyslog that the script set up there."""

    def __init__(self, root: Path, port: int) -> None:
        self.root = root
        self._port = port
        self._daemon: Program | None = None
        self._socket = root / "devlog"

    def start(self) -> None:
        [rules] = (self.root / "etc/rsyslog.d").glob("*.conf")
        said = rules.read_text().replace("6514", str(self._port)).replace('resumeInterval="10"', 'resumeInterval="1"')
        for folder in ("/etc/canhlo-logs", "/var/log/canhlo"):
            said = said.replace(folder, f"{self.root}{folder}")
        settings = self.root / "rsyslog.conf"
        (self.root / "spool").mkdir(exist_ok=True)
        (self.root / "var/log").mkdir(parents=True, exist_ok=True)
        own = f'global(workDirectory="{self.root}/spool")\nmodule(load="imuxsock" SysSock.Name="{self._socket}")\n'
        settings.write_text(own + said)
        rsyslogd = shutil.which("rsyslogd", path="/usr/sbin:/usr/bin")
        assert rsyslogd, "Debian's rsyslog is needed: `bash .ci/servers` installs it"
        words = [rsyslogd, "-n", "-f", str(settings), "-i", str(self.root / "pid")]
        self._daemon = Program(words, self.root / "rsyslogd.log")
        until(self._socket.exists, 20, lambda: self.log)

    def stop(self) -> None:
        if self._daemon is not None:
            self._daemon.stop()
        self._socket.unlink(missing_ok=True)

    @property
    def log(self) -> str:
        return (self.root / "rsyslogd.log").read_text()

    def write(self, line: str) -> None:
        """Log a line as the service does."""
        handler = logging.handlers.SysLogHandler(str(self._socket))
        handler.ident = "canhlo: "
        handler.handle(logging.makeLogRecord({"msg": line, "levelno": logging.INFO, "levelname": "INFO"}))
        handler.close()

    def kept(self) -> str:
        """Return what other machines have sent."""
        return "".join(file.read_text() for file in self.root.glob("var/log/canhlo/*.log"))


@pytest.fixture
def keeper(tmp_path: Path) -> Iterator[Machine]:
    machine = Machine(tmp_path / "keeper", free_port())
    run_script(machine.root, "receive")
    machine.start()
    yield machine
    machine.stop()


@pytest.fixture
def service(keeper: Machine, tmp_path: Path) -> Iterator[Machine]:
    machine = Machine(tmp_path / "service", keeper._port)
    run_script(machine.root, "send", keeper.root / "etc/canhlo-logs/sender.tar", "127.0.0.1")
    machine.start()
    yield machine
    machine.stop()


def test_what_the_service_logs_is_on_the_other_machine_also_what_it_logs_while_that_is_away(
    keeper: Machine, service: Machine
) -> None:
    service.write("service.api.account: signed in account=1")
    until(lambda: "signed in" in keeper.kept(), 30, lambda: service.log + keeper.log)
    keeper.stop()
    for nr in range(20):
        service.write(f"service.api.problems: refused code=no_access nr={nr}.")
    keeper.start()

    def missing() -> list[int]:
        kept = keeper.kept()
        return [nr for nr in range(20) if f"canhlo service.api.problems: refused code=no_access nr={nr}." not in kept]

    until(lambda: missing() == [], 60, lambda: f"{missing()}\n{service.log}{keeper.log}")
    assert [file.stat().st_mode & 0o027 for file in keeper.root.glob("var/log/canhlo/*.log")] == [0]


def test_it_goes_to_nobody_else_and_is_taken_from_nobody_else(
    keeper: Machine, service: Machine, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere"  # another keeper, of another authority
    run_script(elsewhere, "receive")
    stranger = Machine(tmp_path / "stranger", keeper._port)
    run_script(stranger.root, "send", elsewhere / "etc/canhlo-logs/sender.tar", "127.0.0.1")
    trusted = (service.root / "etc/canhlo-logs/ca.pem").read_bytes()
    (stranger.root / "etc/canhlo-logs/ca.pem").write_bytes(trusted)  # it would talk to ours
    stranger.start()
    stranger.write("forged: signed in account=2")
    until(lambda: "peer" in keeper.log or "certificate" in keeper.log, 30, lambda: stranger.log + keeper.log)
    stranger.stop()
    keeper.stop()
    for name in ("ca.pem", "canhlo-keeper.pem", "canhlo-keeper.key"):
        shutil.copy(elsewhere / "etc/canhlo-logs" / name, keeper.root / "etc/canhlo-logs" / name)
    keeper.start()  # somebody else, where ours was
    service.write("ours: signed in account=1")
    until(lambda: "certificate" in service.log or "peer" in service.log, 30, lambda: service.log + keeper.log)

    assert keeper.kept() == ""


def test_keys_are_for_those_who_need_them(tmp_path: Path) -> None:
    keys = tmp_path / "keeper/etc/canhlo-logs"
    run_script(tmp_path / "keeper", "receive")
    before = {path.name: path.read_bytes() for path in keys.glob("*.pem")}
    run_script(tmp_path / "keeper", "receive")  # for one more machine: the first goes on as it is
    run_script(tmp_path / "service", "send", keys / "sender.tar", "kho.lang.example.org")

    files = [*keys.iterdir(), *tmp_path.glob("service/etc/canhlo-logs/*")]
    assert [path.name for path in files if path.stat().st_mode & 0o077] == []
    assert {path.name for path in keys.glob("*.key")} == {"ca.key", "canhlo-keeper.key"}
    assert {path.name: path.read_bytes() for path in keys.glob("*.pem")} == before


@pytest.mark.parametrize(
    "words", [[], ["receive", "x"], ["send", "nowhere.tar", "a"], ["take"], ["send", "/dev/null", 'a" x="']]
)
def test_a_wrong_call_says_what_is_wanted(words: list[str], tmp_path: Path) -> None:
    with pytest.raises(subprocess.CalledProcessError) as failed:
        run_script(tmp_path / "root", *words)

    assert failed.value.returncode == 2
    assert "send sender.tar HOST" in failed.value.stderr
