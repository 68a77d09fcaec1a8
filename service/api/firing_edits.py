"""Firings put right by people: begun by hand, other times, two that were one, looked at again.

Looking at a firing again takes seconds, in which nobody may be kept from writing: it is done on what was read, and
written if nothing has changed since.
"""

import contextlib
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Annotated, Final, NamedTuple

from fastapi import APIRouter
from pydantic import Field

from service.analysis.again import Change, bins_from_s, check_length, look_again, write_down
from service.api import schemas, views
from service.api.bounds import Moment
from service.api.deps import Fires, Language, MachineNow, Now, Parts, PartsOf, Session, SetsUp
from service.api.firings import detail_out
from service.api.versions import Seen, locked_version, version_of
from service.core.assess import AssessedFiring
from service.core.firing import EndCause
from service.errors import ConflictError, InvalidError, ServiceError
from service.lab.witness_cones import learn_again
from service.store import audit, firings, kilns
from service.store.merging import check_mergeable, check_whole, last_part, merge, take_apart
from service.store.models import Firing
from service.store.tenancy import confine
from service.store.who import Who

router = APIRouter(tags=["firings"])

# Own choice: earlier than this nobody remembers by the minute, and the readings of it say when it began.
BACKDATED: Final = timedelta(days=2)


class StartIn(schemas.In):
    """When the firing began: now, if not said."""

    started_at: Moment | None = None


class TimesIn(schemas.In):
    """When a firing began and ended; a running one has no end yet."""

    started_at: Moment
    ended_at: Moment | None


class MergeIn(schemas.In):
    """The later firing, which was a part of this one."""

    firing_id: schemas.Id


class Figures(schemas.Out):
    peak_c: float | None
    cone_reached: str | None
    max_spread_c: float | None


class SecondLookOut(schemas.Out):
    """What another look has changed; `findings_new` and `findings_withdrawn` are kinds."""

    before: Figures
    after: Figures
    findings_new: list[str]
    findings_withdrawn: list[str]
    has_changed: bool
    firing: Annotated[schemas.FiringDetail, Field(description="the firing as it stands now")]


@router.post("/kilns/{kiln_id}/firings", response_model=schemas.FiringDetail, status_code=201)
def start_firing(
    kiln_id: schemas.Id,
    asked: StartIn,
    session: Session,
    who: Fires,
    service: PartsOf,
    language: Language,
    now: Now,
    machine_now: MachineNow,
) -> schemas.FiringDetail:
    """Begin a firing by hand, before the readings show it; the kiln must have spoken, and none may run."""
    kiln = kilns.get_kiln(session, who.workshop_ids, kiln_id)
    started_at = asked.started_at or now
    if not now - BACKDATED <= started_at <= now:
        msg = f"a firing is begun by hand now or up to {BACKDATED.days} days back, not at {started_at.isoformat()}"
        raise InvalidError(msg)
    if service.monitor.live_kilns(session, [kiln.id])[kiln.id].heard_at is None:
        msg = f"nothing was ever heard of {kiln.name}: connect an instrument first"
        raise ConflictError(msg)
    _check_free(session, kiln.id, started_at, now, but_id=None)
    firing = firings.start_firing(session, kiln, started_at=started_at, bins_from_s=bins_from_s(kiln.workshop_id))
    kiln.edited_at = machine_now
    audit.note(session, kiln.workshop_id, who=who.name, what="firing begun", now=machine_now, firing=firing.id)
    service.monitor.attend()
    return detail_out(session, who, firing, language, now)


