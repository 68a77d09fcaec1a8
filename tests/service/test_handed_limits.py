"""What a receipt hands to the bridge: limits of the kilns that somebody has said something about, and nothing else."""

import msgspec
from service_parts import BOOT, BridgeClient, block

from firmware_bridge.wire import Limits, Receipt
from service.core.probe import SILENT_S
from service.ingest.limits import HandedLimits, limits_of
from service.store.database import Database
from service.store.kilns import Meant, create_kiln, kiln_by_key
from service.store.models import Bridge, Plan


def workshop_of(database: Database) -> int:
    with database.read() as session:
        bridge = session.get(Bridge, 1)
        assert bridge is not None
        return bridge.workshop_id


async def handed(limits: HandedLimits, workshop_id: int) -> list[str]:
    """Return which kilns of those that a bridge speaks of get limits."""
    await limits.get_ready(workshop_id)
    return [one.kiln for one in limits.of(workshop_id, {"lo-1"}) or ()]


def test_a_target_cone_means_two_cones_of_room() -> None:
    limits = limits_of(Meant(1, "lo-1", "6", None))

    # Orton's chart: cone 8 goes down at 1257 °C when the last 100 °C are fired at 150 °C/h.
    assert limits is not None
    assert 1250 < (limits.over_c or 0) < 1290
    assert (limits.rate_c_per_h, limits.silent_s) == (None, SILENT_S)


def test_a_plan_means_its_top_and_its_steepest_climb() -> None:
    points = [{"time_s": 0, "temp_c": 20}, {"time_s": 3600, "temp_c": 120}, {"time_s": 7200, "temp_c": 320}]

    assert limits_of(Meant(1, "lo-1", None, points)) == Limits("lo-1", 370.0, 400.0, SILENT_S)


def test_the_hottest_cone_has_the_end_of_the_chart_as_its_limit() -> None:
    limits = limits_of(Meant(1, "lo-1", "14", None))

    assert limits is not None
    assert (limits.over_c or 0) > 1300


async def test_a_kiln_that_nobody_has_said_anything_about_has_no_limits(
    bridge: BridgeClient, database: Database
) -> None:
    with database.write() as session:
        create_kiln(session, workshop_of(database), name="lo-9", key="lo-9")

    assert (await bridge.send(block(1, kiln="lo-9"))).limits is None


async def test_a_receipt_carries_the_limits_of_its_kilns(bridge: BridgeClient, database: Database) -> None:
    workshop_id = workshop_of(database)
    with database.write() as session:
        for key in ("lo-8", "lo-9"):
            create_kiln(session, workshop_id, name=key, key=key).target_cone = "6"

    receipt = await bridge.send(block(1, kiln="lo-9"))

    assert [limits.kiln for limits in receipt.limits or ()] == ["lo-9"]


async def test_without_limits_the_receipt_is_as_it_always_was(bridge: BridgeClient) -> None:
    await bridge.send(block(1))

    answer = await bridge.send_raw(
        msgspec.json.encode({"blocks": [msgspec.to_builtins(block(2))]}),
        content_type="application/json",
        content_encoding="",
    )

    assert answer.json() == {"stored": 1, "duplicate": 0, "marks": {BOOT: 2}}


def test_a_bridge_of_before_can_read_a_receipt_with_limits() -> None:
    class OldReceipt(msgspec.Struct):
        stored: int
        duplicate: int
        marks: dict[str, int]

    sent = msgspec.msgpack.encode(Receipt(1, 0, {BOOT: 1}, [Limits("lo-1", over_c=1280.0)]))

    assert msgspec.msgpack.decode(sent, type=OldReceipt).marks == {BOOT: 1}


async def test_the_limits_of_another_workshop_are_not_handed_over(database: Database, bridge: BridgeClient) -> None:
    await bridge.send(block(1))
    workshop_id = workshop_of(database)
    with database.write() as session:
        kiln = kiln_by_key(session, workshop_id, "lo-1")
        assert kiln is not None
        kiln.target_cone = "6"

    assert await handed(HandedLimits(database), workshop_id + 1) == []
    assert await handed(HandedLimits(database), workshop_id) == ["lo-1"]


async def test_what_is_said_of_a_kiln_later_is_handed_over_too(database: Database, bridge: BridgeClient) -> None:
    await bridge.send(block(1))
    workshop_id, limits = workshop_of(database), HandedLimits(database, remembered_s=0.0)
    before = await handed(limits, workshop_id)
    with database.write() as session:
        kiln = kiln_by_key(session, workshop_id, "lo-1")
        assert kiln is not None
        kiln.target_cone = "6"

    assert (before, await handed(limits, workshop_id)) == ([], ["lo-1"])


async def test_a_plan_that_nobody_can_read_holds_back_no_receipt(bridge: BridgeClient, database: Database) -> None:
    with database.write() as session:
        plan = Plan(workshop_id=workshop_of(database), name="?", points=[{"corner": 1}])
        session.add(plan)
        session.flush()
        create_kiln(session, plan.workshop_id, name="lo-8", key="lo-8").target_cone = "6"
        create_kiln(session, plan.workshop_id, name="lo-9", key="lo-9").plan_id = plan.id

    receipts = [await bridge.send(block(1, kiln="lo-9")), await bridge.send(block(2, kiln="lo-8"))]

    assert [receipt.stored for receipt in receipts] == [1, 1]
    assert receipts[0].limits is None
    assert [limits.kiln for limits in receipts[1].limits or ()] == ["lo-8"], "others are told all the same"
