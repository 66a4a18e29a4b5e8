"""The calls of an engine: opened within limits, found by id, ended for good."""

import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Mapping
from contextlib import ExitStack, asynccontextmanager, contextmanager
from typing import Any, Final

import anyio
from anyio.abc import TaskGroup

from vivavoce.engine.admission import RETRY_SECONDS, refuse_where_full, refuse_where_slow
from vivavoce.engine.call import Call, Ending
from vivavoce.engine.client_events import take_event
from vivavoce.engine.event_audio import AppendedAudio, SpokenInEvents
from vivavoce.engine.events import EventStream
from vivavoce.engine.faults import Fault, Faults
from vivavoce.engine.faulty_events import make_faulty
from vivavoce.engine.heap import Heap
from vivavoce.engine.interviewer_wording import Wording
from vivavoce.engine.metrics import Metrics, ReplyClock
from vivavoce.engine.models import Models
from vivavoce.engine.peer import Peer, readable_offer
from vivavoce.engine.places import Place, Places
from vivavoce.engine.refusals import Refused, no_such_call
from vivavoce.engine.self_call import call_ourselves
from vivavoce.engine.vad import SpeechDetectors
from vivavoce.engine.wire_audio import HEARD_RATE
from vivavoce.settings import EngineSettings

_log: Final = logging.getLogger(__name__)
# An answer is out when its reader has it: on the same machine, when we have left it the processor.
# Until the client has it as well there is nobody to connect with; a proxy's sideband comes before.
_GIVE_WAY_SECONDS: Final = 0.01
_NEXT_PLACE_SECONDS: Final = 0.05


