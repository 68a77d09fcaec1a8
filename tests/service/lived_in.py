"""A village that has been lived in: two workshops, of which the first has a row in every table."""

from datetime import timedelta

from service_parts import BOOT, NOW, new_workshop
from sqlalchemy.orm import Session

from firmware_bridge.wire import Block, Column, Post, Skipped, Unit
from service.alarms import record
from service.core.findings import Finding, Group, Severity
from service.ingest.known import Known
from service.ingest.store_posts import store_posts
from service.store import alarms, api_tokens, audit, firings, identity, kilns, members, plans, sessions
from service.store.database import Database
from service.store.models import Batch
from service.store.roles import Role, Scope

PLAN = [{"time_s": 0.0, "temp_c": 30.0}, {"time_s": 32_400.0, "temp_c": 1220.0}]
NO_HASH = "-"
PUSH_KEY = "B" + "A" * 86
STEP_S = 30
FIRED_S = 11 * 3600  # up to 1220 °C in nine hours, and two of cooling


def fill(database: Database) -> None:
    """Make the workshops of Lan (1) and Minh (2): people, a bridge, a firing that has ended and one that runs."""
    lan, minh = (new_workshop(database, f"{name}@example.org") for name in ("lan", "minh"))
    with database.write() as session:
        mai = identity.create_account(
            session, name="Mai", login="0987654321", password_hash=NO_HASH, language="en", now=NOW
        )
        _, invited = members.invite(session, lan, Role.OPERATOR, invited_by="Lan", now=NOW)
        members.join(session, invited, mai, now=NOW)
        members.invite(session, lan, Role.TECHNICIAN, invited_by="Lan", now=NOW)
        ends_at = NOW + timedelta(days=3000)
        api_tokens.create(session, lan, 1, name="Telegraf", scope=Scope.READ, expires_at=ends_at, now=NOW)
        identity.create_link(session, mai, now=NOW, lasts=timedelta(days=1))
        sessions.open_session(session, mai, now=NOW)
        audit.note(session, lan, who="Lan", what="invited", now=NOW, role="operator")
        kiln = kilns.create_kiln(session, lan, name="Lò gas số 1", key="lo-1")
        kiln.plan_id = plans.create_plan(session, lan, name="men lam", points=PLAN).id
        kiln.target_cone = "6"
        kilns.create_kiln(session, minh, name="Lò than", key="lo-1", fuel="coal")
        identity.create_bridge(session, lan, "Pi", now=NOW)
    _read(database)
    with database.write() as session:
        _fire(session)


def _read(database: Database) -> None:
    """Store the readings of a firing and of the beginning of the next, as a bridge would have sent them."""
    with database.write() as session:
        bridge = identity.get_bridge(session, [1], 1)
        identity.let_in(session, bridge, now=NOW)
        who = identity.BridgeIdentity(1, 1, "Pi")
        posts = [(who, Post([_block(seq, seq * 1800)], [])) for seq in range(1, FIRED_S // 1800 + 12)]
        posts[-1][1].skipped.append(Skipped(BOOT, 900, "no reading in it"))
        store_posts(session, posts, Known(), now=NOW + timedelta(seconds=FIRED_S))


def _block(seq: int, from_s: int) -> Block:
    times = range(from_s, from_s + 1800, STEP_S)
    at_ms = [int((NOW.timestamp() + at_s) * 1000) for at_s in times]
    columns = [
        Column(name, Unit.CELSIUS, at_ms, [round(_temp_c(at_s) - lag_c, 1) for at_s in times])
        for name, lag_c in (("top", 0.0), ("bottom", 8.0))
    ]
    return Block(BOOT, seq, "lo-1", at_ms[-1], columns)


def _temp_c(at_s: int) -> float:
    if at_s < 32_400:
        return 30 + 1190 * at_s / 32_400
    return max(40.0, 1220 - (at_s - 32_400) * 0.05)


def _fire(session: Session) -> None:
    """Write what people and the science made of them before."""
    kiln = kilns.get_kiln(session, [1], 1)
    began_at = NOW - timedelta(days=3)
    old = firings.start_firing(session, kiln, started_at=began_at)
    old.ended_at, old.end_cause = began_at + timedelta(hours=11), "cooled"
    old.note, old.peak_c, old.peak_at = "men chảy", 1219.5, began_at + timedelta(hours=9)
    outcomes = [{"grade": "first", "defect": None, "count": 90}, {"grade": "reject", "defect": "crazing", "count": 4}]
    session.add(
        Batch(workshop_id=1, firing_id=old.id, ware="bát", pieces_loaded=100, note="nửa dưới", outcomes=outcomes)
    )
    alarms.subscribe(
        session,
        1,
        endpoint="https://127.0.0.1/push/1",
        p256dh="B" + "A" * 86,
        auth="A" * 22,
        device="điện thoại",
        now=NOW,
    )
    found = Finding("stalled", Group.KILN, Severity.CRITICAL, "top", began_at.timestamp() + 600, None)
    rows = firings.save_findings(session, kiln, old.id, [found])
    seen_at = began_at + timedelta(minutes=12)
    record.record(session, rows, now=seen_at, now_machine=seen_at, lateness=timedelta(hours=1))
