"""Several processes share the kilns: each slot has one holder, whoever stops, starts, stands still or comes back."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from sqlalchemy import create_engine
from sqlalchemy.orm import Session

from service.store import leases
from service.store.leases import LASTS, SLOTS, LeaseLostError, Standing
from service.store.models import Base

START = datetime(2026, 3, 1, tzinfo=UTC)


class Village(RuleBasedStateMachine):
    """Processes on one database and one clock; each believes what it was told when it last renewed."""

    def __init__(self) -> None:
        super().__init__()
        self.engine = create_engine("sqlite://")
        Base.metadata.create_all(self.engine)
        self.now = START
        self.number = 0
        self.believes: dict[str, Standing] = {}  # of the living, and of those that stand still
        self.renewed_at: dict[str, datetime] = {}
        self.still: set[str] = set()

    def renew(self, me: str) -> None:
        with Session(self.engine) as session, session.begin():
            self.believes[me] = leases.renew(session, me, now=self.now)
        self.renewed_at[me] = self.now

    @property
    def moving(self) -> list[str]:
        return sorted(self.believes.keys() - self.still)

    @precondition(lambda self: len(self.believes) < 5)
    @rule()
    def starts(self) -> None:
        self.number += 1
        self.renew(f"process-{self.number}")

    @precondition(lambda self: self.moving)
    @rule(data=st.data())
    def renews(self, data: st.DataObject) -> None:
        self.renew(data.draw(st.sampled_from(self.moving)))

    @precondition(lambda self: self.moving)
    @rule(data=st.data())
    def gives_up_its_surplus(self, data: st.DataObject) -> None:
        me = data.draw(st.sampled_from(self.moving))
        before = self.believes[me]
        with Session(self.engine) as session, session.begin():
            leases.give_up(session, me, before.surplus)
        kept = {slot: epoch for slot, epoch in before.held.items() if slot not in before.surplus}
        self.believes[me] = Standing(kept, frozenset(), before.others)

    @precondition(lambda self: self.believes)
    @rule(data=st.data(), gracefully=st.booleans())
    def ends(self, data: st.DataObject, gracefully: bool) -> None:
        me = data.draw(st.sampled_from(sorted(self.believes)))
        if gracefully and me not in self.still:
            with Session(self.engine) as session, session.begin():
                leases.leave(session, me)
        del self.believes[me]
        self.still.discard(me)

    @precondition(lambda self: self.moving)
    @rule(data=st.data())
    def stands_still(self, data: st.DataObject) -> None:
        self.still.add(data.draw(st.sampled_from(self.moving)))

    @precondition(lambda self: self.still)
    @rule(data=st.data())
    def goes_on(self, data: st.DataObject) -> None:
        self.still.discard(data.draw(st.sampled_from(sorted(self.still))))

    @rule(seconds=st.integers(1, 12))
    def time_passes(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)

    @invariant()
    def one_process_at_most_may_write_for_a_slot(self) -> None:
        writers: list[int] = []
        with Session(self.engine) as session:
            for me, standing in self.believes.items():
                for slot, epoch in standing.held.items():
                    try:
                        leases.check(session, me, {slot: epoch})
                    except LeaseLostError:
                        # It has been claimed, so it was to be: this one had not renewed for so long.
                        assert self.now - self.renewed_at[me] >= LASTS
                    else:
                        writers.append(slot)
        assert len(writers) == len(set(writers))

    def teardown(self) -> None:
        """When nothing happens any more, the living share all slots evenly."""
        for me in sorted(self.still):
            del self.believes[me]
        self.still.clear()
        self.now += LASTS + timedelta(seconds=1)
        if self.believes:
            for _ in range(3):
                for me in self.moving:
                    self.renew(me)
                for me in self.moving:
                    with Session(self.engine) as session, session.begin():
                        leases.give_up(session, me, self.believes[me].surplus)
            held = [self.believes[me].held for me in self.moving]
            assert sorted(slot for one in held for slot in one) == list(range(SLOTS))
            assert max(map(len, held)) - min(map(len, held)) <= 1
        self.engine.dispose()


TestVillage = Village.TestCase
TestVillage.settings = hypothesis_settings(max_examples=25, stateful_step_count=25, deadline=None)


@pytest.mark.parametrize("others", range(12))
def test_the_shares_of_all_come_to_the_whole(others: int) -> None:
    everybody = {f"process-{number}" for number in range(others + 1)}

    assert sum(leases.fair_share(everybody, me) for me in everybody) == SLOTS
