"""Answers that are kept for who asks again with the same key."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, delete, update
from sqlalchemy.orm import Session

from service.store.models import StoredAnswer


@dataclass(frozen=True)
class Asked:
    """One request of an account: its key, and all that it says, each as a hash."""

    account_id: int
    key_hash: bytes
    asked_hash: bytes


def find(session: Session, asked: Asked) -> StoredAnswer | None:
    return session.get(StoredAnswer, (asked.account_id, asked.key_hash))


def begin(session: Session, asked: Asked, *, now: datetime) -> None:
    """Note that it is worked on; a second one at the same moment breaks the key's uniqueness."""
    session.add(
        StoredAnswer(
            account_id=asked.account_id,
            key_hash=asked.key_hash,
            asked_hash=asked.asked_hash,
            at=now,
            status=None,
            answer=None,
        )
    )
    session.flush()


def end(session: Session, asked: Asked, *, status: int, answer: bytes) -> None:
    session.execute(update(StoredAnswer).where(*_is(asked)).values(status=status, answer=answer))


def give_up(session: Session, asked: Asked) -> None:
    """Forget a request that was refused."""
    session.execute(delete(StoredAnswer).where(*_is(asked)))


def forget(session: Session, *, before: datetime) -> None:
    session.execute(delete(StoredAnswer).where(StoredAnswer.at < before))


def _is(asked: Asked) -> tuple[ColumnElement[bool], ...]:
    return StoredAnswer.account_id == asked.account_id, StoredAnswer.key_hash == asked.key_hash
