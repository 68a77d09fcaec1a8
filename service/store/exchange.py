"""Short words between the processes on one PostgreSQL database: NOTIFY carries them, and nothing is kept.

What is said within some milliseconds travels together, packed, in as many notices as it takes: one has room for 8,000
bytes. A process that could not hear for a while is told so, and so is one that misses what another could not say.
"""

import base64
import logging
import queue
import threading
import zlib
from typing import Any, Final, NamedTuple, Protocol, Self

import msgspec
from sqlalchemy import text

from service.counters import EXCHANGE_FAILURES
from service.store.database import Database

logger = logging.getLogger(__name__)

MOST_IN_A_NOTICE: Final = 7800
GATHER_S: Final = 0.05
MOST_WAITING: Final = 20_000
TRY_AGAIN_AFTER_S: Final = 1.0
_LISTEN_FOR_S: Final = 0.5
_CHANNEL: Final = "canhlo"
_SAY: Final = text(f"SELECT pg_notify('{_CHANNEL}', :said)")
_packed = msgspec.msgpack.Decoder(list[bytes])


class Listener(Protocol):
    """Who hears what the others say, in the exchange's own thread."""

    def heard(self, sender: str, word: bytes) -> None:
        """Take one word of another process."""

    def missed(self) -> None:
        """Know that something may have been said that was not heard."""


class Exchange:
    """Says words to all other processes, and hears theirs."""

    def __init__(self, database: Database, me: str, listener: Listener) -> None:
        self._database = database
        self._me = me
        self._listener = listener
        self._waiting: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self._has_lost = False
        self._number = 0
        self._pieces: dict[str, list[str]] = {}
        self._end = threading.Event()
        self._threads = [
            threading.Thread(target=work, name=name, daemon=True)
            for work, name in ((self._keep_saying, "exchange-says"), (self._keep_hearing, "exchange-hears"))
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._end.set()
        for thread in self._threads:
            thread.join()

    def say(self, word: bytes) -> None:
        """Say something as soon as may be; called from any thread."""
        if self._waiting.qsize() < MOST_WAITING:
            self._waiting.put(word)
        else:
            self._has_lost = True

    # --- saying ------------------------------------------------------------------------------------------------------

    def _keep_saying(self) -> None:
        while not (self._end.is_set() and self._waiting.empty()):
            if self._waiting.empty():
                self._end.wait(GATHER_S)
                continue
            words = []
            while not self._waiting.empty():
                words.append(self._waiting.get())
            try:
                self._say_together(words)
            except Exception:
                logger.exception("other processes could not be told")
                EXCHANGE_FAILURES.inc()
                self._has_lost = True
                self._end.wait(TRY_AGAIN_AFTER_S)
            self._end.wait(GATHER_S)  # what comes meanwhile goes together

    def _say_together(self, words: list[bytes]) -> None:
        has_lost, self._has_lost = self._has_lost, False  # what is lost from here on is said the next time
        if has_lost:
            words = [b"", *words]
        notices = cut(self._me, self._number, words)
        with self._database.write() as session:
            session.connection().execute(_SAY, [{"said": str(one)} for one in notices])
        self._number += 1

    # --- hearing -----------------------------------------------------------------------------------------------------

    def _keep_hearing(self) -> None:
        is_first = True
        while not self._end.is_set():
            try:
                self._hear(is_first=is_first)
            except Exception:
                logger.exception("other processes could not be heard")
                EXCHANGE_FAILURES.inc()
                self._end.wait(TRY_AGAIN_AFTER_S)
            is_first = False

    def _hear(self, *, is_first: bool) -> None:
        pooled = self._database.engine.raw_connection()
        connection: Any = pooled.driver_connection
        pooled.detach()  # it is given back to nobody
        try:
            connection.autocommit = True
            connection.execute(f"LISTEN {_CHANNEL}")
            self._pieces.clear()
            if not is_first:
                self._listener.missed()
            while not self._end.is_set():
                for notice in connection.notifies(timeout=_LISTEN_FOR_S):
                    self._take(notice.payload)
                    if self._end.is_set():
                        return
        finally:
            connection.close()

    def _take(self, payload: str) -> None:
        notice = Notice.read(payload)
        if notice.sender == self._me:
            return
        pieces = self._pieces.setdefault(notice.sender, [])
        if notice.place == 0:
            pieces.clear()
        pieces.append(notice.piece)
        if len(pieces) <= notice.place:  # we began to listen in the middle
            del self._pieces[notice.sender]
        elif notice.place + 1 == notice.places:
            del self._pieces[notice.sender]
            for word in joined(pieces):
                self._hand_on(notice.sender, word)

    def _hand_on(self, sender: str, word: bytes) -> None:
        try:
            if word:
                self._listener.heard(sender, word)
            else:
                self._listener.missed()
        except Exception:
            logger.exception("what another process said could not be taken", extra={"sender": sender})
            EXCHANGE_FAILURES.inc()


class Notice(NamedTuple):
    """One piece of what a process says together."""

    sender: str
    place: int
    places: int
    number: int  # of what this process says: PostgreSQL passes on equal notices only once
    piece: str

    @classmethod
    def read(cls, payload: str) -> Self:
        sender, place, places, number, piece = payload.split(":", 4)
        return cls(sender, int(place), int(places), int(number), piece)

    def __str__(self) -> str:
        return ":".join(map(str, self))


def cut(me: str, number: int, words: list[bytes]) -> list[Notice]:
    """Return what is said together as notices."""
    said = base64.b64encode(zlib.compress(msgspec.msgpack.encode(words), 1)).decode()
    pieces = [said[begin : begin + MOST_IN_A_NOTICE] for begin in range(0, len(said), MOST_IN_A_NOTICE)]
    return [Notice(me, place, len(pieces), number, piece) for place, piece in enumerate(pieces)]


def joined(pieces: list[str]) -> list[bytes]:
    """Return the words that were cut into pieces."""
    return _packed.decode(zlib.decompress(base64.b64decode("".join(pieces))))
