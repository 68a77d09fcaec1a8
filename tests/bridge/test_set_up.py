"""What a person does with a bridge: look for instruments, check, watch, see to its disk."""

import io
import os
import re
import threading
import time
import tty
from collections.abc import Iterator
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, HTTPServer
from importlib import resources
from pathlib import Path

import msgspec
import pytest
from bridge_fakes import NOON, Mosquitto, free_port
from rich.console import Console
from snapshots import SNAPSHOT
from test_mqtt import publish

from firmware_bridge.blocks import Draft
from firmware_bridge.cli import main
from firmware_bridge.message import Message
from firmware_bridge.set_up.check import Finding, Level, check
from firmware_bridge.set_up.doctor import examine
from firmware_bridge.set_up.lines import Guess, Spoken, _lasting, recognise
from firmware_bridge.set_up.scan import _said, scan_broker, scan_ports
from firmware_bridge.set_up.topics import recognise as recognise_topics
from firmware_bridge.set_up.watch import watch
from firmware_bridge.settings import load_settings
from firmware_bridge.spool import Spool
from firmware_bridge.wire import Receipt
from firmware_bridge.words import Words

VI, EN = Words("vi"), Words("en")


# --- the example


def test_every_instrument_of_the_example_is_right_once_its_lines_are_awake(tmp_path: Path) -> None:
    example = (resources.files("firmware_bridge") / "example.toml").read_text("utf-8")
    awake = re.sub(r"^# (\[\[[\w.]+\]\]|[a-z_]+ = )", r"\1", example, flags=re.MULTILINE)
    (tmp_path / "b.toml").write_text(awake, "utf-8")

    settings = load_settings(tmp_path / "b.toml")

    assert len(settings.actions) == 2
    assert len(settings.sources) == example.count("# [[sources]]") == 12


# --- scan


@pytest.fixture
def logger_port() -> Iterator[str]:
    """A port on which a logger speaks."""
    master, slave = os.openpty()
    tty.setraw(slave)
    over = threading.Event()

    def speak() -> None:
        while not over.wait(0.05):
            os.write(master, b"21/10/2015 11:26:31;650;586\n")

    speaking = threading.Thread(target=speak)
    speaking.start()
    yield os.ttyname(slave)
    over.set()
    speaking.join()
    os.close(master)
    os.close(slave)


def test_scan_proposes_lines_that_are_right_settings(logger_port: str, tmp_path: Path) -> None:
    said = "\n".join(scan_ports([logger_port], 0.5, VI))

    assert "hiểu được: kiểu camera_logger, 2 can" in said
    (tmp_path / "b.toml").write_text('server = "http://lo:8600"\n' + said[said.index("[[sources]]") :], "utf-8")
    (source,) = load_settings(tmp_path / "b.toml").sources
    assert (source.kiln, source.channels) == ("lo-1", ("top", "bottom"))


def test_scan_says_when_a_port_is_silent_or_not_there(tmp_path: Path) -> None:
    master, slave = os.openpty()
    said = "\n".join(scan_ports([os.ttyname(slave), str(tmp_path / "none")], 0.1, EN))
    os.close(master)
    os.close(slave)

    assert "nothing was heard" in said
    assert "there is no such port" in said


def test_scan_shows_what_can_be_read_when_it_understands_nothing() -> None:
    said = _said(Spoken("/dev/ttyUSB0", 9600, (b"hello",)), EN)

    assert "no format fits: b'hello'" in said
    assert "max31855: C = 612.75" in said


def test_scan_without_any_port_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("firmware_bridge.set_up.scan.find_ports", list)

    assert list(scan_ports([], 0.1, VI)) == ["Không thấy cổng nối tiếp nào. Cắm dây USB của máy ghi vào rồi chạy lại."]


def test_a_port_is_called_by_the_name_that_stays(tmp_path: Path) -> None:
    device = tmp_path / "ttyUSB0"
    device.touch()
    (tmp_path / "by-id").mkdir()
    (tmp_path / "by-id/usb-1a86_Serial-if00").symlink_to(device)

    assert _lasting(str(device), tmp_path / "by-id") == str(tmp_path / "by-id/usb-1a86_Serial-if00")
    assert _lasting("/dev/ttyS0", tmp_path / "by-id") == "/dev/ttyS0"


@pytest.mark.parametrize("lines", [[b"hello", b"ready"], [], [b"\xff\x00\x81"] * 5])
def test_lines_that_nobody_understands_are_not_guessed_at(lines: list[bytes]) -> None:
    assert recognise(lines) is None


