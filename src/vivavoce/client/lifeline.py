"""What keeps an interview connected: its session, its way to the voice model, its call.

The state machine's owner. A call that is lost is replaced by another one of the same session, which
carries the conversation on; before the first call stands, a failed session is replaced as a whole.
"""

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final
from uuid import uuid4

import anyio
import msgspec
from anyio.abc import TaskGroup, TaskStatus

from vivavoce.client.audio import Mouth
from vivavoce.client.call import PATIENCE_SECONDS, Answer, Call, CallListener, Quality, open_call
from vivavoce.client.connection import Connection, SignallingHealth
from vivavoce.client.direct import DirectWay
from vivavoce.client.edge import Edge
from vivavoce.client.hybrid import HybridWay
from vivavoce.client.recovery import Regions, Remedies, as_connection_error, persist
from vivavoce.client.session import Ending, Session, session_of
from vivavoce.client.transcript import LiveTranscript
from vivavoce.client.way import Hooks, Way
from vivavoce.errors import (
    AuthenticationFailed,
    SessionEnded,
    Unavailable,
    VivavoceError,
    WebRTCConnectionFailed,
)
from vivavoce.protocol.connection import ConnectionEvent
from vivavoce.protocol.interview_start import InterviewStartRequest
from vivavoce.protocol.realtime import ServerEvent, read_event
from vivavoce.retry import RetryPolicy

LEAVE_SECONDS: Final = 15.0
START_SECONDS: Final = 20.0
_RENEWAL_PAUSE_SECONDS: Final = 5.0


@dataclass(frozen=True)
class Wishes:
    """What the user of a client asked for."""

    request: InterviewStartRequest
    regions: Regions
    retry: RetryPolicy
    is_resumed: bool
    is_local: bool
    """Whether everything is on this machine, so that audio is offered on loopback alone."""
    relay_only: bool = False
    """Whether audio goes by way of TURN alone."""


@dataclass(frozen=True)
class Senses:
    """Where what comes from the voice model goes. None of them waits.

    Attributes:
        on_event: An event of the data channel.
        on_sound: Sound (s16le mono, 48 kHz) and the moment of its arrival.
        on_over: The interview has ended or failed.
    """

    on_event: Callable[[ServerEvent], None]
    on_sound: Callable[[bytes, float], None]
    on_over: Callable[[], None]


