import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import httpx
import msgspec
import pytest
from bridge_fakes import Service, free_port, serving, until

import firmware_bridge.uplink as uplink_module
from firmware_bridge.answers import Cause, Verdict
from firmware_bridge.blocks import Draft
from firmware_bridge.spool import Spool
from firmware_bridge.uplink import ASK_ANEW_AFTER_S, Patience, Uplink
from firmware_bridge.wire import Column, Receipt, Unit

QUICK = Patience(
    answer_s=1, idle_s=0.05, first_retry_s=0.01, longest_retry_s=0.05, refused_s=0.05, unpaired_s=0.05, last_try_s=0.5
)
TOKEN = "not-a-real-token"


def fill(spool: Spool, *values: float) -> None:
    spool.append([Draft("lo-1", 5, (Column("top", Unit.CELSIUS, [5], [value]),)) for value in values], {})


def waiting(spool: Spool) -> int:
    return spool.counts().waiting_blocks


@contextlib.asynccontextmanager
async def sending(url: str, token_file: Path, spool: Spool, patience: Patience = QUICK) -> AsyncIterator[Uplink]:
    uplink = Uplink(url, token_file, spool, patience)
    running = asyncio.create_task(uplink.run())
    try:
        yield uplink
    finally:
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running


async def test_what_the_receipt_covers_is_forgotten(spool: Spool, token_file: Path) -> None:
    fill(spool, *range(100))
    async with Service() as service, sending(service.url, token_file, spool):
        await until(lambda: waiting(spool) == 0)

    assert service.stored == [(spool.boot, seq) for seq in range(1, 101)]
    assert spool.counts().accepted_blocks == 100
    assert f"authorization: bearer {TOKEN}" in service.headers[0].lower()
    assert "content-encoding: gzip" in service.headers[0].lower()


async def test_of_two_posts_one_behind_the_other_one_may_fail_and_nothing_is_lost(
    spool: Spool, token_file: Path
) -> None:
    fill(spool, *range(5000))
    async with Service() as service:
        service.script = [(503, b"busy")]
        async with sending(service.url, token_file, spool):
            await until(lambda: waiting(spool) == 0)

    assert {seq for _, seq in service.stored} == set(range(1, 5001))


async def test_a_service_that_is_away_is_said_even_before_there_is_anything_sure_to_send(
    spool: Spool, token_file: Path
) -> None:
    uplink = Uplink(f"http://127.0.0.1:{free_port()}", token_file, spool, QUICK, is_clock_sure=lambda: False)
    running = asyncio.create_task(uplink.run())
    await until(lambda: uplink.last_answer is not None)
    running.cancel()
    await asyncio.wait([running])

    assert uplink.last_answer is not None
    assert uplink.last_answer.cause is Cause.NOBODY