@router.put("/firings/{firing_id}/times", response_model=SecondLookOut)
def change_times(
    firing_id: schemas.Id,
    asked: TimesIn,
    who: Fires,
    service: PartsOf,
    language: Language,
    seen: Seen,
    now: Now,
    machine_now: MachineNow,
) -> SecondLookOut:
    """Say when a firing really began and ended; all that was found in it is found again from its readings."""

    def said(session: Session, firing: Firing) -> tuple[datetime, datetime | None, str | None]:
        if (asked.ended_at is None) != (firing.ended_at is None):
            msg = "whether a firing runs is not said by its times: end it by its own request"
            raise ConflictError(msg)
        _check_past(asked.started_at, asked.ended_at, now)
        _check_free(session, firing.kiln_id, asked.started_at, asked.ended_at or now, but_id=firing.id)
        return asked.started_at, asked.ended_at, firing.end_cause

    def write(session: Session, firing: Firing) -> None:
        _check_free(session, firing.kiln_id, asked.started_at, asked.ended_at or now, but_id=firing.id)
        firing.started_at, firing.ended_at = asked.started_at, asked.ended_at
        told = {"from": asked.started_at.isoformat(), "to": asked.ended_at.isoformat() if asked.ended_at else None}
        _note(session, who, firing, "firing times changed", machine_now, **told)

    return _again(_Asking(service, who, language, now, machine_now), firing_id, said, write, seen=seen)


@router.post("/firings/{firing_id}/merge", response_model=SecondLookOut)
def merge_firings(
    firing_id: schemas.Id,
    asked: MergeIn,
    who: Fires,
    service: PartsOf,
    language: Language,
    seen: Seen,
    now: Now,
    machine_now: MachineNow,
) -> SecondLookOut:
    """Make the later firing a part of this one, as after a power cut; what it had is this one's until it is undone."""
    looked_at: list[tuple[datetime | None, str | None]] = []

    def said(session: Session, firing: Firing) -> tuple[datetime, datetime | None, str | None]:
        later = firings.get_firing(session, [firing.workshop_id], asked.firing_id)
        check_mergeable(session, firing, later)
        looked_at.append((later.ended_at, later.end_cause))
        return firing.started_at, later.ended_at, later.end_cause

    def write(session: Session, firing: Firing) -> None:
        later = firings.get_firing(session, [firing.workshop_id], asked.firing_id)
        check_mergeable(session, firing, later)
        if [(later.ended_at, later.end_cause)] != looked_at:
            raise _changed_meanwhile(later)
        merge(session, firing, later, now=now)
        _note(session, who, firing, "firings merged", machine_now, part=later.id)

    return _again(_Asking(service, who, language, now, machine_now), firing_id, said, write, seen=seen)


@router.post("/firings/{firing_id}/unmerge", response_model=SecondLookOut)
def unmerge_firing(
    firing_id: schemas.Id,
    who: Fires,
    service: PartsOf,
    language: Language,
    seen: Seen,
    now: Now,
    machine_now: MachineNow,
) -> SecondLookOut:
    """Undo the last merge of a firing: the later part is a firing of its own again."""
    went_on: list[int] = []

    def said(session: Session, firing: Firing) -> tuple[datetime, datetime | None, str | None]:
        part = last_part(session, firing)
        before = part.before_merge or {}
        if before["is_running"] and firing.ended_at is not None:
            went_on.append(part.id)
        return firing.started_at, datetime.fromisoformat(before["ended_at"]), before["end_cause"]

    def write(session: Session, firing: Firing) -> None:
        part = last_part(session, firing)
        take_apart(session, firing, part)
        _note(session, who, firing, "firings taken apart", machine_now, part=part.id)

    def note(session: Session, firing: Firing) -> None:
        _note(session, who, firing, "firing recomputed", machine_now)

    asking = _Asking(service, who, language, now, machine_now)
    out = _again(asking, firing_id, said, write, seen=seen)
    for part_id in went_on:
        with contextlib.suppress(ServiceError):  # they are apart; what the watch had found last stays
            _again(asking, part_id, _as_it_ended, note)
    return out


@router.post("/firings/{firing_id}/recompute", response_model=SecondLookOut)
def recompute_firing(
    firing_id: schemas.Id,
    who: SetsUp,
    service: PartsOf,
    language: Language,
    now: Now,
    machine_now: MachineNow,
) -> SecondLookOut:
    """Look at a firing that has ended again: by today's calibrations, its target, its plan and what is known of it."""

    def write(session: Session, firing: Firing) -> None:
        _note(session, who, firing, "firing recomputed", machine_now)

    return _again(_Asking(service, who, language, now, machine_now), firing_id, _as_it_ended, write)


