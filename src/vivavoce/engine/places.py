"""Places for calls: what every call needs and no offer decides, made before the offer comes.

Made only then, the answer would wait for it: for a key and its certificate, for ports, for a
detector of speech. So one place is kept ready. Each is used for one call and closed with it: no two
calls ever have a key, a port or a detector's memory in common.
"""

import logging
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

import anyio
from anyio.abc import TaskGroup, TaskStatus

from vivavoce.engine.call import Call
from vivavoce.engine.events import EventStream
from vivavoce.engine.ice import ice_servers
from vivavoce.engine.peer import Peer, open_peer
from vivavoce.engine.playout import Playout
from vivavoce.engine.vad import SpeechDetector, SpeechDetectors
from vivavoce.settings import EngineSettings

_log: Final = logging.getLogger(__name__)


@dataclass(slots=True)
class Place:
    """Where one call can be held.

    Attributes:
        peer: Waits for the offer.
        playout: Our audio.
        events: What will happen in the call.
        speech: Has heard nothing.
        tasks: For the call; they end with it.
        has_begun: To be set when the call can be found and hung up.
    """

    peer: Peer
    playout: Playout
    events: EventStream
    speech: SpeechDetector
    tasks: TaskGroup
    has_begun: anyio.Event = field(default_factory=anyio.Event)
    _call: Call | None = None
    _is_decided: anyio.Event = field(default_factory=anyio.Event)

    async def begin(self, call: Call) -> None:
        """Use the place for a call; return when it has begun, or has ended already."""
        self._call = call
        self._is_decided.set()
        await self.has_begun.wait()

    def give_up(self) -> None:
        """Close the place: no call comes of it."""
        self._is_decided.set()

    async def until_decided(self) -> Call | None:
        """Wait for the call; None if there is to be none."""
        await self._is_decided.wait()
        return self._call

    @contextmanager
    def in_use(self) -> Generator[None, None, None]:
        """See that nobody waits for the beginning of a call after this block."""
        try:
            yield
        finally:
            self.has_begun.set()


class Places:
    """The places of an engine, one of them always ready.

    Args:
        settings: Of the engine.
        detectors: Lend each place its own.
        tasks: The engine's own: places, and the calls in them, live in it.
        hold: Holds the call of a place until it ends.
    """

    def __init__(
        self,
        settings: EngineSettings,
        detectors: SpeechDetectors,
        tasks: TaskGroup,
        hold: Callable[[Place, Call], Awaitable[None]],
    ) -> None:
        self._settings = settings
        self._detectors = detectors
        self._tasks = tasks
        self._hold = hold
        self._ready: Place | None = None
        self._is_preparing = False

    async def take(self) -> Place:
        """Take the place that is ready, or have one made. It must be begun or given up."""
        place, self._ready = self._ready, None
        if place and not place.peer.is_reachable():  # the machine has moved to another network
            place.give_up()
            place = None
        return place or await self._open()

    async def make_ready(self) -> None:
        """Make a place for the next call, unless one is ready or cannot keep."""
        if self._ready or self._is_preparing or ice_servers(self._settings):
            return
        self._is_preparing = True
        try:
            self._ready = await self._open()
        except OSError as error:  # whoever comes next tries again, and is told
            _log.warning("no place could be made ready: %s", error)
        finally:
            self._is_preparing = False

    async def _open(self) -> Place:
        place: Place = await self._tasks.start(self._keep)
        return place

    async def _keep(self, *, task_status: TaskStatus[Place]) -> None:
        """Keep a place open until its call has ended, or there is to be none."""
        settings, events = self._settings, EventStream()
        playout = Playout(events)
        async with (
            open_peer(
                playout, ice_servers(settings), loopback_only=settings.media_on_loopback
            ) as peer,
            self._detectors.lend() as speech,
        ):
            try:
                async with anyio.create_task_group() as tasks:
                    place = Place(peer, playout, events, speech, tasks)
                    with place.in_use():
                        task_status.started(place)
                        if call := await place.until_decided():
                            await self._hold(place, call)
                    tasks.cancel_scope.cancel()
            except Exception:  # noqa: BLE001  the fault of one call may not end the others
                _log.exception("a call failed")
