"""The live stream: server-sent events of everything that changes in a person's workshops."""

import asyncio
from collections import defaultdict, deque
from collections.abc import Iterator
from typing import Final

from pydantic import BaseModel

from service.api import views
from service.api.live_events import KilnEvents, beat, points
from service.clock import Clock
from service.counters import LIVE_VIEWERS
from service.monitor.elsewhere import Elsewhere, Followed, RightsChanged, Shown
from service.monitor.loop import KilnChange, NewReadings
from service.store import alarms as alarm_rows
from service.store import firings as firing_rows
from service.store.database import Database
from service.store.who import Who

MAX_WAITING: Final = 500
GATHER_S: Final = 0.25  # what comes within that goes to a viewer as one message: waking it costs more than the rest
BEAT_S: Final = 5.0  # between two beats of the clock, by which the page also knows that it is still connected
ROUND_S: Final = 1.0
LOOK_AGAIN_S: Final = 60.0  # whether whoever follows still may: a session ends, a person leaves, elsewhere


class Viewer:
    """One browser: what it may see, in which language, and what waits to be sent to it."""

    def __init__(self, who: Who, language: str) -> None:
        self.account_id = who.account_id
        self.workshop_ids = frozenset(who.workshop_ids)
        self.language = language
        self.beat_due_s = self.look_due_s = 0.0  # by the loop's time
        self._waiting: asyncio.Queue[str | None] = asyncio.Queue(MAX_WAITING)

    def put(self, message: str | None) -> None:
        """Queue a message; a viewer that is too slow is cut off, and fetches what it missed when it comes back."""
        if self._waiting.full():
            while not self._waiting.empty():
                self._waiting.get_nowait()
            message = None
        self._waiting.put_nowait(message)

    async def next(self) -> str | None:
        """Return the next message: None at the end, nothing to say when it is time to see if this one still may."""
        return await self._waiting.get()


