"""What travels from the bridge to the service: readings, gathered into blocks.

(bridge, boot, seq) names a block for ever, so sending it again is harmless. The bridge is known by its token, never
by the body. A block refuses shapes, not physics: an implausible value is the service's to judge.
"""

from enum import StrEnum
from typing import Annotated, Final

import msgspec

MAX_READINGS_PER_COLUMN: Final = 20_000
MAX_COLUMNS: Final = 64
MAX_BLOCKS_PER_POST: Final = 4096  # an hour of a kiln at one block a second
MAX_SKIPPED_PER_POST: Final = 64
MAX_POST_BYTES: Final = 4_000_000
LAST_MS: Final = 4_102_444_800_000  # Unix time, the end of 2099

Name = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9_\-]{0,39}\Z")]
Boot = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{16,32}\Z")]
Seq = Annotated[int, msgspec.Meta(ge=1, le=2**53)]
EpochMs = Annotated[int, msgspec.Meta(ge=0, le=LAST_MS)]


class Quality(StrEnum):
    """What the instrument said of one reading; a fault is a quality, not a number."""

    GOOD = "good"
    OPEN = "open"
    SHORT_TO_GROUND = "short_to_ground"
    SHORT_TO_SUPPLY = "short_to_supply"
    OUT_OF_RANGE = "out_of_range"
    FAULT = "fault"
    NO_VALUE = "no_value"


class Unit(StrEnum):
    """The unit a value is sent in, named as the columns of the plain log end; nobody converts what he has to guess."""

    CELSIUS = "c"
    MILLIVOLT = "mv"  # a thermocouple's voltage
    O2_MILLIVOLT = "o2_mv"  # an oxygen probe's
    LAMBDA = "lambda"
    KILOPASCAL = "kpa"
    KILOGRAM = "kg"
    PERCENT = "pct"
    DEGREE_OF_ARC = "deg"  # how far a cone has bent
    CONTACT = "contact"  # of a cone-sitter: 1 closed, 0 open


class Reading(msgspec.Struct, frozen=True):
    """One value of one channel at one time; `value` is None unless the quality is good."""

    kiln: str
    channel: str
    at_ms: int
    value: float | None
    quality: Quality = Quality.GOOD
    unit: Unit = Unit.CELSIUS


class Column(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """The readings of one channel in one block, in the order in which they were taken.

    `at_ms[i]` goes with `value[i]`; `fault` holds the quality of those that are not good, by index.
    """

    channel: Name
    unit: Unit
    at_ms: Annotated[list[EpochMs], msgspec.Meta(max_length=MAX_READINGS_PER_COLUMN)]
    value: Annotated[list[float | None], msgspec.Meta(max_length=MAX_READINGS_PER_COLUMN)]
    fault: dict[int, Quality] = {}


class Block(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """Some seconds of readings of one kiln, column by column: what travels and what is stored.

    `until_ms` is how far the bridge vouches for having listened: no reading at or before it is still to come, so
    silence up to it is the instrument's, not the network's. A block may be empty and say only that. `is_estimated`: the
    bridge's own clock was never put right while these were taken; their order is true, their time is a guess.
    """

    boot: Boot
    seq: Seq
    kiln: Name
    until_ms: EpochMs
    columns: Annotated[list[Column], msgspec.Meta(max_length=MAX_COLUMNS)]
    is_estimated: bool = False

    def __post_init__(self) -> None:
        for column in self.columns:  # not each by itself: one call for a block is enough
            if len(column.at_ms) != len(column.value):
                msg = f"column {column.channel}: {len(column.at_ms)} times but {len(column.value)} values"
                raise ValueError(msg)
            if column.fault and not (min(column.fault) >= 0 and max(column.fault) < len(column.value)):
                msg = f"column {column.channel}: a fault names a reading outside 0..{len(column.value) - 1}"
                raise ValueError(msg)

    @property
    def readings(self) -> int:
        """Return how many readings it has."""
        return sum(len(column.at_ms) for column in self.columns)


class Skipped(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """A block that the bridge has put into quarantine, so that the mark can pass over it."""

    boot: Boot
    seq: Seq
    reason: Annotated[str, msgspec.Meta(max_length=300)]


class Post(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """The body of `POST /api/v1/blocks`."""

    blocks: Annotated[list[Block], msgspec.Meta(max_length=MAX_BLOCKS_PER_POST)]
    skipped: Annotated[list[Skipped], msgspec.Meta(max_length=MAX_SKIPPED_PER_POST)] = []


class Limits(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the bridge itself watches on one kiln while the service cannot be reached; None is not watched."""

    kiln: Name
    over_c: float | None = None
    rate_c_per_h: float | None = None
    silent_s: float | None = None


class Receipt(msgspec.Struct, frozen=True, omit_defaults=True):
    """The answer, sent after the blocks are on disk.

    `marks[boot]` is the highest seq below which, and with which, everything of that boot is stored; the bridge may
    forget that and nothing else. `limits` are standing orders; without any, those from before go on holding.
    `new_kilns` did not exist before this post; a name that was mistyped is among them.
    """

    stored: int
    duplicate: int
    marks: dict[str, int]
    limits: list[Limits] | None = None
    new_kilns: list[str] | None = None


class Health(msgspec.Struct, frozen=True):
    """The answer to `GET /healthz`, by whose date a bridge without a clock goes.

    `is_clock_set`: somebody who knows has set the service's clock; None if it does not say.
    """

    status: str
    is_clock_set: bool | None = None