MAX31855 = [b"Internal Temp = 24.25", b"C = 612.75", b"F = 1134.95"]
PILN = [b"ReadTmp:52.23, RampTmp:53.64, TargetTmp:100.00,", b"Output:47.34, CycleOnSec:14.20"]
PROPANE = [b"Time,Temp ADC 1 F,Propane Pressure (PSI)", b"1,1888.4,3.1", b"2,1889.0,3.1"]


@pytest.mark.parametrize(
    ("lines", "guess"),
    [
        ([b"21/10/2015 11:26:31;650;586"] * 3, Guess("camera_logger", 2)),
        (MAX31855 * 3, Guess("max31855", 1)),
        ([b"612.75", b"613.00"], Guess("numbers", 1, is_unit_said=False)),
        ([b"612.75\t598.5"] * 3, Guess("numbers", 2, is_unit_said=False)),
        ([b"top=612.75C bottom=598C"] * 2, Guess("key_value", 2, ("top", "bottom"))),
        (PILN, Guess("key_value", 5, ("ReadTmp", "RampTmp", "TargetTmp", "Output", "CycleOnSec"), is_unit_said=False)),
        (PROPANE, Guess("csv", 1, ("Temp ADC 1 F",), is_unit_said=False)),
        ([b"time,top_c,bottom_c", b"1,612,598"], Guess("csv", 2, ("top_c", "bottom_c"))),
    ],
)
def test_what_sketches_and_loggers_say_is_recognised(lines: list[bytes], guess: Guess) -> None:
    assert recognise(lines) == guess


async def test_scan_of_a_broker_proposes_each_device_once(mosquitto: Mosquitto, tmp_path: Path) -> None:
    said_by = {
        "tele/t/SENSOR": b'{"MAX31855-0":{"Temperature":22.8},"MAX31855-1":{"Temperature":23},"TempUnit":"C"}',
        "lo-4/sensor/can_tren/state": b"612.5",
        "qtkiln/8813/state": b'{"time_ms":1,"kiln":{"temp_C":20}}',
        "homeassistant/sensor/x/config": b'{"uniq_id":"x","stat_t":"a","unit_of_meas":"\xc2\xb0C"}',
        "zigbee2mqtt/bep": b'{"temperature":27.3}',
        "kiln/status": b'{"temperature":20,"state":"IDLE"}',
        "kiln/command": b"stop",
    }
    for topic, payload in said_by.items():
        await publish(mosquitto.port, payload, retain=True, topic=topic)

    head, *proposals = await scan_broker("127.0.0.1", mosquitto.port, 1.0, VI)

    assert "thấy 6 thiết bị" in head
    text = "\n".join(proposals).replace("# unit =", "unit =")
    for n in range(2, 7):
        text = text.replace('kiln = "lo-1"', f'kiln = "lo-{n}-"', 1)
    (tmp_path / "b.toml").write_text('server = "http://lo:8600"\n' + text, "utf-8")
    sources = load_settings(tmp_path / "b.toml").sources
    assert sorted(source.format for source in sources if source.type == "mqtt") == sorted(
        ["tasmota", "esphome", "qtkiln", "home_assistant", "zigbee2mqtt", "kiln_controller"]
    )


async def test_scan_of_a_broker_that_is_away_says_so() -> None:
    assert "không trả lời" in (await scan_broker("127.0.0.1", free_port(), 0.1, VI))[0]


def test_a_unit_that_was_not_said_is_asked_for() -> None:
    (heard,) = recognise_topics([Message(b"612.5", NOON, "n/sensor/t/state")])

    assert not heard.is_unit_said


# --- check


class Desk(HTTPServer):
    """A service that takes one token, and whose clock can be off."""

    off_s = 0.0

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: Desk

    def do_GET(self) -> None:
        self._answer(200, b"{}")

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers["Authorization"] == "Bearer right":
            self._answer(200, msgspec.msgpack.encode(Receipt(0, 0, {})))
        else:
            self._answer(401, b'{"detail":"nobody knows this token"}')

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.end_headers()
        self.wfile.write(body)

    def date_time_string(self, timestamp: float | None = None) -> str:
        return formatdate((timestamp or time.time()) + self.server.off_s, usegmt=True)

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def desk() -> Iterator[Desk]:
    server = Desk()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def write_settings(folder: Path, server: str, source: str, key: str = "right") -> Path:
    config = folder / "bridge.toml"
    config.write_text(f'server = "{server}"\n[[sources]]\nkiln = "lo-1"\n{source}')
    (folder / "bridge.token").touch(mode=0o600)
    (folder / "bridge.token").write_text(key)
    return config


