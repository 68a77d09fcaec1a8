"""The page and the counts, from a real server; nothing a guest says changes anything."""

import asyncio
import contextlib
import string
import time
from collections.abc import AsyncIterator
from datetime import timedelta

import httpx
import msgspec
import pytest
from bridge_fakes import NOON, until
from snapshots import SNAPSHOT

from firmware_bridge.latest import Latest, slope_per_h
from firmware_bridge.line_status import LineStatus
from firmware_bridge.local_server import MAX_GUESTS, LocalServer
from firmware_bridge.machine_clock import is_clock_synchronised
from firmware_bridge.metrics import render_metrics
from firmware_bridge.status import OfflineStatus
from firmware_bridge.status_page import render_page
from firmware_bridge.wire import Quality, Reading
from firmware_bridge.words import _TEXTS, Words, choose_language


@contextlib.asynccontextmanager
async def serving(port: int = 0) -> AsyncIterator[LocalServer]:
    server = LocalServer("127.0.0.1", port, lambda: SNAPSHOT, "vi")
    running = asyncio.create_task(server.run())
    await until(lambda: server.port or running.done())
    yield server
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def ask(port: int, raw: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(raw)
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return answer


async def test_the_page_speaks_both_languages_and_has_no_script() -> None:
    async with serving() as server, httpx.AsyncClient(base_url=f"http://127.0.0.1:{server.port}") as browser:
        vi, en = (await browser.get("/")).text, (await browser.get("/?lang=en")).text

    assert "1234,6 °C" in vi
    assert "can đứt" in vi
    assert "+118 °C/giờ" in vi
    assert "1234.6 °C" in en
    assert "probe open" in en
    assert "<script" not in vi + en
    assert "no answer: &lt;b&gt;" in en
    assert "a&quot;&lt;b&gt;" in en


async def test_the_counts_are_what_prometheus_reads() -> None:
    async with serving() as server, httpx.AsyncClient(base_url=f"http://127.0.0.1:{server.port}") as browser:
        answer = await browser.get("/metrics")
        snapshot = (await browser.get("/status.json")).json()

    lines = answer.text.splitlines()
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert 'canhlo_bridge_source_rejected_total{source="lo-1/top",kiln="lo-1",reason="no_time"} 4' in lines
    assert 'canhlo_bridge_reading_value{kiln="lo-1",channel="top",unit="c"} 1234.56' in lines
    assert 'canhlo_bridge_reading_good{kiln="lo-1",channel="a\\"<b>"} 0' in lines
    assert 'canhlo_bridge_reading_age_seconds{kiln="lo-1",channel="top"} 1' in lines
    assert "canhlo_bridge_spool_waiting_readings 30" in lines
    assert "canhlo_bridge_uplink_up 0" in lines
    assert snapshot["spool"]["quarantined_blocks"] == 1


def test_the_counts_are_read_by_prometheus_own_parser() -> None:
    parser = pytest.importorskip("prometheus_client.parser")

    families = {family.name for family in parser.text_string_to_metric_families(render_metrics(SNAPSHOT))}

    assert {
        "canhlo_bridge_source_connected",
        "canhlo_bridge_readings_stored",
        "canhlo_bridge_disk_free_bytes",
    } <= families


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (b"POST / HTTP/1.1\r\n\r\n", b"405"),
        (b"GET /etc/passwd HTTP/1.1\r\n\r\n", b"404"),
        (b"GET //// HTTP/1.1\r\n\r\n", b"404"),
        (b"hello\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nX: " + b"y" * 20_000 + b"\r\n\r\n", b""),
    ],
)
async def test_only_get_is_answered(raw: bytes, status: bytes) -> None:
    async with serving() as server:
        answer = b""
        with contextlib.suppress(ConnectionError):
            answer = await ask(server.port, raw)

    assert answer[9:12] == status


async def test_guests_who_say_nothing_do_not_keep_others_out_for_long() -> None:
    async with serving() as server:
        silent = [await asyncio.open_connection("127.0.0.1", server.port) for _ in range(MAX_GUESTS)]
        busy = await ask(server.port, b"GET / HTTP/1.1\r\n\r\n")
        for _, writer in silent:
            writer.close()
            await writer.wait_closed()
        async with asyncio.timeout(5):
            while b"200 OK" not in await ask(server.port, b"GET / HTTP/1.1\r\n\r\n"):
                await asyncio.sleep(0.01)

    assert b"503" in busy


async def test_a_port_that_is_taken_costs_the_page_and_nothing_else() -> None:
    async with serving() as first:
        second = LocalServer("127.0.0.1", first.port, lambda: SNAPSHOT, "vi")
        await second.run()


def test_the_rate_is_the_slope_of_the_last_minutes() -> None:
    latest = Latest()
    for second in range(0, 400, 5):
        now = NOON + timedelta(seconds=second)
        at_ms = int(now.timestamp() * 1000)
        latest.note([Reading("lo-1", "top", at_ms, 600 + second / 36)], now)

    (channel,) = latest.channels()

    assert channel.rate_per_h == pytest.approx(100)
    assert channel.value == pytest.approx(600 + 395 / 36)


def test_there_is_no_rate_from_less_than_a_minute_nor_from_a_fault() -> None:
    latest = Latest()
    latest.note([Reading("lo-1", "top", 0, 600.0), Reading("lo-1", "top", 120_000, None, Quality.OPEN)], NOON)

    assert latest.channels()[0].rate_per_h is None
    assert slope_per_h([(0, 1.0), (59_999, 2.0)]) is None