class Calls:
    """The live calls.

    Args:
        settings: Limits of a call and of their number.
        models: Shared by all calls.
        tasks: The engine's own: calls run in it until they end.
        metrics: Where calls are counted.
        faults: What is to go wrong.
        wording: Words the questions of interviews; None leaves the plan's words.

    Attributes:
        is_warm: Whether a first call need not take longer than others.
    """

    def __init__(
        self,
        settings: EngineSettings,
        models: Models,
        tasks: TaskGroup,
        metrics: Metrics,
        faults: Faults,
        *,
        wording: Wording | None = None,
    ) -> None:
        self._settings = settings
        self._models = models
        self._tasks = tasks
        self._metrics = metrics
        self._faults = faults
        self._wording = wording
        self._detectors = SpeechDetectors()
        self._places = Places(settings, self._detectors, tasks, self._hold)
        self._heap = Heap()
        self._calls: dict[str, Call] = {}
        self._opening = 0
        self._is_closed = False
        self.is_warm = False
        self._emptied = anyio.Event()

    async def warm_up(self) -> None:
        """Make the first call as fast as any other; `is_warm` afterwards."""
        await self.make_ready()
        await call_ourselves(loopback_only=self._settings.media_on_loopback)
        self.is_warm = True

    async def make_ready(self) -> None:
        """Make now what the next call would have to wait for."""
        if not self._is_closed:
            await self._places.make_ready()
            await self._detectors.make_ready()

    def get(self, call_id: str) -> Call:
        """Find a live call.

        Raises:
            Refused: If there is none by that id.
        """
        call = self._calls.get(call_id)
        if call is None or call.ending:
            raise no_such_call()
        return call

    async def open(self, offer: str, session: Mapping[str, Any]) -> tuple[str, str]:
        """Answer an offer and start the call.

        Returns:
            The call's id and the SDP answer.

        Raises:
            Refused: If the offer cannot be answered, or there is no room.
        """
        readable = readable_offer(offer)
        with self._admission(), self._metrics.answer_seconds.time():
            place = await self._places.take()
            try:
                await place.peer.accept(
                    readable, public_address=self._settings.engine_reachable_address
                )
                call = self._call_in(place, session)
            except BaseException:
                place.give_up()
                raise
            await place.begin(call)
        return call.id, place.peer.answer

    @asynccontextmanager
    async def in_events(
        self, session: Mapping[str, Any], until_room: Callable[[], Awaitable[None]]
    ) -> AsyncGenerator[Call, None]:
        """Hold a call whose audio goes in events, for the length of the block.

        Args:
            session: Its configuration.
            until_room: Waits until the client has taken what was sent, but for a little.

        Raises:
            Refused: If there is no room.
        """
        events = EventStream()
        with ExitStack() as opening:
            opening.enter_context(self._admission())
            async with self._detectors.lend() as speech, anyio.create_task_group() as tasks:
                call = Call(
                    session,
                    self._models,
                    tasks,
                    SpokenInEvents(events, until_room),
                    events,
                    speech=speech,
                    max_seconds=self._settings.engine_max_call_seconds,
                    wording=self._wording,
                    appended=AppendedAudio(),
                )
                with self._listed(call):
                    opening.close()
                    _log.info("call %s opened", call.id)
                    if self._faults:
                        make_faulty(call, self._faults, tasks)
                    tasks.start_soon(call.prepare_speech)
                    tasks.start_soon(call.close_in_time)
                    tasks.start_soon(_watch_length, call)
                    self._tasks.start_soon(self.make_ready)
                    yield call
                tasks.cancel_scope.cancel()

    @contextmanager
    def _admission(self) -> Generator[None, None, None]:
        """Hold a place for a call that is being opened, where there is one."""
        settings = self._settings
        try:
            if self._is_closed:
                raise _is_stopping()
            refuse_where_full(len(self._calls) + self._opening, most=settings.most_calls)
            refuse_where_slow(self._models.delays, most_seconds=settings.engine_max_queue_seconds)
        except Refused:
            self._metrics.calls_refused.inc()
            raise
        self._opening += 1
        try:
            yield
        finally:
            self._opening -= 1
            self._emptied.set()

    @contextmanager
    def _listed(self, call: Call) -> Generator[None, None, None]:
        """Have a call found and counted until it ends."""
        self._calls[call.id] = call
        self._metrics.calls_active.inc()
        try:
            yield
        finally:
            call.end(Ending.FAILED)  # unless it has ended in another way
            del self._calls[call.id]
            self._emptied.set()
            self._metrics.calls_active.dec()
            how = call.ending.name.lower() if call.ending else "failed"
            self._metrics.calls_ended.labels(how).inc()
            _log.info("call %s ended: %s", call.id, how)
            if not self._is_closed:
                self._tasks.start_soon(self._heap.give_back)

    @property
    def is_closed(self) -> bool:
        """Whether no more calls are opened."""
        return self._is_closed

    def close(self) -> None:
        """Open no more calls; those that live go on."""
        self._is_closed = True

    def end_all(self, ending: Ending) -> None:
        """End all calls and open no more."""
        self.close()
        for call in self._calls.values():
            call.end(ending)

    async def until_none(self) -> None:
        """Wait until no call is left."""
        while self._calls or self._opening:
            self._emptied = anyio.Event()
            await self._emptied.wait()

    def _call_in(self, place: Place, session: Mapping[str, Any]) -> Call:
        call = Call(
            session,
            self._models,
            place.tasks,
            place.playout,
            place.events,
            speech=place.speech,
            max_seconds=self._settings.engine_max_call_seconds,
            wording=self._wording,
        )
        place.playout.tell_sent(call.note_played)
        return call

    async def _hold(self, place: Place, call: Call) -> None:
        """Hold a call whose offer is answered, until it ends."""
        peer, tasks = place.peer, place.tasks
        if self._faults:
            make_faulty(call, self._faults, tasks)
        with self._listed(call):
            place.has_begun.set()
            await anyio.sleep(_GIVE_WAY_SECONDS)
            _log.info("call %s opened", call.id)
            replies = ReplyClock(
                lambda: call.heard_ms, self._metrics.voice_to_voice_seconds.observe
            )
            with call.listening(peer.send), call.listening(replies.take):
                peer.listen(lambda message: take_event(call, message))
                tasks.start_soon(self._connect, peer)
                tasks.start_soon(_hear_peer, call, peer)
                tasks.start_soon(self._watch_connection, call, peer)
                tasks.start_soon(call.prepare_speech)
                tasks.start_soon(call.close_in_time)
                tasks.start_soon(_watch_length, call)
                self._tasks.start_soon(self._make_ready_soon)
                await call.until_ended()
                await peer.flush()
                tasks.cancel_scope.cancel()

    async def _make_ready_soon(self) -> None:
        """Make the next call's place once this one's client has its answer and connects."""
        await anyio.sleep(_NEXT_PLACE_SECONDS)
        await self.make_ready()

    async def _connect(self, peer: Peer) -> None:
        if (seconds := self._faults.strike(Fault.SLOW_MEDIA)) is not None:
            await anyio.sleep(seconds)
        peer.connect()

    async def _watch_connection(self, call: Call, peer: Peer) -> None:
        with anyio.move_on_after(self._settings.engine_connect_seconds):
            await peer.has_connected.wait()
        if not peer.has_connected.is_set():
            call.end(Ending.NEVER_CONNECTED)
        elif (seconds := self._faults.strike(Fault.DYING_CALLS)) is not None:
            await anyio.sleep(seconds)
            call.end(Ending.FAILED)
        await peer.until_gone(silent_seconds=self._settings.engine_silent_seconds)
        if self._faults.strike(Fault.UNNOTICED_LEAVING) is None:
            call.end(Ending.CLIENT_LEFT)


def _is_stopping() -> Refused:
    return Refused(
        "The engine is about to stop and takes no more calls; call another one.",
        status=503,
        type="server_error",
        code="engine_stopping",
        retry_after=RETRY_SECONDS,
    )


async def _watch_length(call: Call) -> None:
    """End a call at its limit, as the real service does."""
    await anyio.sleep(call.seconds_left)
    call.expire()


async def _hear_peer(call: Call, peer: Peer) -> None:
    """Hear and answer until the client's audio ends."""
    async for pcm in peer.hear(HEARD_RATE):
        call.hear(pcm)
