"""The client against the real service over a real socket, and what it does when the network is bad."""

import importlib.util
import json
import os
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from running import running
from service_parts import NOW, new_workshop

from service.api import firing_edits
from service.api.limits import MOST_FILES, handing_out
from service.cli import main
from service.client import AnswerError, Client
from service.core.assess import AssessedFiring
from service.core.findings import Finding, Group, Severity
from service.settings import Settings
from service.store import api_tokens, firings, kilns
from service.store.database import Database
from service.store.models import Alarm
from service.store.roles import Scope

ANY = "canhlo_any"
ROOT = Path(__file__).parents[2]
TWO_PROBES = ROOT / "service/demo/recordings/ocr_two_probe_20151021.csv"


@pytest.fixture
def database_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'canhlo.sqlite3'}"


@pytest.fixture
def service(settings: Settings, database: Database) -> Iterator[tuple[str, str]]:
    """Give the address of a running service and a token that may write."""
    new_workshop(database, "lan@example.org")
    now = datetime.now(UTC)
    with database.write() as session:
        kiln = kilns.create_kiln(session, 1, name="Lò 1", key="lo-1")
        kilns.add_channel(session, kiln, "top", "c")
        for number in range(205):
            began_at = NOW + timedelta(days=number)
            ended = {"ended_at": began_at + timedelta(hours=9), "end_cause": "cooled"}
            firings.add_firing(session, kiln, started_at=began_at, **ended)
        token = api_tokens.create(
            session, 1, 1, name="Grafana", scope=Scope.WRITE, expires_at=now + timedelta(days=1), now=now
        )[1]
    with running(settings, database) as address:
        yield address, token


def test_a_program_reads_and_writes_what_its_token_may(service: tuple[str, str], tmp_path: Path) -> None:
    with Client(service[0], token=service[1], language="en") as canhlo:
        [kiln] = canhlo.kilns()
        found = list(canhlo.firings(kiln_id=kiln.id))
        changed = canhlo.change_firing(found[0], note="gió to", fuel_used={"amount": 40, "unit": "kg_lpg"})
        with pytest.raises(AnswerError, match="look again") as stale:
            canhlo.change_firing(found[0], note="khác")
        [channel] = canhlo.channels(kiln.id)
        made = canhlo.add_calibration(channel.id, from_at=NOW, points={1000: 4.0, 0: 0.0})
        again = canhlo.recompute_firing(found[0].id)
        length = canhlo.export(found[0].id, tmp_path / "firing.json", form="json")
        hour = {"from_at": NOW, "to_at": NOW + timedelta(hours=1)}
        canhlo.export_readings(kiln.id, tmp_path / "readings.csv", **hour)
        with pytest.raises(AnswerError, match="3 days apart"):
            canhlo.export_readings(kiln.id, tmp_path / "x.csv", from_at=NOW, to_at=NOW + timedelta(days=4))
        log = canhlo.bring_in_log(kiln.id, TWO_PROBES, time_zone="Europe/Paris", target_cone="10")
        with pytest.raises(AnswerError, match="brought in before"):
            canhlo.bring_in_log(kiln.id, TWO_PROBES, time_zone="Europe/Paris")

    assert [one.number for one in found] == list(range(205, 0, -1))
    assert changed.fuel_used is not None
    assert (changed.note, changed.fuel_used.amount) == ("gió to", 40)
    assert stale.value.code == "changed_meanwhile"
    assert [one.indicated_c for one in made.points] == [0.0, 1000.0]
    assert again.firing.id == found[0].id
    assert length == len((tmp_path / "firing.json").read_bytes())
    assert json.loads((tmp_path / "firing.json").read_text())["firing"]["number"] == 205
    assert (log.readings, len(log.firing_ids)) == (11_008, 1)
    assert (tmp_path / "readings.csv").read_text() == "time\n"


def test_the_commands_say_what_the_service_says(service: tuple[str, str]) -> None:
    said_where = {"CANHLO_URL": service[0], "CANHLO_TOKEN": service[1], "PATH": ""}
    environment = {**said_where, "LANG": "en_GB.UTF-8", "TZ": "Asia/Ho_Chi_Minh"}

    def said(*words: str) -> subprocess.CompletedProcess[str]:
        program = [sys.executable, "-c", "from service.cli import main; main()", *words]
        return subprocess.run(program, env=environment, capture_output=True, text=True, cwd=ROOT, check=False)

    assert "Lò 1" in said("kilns").stdout
    assert re.match(r" +\d+  Lò 1 205  \d{4}-\d\d-\d\d \d\d:\d\d\+07:00 - ", said("firings", "--limit", "1").stdout)
    lines = said("firings", "--limit", "3", "--json").stdout.splitlines()
    assert [json.loads(line)["number"] for line in lines] == [205, 204, 203]
    wrong = said("kilns", "--token", "canhlo_guessed")
    assert (wrong.returncode, wrong.stderr.startswith("canhlo: this token is unknown")) == (2, True)
    in_clear = said("kilns", "--url", "http://lo.example.org")
    assert (in_clear.returncode, "sent the token in clear; wanted https://" in in_clear.stderr) == (2, True)