def test_a_clock_that_goes_back_begins_the_rate_anew() -> None:
    latest = Latest()
    latest.note([Reading("k", "c", at_ms, 1.0) for at_ms in (0, 120_000, 60_000)], NOON)

    assert latest.channels()[0].rate_per_h is None


def test_both_languages_say_the_same_things_with_the_same_values() -> None:
    def shape(language: str) -> dict[str, set[str | None]]:
        return {
            f"{table}.{key}": {name for _, name, _, _ in string.Formatter().parse(text) if name}
            for table, texts in _TEXTS[language].items()
            for key, text in texts.items()
        }

    assert shape("vi") == shape("en")


@pytest.mark.parametrize(
    ("asked", "lang", "chosen"), [("en", "vi_VN", "en"), (None, "en_US.UTF-8", "en"), (None, "C", "vi")]
)
def test_vietnamese_unless_somebody_says_otherwise(
    monkeypatch: pytest.MonkeyPatch, asked: str | None, lang: str, chosen: str
) -> None:
    monkeypatch.delenv("LC_ALL", raising=False)
    monkeypatch.delenv("LC_MESSAGES", raising=False)
    monkeypatch.setenv("LANG", lang)

    assert choose_language(asked) == chosen


@pytest.mark.parametrize(
    ("is_synchronised", "words"),
    [(True, "synchronised"), (False, "⚠ not synchronised: it may be wrong"), (None, "unknown")],
)
def test_the_page_says_whether_the_clock_is_right(is_synchronised: bool | None, words: str) -> None:
    snapshot = msgspec.structs.replace(SNAPSHOT, is_clock_synchronised=is_synchronised)

    assert f">{words}</td>" in render_page(snapshot, Words("en"))


def test_page_and_metrics_say_when_the_time_is_only_estimated() -> None:
    snapshot = msgspec.structs.replace(SNAPSHOT, is_clock_synchronised=False, is_clock_sure=False)

    assert ">⚠ estimated: times are put right" in render_page(snapshot, Words("en"))
    assert "\ncanhlo_bridge_clock_sure 0\n" in render_metrics(snapshot)


@pytest.mark.parametrize(("used_bytes", "words"), [(25_000_000, "5 % full (25"), (450_000_000, "⚠ 90 % full (450")])
def test_the_page_says_how_full_the_spool_is_before_it_is_thinned(used_bytes: int, words: str) -> None:
    spool = msgspec.structs.replace(SNAPSHOT.spool, used_bytes=used_bytes, most_bytes=500_000_000)

    assert f">{words}" in render_page(msgspec.structs.replace(SNAPSHOT, spool=spool), Words("en"))


def test_the_kernel_is_asked_and_nothing_is_set() -> None:
    before_s = time.time()

    assert is_clock_synchronised() in (True, False, None)
    assert abs(time.time() - before_s) < 1


@pytest.mark.parametrize(
    ("offline", "words"),
    [
        (OfflineStatus(), "none: the settings have no [[actions]]"),
        (OfflineStatus(actions=("sms",)), "none yet: the service has given no limits"),
        (
            OfflineStatus(("lo-1",), ("over_temperature", "sensor_silent"), ("sms",)),
            "ready: over-temperature, silent probe of lo-1, told by sms",
        ),
        (
            OfflineStatus(("lo-1",), ("too_fast",), ("sms",), True, ("lo-1/top/too_fast",)),
            "⚠ watching in the service&#x27;s place: lo-1/top/too_fast",
        ),
        (OfflineStatus(("lo-1",), ("too_fast",), ("sms",), failed=2), "⚠ times nobody could be told: 2"),
    ],
)
def test_the_page_says_which_alarms_work_without_the_network(offline: OfflineStatus, words: str) -> None:
    snapshot = msgspec.structs.replace(SNAPSHOT, offline=offline)

    assert f">{words}</td>" in render_page(snapshot, Words("en"))


def test_a_quality_without_a_word_keeps_its_name() -> None:
    assert Words("vi").quality("sooty") == "sooty"
    assert render_page(SNAPSHOT, Words("vi")).startswith("<!doctype html>")


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (LineStatus("/dev/ttyUSB4", is_open=True, is_silent=True, absent=["lo-1/top", "lo-2/top"]), "cả dây im lặng"),
        (LineStatus("/dev/ttyUSB4", is_open=True, absent=["lo-2/top"]), "không trả lời: lo-2/top"),
        (LineStatus("/dev/ttyUSB4"), "không mở được cổng"),
        (LineStatus("/dev/ttyUSB4", is_open=True), "mọi đồng hồ đều trả lời"),
    ],
)
def test_a_line_is_one_row_whatever_hangs_on_it(line: LineStatus, told: str) -> None:
    page = render_page(msgspec.structs.replace(SNAPSHOT, lines=(line,)), Words("vi"))

    assert page.count("Dây RS-485 /dev/ttyUSB4") == 1
    assert told in page


def test_an_instrument_that_is_connected_and_never_says_anything_we_read_is_not_well() -> None:
    source = msgspec.structs.replace(SNAPSHOT.sources[0], readings=0)

    assert "chưa nghe được số đo nào" in render_page(msgspec.structs.replace(SNAPSHOT, sources=(source,)), Words("vi"))
