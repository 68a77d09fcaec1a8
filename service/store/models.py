"""The tables. Everything but accounts belongs to one workshop, the tenant."""

from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Text,
    UniqueConstraint,
    and_,
    false,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, foreign, mapped_column, relationship

from service.core.findings import Group
from service.store.database import UtcDateTime

# SQLite counts up by itself only for plain INTEGER keys.
BigId = BigInteger().with_variant(Integer(), "sqlite")


class Base(DeclarativeBase):
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {datetime: UtcDateTime(), dict[str, Any]: JSON(), list[Any]: JSON(), bytes: LargeBinary()}  # noqa: RUF012


class OfWorkshop:
    """Marks a table whose rows belong to a workshop, its `workshop_id`: a request sees those of its own alone."""

    workshop_id: Mapped[int] = mapped_column(ForeignKey("workshop.id"))


# --- people ----------------------------------------------------------------------------------------------------------


class Workshop(Base):
    """The tenant."""

    __tablename__ = "workshop"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(80))
    created_at: Mapped[datetime]


class Account(Base):
    __tablename__ = "account"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(80))
    login: Mapped[str] = mapped_column(String(120), unique=True)
    password_hash: Mapped[str] = mapped_column(String(200))
    language: Mapped[str] = mapped_column(String(2))
    created_at: Mapped[datetime]
    wants_two_factors: Mapped[bool] = mapped_column(default=False)  # a password alone signs this person in no more


class Membership(OfWorkshop, Base):
    __tablename__ = "membership"
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"), primary_key=True)
    workshop_id: Mapped[int] = mapped_column(ForeignKey("workshop.id"), primary_key=True)
    role: Mapped[str] = mapped_column(String(20))


class SignInSession(Base):
    """A browser that signed in; the cookie's token is stored as its hash only."""

    __tablename__ = "sign_in_session"
    token_hash: Mapped[bytes] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"), index=True)
    device: Mapped[str] = mapped_column(String(200), default="")  # what the browser calls itself
    created_at: Mapped[datetime]
    seen_at: Mapped[datetime]  # to the hour
    expires_at: Mapped[datetime]
    with_two_factors: Mapped[bool] = mapped_column(default=False)

    @property
    def id(self) -> str:
        """Return what it can be named by: a piece of the hash of a secret that tells nothing of the secret."""
        return self.token_hash[:8].hex()