class BadNetwork(httpx.MockTransport):
    """Loses the first requests, or has the service too busy for them; remembers their keys."""

    def __init__(self, *faults: int | None) -> None:
        super().__init__(self._answer)
        self.faults = list(faults)
        self.keys: list[str | None] = []

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.keys.append(request.headers.get("idempotency-key"))
        if not self.faults:
            return httpx.Response(200, json=[])
        fault = self.faults.pop(0)
        if fault is None:
            raise httpx.ReadTimeout("no answer came", request=request)
        return httpx.Response(fault, headers={"retry-after": "7"}, json={"code": "busy", "detail": "later"})


def test_what_may_be_repeated_is_under_one_key_and_waits_as_it_is_told() -> None:
    waited: list[float] = []
    network = BadNetwork(None, 503)
    with Client("http://lo.test", token=ANY, transport=network, sleep=waited.append) as canhlo:
        assert canhlo.kilns() == []
        network.faults = [None]
        with pytest.raises(Exception, match="Expected `object`"):
            canhlo.merge_firings(1, 2)

    assert waited == [0.25, 7.0, 0.25]
    assert network.keys[:3] == [None] * 3
    assert len(network.keys) == 5
    assert network.keys[3] == network.keys[4] is not None


@pytest.mark.parametrize(("fault", "code"), [(None, "unreachable"), (503, "busy")])
def test_what_stays_bad_is_a_problem_in_the_end(fault: int | None, code: str) -> None:
    network = BadNetwork(*[fault] * 9)
    with (
        Client("http://lo.test", token=ANY, transport=network, sleep=lambda _: None) as canhlo,
        pytest.raises(AnswerError) as problem,
    ):
        canhlo.kilns()

    assert (problem.value.code, len(network.keys)) == (code, 4)


class LostAnswer(httpx.HTTPTransport):
    """Loses the connection once the first POST has arrived; remembers what came of the others."""

    def __init__(self, arrived: threading.Event) -> None:
        super().__init__()
        self._arrived = arrived
        self._first: threading.Thread | None = None
        self.told: list[tuple[int, str]] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if self._first is None:
            self._first = threading.Thread(target=self._answer_nobody, args=[request])
            self._first.start()
            assert self._arrived.wait(10)
            raise httpx.ReadError("connection reset by peer", request=request)
        answer = super().handle_request(request)
        self.told.append((answer.status_code, answer.headers.get("idempotency-replayed", "")))
        return answer

    def finish(self) -> None:
        """Wait until the lost answer was given."""
        assert self._first is not None
        self._first.join()

    def _answer_nobody(self, request: httpx.Request) -> None:
        super().handle_request(request).read()

    def close(self) -> None:
        self.finish()
        super().close()