class Lifeline:
    """Connects and keeps connected.

    Attributes:
        connection: The state, with its observers.
        session: The session, once there is one.
        ending: How the interview ended; None while it goes on, and if it failed.
        is_over: Set when it has ended or failed.
        offered_at: When the first call that stood was offered, by `time.monotonic`.
    """

    def __init__(
        self,
        wishes: Wishes,
        connection: Connection,
        transcript: LiveTranscript,
        mouth: Mouth,
        senses: Senses,
    ) -> None:
        self.connection = connection
        self.session: Session | None = None
        self.ending: Ending | None = None
        self.is_over = anyio.Event()
        self.offered_at: float | None = None
        self._wishes = wishes
        self._regions = wishes.regions
        self._transcript = transcript
        self._mouth = mouth
        self._senses = senses
        self._key = str(uuid4())
        self._way: Way | None = None
        self._way_scope = anyio.CancelScope()
        self._release = anyio.Event()
        self._is_call_lost = anyio.Event()
        self._must_change = False
        self._renewing = anyio.Lock()
        self._edge: Edge
        self._tasks: TaskGroup

    async def connect(self, edge: Edge, tasks: TaskGroup) -> None:
        """Start or take up the session and connect its first call.

        Raises:
            VivavoceError: When the recovery map and the retry policy are at their end.
        """
        self._edge, self._tasks = edge, tasks
        is_resumed = self._wishes.is_resumed
        self.connection.move(ConnectionEvent.RESUME if is_resumed else ConnectionEvent.CONNECT)
        try:
            await persist(
                self._connect_once,
                remedies=Remedies(self.refresh_token, self._change_region, self._renew_session),
                on_retry=self.connection.count_retry,
                policy=self._wishes.retry,
            )
        except VivavoceError as error:
            self.connection.move(ConnectionEvent.FAILED, error=as_connection_error(error))
            raise
        tasks.start_soon(self._keep_call)
        tasks.start_soon(self._keep_token)

    async def _connect_once(self) -> None:
        if self.session is None:
            self.session = await self._start()
        if self._way is None:
            await self._tasks.start(self._hold_way, self.session)
        await self._make_call()

    async def _start(self) -> Session:
        began = time.monotonic()
        request = msgspec.structs.replace(self._wishes.request, region=self._regions.chosen)
        # Cancelled now, we would never learn the session's id, and it would wait for us in vain.
        with anyio.move_on_after(START_SECONDS, shield=True) as scope:
            started = await self._edge.start(request, idempotency_key=self._key)
        if scope.cancelled_caught:
            raise Unavailable("The server did not start the interview in time.")
        self.connection.measure(start_ms=(time.monotonic() - began) * 1000)
        return session_of(started)

    async def _hold_way(self, session: Session, *, task_status: TaskStatus[None]) -> None:
        hooks = Hooks(
            on_end=self._end,
            on_call_lost=self._change_call,
            on_error=lambda error: self.connection.note_error(as_connection_error(error)),
            on_failure=self._fail,
            on_signalling=self.connection.note_signalling,
        )
        way: Way
        if session.config.sdp_proxy_url is None:
            way = DirectWay(session, self._edge, self._transcript, hooks)
        else:
            way = HybridWay(session, self._edge, self._transcript, hooks, self.refresh_token)
        self._way = way
        with anyio.CancelScope() as self._way_scope:
            try:
                await way.run(task_status=task_status)
            except VivavoceError:
                self._way = None
                raise

    # The call.

    async def _make_call(self) -> None:
        """Make a call, in the place of the one before if there was one; then let that one go."""
        if self.session is None:
            raise SessionEnded("There is no session.")
        replaces = self.session.call_id
        call, release = await self._tasks.start(self._hold_call, replaces)
        try:
            if self._way is not None:
                await self._way.begin(call, replaces=replaces)
        except BaseException:
            release.set()
            raise
        self._release.set()
        self._release, self._is_call_lost = release, call.is_lost
        self.session.call_id = call.id
        self.offered_at = self.offered_at or call.offered_at
        call.speak_for(self._mouth)
        self.connection.measure(
            offer_answer_ms=(call.answered_at - call.offered_at) * 1000,
            connected_ms=(call.connected_at - call.offered_at) * 1000,
        )
        self.connection.move(ConnectionEvent.CONNECTED)

    async def _hold_call(
        self, replaces: str | None, *, task_status: TaskStatus[tuple[Call, anyio.Event]]
    ) -> None:
        way, session = self._way, self.session
        if way is None or session is None:
            raise WebRTCConnectionFailed("There is no way to the voice model.")

        async def exchange(sdp: str) -> Answer:
            return await way.offer(sdp, replaces=replaces)

        listener = CallListener(self._take_event, self._senses.on_sound, self._take_quality)
        async with open_call(
            exchange,
            self._mouth,
            listener,
            ice_servers=session.ice_servers,
            relay_only=self._wishes.relay_only,
            loopback_only=self._wishes.is_local,
        ) as call:
            release = anyio.Event()
            task_status.started((call, release))
            await release.wait()

    def _take_event(self, data: str | bytes) -> None:
        event = read_event(data)
        if event is not None:
            changed = self._transcript.hear(event)
            if self._way is not None:
                self._way.hear(event, changed)
            self._senses.on_event(event)

    def _take_quality(self, quality: Quality) -> None:
        self.connection.measure(
            round_trip_ms=quality.round_trip_ms, loss=quality.loss, jitter_ms=quality.jitter_ms
        )

    def _change_call(self) -> None:
        """Make another call at once: the machine knows that this one is over, or soon will be."""
        self._must_change = True
        self._is_call_lost.set()

    async def _keep_call(self) -> None:
        """Replace the call whenever it is lost, until the interview is over."""
        while True:
            await self._is_call_lost.wait()
            if not self._must_change:
                with anyio.move_on_after(PATIENCE_SECONDS):  # a hang-up: the end may follow it
                    await self.is_over.wait()
            if self.is_over.is_set():
                return
            self._must_change = False
            self.connection.move(ConnectionEvent.LOST)
            try:
                await persist(
                    self._make_call,
                    remedies=Remedies(self.refresh_token, _nothing_to_change, _nothing_to_renew),
                    on_retry=self.connection.count_retry,
                    policy=self._wishes.retry,
                )
            except SessionEnded:
                self._end(Ending(None, None))
            except VivavoceError as error:
                self._fail(error)

    # Remedies.

    async def refresh_token(self) -> None:
        """Renew the session's token; by the user's own, freshly got, where it is no longer taken.

        Raises:
            VivavoceError: If neither is taken.
        """
        async with self._renewing:
            if self.session is None:
                await self._edge.refresh()
                return
            try:
                renewed = await self._edge.renew(self.session.token)
            except AuthenticationFailed:
                await self._edge.refresh()
                renewed = await self._edge.renew_as_user(self.session.id)
            self.session.take_token(renewed)
        if self._way is not None:
            await self._way.present_token()

    async def _keep_token(self) -> None:
        while self.session is not None:
            await anyio.sleep(max(self.session.renew_at - time.monotonic(), 0.0))
            try:
                await self.refresh_token()
            except VivavoceError as error:
                self.connection.note_error(as_connection_error(error))
                await anyio.sleep(_RENEWAL_PAUSE_SECONDS)

    async def _change_region(self, error: VivavoceError) -> None:
        self._regions = self._regions.without(error)
        self._key = str(uuid4())

    async def _renew_session(self) -> None:
        """Give the session up, so that the next attempt starts another."""
        await self._give_up_session()
        self._way_scope.cancel()
        self._way, self.session = None, None
        self._key = str(uuid4())

    async def _give_up_session(self) -> None:
        if self.session is not None:
            with anyio.move_on_after(LEAVE_SECONDS, shield=True), suppress(VivavoceError):
                await self._edge.end(self.session.id, self.session.token)

    # The end.

    async def leave(self) -> None:
        """End the interview because the candidate leaves; nothing if it is over."""
        moved = self.connection.move_if_allowed(ConnectionEvent.DISCONNECT)
        if not self.is_over.is_set():
            await self._say_goodbye()
        self._finish()
        if moved:
            self.connection.move_if_allowed(ConnectionEvent.CLOSED)

    async def _say_goodbye(self) -> None:
        if self._way is None:
            await self._give_up_session()
            return
        with anyio.move_on_after(LEAVE_SECONDS, shield=True):
            try:
                await self._way.leave()
            except VivavoceError as error:
                self.connection.note_error(as_connection_error(error))

    def _end(self, ending: Ending) -> None:
        if self.is_over.is_set():
            return
        self.ending = ending
        self._finish()
        self.connection.move_if_allowed(ConnectionEvent.ENDED)

    def _fail(self, error: VivavoceError) -> None:
        if self.is_over.is_set():
            return
        self.connection.move(ConnectionEvent.FAILED, error=as_connection_error(error))
        self._finish()

    def _finish(self) -> None:
        if not self.is_over.is_set():
            self.is_over.set()
            self._release.set()
            self.connection.note_signalling(SignallingHealth.CLOSED)
            self._senses.on_over()


async def _nothing_to_change(_error: VivavoceError) -> None:
    """In the middle of an interview no other region can help."""


async def _nothing_to_renew() -> None:
    """In the middle of an interview the session stays; only the call is made anew."""
