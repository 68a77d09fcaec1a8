"""What stands in the way of the readings, one test for each: nothing is lost, and the reason is said in words."""

import asyncio
import contextlib
import os
import ssl
import tty
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from bridge_fakes import NOON, Service, free_port, serving, until
from certificates import make_certificates
from snapshots import SNAPSHOT
from test_uplink import QUICK, fill, sending, waiting

from benchmarks.faults import small_disk
from firmware_bridge.answers import Cause
from firmware_bridge.ballast import Ballast
from firmware_bridge.clock import Clock
from firmware_bridge.formats import SERIAL, Told
from firmware_bridge.intake import Intake, Memory
from firmware_bridge.message import Message, Rejected
from firmware_bridge.payload import Degrees
from firmware_bridge.recorder import Recorder
from firmware_bridge.sources.serial_port import SerialSource
from firmware_bridge.spool import Spool
from firmware_bridge.status import UplinkStatus
from firmware_bridge.status_page import store_lines
from firmware_bridge.words import LANGUAGES, Words

# One try, and none under way when the test ends: httpx does not close the socket of a TLS handshake that is cancelled.
ONCE = replace(QUICK, first_retry_s=60, longest_retry_s=60)


async def why(url: str, token_file: Path, spool: Spool) -> Cause | None:
    """Send to an address until there is an answer; everything has to be kept."""
    kept = waiting(spool)
    async with sending(url, token_file, spool, ONCE) as uplink:
        await until(lambda: uplink.last_answer is not None)
        assert uplink.last_answer is not None
        assert waiting(spool) == kept
        return uplink.last_answer.cause


