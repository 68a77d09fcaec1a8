"""Blocks come in through the door once, whatever the order, the repetition or the damage."""

import asyncio
import gzip
import json
import logging
import threading
from datetime import UTC, datetime

import httpx
import msgspec
import pytest
from fastapi import FastAPI
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from prometheus_client import REGISTRY
from service_parts import BOOT, NOW, BridgeClient, block, new_bridge, new_workshop
from sqlalchemy import func, select

from firmware_bridge.wire import Column, Post, Receipt, Skipped, Unit
from service.clock import Clock
from service.errors import BusyError
from service.ingest import writer
from service.ingest.known import Known
from service.ingest.packed import Packed
from service.ingest.store_posts import store_posts
from service.series import blocks
from service.series import history as series
from service.store import identity
from service.store.database import Database
from service.store.kilns import channels, kiln_by_key
from service.store.migrate import upgrade
from service.store.models import Bridge, Kiln, SkippedBlock, StoredBlock


def stored_seqs(database: Database) -> list[int]:
    with database.read() as session:
        return list(session.scalars(select(StoredBlock.seq).order_by(StoredBlock.id)))


def packed(seq: int) -> Packed:
    return Packed("application/msgpack", "identity", msgspec.msgpack.encode(Post([block(seq)])))


def counted(result: str) -> float:
    return REGISTRY.get_sample_value("canhlo_ingest_posts_total", {"result": result}) or 0.0


async def test_a_receipt_means_that_another_connection_can_read_the_block(
    bridge: BridgeClient, database_url: str
) -> None:
    receipt = await bridge.send(block(1))

    other = Database(database_url)
    assert (receipt.stored, receipt.marks) == (1, {BOOT: 1})
    assert stored_seqs(other) == [1]
    other.close()


async def test_json_is_taken_and_answered_too(bridge: BridgeClient) -> None:
    answer = await bridge.send_raw(
        msgspec.json.encode(Post([block(1)])), content_type="application/json", content_encoding=""
    )

    assert answer.json() == {"stored": 1, "duplicate": 0, "marks": {BOOT: 1}, "new_kilns": ["lo-1"]}


async def test_a_receipt_names_the_kilns_that_the_post_has_made(bridge: BridgeClient) -> None:
    first = await bridge.send(block(1))
    mistyped = await bridge.send(block(2), block(3, kiln="lo-l"))
    again = await bridge.send(block(4, kiln="lo-l"))

    assert [one.new_kilns for one in (first, mistyped, again)] == [["lo-1"], ["lo-l"], None]


async def test_a_block_sent_twice_is_stored_once(bridge: BridgeClient, database: Database) -> None:
    await bridge.send(block(1))

    receipt = await bridge.send(block(1), block(2))

    assert (receipt.stored, receipt.duplicate) == (1, 1)
    assert stored_seqs(database) == [1, 2]


async def test_the_mark_waits_for_a_block_that_comes_out_of_order(bridge: BridgeClient, database: Database) -> None:
    early = await bridge.send(block(3), block(1))
    late = await bridge.send(block(2))

    assert [early.marks[BOOT], late.marks[BOOT]] == [1, 3]
    assert sorted(stored_seqs(database)) == [1, 2, 3]


async def test_the_mark_passes_over_a_block_in_quarantine_which_stays_known_as_missing(
    bridge: BridgeClient, database: Database
) -> None:
    await bridge.send(block(1), block(3))

    receipt = await bridge.send(skipped=[Skipped(BOOT, 2, "column top: 2 times but 1 values")])

    assert receipt.marks[BOOT] == 3
    with database.read() as session:
        assert session.scalars(select(SkippedBlock.reason)).all() == ["column top: 2 times but 1 values"]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(posts=st.lists(st.lists(st.integers(1, 9), min_size=1, max_size=5), min_size=1, max_size=8))
