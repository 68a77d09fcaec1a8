"""The other processes on the same database: what they show of kilns we do not watch, and what we show of ours."""

import itertools
import threading
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Final

import msgspec

from service.monitor.leases import Leases
from service.monitor.watched import LiveKiln
from service.store.database import Database
from service.store.exchange import Exchange

ANSWERED_WITHIN_S: Final = 0.5
# So long a new viewer counts by word of mouth; by then the table of processes says so.
BY_WORD_S: Final = 5.0


class Shown(msgspec.Struct, tag="shown"):
    """What changed in a workshop, as viewers get it; rows are read by whoever shows them, in the viewer's language."""

    workshop_id: int
    message: str
    firing_ids: tuple[int, ...] = ()
    alarm_ids: tuple[int, ...] = ()


class Followed(msgspec.Struct, tag="followed"):
    """Somebody begins to look at workshops."""

    workshop_ids: tuple[int, ...]


class Edited(msgspec.Struct, tag="edited"):
    """A person has changed something of a kiln: whoever watches it looks again, and tells of it."""

    kiln_id: int
    alarm_ids: tuple[int, ...] = ()


class RightsChanged(msgspec.Struct, tag="rights_changed"):
    """A person may see more or less than before."""

    account_id: int


class Asked(msgspec.Struct, tag="asked"):
    """Whoever watches these kilns says how they are now."""

    number: int
    kiln_ids: tuple[int, ...]


class Answered(msgspec.Struct, tag="answered"):
    """How kilns are now, for the process that asked."""

    asker: str
    number: int
    kilns: tuple[LiveKiln, ...]


class Freed(msgspec.Struct, tag="freed"):
    """There are slots to be claimed."""


Word = Freed | Shown | Followed | Edited | RightsChanged | Asked | Answered
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Word).decode


@dataclass
class Handlers:
    """What this process does about what the others say; called in the exchange's thread."""

    show: Callable[[Shown], None]
    end_streams: Callable[[int | None], None]  # of a person, or of everybody
    look_again: Callable[[int, tuple[int, ...]], None]
    watched_here: Callable[[Collection[int]], list[LiveKiln]]


@dataclass
class _Question:
    """What was asked, until as many kilns have been told of as were asked for."""

    kiln_ids: frozenset[int]
    kilns: dict[int, LiveKiln] = field(default_factory=dict)
    answered: threading.Event = field(default_factory=threading.Event)


class Elsewhere:
    """Speaks with the other processes, as long as there are any."""

    def __init__(self, database: Database, leases: Leases, handlers: Handlers) -> None:
        self._leases = leases
        self._handlers = handlers
        self._exchange = Exchange(database, leases.me, self)
        self._by_word: dict[int, float] = {}  # workshops, and until when
        self._numbers = itertools.count()
        self._questions: dict[int, _Question] = {}

    def start(self) -> None:
        self._exchange.start()

    def stop(self) -> None:
        """End, having said what there was to say and that our slots are free."""
        self.say(Freed())
        self._exchange.stop()

    @property
    def is_there(self) -> bool:
        """Say whether there are other processes."""
        return bool(self._leases.others)

    def follows(self, workshop_id: int) -> bool:
        """Say whether somebody looks at a workshop through another process; called from any thread."""
        if time.monotonic() < self._by_word.get(workshop_id, 0.0):
            return True
        return any(workshop_id in followed for followed in self._leases.others.values())

    def say(self, word: Word) -> None:
        """Tell all other processes; called from any thread."""
        if self.is_there:
            self._exchange.say(_encode(word))

    def ask(self, kiln_ids: Collection[int]) -> dict[int, LiveKiln]:
        """Return how kilns are now that others watch; those that nobody tells of in time are left out."""
        if not kiln_ids or not self.is_there:
            return {}
        number, question = next(self._numbers), _Question(frozenset(kiln_ids))
        self._questions[number] = question
        self.say(Asked(number, tuple(kiln_ids)))
        question.answered.wait(ANSWERED_WITHIN_S)
        del self._questions[number]
        return dict(question.kilns)

    def heard(self, sender: str, word: bytes) -> None:
        match _decode(word):
            case Freed():
                self._leases.wake()
            case Shown() as shown:
                self._handlers.show(shown)
            case Followed(workshop_ids):
                now_s = time.monotonic()
                self._by_word = {one: until_s for one, until_s in self._by_word.items() if until_s > now_s}
                self._by_word |= dict.fromkeys(workshop_ids, now_s + BY_WORD_S)
            case Edited(kiln_id, alarm_ids):
                self._handlers.look_again(kiln_id, alarm_ids)
            case RightsChanged(account_id):
                self._handlers.end_streams(account_id)
            case Asked(number, kiln_ids):
                here = self._handlers.watched_here(kiln_ids)
                if here:
                    self.say(Answered(sender, number, tuple(here)))
            case Answered(asker, number, kilns) if asker == self._leases.me and number in self._questions:
                question = self._questions[number]
                question.kilns |= {kiln.kiln_id: kiln for kiln in kilns}
                if question.kilns.keys() >= question.kiln_ids:
                    question.answered.set()

    def missed(self) -> None:
        self._handlers.end_streams(None)
