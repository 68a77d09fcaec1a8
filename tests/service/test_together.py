"""After a start a village comes at once: what nobody remembers is asked for in few questions, and each gets its own."""

import asyncio
import threading
from collections.abc import Collection

import pytest
from service_parts import BOOT, NOW, block, new_bridge, new_workshop
from sqlalchemy import event

from firmware_bridge.wire import Post, Receipt
from service.errors import RefusedError
from service.ingest.admission import Admission
from service.ingest.known import Known
from service.ingest.store_posts import store_posts
from service.ingest.together import Together
from service.store import identity
from service.store.database import Database

MANY = 40


async def test_who_comes_while_a_question_is_under_way_shares_the_next_one() -> None:
    asked: list[set[int]] = []
    may_answer = threading.Event()

    def ask(keys: Collection[int]) -> dict[int, int]:
        may_answer.wait(10)
        asked.append(set(keys))
        return {key: 10 * key for key in keys if key != 3}

    together = Together(ask)
    first = asyncio.create_task(together.get(0))
    await asyncio.sleep(0)
    others = [asyncio.create_task(together.get(key)) for key in (1, 2, 3, 3)]
    await asyncio.sleep(0)
    may_answer.set()

    assert await asyncio.gather(first, *others) == [0, 10, 20, None, None]
    assert asked == [{0}, {1, 2, 3}]


async def test_a_question_that_fails_is_asked_again_by_whoever_waited_for_it() -> None:
    failures = [OSError("no database")]

    def ask(keys: Collection[int]) -> dict[int, int]:
        if failures:
            raise failures.pop()
        return {key: key for key in keys}

    together = Together(ask)
    answers = await asyncio.gather(together.get(1), together.get(2), return_exceptions=True)

    assert isinstance(answers[0], OSError)
    assert answers[1] == 2


async def test_a_village_that_comes_at_once_is_let_in_each_as_itself(database: Database) -> None:
    tokens = [new_bridge(database, new_workshop(database, f"lan{number}@example.org")) for number in range(MANY)]
    admission = Admission(database)

    asking = [admission.admit(f"Bearer {token}") for token in [*tokens, "stranger"]]
    found = await asyncio.gather(*asking, return_exceptions=True)

    assert isinstance(found[-1], RefusedError)
    with database.read() as session:
        assert found[:-1] == [identity.bridge_of_token(session, token) for token in tokens]


async def test_a_token_that_ended_lets_nobody_in_whatever_the_clock_that_ended_it_said(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    revoked, paired_anew, stays = (new_bridge(database, new_workshop(database, f"lan{nr}@example.org")) for nr in "123")
    admission = Admission(database)
    for token in (revoked, paired_anew, stays):
        await admission.admit(f"Bearer {token}")
    with database.write() as session:
        identity.revoke_bridge(session, identity.get_bridge(session, [1], 1), now=NOW)  # long ago, as that clock has it
        identity.let_in(session, identity.get_bridge(session, [2], 2), now=NOW)

    monkeypatch.setattr("service.ingest.admission.LOOK_EVERY_S", -1.0)

    assert (await admission.admit(f"Bearer {stays}")).bridge_id == 3
    for token in (revoked, paired_anew):
        with pytest.raises(RefusedError, match="revoked"):
            await admission.admit(f"Bearer {token}")


def test_what_a_village_has_stored_is_known_again_after_a_start(database: Database) -> None:
    """Blocks without a gap, with one, and kilns that are new: in as few questions for all as for one bridge."""
    tokens = [new_bridge(database, new_workshop(database, f"lan{number}@example.org")) for number in range(MANY)]
    with database.read() as session:
        bridges = [one for token in tokens if (one := identity.bridge_of_token(session, token)) is not None]
    kept = [(1, 2, 4, 5, 5 + number % 3) for number in range(MANY)]
    before = [(bridge, Post([block(seq) for seq in seqs])) for bridge, seqs in zip(bridges, kept, strict=True)]
    with database.write() as session:
        first, _ = store_posts(session, before, Known(), now=NOW)

    statements: list[str] = []
    again = [(bridge, Post([block(3), block(5), block(6)])) for bridge in bridges]
    with database.write() as session:
        event.listen(session.connection(), "before_cursor_execute", lambda *said: statements.append(said[2]))
        receipts, appended = store_posts(session, again, Known(), now=NOW)

    assert all(isinstance(receipt, Receipt) for receipt in first)
    assert [receipt.marks for receipt in receipts if isinstance(receipt, Receipt)] == [
        {BOOT: 7 if number % 3 == 2 else 6} for number in range(MANY)
    ]
    assert len(appended.blocks) == sum(2 - (number % 3 == 1) for number in range(MANY))
    assert len(statements) < MANY


def test_a_bridge_that_began_thousands_of_times_is_known_too(database: Database) -> None:
    token = new_bridge(database, new_workshop(database, "lan@example.org"))
    boots = [f"{number:016x}" for number in range(4096)]
    with database.read() as session:
        bridge = identity.bridge_of_token(session, token)
    assert bridge is not None

    posts = [(bridge, Post([block(1, boot=boot) for boot in boots]))]
    for _ in range(2):
        with database.write() as session:
            [receipt], _ = store_posts(session, posts, Known(), now=NOW)

    assert isinstance(receipt, Receipt)
    assert (receipt.stored, receipt.duplicate) == (0, 4096)


@pytest.mark.parametrize("seqs", [(1, 2, 3), (2, 3), (5, 1, 3)])
def test_what_one_bridge_has_stored_is_known_again_after_a_start(database: Database, seqs: tuple[int, ...]) -> None:
    token = new_bridge(database, new_workshop(database, "lan@example.org"))
    with database.write() as session:
        bridge = identity.bridge_of_token(session, token)
        assert bridge is not None
        store_posts(session, [(bridge, Post([block(seq) for seq in seqs]))], Known(), now=NOW)

    with database.write() as session:
        runs = Known().stored(session, bridge, BOOT)

    assert [seq for seq in range(1, 8) if seq in runs] == sorted(seqs)