def mqtt(port: int) -> str:
    return f'type = "mqtt"\nhost = "127.0.0.1"\nport = {port}\nformat = "qtkiln"\n'


def serial(port: Path | str) -> str:
    return f'type = "serial"\nport = "{port}"\nformat = "camera_logger"\ntime_zone = "UTC"\nchannels = ["top"]\n'


def wrong(config: Path) -> list[str]:
    return [finding.key for finding in check(config) if finding.level is not Level.WELL]


@pytest.mark.allow_hosts(["127.0.0.1", "0.0.0.0"])  # noqa: S104 - another name of this machine
def test_check_warns_of_a_service_to_which_everything_goes_in_clear(
    desk: Desk, mosquitto: Mosquitto, tmp_path: Path
) -> None:
    url = desk.url.replace("127.0.0.1", "0.0.0.0")  # noqa: S104
    found = check(write_settings(tmp_path, url, mqtt(mosquitto.port)))

    assert [one.key for one in found if one.level is not Level.WELL] == ["service_in_clear"]


def test_check_finds_nothing_where_all_is_well(desk: Desk, mosquitto: Mosquitto, tmp_path: Path) -> None:
    found = list(check(write_settings(tmp_path, desk.url, mqtt(mosquitto.port))))

    assert [(one.key, one.level) for one in found] == [
        (key, Level.WELL)
        for key in (
            "config_well",
            "broker_well",
            "disk_room",
            "token_well",
            "service_well",
            "clock_well",
            "welcome_well",
        )
    ]


def test_check_names_the_kilns_that_are_fed(desk: Desk, mosquitto: Mosquitto, tmp_path: Path) -> None:
    two = mqtt(mosquitto.port) + "[[sources]]\n" + serial("/dev/null") + 'kiln = "lo-l"\n'
    first = next(check(write_settings(tmp_path, desk.url, two)))

    assert "lo-1, lo-l" in first.say(VI)
    assert "lo-1, lo-l" in first.say(EN)


def test_check_says_each_thing_that_is_wrong(desk: Desk, tmp_path: Path) -> None:
    desk.off_s = 3600
    config = write_settings(tmp_path, desk.url, serial(tmp_path / "ttyUSB0"), key="wrong")
    (tmp_path / "bridge.token").chmod(0o644)

    assert wrong(config) == ["port_absent", "token_open", "clock", "welcome"]


def test_check_looks_at_what_shall_tell_of_breaches(tmp_path: Path) -> None:
    config = write_settings(tmp_path, f"http://127.0.0.1:{free_port()}", serial("/dev/null"))
    with config.open("a") as file:
        file.write('[[actions]]\ntype = "sms"\nport = "/dev/ttyUSB9"\nto = ["+84901234567"]\n')
        file.write('[[actions]]\ntype = "command"\nrun = ["/opt/none"]\n')
        file.write('[[actions]]\ntype = "command"\nrun = ["sh", "-c", "true"]\n')

    assert wrong(config) == ["port_absent", "command", "service"]


def test_check_says_when_nobody_is_there(tmp_path: Path) -> None:
    config = write_settings(tmp_path, f"http://127.0.0.1:{free_port()}", mqtt(free_port()), key="")
    (tmp_path / "data").write_text("a file where a folder is wanted")

    assert wrong(config) == ["broker", "disk", "token", "service"]


def test_check_of_settings_that_are_wrong_says_the_line(tmp_path: Path) -> None:
    (finding,) = check(write_settings(tmp_path, "nowhere", serial("/dev/ttyUSB0")))

    assert "dòng/line 1: server" in finding.say(VI)
    assert finding.say(VI).endswith("rồi kiểm tra lại.")