def test_any_order_and_any_repetition_store_each_block_once(
    posts: list[list[int]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    database = Database(f"sqlite:///{tmp_path_factory.mktemp('any') / 'a.sqlite3'}")
    upgrade(database)
    with database.read() as session:
        token = new_bridge(database, new_workshop(database, "a@example.org"))
        who = identity.bridge_of_token(session, token)
    assert who is not None
    complete = [*posts, list(range(1, 10))]

    known = Known()
    for seqs in complete:
        with database.write() as session:
            [receipt], _ = store_posts(session, [(who, Post([block(seq) for seq in seqs]))], known, now=NOW)

    assert isinstance(receipt, Receipt)
    assert receipt.marks == {BOOT: 9}
    assert sorted(stored_seqs(database)) == list(range(1, 10))
    database.close()


async def test_posts_at_the_same_moment_each_get_their_own_receipt(bridge: BridgeClient, database: Database) -> None:
    boots = [f"{number:016x}" for number in range(40)]

    receipts = await asyncio.gather(*(bridge.send(block(1, boot=boot, kiln=f"lo-{boot[-2:]}")) for boot in boots))

    assert [receipt.marks for receipt in receipts] == [{boot: 1} for boot in boots]
    assert len(stored_seqs(database)) == 40


async def test_what_the_database_refuses_costs_no_other_post_of_the_same_commit(
    bridge: BridgeClient, http: httpx.AsyncClient, database: Database
) -> None:
    """PostgreSQL has no text with a zero in it; SQLite has, and takes it."""
    other = BridgeClient(http, new_bridge(database, new_workshop(database, "hoa@example.org")))
    odd = msgspec.msgpack.encode(Post([block(1)], [Skipped(BOOT, 2, "no\0reading")]))

    odd_ones, receipts = await asyncio.gather(
        asyncio.gather(*(other.send_raw(odd, content_encoding="") for _ in range(3))),
        asyncio.gather(*(bridge.send(block(1)) for _ in range(3))),
    )

    is_taken = database.engine.dialect.name == "sqlite"
    assert {answer.status_code for answer in odd_ones} == {200 if is_taken else 422}
    assert sum(receipt.stored for receipt in receipts) == 1
    assert [receipt.marks for receipt in receipts] == [{BOOT: 1}] * 3


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
async def test_a_name_ends_where_it_ends(bridge: BridgeClient, line_end: str) -> None:
    answers = [
        await bridge.send_raw(msgspec.msgpack.encode(Post([block(1, boot=boot, kiln=kiln)])), content_encoding="")
        for boot, kiln in [(BOOT + line_end, "lo-1"), (BOOT, "lo-1" + line_end)]
    ]

    assert [answer.status_code for answer in answers] == [422, 422]


async def test_a_wrong_token_stores_nothing_and_is_logged_once_and_counted_each_time(
    bridge: BridgeClient, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    stranger = BridgeClient(bridge.http, "not-a-token")
    body = gzip.compress(msgspec.msgpack.encode(Post([block(1)])))
    before = counted("refused")

    answers = [await stranger.send_raw(body) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [401] * 3
    assert "pair the bridge again" in answers[0].json()["detail"]
    assert counted("refused") - before == 3
    assert len([line for line in caplog.records if line.message == "post refused"]) == 1
    assert "not-a-token" not in caplog.text
    assert stored_seqs(database) == []


async def test_a_revoked_bridge_is_refused(bridge: BridgeClient, database: Database) -> None:
    with database.write() as session:
        identity.revoke_bridge(session, session.scalars(select(Bridge)).one(), now=datetime.now(UTC))

    answer = await bridge.send_raw(gzip.compress(msgspec.msgpack.encode(Post([block(1)]))))

    assert answer.status_code == 401


def uneven_columns() -> bytes:
    post = json.loads(msgspec.json.encode(Post([block(1)])))
    post["blocks"][0]["columns"][0]["value"].append(1.0)
    return gzip.compress(msgspec.msgpack.encode(post))


@pytest.mark.parametrize(
    ("body", "headers", "status", "says"),
    [
        (b"readings", {"content_type": "text/plain"}, 422, "content type 'text/plain'; wanted application/msgpack"),
        (b"readings", {}, 422, "not gzip"),
        (gzip.compress(b"x" * 500)[:15], {}, 422, "ends too early"),
        (gzip.compress(b"\xc1garbage"), {}, 422, "not a post of blocks"),
        (b"{not json", {"content_type": "application/json", "content_encoding": ""}, 422, "not a post of blocks"),
        (uneven_columns(), {}, 422, "1 times but 2 values"),
        (gzip.compress(b"\x00" * 17_000_000), {}, 413, "16000000 bytes unpacked"),
        (b"x" * 4_000_001, {"content_encoding": ""}, 413, "4000000 bytes"),
        (b"x", {"content_encoding": "br"}, 422, "content encoding 'br'; wanted gzip or none"),
    ],
    ids=["text", "not-gzip", "half-gzip", "not-msgpack", "not-json", "uneven", "bomb", "too-large", "coding"],
)
async def test_a_damaged_post_is_refused_in_words_and_the_next_good_one_is_stored(
    bridge: BridgeClient, database: Database, body: bytes, headers: dict[str, str], status: int, says: str
) -> None:
    answer = await bridge.send_raw(body, **headers)
    receipt = await bridge.send(block(1))

    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert says in answer.json()["detail"]
    assert receipt.stored == 1


async def test_a_workshop_cannot_reach_another_ones_kiln_by_its_name(
    bridge: BridgeClient, database: Database, http: httpx.AsyncClient
) -> None:
    neighbour = BridgeClient(http, new_bridge(database, new_workshop(database, "minh@example.org")))

    await bridge.send(block(1, top=[100.0]))
    await neighbour.send(block(1, top=[900.0]))

    with database.read() as session:
        kilns = session.execute(select(Kiln.workshop_id, Kiln.key).order_by(Kiln.workshop_id)).all()
    assert [tuple(kiln) for kiln in kilns] == [(1, "lo-1"), (2, "lo-1")]


async def test_too_many_channels_refuse_that_post_and_no_other(bridge: BridgeClient, database: Database) -> None:
    full = {f"c{number}": [20.0] for number in range(64)}
    await bridge.send(block(1, **full))

    answer = await bridge.send_raw(gzip.compress(msgspec.msgpack.encode(Post([block(2, one_more=[20.0])]))))
    receipt = await bridge.send(block(3, c1=[21.0]))

    assert answer.status_code == 422
    assert "at most 64 channels" in answer.json()["detail"]
    assert receipt.stored == 1
    assert stored_seqs(database) == [1, 3]


async def test_when_the_database_fails_the_bridge_is_asked_to_come_again_and_nothing_is_lost(
    bridge: BridgeClient, database: Database, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_args: object, **_words: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as broken:
        broken.setattr("service.series.blocks.append", fail)
        answer = await bridge.send_raw(gzip.compress(msgspec.msgpack.encode(Post([block(1)]))))
    again = await bridge.send(block(1))

    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "5"
    assert again.stored == 1
    assert [record.levelno for record in caplog.records if record.message == "commit failed"] == [logging.ERROR]


async def test_a_watch_that_stands_still_keeps_nothing_from_being_stored(
    app: FastAPI, bridge: BridgeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_step = app.state.parts.monitor.in_step
    monkeypatch.setattr(writer, "WAIT_FOR_WATCH_S", 0.01)
    monkeypatch.setattr(in_step, "set", lambda: None)
    in_step.clear()

    assert [(await bridge.send(block(seq))).stored for seq in (1, 2)] == [1, 1]


async def test_when_posts_wait_for_long_those_that_come_are_asked_to_come_again(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bridge that hears nothing for 20 s sends again, so a queue of that length would be of posts sent twice."""
    monkeypatch.setattr(writer, "ENOUGH_POSTS", 1)
    monkeypatch.setattr(writer, "LONGEST_WAIT_S", -1.0)
    token = new_bridge(database, new_workshop(database, "lan@example.org"))
    with database.read() as session:
        sender = identity.bridge_of_token(session, token)
    assert sender is not None
    in_step, answers = threading.Event(), list[writer.Result]()
    in_step.set()
    slow = writer.Writer(database, Clock(), lambda _appended: None, in_step)
    slow.start()
    try:
        await slow.store(sender, packed(1))
        in_step.clear()
        slow.put(sender, packed(2), answers.append)
        while slow.waiting:  # it is taken, and its commit waits
            await asyncio.sleep(0.001)
        slow.put(sender, packed(3), answers.append)
        with pytest.raises(BusyError, match="come again"):
            slow.put(sender, packed(4), answers.append)
    finally:
        in_step.set()
        slow.stop()
    await asyncio.sleep(0)  # the last answers are given on the loop

    assert [type(one) for one in answers] == [writer.Stored, writer.Stored]
    assert stored_seqs(database) == [1, 2, 3]


async def test_readings_come_back_by_time_each_once_and_faults_as_gaps(
    bridge: BridgeClient, database: Database
) -> None:
    await bridge.send(block(1, at_s=0, top=[20.0, None, 22.0]), block(2, at_s=20, top=[22.0, 23.0]))

    with database.read() as session:
        kiln = kiln_by_key(session, 1, "lo-1")
        assert kiln is not None
        found = series.read(
            session, kiln.id, from_at=datetime.fromtimestamp(5, UTC), to_at=datetime.fromtimestamp(60, UTC)
        ).channels["top"]
        counts = series.count(session, kiln.id)
        readings = session.scalar(select(func.sum(StoredBlock.readings)))
    assert found.time_s.tolist() == [10.0, 20.0, 30.0]
    assert [str(value) for value in found.value] == ["nan", "22.0", "23.0"]
    assert counts == (5, 1)
    assert readings == 5


async def test_what_is_no_temperature_is_stored_and_never_taken_for_one(
    bridge: BridgeClient, database: Database
) -> None:
    bent = Column("cone", Unit.DEGREE_OF_ARC, [20_000], [41.5])
    both = msgspec.structs.replace(block(1, at_s=0), columns=[*block(1, at_s=0).columns, bent])

    await bridge.send(both)

    with database.read() as session:
        kiln = kiln_by_key(session, 1, "lo-1")
        assert kiln is not None
        found = series.read(session, kiln.id, from_at=datetime.fromtimestamp(0, UTC), to_at=NOW).channels
        arrived = blocks.read_kiln(session, kiln.id, after_id=0, upto_id=1, limit=1)
        assert {channel.name: channel.unit for channel in channels(session, [kiln.id])} == {"top": "c", "cone": "deg"}
        assert series.count(session, kiln.id) == (2, 0)
    assert arrived is not None
    assert list(found) == list(arrived.chunk.channels) == ["top"]
