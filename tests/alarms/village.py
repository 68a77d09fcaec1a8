"""A workshop in a database file of its own, and findings in it."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from service.alarms import record
from service.store import alarms, identity, kilns
from service.store.database import Database
from service.store.models import Alarm, Delivery, PushSubscription, StoredFinding

NOW = datetime(2026, 3, 1, 20, 0, tzinfo=UTC)  # on the kilns' clock
MACHINE = datetime(2026, 7, 1, 9, 0, tzinfo=UTC)  # on the machine's, which networks live by
LATENESS = timedelta(minutes=15)
NO_HASH = "-"


class Village:
    """One workshop with one kiln and its potter, Lan; others can be added."""

    def __init__(self, database: Database) -> None:
        self.database = database
        with database.write() as session:
            lan = identity.create_account(
                session, name="Lan", login="lan@example.org", password_hash=NO_HASH, language="vi", now=MACHINE
            )
            self.workshop_id = identity.create_workshop(session, name="Xưởng Lan", owner=lan, now=MACHINE).id
            self.kiln_id = kilns.create_kiln(session, self.workshop_id, name="Lò 2", key="lo-2").id
            self.lan_id = lan.id

    def add_workshop(self, owner: str, language: str) -> tuple[int, int]:
        """Return the account and the workshop of another potter."""
        with self.database.write() as session:
            account = identity.create_account(
                session,
                name=owner,
                login=f"{owner}@example.org",
                password_hash=NO_HASH,
                language=language,
                now=MACHINE,
            )
            return account.id, identity.create_workshop(session, name=owner, owner=account, now=MACHINE).id

    def subscribe(
        self, endpoint: str, *, account_id: int | None = None, p256dh: str = "k", auth: str = "a"
    ) -> PushSubscription:
        with self.database.write() as session:
            return alarms.subscribe(
                session,
                account_id or self.lan_id,
                endpoint=endpoint,
                p256dh=p256dh,
                auth=auth,
                device="phone",
                now=MACHINE,
            )

    def see(self, **finding: Any) -> list[Alarm]:
        """Save a finding and record it, in one transaction."""
        with self.database.write() as session:
            return self.save_and_record(session, **finding)

    def save_and_record(
        self,
        session: Session,
        *,
        kind: str = "stalled",
        channel: str = "top",
        severity: str = "critical",
        group: str = "sensor",
        started: timedelta = timedelta(minutes=3),
        ended: timedelta | None = None,
        evidence: Mapping[str, Any] | None = None,
        reached_at: datetime | None = None,
        later: timedelta = timedelta(0),
    ) -> list[Alarm]:
        """Save a finding that began and ended so long ago, and record it, `later` by the machine's clock."""
        start_at = NOW - started
        same = select(StoredFinding).where(
            StoredFinding.kind == kind, StoredFinding.channel == channel, StoredFinding.start_at == start_at
        )
        row = session.scalar(same) or StoredFinding(kind=kind, start_at=start_at, channel=channel, advice_key="")
        row.workshop_id, row.kiln_id, row.group = self.workshop_id, self.kiln_id, group
        row.severity, row.evidence = severity, dict(evidence or {"silent_s": 180.0})
        row.end_at = None if ended is None else NOW - ended
        session.add(row)
        session.flush()
        changed = record.record(
            session, [row], now=NOW, now_machine=MACHINE + later, lateness=LATENESS, reached_at=reached_at
        )
        return [session.get_one(Alarm, alarm_id, populate_existing=True) for alarm_id in changed]

    def alarm(self, alarm_id: int) -> Alarm:
        with self.database.read() as session:
            return session.get_one(Alarm, alarm_id)

    def audit(self, alarm_id: int) -> list[tuple[str, str | None]]:
        return [(event.what, event.who) for event in self.alarm(alarm_id).events]

    def deliveries(self) -> list[Delivery]:
        with self.database.read() as session:
            return list(session.scalars(select(Delivery).order_by(Delivery.id)))

    def count(self, table: type[Any]) -> int:
        with self.database.read() as session:
            return session.scalar(select(func.count()).select_from(table)) or 0