def test_a_port_that_may_not_be_read_names_its_group(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    port = tmp_path / "ttyUSB0"
    port.touch()
    monkeypatch.setattr(os, "access", lambda *_: False)  # root, who runs some tests, may read every port
    finding = next(one for one in check(write_settings(tmp_path, "http://lo", serial(port))) if "port" in one.key)

    assert f"usermod -aG {port.group()}" in finding.say(EN)


def test_every_finding_has_its_words_in_both_languages(tmp_path: Path) -> None:
    finding = Finding(Level.WRONG, "broker", {"host": "h", "port": 1, "detail": "d"})

    assert finding.say(VI).splitlines()[0] == "✗ Broker h:1: không vào được (d)"
    assert finding.say(EN).splitlines()[1].startswith("  → See whether the broker runs")


def test_check_ends_with_2_when_something_is_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--config", str(tmp_path / "none.toml"), "--check", "--lang", "en"])

    assert ended.value.code == 2
    assert "cannot be read" in capsys.readouterr().out


# --- watch


def test_watch_shows_readings_with_age_rate_and_faults(tmp_path: Path) -> None:
    status = tmp_path / "status.json"
    status.write_bytes(msgspec.json.encode(SNAPSHOT))
    screen = io.StringIO()

    is_running = watch(status, VI, Console(file=screen, width=120), is_once=True)

    shown = screen.getvalue()
    assert is_running
    for words in (
        "lo-1 / top",
        "1234,6 °C",
        "+118 °C/giờ",
        "1 giây",
        "can đứt",
        "5 phút",
        "30 số đo",
        "không có giờ: 4",
        "[[actions]]",
    ):
        assert words in shown


def test_watch_says_that_what_it_shows_is_old(tmp_path: Path) -> None:
    status = tmp_path / "status.json"
    status.write_bytes(msgspec.json.encode(SNAPSHOT))
    os.utime(status, (0, 0))
    screen = io.StringIO()

    assert not watch(status, EN, Console(file=screen, width=120), is_once=True)
    assert "The bridge is not running" in screen.getvalue()


def test_watch_without_a_bridge_says_what_to_do(tmp_path: Path) -> None:
    screen = io.StringIO()

    assert not watch(
        tmp_path / "status.json", VI, Console(file=screen, width=500), is_once=True
    )  # the folder's name may be long
    assert "Máy đọc can chưa chạy lần nào" in screen.getvalue()


# --- doctor


def keys(data_dir: Path) -> list[tuple[str, Level]]:
    return [(finding.key, finding.level) for finding in examine(data_dir)]


def test_doctor_sees_what_waits_and_what_was_put_aside(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool.sqlite3")
    spool.append([Draft("lo-1", 1000, ()), Draft("lo-1", 2000, ())], {})
    spool.reject(spool.boot, 1, "a block that nobody can read")
    spool.close()
    (tmp_path / "spool.sqlite3.damaged-20260101T000000000000Z").write_bytes(b"x")

    assert keys(tmp_path) == [
        ("spool_well", Level.WELL),
        ("quarantine", Level.WARNING),
        ("spool_aside", Level.WARNING),
        ("disk_room", Level.WELL),
    ]


def test_doctor_of_a_running_bridge_asks_its_status(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool.sqlite3")
    try:
        without = keys(tmp_path)[0]
        (tmp_path / "status.json").write_bytes(msgspec.json.encode(SNAPSHOT))
        with_status = keys(tmp_path)[:2]
    finally:
        spool.close()

    assert without == ("spool_busy", Level.WRONG)
    assert with_status == [("spool_running", Level.WELL), ("quarantine", Level.WARNING)]


@pytest.mark.parametrize("damage", ["header", "page"])
def test_doctor_says_that_a_spool_is_damaged_and_changes_nothing(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "spool.sqlite3"
    spool = Spool(path)
    spool.append([Draft("lo-1", n, ()) for n in range(500)], {})
    spool.close()
    raw = bytearray(path.read_bytes())
    at = {"header": 0, "page": 8192}[damage]
    raw[at : at + 4096] = os.urandom(4096)
    path.write_bytes(raw)

    found = keys(tmp_path)

    assert found[0] == ("spool_damaged", Level.WRONG)
    assert path.read_bytes() == bytes(raw)


def test_doctor_before_the_first_run(tmp_path: Path) -> None:
    assert keys(tmp_path) == [("spool_absent", Level.WARNING)]


def test_every_reason_to_refuse_has_its_words_in_both_languages() -> None:
    texts = [path.read_text("utf-8") for path in Path(str(resources.files("firmware_bridge"))).rglob("*.py")]
    reasons = {found for text in texts for found in re.findall(r'Rejected\(\s*"(\w+)"', text)}

    assert len(reasons) > 15
    for words in (VI, EN):
        assert [one for one in sorted(reasons) if words.refused({one: 1}) == f"{one}: 1"] == []


def test_check_says_in_words_why_the_service_is_away_and_shows_no_error_number(tmp_path: Path) -> None:
    config = write_settings(tmp_path, f"http://127.0.0.1:{free_port()}", serial("/dev/null"))
    (tmp_path / "bridge.token").unlink()

    said = "\n".join(finding.say(VI) for finding in check(config))

    assert "không ai nghe ở cổng này" in said
    assert "chưa có\n" in said
    assert "Errno" not in said
