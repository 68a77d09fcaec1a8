"""How the service says when a firing will be done: by its plan, by the kiln's own firings, or not at all."""

from datetime import UTC, datetime

import httpx
import numpy as np
import pytest
from service_parts import BridgeClient, block, new_bridge, new_workshop
from sqlalchemy.orm import Session

from service.api.views import forecast_out
from service.core.findings import Finding, Group, Severity
from service.core.firing import EndCause
from service.core.forecast import Forecast
from service.errors import ConflictError
from service.lab.ahead import forecast_of
from service.series import blocks as series
from service.store import firings, identity, kilns, plans
from service.store.database import Database
from service.store.models import Kiln

HOURS = [0.0, 8.0, 8.5, 16.0]
TEMP_C = [30.0, 1200.0, 1200.0, 100.0]
PLAN = [{"time_s": hour * 3600, "temp_c": temp_c} for hour, temp_c in zip(HOURS, TEMP_C, strict=True)]
DAY_H = 24.0


def at(hours: float) -> datetime:
    return datetime.fromtimestamp(hours * 3600, UTC)


def hours_of(moment: datetime) -> float:
    return moment.timestamp() / 3600


@pytest.fixture
def kiln_id(database: Database) -> int:
    """Return a kiln whose bridge sent one whole firing, and ten hours of another a day later."""
    token = new_bridge(database, new_workshop(database, "lan@example.org"))
    with database.write() as session:
        bridge = identity.bridge_of_token(session, token)
        assert bridge is not None
        kiln = kilns.create_kiln(session, bridge.workshop_id, name="lo-1", key="lo-1")
        session.flush()
        for seq, (start_h, hours) in enumerate([(0.0, 16.0), (DAY_H, 10.0)], start=1):
            top = np.interp(np.arange(0.0, hours, 1 / 360), HOURS, TEMP_C).tolist()
            sent = block(seq, at_s=start_h * 3600, top=top, flue=[30.0] * len(top))
            series.append(session, [series.NewBlock(bridge, kiln.id, sent)], received_at=at(start_h + hours))
        first = firings.start_firing(session, kiln, started_at=at(0))
        first.ended_at, first.end_cause = at(16), EndCause.COOLED.value
        session.flush()
        firings.start_firing(session, kiln, started_at=at(DAY_H))
        return kiln.id


def ahead(session: Session, kiln_id: int, *, after_h: float) -> Forecast:
    running = firings.running_firing(session, kiln_id)
    assert running is not None
    return forecast_of(session, running, now=at(DAY_H + after_h))


def test_a_firing_like_the_one_before_will_be_done_when_that_was(database: Database, kiln_id: int) -> None:
    with database.read() as session:
        out = forecast_out(ahead(session, kiln_id, after_h=4))

    assert out.basis == "past"
    assert out.done is not None
    assert hours_of(out.done.likely_at) == pytest.approx(DAY_H + 8.5, abs=0.3)
    assert out.done.early_at < out.done.likely_at < out.done.late_at
    assert len(out.time_s) == len(out.low_c) == len(out.likely_c) == len(out.high_c)
    assert max(out.likely_c) == pytest.approx(1200, abs=5)


def test_a_plan_comes_before_past_firings_and_ends_at_its_top(database: Database, kiln_id: int) -> None:
    with database.write() as session:
        kiln = session.get_one(Kiln, kiln_id)
        running = firings.running_firing(session, kiln_id)
        assert running is not None
        running.plan = plans.create_plan(session, kiln.workshop_id, name="men", points=PLAN)

        out = forecast_out(ahead(session, kiln_id, after_h=4))

    assert out.basis == "schedule"
    assert out.done is not None
    assert hours_of(out.done.likely_at) == pytest.approx(DAY_H + 8.5, abs=0.3)


def test_firings_for_another_cone_do_not_count_and_a_plan_tells_when_the_target_is_down(
    database: Database, kiln_id: int
) -> None:
    with database.write() as session:
        running = firings.running_firing(session, kiln_id)
        assert running is not None
        running.target_cone = "1"
        alone = forecast_out(ahead(session, kiln_id, after_h=4))
        running.plan = plans.create_plan(session, running.workshop_id, name="men", points=PLAN)

        planned = forecast_out(ahead(session, kiln_id, after_h=4))

    assert (alone.basis, planned.basis) == ("this_firing", "schedule")
    assert planned.cone_down is not None
    assert DAY_H + 7.5 < hours_of(planned.cone_down.likely_at) < DAY_H + 8.5


@pytest.mark.parametrize("after_h", [0.2, 10.0], ids=["just begun", "cooling"])
def test_nothing_is_said_of_what_has_just_begun_or_is_cooling(database: Database, kiln_id: int, after_h: float) -> None:
    with database.read() as session:
        out = forecast_out(ahead(session, kiln_id, after_h=after_h))

    assert (out.basis, out.done, out.cone_down, out.likely_c) == ("nothing", None, None, [])


def test_what_a_probe_says_that_is_not_believed_does_not_count(database: Database, kiln_id: int) -> None:
    with database.write() as session:
        running = firings.running_firing(session, kiln_id)
        assert running is not None
        since_s = at(DAY_H + 2).timestamp()
        shorted = Finding("thermocouple_shorted", Group.SENSOR, Severity.CRITICAL, "top", since_s, None)
        firings.save_findings(session, running.kiln, running.id, [shorted])

        begins_c = ahead(session, kiln_id, after_h=4).median_c[0]

    assert begins_c == pytest.approx(np.interp(2.0, HOURS, TEMP_C), abs=5)


def test_a_firing_of_an_old_log_that_was_brought_in_later_is_not_the_newest(database: Database, kiln_id: int) -> None:
    with database.write() as session:
        kiln = session.get_one(Kiln, kiln_id)
        firings.add_firing(session, kiln, started_at=at(-1000), ended_at=at(-984), end_cause=EndCause.COOLED.value)

        newest, oldest = firings.finished_firings(session, kiln_id, target_cone=None, limit=2)

    assert (newest.started_at, oldest.started_at) == (at(0), at(-1000))


def test_a_firing_that_has_ended_has_no_forecast(database: Database, kiln_id: int) -> None:
    with database.write() as session:
        running = firings.running_firing(session, kiln_id)
        assert running is not None
        running.ended_at = at(DAY_H + 10)

        with pytest.raises(ConflictError, match="has ended"):
            forecast_of(session, running, now=at(DAY_H + 10))


async def test_a_firing_is_asked_for_its_forecast_by_its_address(
    signed_in: httpx.AsyncClient, bridge: BridgeClient, database: Database
) -> None:
    await bridge.send(block(1))
    with database.write() as session:
        firings.start_firing(session, kilns.get_kiln(session, [1], 1), started_at=at(0))
    running = await signed_in.get("/api/v1/firings/1/forecast")
    with database.write() as session:
        firings.get_firing(session, [1], 1).ended_at = at(1)

    over = await signed_in.get("/api/v1/firings/1/forecast")

    assert (running.status_code, running.json()["basis"]) == (200, "nothing")
    assert (over.status_code, over.json()["code"]) == (409, "conflict")