def test_an_answer_that_was_lost_is_waited_for_under_the_same_key(
    service: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    arrived, may_end, waited = threading.Event(), threading.Event(), list[float]()
    look_again = firing_edits.look_again

    def slowly(*asked: Any, **said: Any) -> AssessedFiring:
        arrived.set()
        assert may_end.wait(30)
        return look_again(*asked, **said)

    def wait(wait_s: float) -> None:
        waited.append(wait_s)
        if len(waited) == 3:
            may_end.set()
            network.finish()

    monkeypatch.setattr(firing_edits, "look_again", slowly)
    network = LostAnswer(arrived)
    with Client(service[0], token=service[1], transport=network, sleep=wait) as canhlo:
        merged = canhlo.merge_firings(1, 2)

    assert [part.id for part in merged.firing.parts] == [2]
    assert network.told[-1] == (200, "true")
    assert {status for status, _ in network.told[:-1]} == {409}
    assert waited[1:] == [1.0, 1.0]


def test_every_alarm_is_returned(service: tuple[str, str], database: Database) -> None:
    with database.write() as session:
        kiln = kilns.get_kiln(session, [1], 1)
        for number in range(230):
            began_s = (NOW + timedelta(minutes=number)).timestamp()
            found = Finding("stalled", Group.KILN, Severity.WARNING, None, began_s, None)
            [row] = firings.save_findings(session, kiln, None, [found])
            session.add(Alarm(workshop_id=1, finding_id=row.id, opened_at=NOW))

    with Client(service[0], token=service[1]) as canhlo:
        alarms = canhlo.alarms()

    assert sorted(one.id for one in alarms) == list(range(1, 231))


@pytest.mark.parametrize(("said", "wait_s"), [("7", 7.0), ("Wed, 21 Oct 2026 07:28:00 GMT", 0.25), ("soon", 0.25)])
def test_what_a_proxy_says_of_waiting_may_be_a_date(said: str, wait_s: float) -> None:
    answers = [httpx.Response(503, headers={"retry-after": said}), httpx.Response(200, json=[])]
    waited: list[float] = []
    transport = httpx.MockTransport(lambda _request: answers.pop(0))

    with Client("http://lo.test", token=ANY, transport=transport, sleep=waited.append) as canhlo:
        assert canhlo.kilns() == []

    assert waited == [wait_s]


@contextmanager
def server_that_says(answer: bytes) -> Iterator[str]:
    """Give the address of a server that says the same to everybody, and hangs up."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            while True:
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return
                with connection:
                    connection.recv(65_536)
                    connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        listening.shutdown(socket.SHUT_RDWR)
    thread.join()


BROKEN_OFF = (
    b"HTTP/1.1 200 OK\r\ncontent-disposition: attachment\r\ncontent-length: 1000\r\n\r\ntime,top_c\r\n2026-03-01"
)
A_PAGE = b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 15\r\n\r\n<!doctype html>"


def test_a_download_that_breaks_off_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    good, none = tmp_path / "good.csv", tmp_path / "none.csv"
    good.write_bytes(b"time,top_c\r\n")

    with server_that_says(BROKEN_OFF) as address, Client(address, token=ANY, sleep=lambda _: None) as canhlo:
        with pytest.raises(AnswerError, match="was not reached") as broken_off:
            canhlo.export(1, good)
        with pytest.raises(AnswerError):
            canhlo.export(1, none)

    assert broken_off.value.code == "unreachable"
    assert good.read_bytes() == b"time,top_c\r\n"
    assert list(tmp_path.iterdir()) == [good]


def test_a_download_waits_until_there_is_a_place(service: tuple[str, str], tmp_path: Path) -> None:
    places, waited = ExitStack(), list[float]()

    def wait(wait_s: float) -> None:
        waited.append(wait_s)
        places.close()

    with places, Client(service[0], token=service[1], sleep=wait) as canhlo:
        for _ in range(MOST_FILES):
            places.enter_context(handing_out())
        length = canhlo.export(1, tmp_path / "firing.csv")

    assert waited == [0.25]
    assert (tmp_path / "firing.csv").stat().st_size == length


def test_a_download_goes_into_a_pipe_as_it_comes(service: tuple[str, str], tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with ThreadPoolExecutor(1) as beside, Client(service[0], token=service[1]) as canhlo:
        read = beside.submit(pipe.read_bytes)
        length = canhlo.export(1, pipe)

    assert pipe.is_fifo()
    assert len(read.result()) == length > 0


@contextmanager
def closed_port() -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    yield f"http://127.0.0.1:{port}"


@pytest.mark.parametrize(
    "words", [("kilns",), ("firings",), ("export", "1", "--out", "x.csv")], ids=lambda words: words[0]
)
@pytest.mark.parametrize(
    ("where", "wanted"),
    [
        (closed_port, "127.0.0.1 was not reached: "),
        (partial(server_that_says, A_PAGE), "127.0.0.1 answered something else than was asked for ("),
    ],
    ids=["a closed port", "a page"],
)
def test_a_wrong_address_is_one_line(
    where: Callable[[], AbstractContextManager[str]],
    wanted: str,
    words: tuple[str, ...],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LC_ALL", "en_GB.UTF-8")
    monkeypatch.setenv("CANHLO_TOKEN", ANY)
    with where() as address:
        monkeypatch.setattr("sys.argv", ["canhlo", *words, "--url", address])
        with pytest.raises(SystemExit) as ended:
            main()

    said = capsys.readouterr().err
    assert ended.value.code == 2
    assert said.startswith(f"canhlo: {wanted}")
    assert said.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_the_types_are_those_of_the_document() -> None:
    spec = importlib.util.spec_from_file_location("client_models", ROOT / ".ci/client_models.py")
    assert spec is not None
    assert spec.loader is not None
    maker = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(maker)
    made = maker.models(json.loads((ROOT / "dashboards/web/openapi.json").read_text()))

    formatted = subprocess.run(
        [str(Path(sys.executable).parent / "ruff"), "format", "-"],
        input=made,
        capture_output=True,
        text=True,
        check=True,
    )

    assert formatted.stdout == (ROOT / "service/client/models.py").read_text()
