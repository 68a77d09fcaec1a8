"""Real commands, and a modem that speaks AT on a real port."""

import os
import sys
import threading
import tty
from collections.abc import Iterator
from pathlib import Path

import pytest
from bridge_fakes import until

from firmware_bridge.actions.command import Command
from firmware_bridge.actions.sms import Sms, plain_text
from firmware_bridge.cli import main
from firmware_bridge.notice import ActionError, Notice
from firmware_bridge.set_up.ring import ring
from firmware_bridge.words import Words

RAISED = Notice("lo-1/top/over_temperature", "Lò lo-1 quá nhiệt: 1300 °C", is_raised=True)
OVER = Notice("lo-1/top/over_temperature", "Lò lo-1 quá nhiệt: 1300 °C", is_raised=False)


class Modem:
    """A GSM modem as 27.005 has it, with echo on until it is told otherwise."""

    def __init__(self, refuses: str = "") -> None:
        self.sent: list[tuple[str, str]] = []
        self._refuses = refuses
        self._master, self._slave = os.openpty()
        tty.setraw(self._slave)
        self.port = os.ttyname(self._slave)
        self._echoes = True
        self._number = ""
        self._thread = threading.Thread(target=self._work)
        self._thread.start()

    def close(self) -> None:
        os.write(self._slave, b"END\r")
        self._thread.join()
        os.close(self._master)
        os.close(self._slave)

    def _work(self) -> None:
        heard = b""
        while True:
            heard += (byte := os.read(self._master, 1))
            if self._echoes:
                os.write(self._master, byte)
            if byte not in (b"\r", b"\x1a"):
                continue
            said, heard = heard[:-1].decode(), b""
            if said == "END":
                return
            os.write(self._master, self._answer(said, is_message=byte == b"\x1a"))

    def _answer(self, said: str, *, is_message: bool) -> bytes:
        if self._refuses and self._refuses in said:
            return b"\r\n+CMS ERROR: 38\r\n"
        if is_message:
            self.sent.append((self._number, said))
            return b"\r\n+CMGS: 7\r\n\r\nOK\r\n"
        if said.startswith("AT+CMGS="):
            self._number = said.partition("=")[2].strip('"')
            return b"\r\n> "
        self._echoes &= said != "ATE0"
        return b"\r\nOK\r\n"


@pytest.fixture
def modem() -> Iterator[Modem]:
    made = Modem()
    yield made
    made.close()


async def test_a_text_message_goes_to_every_number(modem: Modem) -> None:
    await Sms(modem.port, 115_200, ["+84901234567", "+84907654321"]).tell(RAISED)

    assert modem.sent == [
        ("+84901234567", "Lo lo-1 qua nhiet: 1300 C"),
        ("+84907654321", "Lo lo-1 qua nhiet: 1300 C"),
    ]


async def test_what_is_over_sends_no_message(modem: Modem) -> None:
    await Sms(modem.port, 115_200, ["+84901234567"]).tell(OVER)

    assert modem.sent == []


async def test_a_number_that_fails_does_not_keep_the_others_from_theirs() -> None:
    modem = Modem(refuses="+84900000000")
    try:
        with pytest.raises(ActionError, match="CMS ERROR: 38"):
            await Sms(modem.port, 115_200, ["+84900000000", "+84901234567"]).tell(RAISED)
    finally:
        modem.close()

    assert [number for number, _ in modem.sent] == ["+84901234567"]


async def test_a_modem_that_is_not_there_is_a_failure(tmp_path: Path) -> None:
    with pytest.raises(ActionError, match=r"\+84901234567"):
        await Sms(str(tmp_path / "none"), 115_200, ["+84901234567"]).tell(RAISED)


def test_a_message_is_letters_that_every_phone_has() -> None:
    assert plain_text("Đốt lò −5 °C: " + "ư" * 300) == ("Dot lo -5 C: " + "u" * 300)[:160]


async def test_a_command_gets_the_words_and_runs_once(tmp_path: Path) -> None:
    script = f"import sys; open({str(tmp_path / 'said')!r}, 'a').write(sys.argv[1] + '|')"
    command = Command([sys.executable, "-c", script])

    await command.tell(RAISED)
    await command.tell(OVER)

    assert (tmp_path / "said").read_text() == RAISED.text + "|"


async def test_a_command_that_fails_or_is_not_there_is_a_failure(tmp_path: Path) -> None:
    with pytest.raises(ActionError, match="ended with 3"):
        await Command([sys.executable, "-c", "raise SystemExit(3)"]).tell(RAISED)
    with pytest.raises(ActionError, match="cannot be started"):
        await Command([str(tmp_path / "none")]).tell(RAISED)


def is_alive(pid_file: Path) -> bool:
    return pid_file.exists() and Path(f"/proc/{pid_file.read_text() or 'none'}").exists()


async def test_a_held_command_lives_as_long_as_the_breach(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    script = f"import os, time; open({str(pid)!r}, 'w').write(str(os.getpid())); time.sleep(60)"
    command = Command([sys.executable, "-c", script], hold=True)

    await command.tell(RAISED)
    await until(lambda: is_alive(pid))
    await command.tell(OVER)

    await until(lambda: not is_alive(pid))


async def test_a_held_command_ends_with_the_bridge() -> None:
    command = Command(["sleep", "60"], hold=True)
    await command.tell(RAISED)
    (process,) = command._held.values()

    await command.close()

    assert process.returncode is not None


async def test_ring_tells_everybody_once_and_says_who_could_not_be_told(modem: Modem, tmp_path: Path) -> None:
    siren = Command([sys.executable, "-c", "import time; time.sleep(60)"], hold=True)
    actions = [Sms(modem.port, 115_200, ["+84901234567"]), Sms(str(tmp_path / "none"), 9600, ["1"]), siren]

    found = [finding async for finding in ring(actions, Words("vi"), hold_s=0.01)]

    assert [one.key for one in found] == ["ring_well", "ring", "ring_well"]
    assert modem.sent == [("+84901234567", "Canh Lo: day la tin bao thu, lo khong sao ca.")]
    assert "SIM" in found[1].say(Words("vi"))
    assert not siren._held


def test_ring_without_anybody_to_tell_ends_with_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = tmp_path / "b.toml"
    config.write_text(
        'server = "http://lo"\n[[sources]]\ntype = "kiln_controller"\nhost = "lo"\nkiln = "lo-1"\nchannels = ["top"]\n'
    )
    with pytest.raises(SystemExit) as ended:
        main(["--config", str(config), "ring"])

    assert ended.value.code == 2
    assert "[[actions]]" in capsys.readouterr().out