class _Asking(NamedTuple):
    """Who asks for a second look, and what the answer needs."""

    service: Parts
    who: Who
    language: str
    now: datetime
    machine_now: datetime


_Said = Callable[[Session, Firing], tuple[datetime, datetime | None, str | None]]


def _as_it_ended(_session: Session, firing: Firing) -> tuple[datetime, datetime | None, str | None]:
    if firing.ended_at is None:
        msg = "a running firing is looked at all the time; it can be recomputed once it has ended"
        raise ConflictError(msg)
    return firing.started_at, firing.ended_at, firing.end_cause


def _again(
    asking: _Asking,
    firing_id: int,
    said: _Said,
    write: Callable[[Session, Firing], None],
    *,
    seen: Seen | None = None,
) -> SecondLookOut:
    """Look at a firing with the ends that `said` gives; if nothing has changed meanwhile, write that down."""
    service, who, language, now, machine_now = asking
    with service.database.read() as session:
        confine(session, who.workshop_ids)
        firing = _whole(session, who, firing_id)
        version = version_of(firing, *views.FIRING_SAID)
        if seen is not None:
            seen.check(version)
        started_at, ended_at, cause = said(session, firing)
        check_length(started_at, ended_at or now)
        assessed = None
        if ended_at is not None:
            assessed = look_again(
                session, firing, started_at=started_at, ended_at=ended_at, cause=EndCause(cause or EndCause.OPERATOR)
            )
    with service.database.write() as session:
        confine(session, who.workshop_ids)
        firing = _whole(session, who, firing_id)
        if locked_version(session, firing, *views.FIRING_SAID) != version:
            raise _changed_meanwhile(firing)
        write(session, firing)
        change = _written(session, firing, assessed, now)
        learn_again(session, firing.kiln)
        firing.kiln.edited_at = machine_now
        out = SecondLookOut(
            before=Figures(**change.before),
            after=Figures(**change.after),
            findings_new=list(change.found),
            findings_withdrawn=list(change.withdrawn),
            has_changed=change.before != change.after or bool(change.found or change.withdrawn),
            firing=detail_out(session, who, firing, language, now),
        )
    service.monitor.attend()
    return out


def _written(session: Session, firing: Firing, assessed: AssessedFiring | None, now: datetime) -> Change:
    """Write what was seen; of a firing that runs, who watches its kiln sees it and writes it."""
    if assessed is not None:
        return write_down(session, firing, assessed, now=now)
    figures = {name: getattr(firing, name) for name in Figures.model_fields}
    return Change(figures, figures, (), (), ())


def _whole(session: Session, who: Who, firing_id: int) -> Firing:
    firing = firings.get_firing(session, who.workshop_ids, firing_id)
    check_whole(firing)
    return firing


def _changed_meanwhile(firing: Firing) -> ConflictError:
    return ConflictError(f"firing {firing.number} was changed while it was looked at again; say it once more")


def _check_past(started_at: datetime, ended_at: datetime | None, now: datetime) -> None:
    if not started_at < (ended_at or now) <= now:
        msg = "a firing ends after it began, and neither is in the future"
        raise InvalidError(msg)


def _check_free(session: Session, kiln_id: int, from_at: datetime, to_at: datetime, *, but_id: int | None) -> None:
    taken = firings.overlapping_firing(session, kiln_id, from_at, to_at, but_id=but_id)
    if taken is not None:
        msg = (
            f"firing {taken.number} of this kiln, begun at {taken.started_at.isoformat()}, shares that time; "
            "end or change that one first, or merge the two"
        )
        raise ConflictError(msg)


def _note(session: Session, who: Who, firing: Firing, what: str, now: datetime, **told: str | int | None) -> None:
    audit.note(session, firing.workshop_id, who=who.name, what=what, now=now, firing=firing.id, **told)