class Hub:
    """Hands every change to the viewers of its workshop; each message is made once for each language."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._viewers: dict[int, set[Viewer]] = {}  # by workshop; a person may follow several
        self.events = KilnEvents()
        self._messages: deque[tuple[int, str, str]] = deque()
        self._is_spreading = False
        self._round: asyncio.TimerHandle | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self.elsewhere: Elsewhere | None = None  # the other processes, if the database can have any

    def start(self) -> None:
        self._loop = asyncio.get_running_loop()

    def close(self) -> None:
        """End every stream, so that the service can stop."""
        for viewer in self._everybody():
            viewer.put(None)

    def rights_changed(self, account_id: int) -> None:
        """End a person's streams: the browsers come again, and get what that person may see from now on."""
        self.end_streams(account_id)
        if self.elsewhere is not None:
            self.elsewhere.say(RightsChanged(account_id))

    def end_streams(self, account_id: int | None) -> None:
        """End a person's streams through this process, or everybody's; called from any thread."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._end_streams_of, account_id)

    def _end_streams_of(self, account_id: int | None) -> None:
        for viewer in self._everybody():
            if account_id in (None, viewer.account_id):
                viewer.put(None)

    def _everybody(self) -> set[Viewer]:
        return set().union(*self._viewers.values())

    @property
    def viewers(self) -> int:
        """Return how many browsers follow."""
        return len(self._everybody())

    def join(self, who: Who, language: str) -> Viewer:
        viewer = Viewer(who, language)
        for workshop_id in viewer.workshop_ids:
            self._viewers.setdefault(workshop_id, set()).add(viewer)
        if self.elsewhere is not None:
            self.elsewhere.say(Followed(tuple(viewer.workshop_ids)))
        LIVE_VIEWERS.inc()
        loop = asyncio.get_running_loop()
        viewer.beat_due_s, viewer.look_due_s = loop.time() + BEAT_S, loop.time() + LOOK_AGAIN_S
        if self._round is None:
            self._round = loop.call_later(ROUND_S, self._go_round)
        return viewer

    def leave(self, viewer: Viewer) -> None:
        for workshop_id in viewer.workshop_ids:
            left = self._viewers[workshop_id]
            left.discard(viewer)
            if not left:
                del self._viewers[workshop_id]
        LIVE_VIEWERS.dec()

    def is_followed(self, workshop_id: int) -> bool:
        """Say whether somebody looks at a workshop's kilns, through any process; called from any thread."""
        return workshop_id in self._viewers or (self.elsewhere is not None and self.elsewhere.follows(workshop_id))

    def followed(self) -> list[int]:
        """Return the workshops that people look at through this process; called from any thread."""
        return list(self._viewers)

    def kiln_changed(self, change: KilnChange) -> None:
        """Tell everybody who looks at this workshop; called from a worker thread, after the commit."""
        workshop_id = change.now.workshop_id
        is_told = self._is_for_others(change)
        if not is_told and workshop_id not in self._viewers:
            return
        message = self.events.kiln(change.now, self._clock.now())
        self._tell(Shown(workshop_id, message, change.firing_ids, change.alarm_ids), to_others=is_told)

    def readings_came(self, came: NewReadings) -> None:
        """Show readings to everybody who looks at this workshop, as they come in; called from a worker thread."""
        now = came.now
        to_others = self._is_followed_elsewhere(now.workshop_id)
        if to_others or now.workshop_id in self._viewers:
            message = points(now.kiln_id, now.channels, came.curves)
            self._tell(Shown(now.workshop_id, message), to_others=to_others)

    def _tell(self, shown: Shown, *, to_others: bool) -> None:
        self.show(shown)
        if to_others and self.elsewhere is not None:
            self.elsewhere.say(shown)

    def _is_for_others(self, change: KilnChange) -> bool:
        """Say whether other processes are told: of what is rare always, of the rest if somebody looks on there."""
        if self.elsewhere is None or not self.elsewhere.is_there:
            return False
        return bool(change.firing_ids or change.alarm_ids) or self._is_followed_elsewhere(change.now.workshop_id)

    def _is_followed_elsewhere(self, workshop_id: int) -> bool:
        return self.elsewhere is not None and self.elsewhere.is_there and self.elsewhere.follows(workshop_id)

    def show(self, shown: Shown) -> None:
        """Show what changed to those who look through this process; called from any thread but the loop's own."""
        for language in {viewer.language for viewer in tuple(self._viewers.get(shown.workshop_id, ()))}:
            message = shown.message + "".join(self._rows(shown, language))
            self._gather(shown.workshop_id, language, message)

    def _rows(self, shown: Shown, language: str) -> Iterator[str]:
        if not shown.firing_ids and not shown.alarm_ids:
            return
        workshop_ids = [shown.workshop_id]
        with self._database.read() as session:
            for firing_id in shown.firing_ids:
                firing = firing_rows.get_firing(session, workshop_ids, firing_id)
                yield encode("firing", views.firing_out(firing, with_note=True))  # who looks on here may follow
            for alarm_id in shown.alarm_ids:
                alarm = alarm_rows.get_alarm(session, workshop_ids, alarm_id)
                yield encode("alarm", views.alarm_out(alarm, language, now=self._clock.now()))

    def _gather(self, workshop_id: int, language: str, message: str) -> None:
        """Let a message go with all else that comes at the same time; called from any thread."""
        self._messages.append((workshop_id, language, message))
        if not self._is_spreading and self._loop is not None and not self._loop.is_closed():
            self._is_spreading = True
            self._loop.call_soon_threadsafe(self._loop.call_later, GATHER_S, self._spread)

    def _spread(self) -> None:
        self._is_spreading = False  # first: what comes from now on is spread the next time
        gathered: defaultdict[tuple[int, str], list[str]] = defaultdict(list)
        while self._messages:
            workshop_id, language, message = self._messages.popleft()
            gathered[workshop_id, language].append(message)
        now_s, clock = asyncio.get_running_loop().time(), beat(self._clock)
        for (workshop_id, language), messages in gathered.items():
            together = "".join(messages)
            for viewer in self._viewers.get(workshop_id, ()):
                if viewer.language != language:
                    continue
                if now_s < viewer.beat_due_s - ROUND_S:
                    viewer.put(together)
                else:  # a message of its own would cost as much again
                    viewer.put(clock + together)
                    viewer.beat_due_s = now_s + BEAT_S

    def _go_round(self) -> None:
        """Tell those the time who have heard nothing for a while, and see who still may; while there is anybody."""
        loop = asyncio.get_running_loop()
        now_s, clock, everybody = loop.time(), beat(self._clock), self._everybody()
        for viewer in everybody:
            if viewer.beat_due_s <= now_s:
                viewer.put(clock)
                viewer.beat_due_s = now_s + BEAT_S
            if viewer.look_due_s <= now_s:
                viewer.put("")
                viewer.look_due_s = now_s + LOOK_AGAIN_S
        self._round = loop.call_later(ROUND_S, self._go_round) if everybody else None


def encode(kind: str, data: BaseModel) -> str:
    """Return one server-sent event."""
    return f"event: {kind}\ndata: {data.model_dump_json()}\n\n"
