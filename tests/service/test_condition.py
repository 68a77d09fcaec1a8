"""What a kiln's stored firings say of it: how fast it can still climb, and whether it grows slower."""

from datetime import UTC, datetime

import httpx
import numpy as np
import pytest
from service_parts import NOW, block, new_bridge, new_workshop

from service.core.findings import Finding, Group, Severity
from service.core.firing import EndCause
from service.lab.condition import condition_of
from service.series import blocks as series
from service.series.seal import seal
from service.store import firings, identity, kilns
from service.store.database import Database
from service.store.models import Kiln

WEEK_S = 7 * 86400.0
LAN = 1  # her workshop, made by `signed_in`
SLOWER = 0.98  # of the rate of the week before
EVERY_S = 10.0  # as `block` has them


def at(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def fired_weekly(database: Database, weeks: int, *, wrong: tuple[int, int] = (0, 0)) -> int:
    """Return a kiln that was fired once a week, each time slower, to 1200 °C; its flue is of no account.

    Readings from the first to before the second of `wrong` are far above what it was, in each firing.
    """
    token = new_bridge(database, LAN)
    with database.write() as session:
        bridge = identity.bridge_of_token(session, token)
        assert bridge is not None
        kiln = kilns.create_kiln(session, LAN, name="Lò già", key="lo-gia", fuel="electric")
        session.flush()
        for week in range(weeks):
            lasted_s = 1180 / (150 * SLOWER**week) * 3600
            time_s = np.arange(0.0, lasted_s, EVERY_S)
            top = 20 + 1180 * time_s / lasted_s
            top[slice(*wrong)] = 1390.0
            sent = block(week + 1, at_s=week * WEEK_S, top=top.tolist(), flue=[30.0] * len(top))
            series.append(session, [series.NewBlock(bridge, kiln.id, sent)], received_at=at(week * WEEK_S))
            firing = firings.start_firing(session, kiln, started_at=at(week * WEEK_S))
            firing.ended_at, firing.end_cause = at(week * WEEK_S + lasted_s), EndCause.COOLED.value
            session.flush()
        return kiln.id


async def test_a_kiln_that_grows_slower_says_so_and_what_it_can_still_do(
    signed_in: httpx.AsyncClient, database: Database
) -> None:
    kiln_id = fired_weekly(database, 8)

    said = (await signed_in.get(f"/api/v1/kilns/{kiln_id}/condition")).json()

    assert (said["firings"], said["change"]["is_slower"]) == (8, True)
    assert said["change"]["share_per_month"] == pytest.approx(SLOWER ** (365.25 / 12 / 7) - 1, abs=0.005)
    by_level = {one["at_c"]: one for one in said["highest_rates"]}
    assert by_level[600.0]["shown_c_per_h"] == pytest.approx(150, abs=2)
    assert 1200.0 not in by_level


async def test_a_kiln_with_few_firings_has_no_trend(signed_in: httpx.AsyncClient, database: Database) -> None:
    kiln_id = fired_weekly(database, 2)

    said = (await signed_in.get(f"/api/v1/kilns/{kiln_id}/condition")).json()

    assert (said["firings"], said["change"]) == (2, None)
    assert said["highest_rates"] != []


def test_what_a_probe_says_that_is_not_believed_is_no_rate_of_its_kiln(database: Database) -> None:
    new_workshop(database, "lan@example.org")
    kiln_id = fired_weekly(database, 2, wrong=(1000, 1100))
    while seal(database, kiln_id, received_before=NOW, unwatched_before=NOW):
        pass
    with database.write() as session:
        kiln = session.get_one(Kiln, kiln_id)
        for firing in firings.newest_finished(session, kiln_id, limit=2):
            began_s = firing.started_at.timestamp()
            wrong_s = began_s + 1000 * EVERY_S, began_s + 1099 * EVERY_S  # its ends lie within steps of a roll-up
            wrong = Finding("implausible_value", Group.SENSOR, Severity.CRITICAL, "top", *wrong_s)
            firings.save_findings(session, kiln, firing.id, [wrong])

    with database.read() as session:
        highest = condition_of(session, session.get_one(Kiln, kiln_id)).highest

    assert highest[600.0].shown_c_per_h == pytest.approx(150, abs=2)
    assert 1200.0 not in highest