class OneTimeLink(Base):
    """A link that works once: `account_id` None makes the first account, otherwise it signs that account in."""

    __tablename__ = "one_time_link"
    token_hash: Mapped[bytes] = mapped_column(primary_key=True)
    account_id: Mapped[int | None] = mapped_column(ForeignKey("account.id"))
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class Passkey(Base):
    """What a phone or computer signs with once it has seen who holds it: the public half of its key."""

    __tablename__ = "passkey"
    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"), index=True)
    credential_id: Mapped[bytes] = mapped_column(unique=True)
    credential: Mapped[bytes]  # attested credential data (WebAuthn level 3, 6.5.1): the id again, and the key
    signed_count: Mapped[int] = mapped_column(BigInteger)  # of 32 bits without a sign; 0 where it does not count
    device: Mapped[str] = mapped_column(String(200))
    created_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class ProviderIdentity(Base):
    """Who somebody is at the identity provider: `subject` is never given to another there; `known_as` is for people."""

    __tablename__ = "provider_identity"
    __table_args__ = (UniqueConstraint("issuer", "subject"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"), unique=True)
    issuer: Mapped[str] = mapped_column(String(300))
    subject: Mapped[str] = mapped_column(String(255))
    known_as: Mapped[str] = mapped_column(String(120))
    created_at: Mapped[datetime]


class SignInChallenge(Base):
    """What is to be answered once: by a passkey or through a provider, to sign somebody in or to become that one's."""

    __tablename__ = "sign_in_challenge"
    challenge_hash: Mapped[bytes] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(10))
    account_id: Mapped[int | None] = mapped_column(ForeignKey("account.id"), index=True)
    state: Mapped[dict[str, Any]]  # of the library, to be handed back as it was
    expires_at: Mapped[datetime] = mapped_column(index=True)


class Invitation(OfWorkshop, Base):
    """Leave to join a workshop in a role, for whoever has its link first."""

    __tablename__ = "invitation"
    id: Mapped[int] = mapped_column(primary_key=True)
    workshop_id: Mapped[int] = mapped_column(ForeignKey("workshop.id"), index=True)
    token_hash: Mapped[bytes] = mapped_column(unique=True)
    role: Mapped[str] = mapped_column(String(20))
    invited_by: Mapped[str] = mapped_column(String(80))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class ApiToken(OfWorkshop, Base):
    """What a program shows instead of signing in; it acts for the person who made it."""

    __tablename__ = "api_token"
    id: Mapped[int] = mapped_column(primary_key=True)
    workshop_id: Mapped[int] = mapped_column(ForeignKey("workshop.id"), index=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"))
    name: Mapped[str] = mapped_column(String(80))
    scope: Mapped[str] = mapped_column(String(10))
    token_hash: Mapped[bytes] = mapped_column(unique=True)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class AuditEntry(OfWorkshop, Base):
    """What somebody did: never changed and never removed, which the database itself sees to."""

    __tablename__ = "audit"
    id: Mapped[int] = mapped_column(primary_key=True)
    workshop_id: Mapped[int] = mapped_column(ForeignKey("workshop.id"), index=True)
    at: Mapped[datetime]
    who: Mapped[str] = mapped_column(String(80))
    what: Mapped[str] = mapped_column(String(40))
    details: Mapped[dict[str, Any]]
    seal: Mapped[bytes]  # a hash of the entry and of the seal before it


class StoredAnswer(Base):
    """The answer to a request that carried a key, so that asking again does nothing twice.

    It may hold secrets, so it is encrypted under the key, of which only a hash is kept; None while it is worked on.
    """

    __tablename__ = "stored_answer"
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"), primary_key=True)
    key_hash: Mapped[bytes] = mapped_column(primary_key=True)
    asked_hash: Mapped[bytes]
    status: Mapped[int | None]
    answer: Mapped[bytes | None]
    at: Mapped[datetime] = mapped_column(index=True)


# --- kilns and bridges -----------------------------------------------------------------------------------------------


class Plan(OfWorkshop, Base):
    """The firing that an operator means to follow: corners of (time_s, temp_c)."""

    __tablename__ = "plan"
    id: Mapped[int] = mapped_column(primary_key=True)
    workshop_id: Mapped[int] = mapped_column(ForeignKey("workshop.id"), index=True)
    name: Mapped[str] = mapped_column(String(80))
    points: Mapped[list[Any]]
    removed_at: Mapped[datetime | None]  # offered no more; firings that followed it keep it


class Kiln(OfWorkshop, Base):
    __tablename__ = "kiln"
    __table_args__ = (UniqueConstraint("workshop_id", "key"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(40))
    name: Mapped[str] = mapped_column(String(80))
    fuel: Mapped[str] = mapped_column(String(10))
    target_cone: Mapped[str | None] = mapped_column(String(5))
    ware: Mapped[list[Any]] = mapped_column(default=list)  # what is known of it, of `core.defect_rules.WARE`
    plan_id: Mapped[int | None] = mapped_column(ForeignKey("plan.id"))
    # When a person last changed something of it or of its firing, by the machine's clock: who watches it looks again,
    # and what was read of it before is read anew.
    edited_at: Mapped[datetime | None] = mapped_column(index=True, onupdate=lambda: datetime.now(UTC))
    retired_at: Mapped[datetime | None]  # out of use: its firings stay, and it is not among the kilns of the day
    # What witness cones have taught: {channel: {mean_c, sd_c, firings, number}}, see `store.cone_offsets`.
    cone_offsets: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")


class Channel(OfWorkshop, Base):
    """One measured quantity of one kiln."""

    __tablename__ = "channel"
    __table_args__ = (UniqueConstraint("kiln_id", "name"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    kiln_id: Mapped[int] = mapped_column(ForeignKey("kiln.id"))
    name: Mapped[str] = mapped_column(String(40))
    unit: Mapped[str] = mapped_column(String(8))
    label: Mapped[str | None] = mapped_column(String(40))  # what people call it, if not by its name
    place: Mapped[str | None] = mapped_column(String(16))  # where in the kiln it is
    is_hidden: Mapped[bool] = mapped_column(default=False, server_default=false())  # from screens; the science sees it


class Calibration(OfWorkshop, Base):
    """What is known to be wrong with the probe of a channel, for its readings from `from_at` up to the next one's."""

    __tablename__ = "calibration"
    __table_args__ = (UniqueConstraint("channel_id", "from_at"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    channel_id: Mapped[int] = mapped_column(ForeignKey("channel.id"))
    from_at: Mapped[datetime]
    points: Mapped[list[Any]]  # of (indicated_c, error_c), as `core.calibration.Correction` has them
    offset_c: Mapped[float]
    note: Mapped[str] = mapped_column(String(200))
    made_by: Mapped[str] = mapped_column(String(80))
    made_at: Mapped[datetime]


class Bridge(OfWorkshop, Base):
    __tablename__ = "bridge"
    id: Mapped[int] = mapped_column(primary_key=True)
    workshop_id: Mapped[int] = mapped_column(ForeignKey("workshop.id"), index=True)
    name: Mapped[str] = mapped_column(String(80))
    token_hash: Mapped[bytes | None] = mapped_column(unique=True)
    next_token_hash: Mapped[bytes | None] = mapped_column(unique=True)  # given, and not shown yet: both are good
    pairing_hash: Mapped[bytes | None] = mapped_column(unique=True)
    pairing_expires_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    paired_at: Mapped[datetime | None]
    seen_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


# --- readings --------------------------------------------------------------------------------------------------------


class StoredBlock(OfWorkshop, Base):
    """A block as it came, named for ever by (bridge, boot, seq); it goes when it is gathered, see `series.gather`.

    A village adds thousands in a second, of its kilns in any order: an index of all by kiln would be written in as many
    places. On a shelf there are some thousand, and what they add to its part of the index lies side by side.
    """

    __tablename__ = "block"
    __table_args__ = (Index("ix_block_shelf_id_kiln_id", "shelf_id", "kiln_id"),)
    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    shelf_id: Mapped[int] = mapped_column(BigInteger)
    kiln_id: Mapped[int] = mapped_column(ForeignKey("kiln.id"))
    bridge_id: Mapped[int] = mapped_column(ForeignKey("bridge.id"))
    boot: Mapped[str] = mapped_column(String(32))
    seq: Mapped[int] = mapped_column(BigInteger)
    from_ms: Mapped[int | None] = mapped_column(BigInteger)
    to_ms: Mapped[int | None] = mapped_column(BigInteger)
    readings: Mapped[int]
    received_at: Mapped[datetime]
    is_history: Mapped[bool] = mapped_column(default=False)  # brought in from a log: shown, and not watched
    payload: Mapped[bytes]


class Shelf(Base):
    """Some thousand blocks in the order in which they came, numbered as the blocks are; here while any is left."""

    __tablename__ = "shelf"
    id: Mapped[int] = mapped_column(BigId, primary_key=True)


class GatheredBlock(OfWorkshop, Base):
    """What came of a kiln in a minute or so, its columns put together; `id` is that of the newest block in it."""

    __tablename__ = "gathered"
    __table_args__ = (Index("ix_gathered_kiln_id_id", "kiln_id", "id"),)
    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    kiln_id: Mapped[int] = mapped_column(ForeignKey("kiln.id"))
    from_ms: Mapped[int | None] = mapped_column(BigInteger)
    to_ms: Mapped[int | None] = mapped_column(BigInteger)
    readings: Mapped[int]
    received_at: Mapped[datetime]  # the newest
    payload: Mapped[bytes]


class Gathering(OfWorkshop, Base):
    """How far a kiln has got: up to which block all of its are gathered, and up to which they are sealed."""

    __tablename__ = "gathering"
    kiln_id: Mapped[int] = mapped_column(ForeignKey("kiln.id"), primary_key=True)
    upto_id: Mapped[int] = mapped_column(BigInteger)
    sealed_id: Mapped[int] = mapped_column(BigInteger, default=0)


class SkippedBlock(OfWorkshop, Base):
    """A block that a bridge has put into quarantine: known to be missing, with the reason."""

    __tablename__ = "skipped_block"
    bridge_id: Mapped[int] = mapped_column(ForeignKey("bridge.id"), primary_key=True)
    boot: Mapped[str] = mapped_column(String(32), primary_key=True)
    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    reason: Mapped[str] = mapped_column(String(300))
    at: Mapped[datetime]


class Mark(Base):
    """Everything of this boot up to and with `seq` is stored."""

    __tablename__ = "mark"
    bridge_id: Mapped[int] = mapped_column(ForeignKey("bridge.id"), primary_key=True)
    boot: Mapped[str] = mapped_column(String(32), primary_key=True)
    seq: Mapped[int] = mapped_column(BigInteger)


class Island(Base):
    """Of this boot `first_seq` to `last_seq` are stored above a gap: once the mark is past it, it says nothing more."""

    __tablename__ = "island"
    bridge_id: Mapped[int] = mapped_column(ForeignKey("bridge.id"), primary_key=True)
    boot: Mapped[str] = mapped_column(String(32), primary_key=True)
    first_seq: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    last_seq: Mapped[int] = mapped_column(BigInteger)


class Sink(Base):
    """Another store to which readings are passed on, by its name in the settings, and how far it has got."""

    __tablename__ = "sink"
    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    block_id: Mapped[int] = mapped_column(BigInteger)  # it has every block up to and with this one, or is owed it
    is_listed: Mapped[bool]  # what had been sealed before it came is among what it is owed
    gathered_id: Mapped[int] = mapped_column(BigInteger, default=0)  # gathered before it came: owed when it is sealed
    claimed_by: Mapped[str | None] = mapped_column(String(32))
    claimed_until: Mapped[datetime | None]
    sent_at: Mapped[datetime | None]
    failure: Mapped[str | None] = mapped_column(String(300))
    failed_at: Mapped[datetime | None]  # since when


class OwedToSink(OfWorkshop, Base):
    """Sealed readings of one kiln in one month that a sink has to get still, between two times."""

    __tablename__ = "owed_to_sink"
    sink_name: Mapped[str] = mapped_column(ForeignKey("sink.name"), primary_key=True)
    kiln_id: Mapped[int] = mapped_column(ForeignKey("kiln.id"), primary_key=True)
    month: Mapped[str] = mapped_column(String(7), primary_key=True)
    from_ms: Mapped[int] = mapped_column(BigInteger)
    to_ms: Mapped[int] = mapped_column(BigInteger)
    next_ms: Mapped[int] = mapped_column(BigInteger)  # what lies before it has been sent, and is certain to be kept
    changes: Mapped[int]  # how often it grew: whoever pays looks whether it did meanwhile


# --- what the science made of them -----------------------------------------------------------------------------------


class LiveState(OfWorkshop, Base):
    """Where the live analysis of a kiln stands; written with everything it concluded, so it continues exactly there."""

    __tablename__ = "live_state"
    kiln_id: Mapped[int] = mapped_column(ForeignKey("kiln.id"), primary_key=True)
    last_block_id: Mapped[int] = mapped_column(BigInteger)
    last_block_at: Mapped[datetime]
    snapshot: Mapped[bytes]  # as `monitor.packing` packs it
    status: Mapped[dict[str, Any]]


class Firing(OfWorkshop, Base):
    __tablename__ = "firing"
    __table_args__ = (
        Index(
            "uq_firing_running",
            "kiln_id",
            unique=True,
            sqlite_where=text("ended_at IS NULL"),
            postgresql_where=text("ended_at IS NULL"),
        ),
        Index(
            "ix_firing_witnessed",
            "kiln_id",
            sqlite_where=text("witness_cones IS NOT NULL"),
            postgresql_where=text("witness_cones IS NOT NULL"),
        ),
        UniqueConstraint("kiln_id", "number"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    workshop_id: Mapped[int] = mapped_column(ForeignKey("workshop.id"), index=True)
    kiln_id: Mapped[int] = mapped_column(ForeignKey("kiln.id"))
    number: Mapped[int]
    started_at: Mapped[datetime]
    bins_from_s: Mapped[float] = mapped_column(default=0.0, server_default="0")  # as its watch had them
    ended_at: Mapped[datetime | None]
    end_cause: Mapped[str | None] = mapped_column(String(20))
    end_asked_at: Mapped[datetime | None]  # its operator has ended it, and the analysis has yet to
    target_cone: Mapped[str | None] = mapped_column(String(5))
    plan_id: Mapped[int | None] = mapped_column(ForeignKey("plan.id"))
    note: Mapped[str] = mapped_column(Text, default="")
    fuel_amount: Mapped[float | None]
    fuel_unit: Mapped[str | None] = mapped_column(String(12))
    # The firing that this one is a part of, since a person said that they were one; and what undoing that gives back.
    merged_into_id: Mapped[int | None] = mapped_column(ForeignKey("firing.id"), index=True)
    before_merge: Mapped[dict[str, Any] | None]
    peak_c: Mapped[float | None]
    peak_at: Mapped[datetime | None]
    cone_reached: Mapped[str | None] = mapped_column(String(5))
    max_spread_c: Mapped[float | None]
    cones: Mapped[list[Any]] = mapped_column(default=list)
    # Its kiln's when it began: it is judged by these whatever its own cones say.
    cone_offsets: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")
    # How the cones beside its probes stood afterwards: a list of {channel, cone, kind, seen}.
    witness_cones: Mapped[list[Any] | None] = mapped_column(JSON(none_as_null=True))
    kiln: Mapped[Kiln] = relationship(lazy="joined")
    plan: Mapped[Plan | None] = relationship(lazy="joined")


class StoredFinding(OfWorkshop, Base):
    __tablename__ = "finding"
    __table_args__ = (UniqueConstraint("kiln_id", "kind", "channel", "start_at"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    kiln_id: Mapped[int] = mapped_column(ForeignKey("kiln.id"))
    firing_id: Mapped[int | None] = mapped_column(ForeignKey("firing.id"), index=True)
    kind: Mapped[str] = mapped_column(String(40))
    group: Mapped[str] = mapped_column(String(10))
    severity: Mapped[str] = mapped_column(String(10))
    channel: Mapped[str] = mapped_column(String(40))  # "" is the kiln as a whole: NULLs are never equal
    start_at: Mapped[datetime]
    end_at: Mapped[datetime | None]
    probability: Mapped[float | None]
    evidence: Mapped[dict[str, Any]]
    advice_key: Mapped[str] = mapped_column(String(60))
    withdrawn_at: Mapped[datetime | None]  # when the readings were looked at again and no longer said so
    verdict: Mapped[str | None] = mapped_column(String(10))  # what a person who was there says of it: true or false
    verdict_note: Mapped[str | None] = mapped_column(String(500))
    verdict_by: Mapped[str | None] = mapped_column(String(80))
    verdict_at: Mapped[datetime | None]
    kiln: Mapped[Kiln] = relationship(lazy="joined")
    labelled: Mapped[list[Channel]] = relationship(
        primaryjoin=lambda: and_(foreign(Channel.kiln_id) == StoredFinding.kiln_id, Channel.label.is_not(None)),
        viewonly=True,
    )

    @property
    def labels(self) -> dict[str, str]:
        """Return what people call the channels of the kiln, by name; queries that list findings load them at once."""
        return {channel.name: channel.label for channel in self.labelled if channel.label}


# --- processes that share the kilns --------------------------------------------------------------------------------


class ServiceProcess(Base):
    """A process that lives, until `expires_at` by the database's clock; `follows` are workshops seen through it."""

    __tablename__ = "service_process"
    id: Mapped[str] = mapped_column(String(16), primary_key=True)
    expires_at: Mapped[datetime]
    follows: Mapped[list[Any]]


class Lease(Base):
    """Which process watches the kilns of some workshops; `epoch` counts how often this changed hands."""

    __tablename__ = "lease"
    slot: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    holder: Mapped[str | None] = mapped_column(String(16))
    epoch: Mapped[int] = mapped_column(BigInteger)


# --- alarms ----------------------------------------------------------------------------------------------------------


class Alarm(OfWorkshop, Base):
    """A finding that a person must act on. Acknowledged and cleared are independent: each has its own time."""

    __tablename__ = "alarm"
    __table_args__ = (Index("ix_alarm_workshop_id_cleared_at", "workshop_id", "cleared_at"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    finding_id: Mapped[int] = mapped_column(ForeignKey("finding.id"), unique=True)
    # The alarm that speaks for this one too, because one cause is behind both: a line, a bridge, the power.
    part_of_id: Mapped[int | None] = mapped_column(ForeignKey("alarm.id"), index=True)
    opened_at: Mapped[datetime]
    acknowledged_at: Mapped[datetime | None]
    acknowledged_by: Mapped[str | None] = mapped_column(String(80))
    cleared_at: Mapped[datetime | None]
    workshop: Mapped[Workshop] = relationship(lazy="joined")
    finding: Mapped[StoredFinding] = relationship(lazy="joined")
    events: Mapped[list["AlarmEvent"]] = relationship(order_by="AlarmEvent.id", lazy="selectin")
    parts: Mapped[list["Alarm"]] = relationship(order_by="Alarm.id", lazy="selectin", join_depth=1)

    @property
    def is_past(self) -> bool:
        """Say whether nothing is to be done any more: it is over, and not a verdict on the ware, which stays."""
        return self.cleared_at is not None and self.finding.group != Group.DEFECT.value

    @property
    def also_at(self) -> list[tuple[str, str | None]]:
        """Return the kilns and channels of the parts: while this one holds, of those that hold too."""
        parts = [part for part in self.parts if self.cleared_at is not None or part.cleared_at is None]
        return [(part.finding.kiln.name, part.finding.channel or None) for part in parts]


class AlarmEvent(OfWorkshop, Base):
    """The audit of an alarm: only ever added to."""

    __tablename__ = "alarm_event"
    id: Mapped[int] = mapped_column(primary_key=True)
    alarm_id: Mapped[int] = mapped_column(ForeignKey("alarm.id"), index=True)
    at: Mapped[datetime]
    what: Mapped[str] = mapped_column(String(20))
    who: Mapped[str | None] = mapped_column(String(80))


class PushSubscription(Base):
    """A browser of a person, to which alerts are pushed."""

    __tablename__ = "push_subscription"
    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"), index=True)
    endpoint: Mapped[str] = mapped_column(String(1000), unique=True)
    p256dh: Mapped[str] = mapped_column(String(200))
    auth: Mapped[str] = mapped_column(String(100))
    device: Mapped[str] = mapped_column(String(80))
    created_at: Mapped[datetime]
    last_delivered_at: Mapped[datetime | None]

    @property
    def endpoint_sha256(self) -> str:
        return sha256(self.endpoint.encode()).hexdigest()


class Delivery(OfWorkshop, Base):
    """The outbox: one message to one device, written with the alarm and sent later.

    Tokens are random, so they are stored as their hashes; they stand in clear only in the encrypted push. Times here
    are the machine's, for networks know no other; but for `seen_at`, which is the replay's if there is one.
    """

    __tablename__ = "delivery"
    __table_args__ = (Index("ix_delivery_next_try_at", "next_try_at"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    alarm_id: Mapped[int] = mapped_column(ForeignKey("alarm.id"), index=True)
    subscription_id: Mapped[int] = mapped_column(ForeignKey("push_subscription.id", ondelete="CASCADE"))
    next_try_at: Mapped[datetime | None]  # None: nothing more to do
    claimed_until: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(default=0)
    delivered_at: Mapped[datetime | None]
    seen_at: Mapped[datetime | None]
    token_hash: Mapped[bytes | None] = mapped_column(unique=True)


# --- batches ---------------------------------------------------------------------------------------------------------


class Batch(OfWorkshop, Base):
    """Ware put in one firing, and what came out: a list of {grade, defect, count}."""

    __tablename__ = "batch"
    id: Mapped[int] = mapped_column(primary_key=True)
    firing_id: Mapped[int] = mapped_column(ForeignKey("firing.id"), index=True)
    ware: Mapped[str] = mapped_column(String(80))
    pieces_loaded: Mapped[int]
    note: Mapped[str] = mapped_column(Text)
    outcomes: Mapped[list[Any]]