async def test_an_expired_certificate_keeps_everything_and_is_said_by_its_name(
    spool: Spool, token_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = make_certificates(tmp_path, is_expired=True)
    monkeypatch.setenv("SSL_CERT_FILE", str(authority))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(tmp_path / "server.pem", tmp_path / "server.key")
    fill(spool, *range(10))

    server = await asyncio.start_server(lambda _r, w: w.close(), "127.0.0.1", 0, ssl=context)
    async with server:
        port = server.sockets[0].getsockname()[1]
        assert await why(f"https://127.0.0.1:{port}", token_file, spool) is Cause.CERTIFICATE_EXPIRED


async def test_a_certificate_of_a_stranger_is_not_trusted(spool: Spool, token_file: Path, tmp_path: Path) -> None:
    make_certificates(tmp_path)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(tmp_path / "server.pem", tmp_path / "server.key")
    fill(spool, 1)

    server = await asyncio.start_server(lambda _r, w: w.close(), "127.0.0.1", 0, ssl=context)
    async with server:
        port = server.sockets[0].getsockname()[1]
        assert await why(f"https://127.0.0.1:{port}", token_file, spool) is Cause.CERTIFICATE


async def test_dns_that_is_gone_keeps_everything(spool: Spool, token_file: Path) -> None:
    fill(spool, 1)

    assert await why("http://canh-lo.invalid:8600", token_file, spool) is Cause.NAME


async def test_a_service_that_is_down_for_a_week_gets_the_week(spool: Spool, token_file: Path) -> None:
    fill(spool, *range(6000))  # as many blocks as matter: a week of them is measured by benchmarks/backfill.py
    port = free_port()
    assert await why(f"http://127.0.0.1:{port}", token_file, spool) is Cause.NOBODY

    async with Service() as service, sending(service.url, token_file, spool):
        await until(lambda: waiting(spool) == 0)

    assert sorted(service.stored) == [(spool.boot, seq) for seq in range(1, 6001)], "all of it, each once"
    assert len(service.posts) == 2, "in as few posts as it takes"


@pytest.mark.parametrize("body", [b"<html>Please log in to our Wi-Fi</html>", b"", b"\x00\xff" * 400])
async def test_a_service_that_answers_garbage_is_no_receipt(spool: Spool, token_file: Path, body: bytes) -> None:
    fill(spool, *range(5))

    async with Service() as service:
        service.script = [(200, body)] * 10_000
        assert await why(service.url, token_file, spool) is Cause.GARBLED


async def test_a_service_that_never_finishes_its_answer_is_slow(spool: Spool, token_file: Path) -> None:
    async def mumble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\nwait")
        await reader.read()

    fill(spool, 1)
    async with serving(mumble) as port:
        assert await why(f"http://127.0.0.1:{port}", token_file, spool) is Cause.SLOW


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("cause", list(Cause))
def test_every_reason_is_told_in_words(language: str, cause: Cause) -> None:
    told = msgspec.structs.replace(SNAPSHOT, uplink=UplinkStatus("later", "ConnectError [SSL]", 0, cause.value))

    (_, text, is_well), *_ = store_lines(told, Words(language))

    assert not is_well
    assert "ConnectError" not in text
    assert len(text) > 40


def test_a_read_only_disk_is_said_at_once_and_nothing_is_pretended(tmp_path: Path, spool: Spool) -> None:
    fill(spool, 1)
    spool._db.execute("PRAGMA query_only = ON")  # as a card that the kernel has put read-only: every write fails

    with pytest.raises(Exception, match=r"readonly|read-only"):
        fill(spool, 2)

    spool._db.execute("PRAGMA query_only = OFF")
    fill(spool, 3)
    assert waiting(spool) == 2, "what came before and after is there; what failed was not taken"


class Heard:
    """A listener that remembers."""

    def __init__(self) -> None:
        self.lines: list[bytes] = []
        self.connected: list[bool] = []

    def take(self, message: Message) -> None:
        self.lines.append(message.payload)

    def refuse(self, what: Rejected, count: int = 1) -> None:
        raise AssertionError(what)

    def pause(self, at: datetime) -> None: ...

    def set_connected(self, is_connected: bool, at: datetime) -> None:
        self.connected.append(is_connected)


async def test_a_usb_adapter_that_comes_back_under_another_name_is_found_by_its_lasting_one(tmp_path: Path) -> None:
    by_id, heard = tmp_path / "usb-FTDI_kiln", Heard()
    instrument, device = os.openpty()
    tty.setraw(device)
    by_id.symlink_to(os.ttyname(device))  # as udev makes /dev/serial/by-id
    stop = asyncio.Event()
    reading = asyncio.create_task(SerialSource(str(by_id), 9600, heard, lambda: datetime.now(UTC)).run(stop))
    await until(lambda: heard.connected[-1:] == [True])
    os.write(instrument, b"650\r\n651\r\n")
    await until(lambda: len(heard.lines) == 2)

    os.close(instrument)
    os.close(device)
    by_id.unlink()
    await until(lambda: heard.connected[-1:] == [False])
    instrument, device = os.openpty()
    tty.setraw(device)
    by_id.symlink_to(os.ttyname(device))
    await until(lambda: heard.connected[-1:] == [True])
    os.write(instrument, b"652\r\n")
    await until(lambda: len(heard.lines) == 3)

    stop.set()
    await reading
    os.close(instrument)
    os.close(device)
    assert heard.lines == [b"650", b"651", b"652"]


async def test_a_disk_that_others_have_filled_is_lived_on_by_thinning_and_nothing_new_is_dropped(
    tmp_path: Path,
) -> None:
    with small_disk(tmp_path / "card") as is_small:
        if not is_small:
            pytest.skip("a file system of its own needs root")
        card = tmp_path / "card"
        ballast = Ballast(card / "ballast", 6_000_000)
        decoder = SERIAL["numbers"].make(Told(("top",), (), Degrees.CELSIUS))
        source = Intake("lo-1/top", "lo-1", decoder, Memory(), now=NOON)
        spool = Spool(card / "spool.sqlite3")
        recorder = Recorder([source], spool, Clock(), lambda: None, ballast=ballast, most_waiting=100)
        fill(spool, *range(4000))
        ballast.take_up()
        with contextlib.suppress(OSError), (card / "others").open("wb", buffering=0) as others:
            while others.write(b"x" * 4096):
                pass

        for second in range(6_000):
            at = NOON + timedelta(seconds=second)
            source.take(Message(b"%d" % (second % 1000), at))
            if second % 20 == 0:
                await recorder.commit(at)
        await recorder.commit(NOON + timedelta(seconds=6_000))
        counts, failed = spool.counts(), recorder.failed_commits
        spool.close()

    assert failed > 0, "the disk was full indeed"
    assert (source.counters.dropped, counts.dropped_readings) == (0, 0)
    assert counts.thinned_readings > 0
    assert counts.readings_read == 10_000


async def test_a_disk_that_has_room_again_is_used_as_before(tmp_path: Path) -> None:
    ballast = Ballast(tmp_path / "ballast", 4096)

    assert ballast.take_up()
    assert (tmp_path / "ballast").stat().st_blocks * 512 >= 4096
    ballast.give_up()
    assert not ballast.is_there
    assert not Ballast(tmp_path / "ballast", 10**15).take_up(), "never the last of the disk"
