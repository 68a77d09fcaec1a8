"""The second lock: a request's session sees the rows of its workshops only, whatever a query forgets to say.

The queries name their workshops themselves. This holds if one of them does not: every statement of such a session gets
the workshops as a condition, a row of another one cannot be written, and in PostgreSQL the rows' own policies say the
same once more. The loops of the service use sessions without it.
"""

import logging
from collections.abc import Collection
from typing import Any, Final

from sqlalchemy import Insert, Update, event, text
from sqlalchemy.orm import ORMExecuteState, Session, UOWTransaction, with_loader_criteria

from service.store.among import FEW, each_of, is_in
from service.store.database import Database
from service.store.models import OfWorkshop
from service.store.months import SERIES

logger = logging.getLogger(__name__)

_KEY: Final = "workshop_ids"
_CRITERIA: Final = "criteria"


class OutOfBoundsError(Exception):
    """A request reached for something that is not its workshops'. This is a mistake of ours, never of the caller."""


def confine(session: Session, workshop_ids: Collection[int]) -> Session:
    """Let a session see the rows of some workshops only, from here to its end."""
    ids = frozenset(workshop_ids)
    if session.get_bind().dialect.name == "postgresql":
        said = ",".join(str(workshop_id) for workshop_id in sorted(ids))
        session.connection().execute(text("SELECT set_config('canhlo.workshops', :ids, true)"), {"ids": said})
    session.info[_KEY] = ids
    session.info[_CRITERIA] = _criteria(list(ids))
    return session


def warn_of_power(database: Database) -> None:
    """Say so if PostgreSQL's policies of rows do not hold, as for an account that may do everything."""
    if not database.is_shared:
        return
    asked = text("SELECT rolname FROM pg_roles WHERE rolname = current_user AND (rolsuper OR rolbypassrls)")
    with database.read() as session:
        account = session.scalar(asked)
    if account is not None:
        logger.warning(
            "PostgreSQL keeps no row from this account; give the service one without SUPERUSER and BYPASSRLS",
            extra={"account": account},
        )


def _criteria(ids: list[int]) -> Any:
    """Return the condition on every table of workshops in a statement, under whatever name it stands there."""
    if len(ids) <= FEW:
        return with_loader_criteria(OfWorkshop, lambda table: table.workshop_id.in_(ids), include_aliases=True)
    rows = each_of(ids)
    return with_loader_criteria(OfWorkshop, lambda table: is_in(table.workshop_id, rows), include_aliases=True)


@event.listens_for(Session, "do_orm_execute")
def _add_workshops(state: ORMExecuteState) -> None:
    if _KEY not in state.session.info:
        return
    if not state.is_orm_statement:
        tables: list[Any] = getattr(state.statement, "get_final_froms", list)()
        if tables and all(table.metadata is SERIES for table in tables):
            return
        msg = f"a request may only ask through the mapped tables, not: {state.statement}"
        raise OutOfBoundsError(msg)
    if isinstance(state.statement, Insert):
        msg = f"a request adds rows as mapped objects, which are looked at, not by: {state.statement}"
        raise OutOfBoundsError(msg)
    if isinstance(state.statement, Update):
        _check_values(state, state.statement, state.session.info[_KEY])
    state.statement = state.statement.options(state.session.info[_CRITERIA])


def _check_values(state: ORMExecuteState, statement: Update, ids: Collection[int]) -> None:
    """Refuse to give rows to another workshop: the condition only says which rows are changed."""
    given = state.parameters if isinstance(state.parameters, list) else [state.parameters or {}]
    for values in (statement.compile().params, *given):
        if values.get("workshop_id") not in (*ids, None):
            msg = f"a request of others gives rows to workshop {values['workshop_id']}"
            raise OutOfBoundsError(msg)


@event.listens_for(Session, "before_flush")
def _check_rows(session: Session, _context: UOWTransaction, _instances: object) -> None:
    ids = session.info.get(_KEY)
    if ids is None:
        return
    for row in (*session.new, *session.dirty, *session.deleted):
        if getattr(row, "workshop_id", None) not in (*ids, None):
            msg = f"a row of {type(row).__name__} of workshop {row.workshop_id} was written by a request of others"
            raise OutOfBoundsError(msg)