async def test_a_kiln_that_the_service_did_not_know_is_said(
    spool: Spool, token_file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    fill(spool, 1.0)
    async with Service() as service:
        service.script = [(200, msgspec.msgpack.encode(Receipt(1, 0, {spool.boot: 1}, new_kilns=["lo-l"])))]
        async with sending(service.url, token_file, spool):
            await until(lambda: waiting(spool) == 0)

    said = [one for one in caplog.records if "new kiln" in one.getMessage()]
    assert [vars(one)["kiln"] for one in said] == ["lo-l"]


async def test_news_is_sent_at_once(spool: Spool, token_file: Path) -> None:
    async with Service() as service, sending(service.url, token_file, spool) as uplink:
        fill(spool, 1)
        uplink.wake()
        await until(lambda: waiting(spool) == 0)


async def test_it_ends_when_cancelled_in_the_moment_of_news(spool: Spool, token_file: Path) -> None:
    uplink = Uplink("http://127.0.0.1:9", token_file, spool, Patience(idle_s=60))
    running = asyncio.create_task(uplink.run())
    await asyncio.sleep(0.1)  # it has found nothing to send and waits

    uplink.wake()
    running.cancel()

    async with asyncio.timeout(1):
        await asyncio.wait([running])
    assert running.cancelled()


@pytest.mark.parametrize(
    "answer", [(500, b"oops"), (200, b"<html>log in</html>"), (200, b""), (404, b""), (302, b""), (503, b"{}")]
)
async def test_any_other_answer_keeps_everything_and_tries_again(
    spool: Spool, token_file: Path, answer: tuple[int, bytes]
) -> None:
    fill(spool, 1, 2)
    async with Service() as service:
        service.script = [answer, answer]
        async with sending(service.url, token_file, spool):
            await until(lambda: waiting(spool) == 0)

    assert [len(post.blocks) for post in service.posts] == [2, 2, 2]
    assert spool.counts().quarantined_blocks == 0


async def test_a_service_that_is_away_is_waited_for(spool: Spool, token_file: Path) -> None:
    fill(spool, 1)
    async with sending(f"http://127.0.0.1:{free_port()}", token_file, spool) as uplink:
        await until(lambda: uplink.last_answer is not None)

    assert uplink.last_answer is not None
    assert uplink.last_answer.verdict is Verdict.LATER
    assert waiting(spool) == 1


async def test_a_malformed_block_is_found_put_aside_and_told_of(spool: Spool, token_file: Path) -> None:
    fill(spool, 1, -1, 3, -1, 5)
    async with Service() as service:
        service.refuses = lambda post: any(-1 in block.columns[0].value for block in post.blocks)
        async with sending(service.url, token_file, spool):
            await until(lambda: waiting(spool) == 0 and not spool.take(1, 1).skipped)

    assert sorted(set(service.stored)) == [(spool.boot, 1), (spool.boot, 3), (spool.boot, 5)]
    assert spool.counts().quarantined_blocks == 2
    told = {(gap.seq, gap.reason) for post in service.posts for gap in post.skipped}
    assert told == {(2, "a block that nobody can read"), (4, "a block that nobody can read")}


async def test_too_large_a_post_is_halved(spool: Spool, token_file: Path) -> None:
    fill(spool, *range(8))
    async with Service() as service:
        service.script = [(413, b""), (413, b"")]
        async with sending(service.url, token_file, spool):
            await until(lambda: waiting(spool) == 0)

    assert [len(post.blocks) for post in service.posts] == [8, 4, 2, 4, 2]
    assert spool.counts().quarantined_blocks == 0


async def test_a_refused_token_keeps_everything_is_logged_once_and_never_shown(
    spool: Spool, token_file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    fill(spool, 1)
    async with Service() as service:
        service.script = [(401, b'{"detail":"unknown bridge"}')] * 3
        async with sending(service.url, token_file, spool):
            await until(lambda: waiting(spool) == 0)

    told = [record for record in caplog.records if getattr(record, "verdict", "") == "refused"]
    assert [record.detail for record in told] == ["unknown bridge"]
    assert TOKEN not in "".join(str(vars(record)) for record in caplog.records if record.name.startswith("firmware"))


async def test_a_bridge_that_is_not_paired_yet_waits_for_its_token(spool: Spool, tmp_path: Path) -> None:
    fill(spool, 1)
    token_file = tmp_path / "later.token"
    async with Service() as service, sending(service.url, token_file, spool) as uplink:
        await until(lambda: uplink.last_answer is not None)
        token_file.write_text(TOKEN)
        await until(lambda: waiting(spool) == 0)


async def test_a_service_back_from_an_old_backup_does_not_stop_the_line(spool: Spool, token_file: Path) -> None:
    fill(spool, *range(70))
    async with Service() as service, sending(service.url, token_file, spool) as uplink:
        await until(lambda: waiting(spool) == 0)
        service.forget_everything()
        fill(spool, 1, 2)
        uplink.wake()
        await until(lambda: waiting(spool) == 0)

    assert service.stored[-1] == (spool.boot, 72)


async def test_the_last_try_ends_in_time_when_nobody_answers(spool: Spool, token_file: Path) -> None:
    fill(spool, 1)

    async def say_nothing(_reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await asyncio.Event().wait()

    async with serving(say_nothing) as port, asyncio.timeout(0.9):
        await Uplink(f"http://127.0.0.1:{port}", token_file, spool, QUICK).send_last()

    assert waiting(spool) == 1


async def test_the_last_try_sends_what_waits(spool: Spool, token_file: Path) -> None:
    fill(spool, *range(100))
    async with Service() as service:
        await Uplink(service.url, token_file, spool, QUICK).send_last()

    assert waiting(spool) == 0


@pytest.mark.parametrize(
    ("health", "teaches", "sends_guesses"),
    [
        ((200, b'{"status":"ok"}'), True, False),
        ((200, b'{"status":"ok","is_clock_set":true}'), True, False),
        ((200, b'{"status":"ok","is_clock_set":null,"more":1}'), True, False),
        ((200, b"<html>Please log in to our Wi-Fi</html>"), False, True),
        ((302, b""), False, True),
        ((404, b'{"status":"ok"}'), False, True),
        ((502, b"<html>Bad Gateway</html>"), False, False),
    ],
)
async def test_only_an_answer_of_our_service_teaches_the_time(
    spool: Spool, token_file: Path, health: tuple[int, bytes], teaches: bool, sends_guesses: bool
) -> None:
    spool.append([Draft("lo-1", 5, (Column("top", Unit.CELSIUS, [5], [1.0]),), is_sure=False)], {})
    async with Service() as service, httpx.AsyncClient() as client:
        service.health = health
        uplink = Uplink(service.url, token_file, spool, QUICK, is_clock_sure=lambda: False)
        await uplink._round(client)

    assert (uplink.service_now() is not None) is teaches
    assert [block.is_estimated for post in service.posts for block in post.blocks] == [True] * sends_guesses


async def test_a_time_that_is_told_after_a_log_in_page_still_puts_guesses_right(spool: Spool, token_file: Path) -> None:
    async with Service() as service, httpx.AsyncClient() as client:
        uplink = Uplink(service.url, token_file, spool, QUICK, is_clock_sure=lambda: False)
        service.health = 200, b"<html>Please log in to our Wi-Fi</html>"
        await uplink._round(client)
        spool.append([Draft("lo-1", 5, (Column("top", Unit.CELSIUS, [5], [1.0]),), is_sure=False)], {})
        service.health = 200, b'{"status":"ok"}'
        await uplink._round(client)

    assert uplink.service_now() is not None
    assert service.posts == []


async def test_the_time_is_asked_for_anew_after_some_hours(
    spool: Spool, token_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine_s = [1000.0]
    monkeypatch.setattr(uplink_module, "since_start_s", lambda: machine_s[0])
    async with Service() as service, httpx.AsyncClient() as client:
        uplink = Uplink(service.url, token_file, spool, QUICK, is_clock_sure=lambda: uplink.service_now() is not None)
        await uplink._round(client)
        told = uplink.service_now()
        machine_s[0] += ASK_ANEW_AFTER_S - 1
        await uplink._round(client)
        counted_on = uplink.service_now()
        machine_s[0] += 2
        await uplink._round(client)
        told_anew = uplink.service_now()

    assert told is not None
    assert told_anew is not None
    assert counted_on == told + timedelta(seconds=ASK_ANEW_AFTER_S - 1)
    assert told_anew - told < timedelta(minutes=1)


async def test_a_service_whose_clock_nobody_has_set_teaches_nothing_but_is_gone_by(
    spool: Spool, token_file: Path
) -> None:
    spool.append([Draft("lo-1", 5, (Column("top", Unit.CELSIUS, [5], [1.0]),), is_sure=False)], {})
    async with Service() as service, httpx.AsyncClient() as client:
        service.health = 200, b'{"status":"ok","is_clock_set":false}'
        uplink = Uplink(service.url, token_file, spool, QUICK, is_clock_sure=lambda: False)
        await uplink._round(client)
        first = uplink.service_now(), uplink.service_guess(), len(service.posts)
        await uplink._round(client)
        sent = [block.is_estimated for post in service.posts for block in post.blocks]
        service.health = 200, b'{"status":"ok","is_clock_set":true}'
        await uplink._round(client)

    assert (first[0], first[2]) == (None, 0)  # the recorder takes its guess over first
    assert first[1] is not None
    assert sent == [True]
    assert uplink.service_now() is not None
