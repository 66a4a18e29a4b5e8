"""The hybrid architecture: offers go through the session's SDP proxy, over its WebSocket."""

import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from typing import Final

import anyio
from anyio.abc import TaskStatus

from vivavoce.client.call import Answer, Call
from vivavoce.client.connection import SignallingHealth
from vivavoce.client.edge import Edge
from vivavoce.client.flag import Flag
from vivavoce.client.session import Ending, Session
from vivavoce.client.signalling import (
    HEARTBEAT_SECONDS,
    Signalling,
    SignallingLost,
    error_of,
    open_signalling,
)
from vivavoce.client.transcript import LiveTranscript
from vivavoce.client.upload import send_persistently
from vivavoce.client.way import Hooks
from vivavoce.errors import (
    AuthenticationFailed,
    Code,
    InvalidRequest,
    Recovery,
    SdpExchangeFailed,
    SessionEnded,
    TranscriptProcessingFailed,
    VivavoceError,
)
from vivavoce.protocol.messages import (
    ErrorMessage,
    ProxyMessage,
    SessionEndedMessage,
    SessionReadyMessage,
    TranscriptMessage,
)
from vivavoce.protocol.realtime import ServerEvent
from vivavoce.protocol.transcript import TranscriptEntry
from vivavoce.retry import RetryPolicy, delays

GRACE_SECONDS: Final = 60.0
"""How long the proxy waits for a client that is gone."""
READY_SECONDS: Final = 10.0
OFFER_SECONDS: Final = 20.0
LAST_WORD_SECONDS: Final = 15.0
_COMING_BACK: Final = RetryPolicy(max_attempts=60, base_delay=0.5, max_delay=5.0)
_LOST_CALL: Final = frozenset({Code.WEBRTC_CONNECTION_FAILED, Code.SDP_EXCHANGE_FAILED})

_log: Final = logging.getLogger(__name__)


class _PendingOffer:
    """An offer that waits for its answer."""

    def __init__(self) -> None:
        self.is_settled = anyio.Event()
        self.answer: Answer | None = None
        self.error: VivavoceError | None = None

    def settle(self, outcome: Answer | VivavoceError) -> None:
        if isinstance(outcome, Answer):
            self.answer = outcome
        else:
            self.error = outcome
        self.is_settled.set()


class HybridWay:
    """The way through the proxy. Implements `Way`.

    Args:
        session: Whose proxy it is.
        edge: For renewing tokens and for what the proxy misses.
        transcript: What was heard.
        hooks: Whom to tell.
        renew: Renews the session's token.
    """

    def __init__(
        self,
        session: Session,
        edge: Edge,
        transcript: LiveTranscript,
        hooks: Hooks,
        renew: Callable[[], Awaitable[None]],
    ) -> None:
        self._session = session
        self._edge = edge
        self._transcript = transcript
        self._hooks = hooks
        self._renew = renew
        self._signalling: Signalling | None = None
        self._is_ready = Flag()
        self._pending: _PendingOffer | None = None
        self._has_call = False
        self._known_calls: set[str] = set() if session.call_id is None else {session.call_id}
        self._has_ended = anyio.Event()
        self._missing: set[str] = set()
        self._has_missing = Flag()

    async def run(self, *, task_status: TaskStatus[None]) -> None:
        """Keep the WebSocket open, coming back whenever it is lost, until the session ends."""
        failure: VivavoceError | None = None
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._lend)
            try:
                await self._keep(task_status.started)
            except VivavoceError as error:
                failure = error  # raised outside: a task group would wrap it
            tasks.cancel_scope.cancel()
        if failure is not None:
            raise failure

    async def _keep(self, on_ready: Callable[[], None]) -> None:
        lost: SignallingLost | None = await self._connect_once(on_ready=on_ready)
        while lost is not None and not self._has_ended.is_set() and await self._can_come_back(lost):
            lost = await self._come_back()

    async def offer(self, sdp: str, *, replaces: str | None) -> Answer:
        """Send an offer over the WebSocket and wait for `session_ready` with its answer."""
        pending = self._pending = _PendingOffer()
        try:
            with anyio.fail_after(OFFER_SECONDS):
                await self._is_ready.until_up()
                if self._signalling is None or self._has_ended.is_set():
                    raise SessionEnded("The interview is over.")
                await self._signalling.send_offer(sdp, replaces=replaces)
                await pending.is_settled.wait()
        except TimeoutError:
            raise SdpExchangeFailed("The session's machine did not answer the offer.") from None
        except SignallingLost as lost:
            raise lost.error or SdpExchangeFailed("The connection was lost.") from lost
        finally:
            self._pending = None
        if pending.error is not None:
            if pending.error.code is Code.SESSION_ENDED:
                with anyio.move_on_after(LAST_WORD_SECONDS):  # it says why, when it has drained
                    await self._has_ended.wait()
            raise pending.error
        if pending.answer is None:
            raise SdpExchangeFailed("The session's machine did not answer the offer.")
        return pending.answer

    async def begin(self, call: Call, *, replaces: str | None) -> None:  # noqa: ARG002  `Way`
        """Tell the proxy that audio flows: the interviewer begins to speak on it."""
        self._has_call = True
        if self._signalling is not None:
            with suppress(SignallingLost):
                await self._signalling.send_session(known=self._transcript.known)

    def hear(self, event: ServerEvent, changed: list[TranscriptEntry]) -> None:
        """Nothing to do: the proxy has its own account, and asks for what it misses."""

    async def present_token(self) -> None:
        """Send the renewed token to the proxy."""
        if self._signalling is not None:
            with suppress(SignallingLost):
                await self._signalling.send_session(
                    known=self._transcript.known, token=self._session.token
                )

    async def leave(self) -> None:
        """Close with the code that says so; without a WebSocket, say it to the control plane."""
        if self._has_ended.is_set():
            return
        if self._signalling is not None:
            await self._signalling.leave()
        else:
            await self._edge.end(self._session.id, self._session.token)

    async def _connect_once(self, *, on_ready: Callable[[], None] | None = None) -> SignallingLost:
        """Hold one WebSocket from its opening to its loss; return why it was lost.

        Raises:
            VivavoceError: If it does not get as far as the first `session_ready`.
        """
        url = self._session.config.sdp_proxy_url
        if url is None:
            raise InvalidRequest("The session has no machine; it is of the direct architecture.")
        async with open_signalling(
            url, session_id=self._session.id, token=self._session.token
        ) as signalling:
            lost = await self._hold(signalling, on_ready)
        if not self._has_ended.is_set():
            self._hooks.on_signalling(SignallingHealth.LOST)
        return lost

    async def _hold(
        self, signalling: Signalling, on_ready: Callable[[], None] | None
    ) -> SignallingLost:
        messages = signalling.messages()
        try:
            await signalling.send_session(known=self._transcript.known)
            with anyio.fail_after(READY_SECONDS):
                await self._until_ready(messages)
        except TimeoutError:
            raise SdpExchangeFailed("The session's machine does not answer.") from None
        except SignallingLost as lost:
            raise lost.error or SdpExchangeFailed("The connection was lost.") from lost
        self._signalling = signalling
        self._is_ready.raise_()
        self._hooks.on_signalling(SignallingHealth.OPEN)
        if on_ready is not None:
            on_ready()
        loss = SignallingLost()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._beat, signalling)
            try:
                async for message in messages:
                    self._take(message)
                    if self._has_ended.is_set():
                        break
            except SignallingLost as reason:
                loss = reason
            except InvalidRequest as error:  # the proxy speaks a language that we do not know
                loss = SignallingLost(SdpExchangeFailed(error.message))
            finally:
                self._signalling = None
                self._is_ready.lower()
                tasks.cancel_scope.cancel()
        if self._pending is not None:
            self._pending.settle(loss.error or SdpExchangeFailed("The connection was lost."))
        return loss

    async def _until_ready(self, messages: AsyncIterator[ProxyMessage]) -> None:
        async for message in messages:
            if isinstance(message, ErrorMessage):
                raise error_of(message.data)
            self._take(message)
            if isinstance(message, SessionReadyMessage | SessionEndedMessage):
                return

    async def _beat(self, signalling: Signalling) -> None:
        with suppress(SignallingLost):  # whoever reads finds out the same, and why
            while True:
                await anyio.sleep(HEARTBEAT_SECONDS)
                await signalling.send_session(known=self._transcript.known)

    def _take(self, message: ProxyMessage) -> None:
        match message:
            case SessionReadyMessage(data=data):
                if data.missing:
                    self._missing.update(data.missing)
                    self._has_missing.raise_()
                if data.answer is not None and data.call_id not in self._known_calls:
                    self._settle_offer(Answer(data.answer.sdp, data.call_id))
                elif data.call_id is None and self._has_call and self._pending is None:
                    self._has_call = False
                    self._hooks.on_call_lost()
            case TranscriptMessage(data=data):
                self._transcript.merge(data.entries)
            case ErrorMessage(data=data):
                self._take_error(error_of(data))
            case SessionEndedMessage(data=data):
                self._has_ended.set()
                self._hooks.on_end(Ending(data.reason, data.transcript_complete))

    def _settle_offer(self, answer: Answer) -> None:
        if self._pending is not None:
            if answer.call_id is not None:
                self._known_calls.add(answer.call_id)
            self._pending.settle(answer)

    def _take_error(self, error: VivavoceError) -> None:
        if self._pending is not None and error.code is not Code.TRANSCRIPT_PROCESSING_FAILED:
            self._pending.settle(error)
        elif error.code in _LOST_CALL:
            self._hooks.on_call_lost()
        else:
            self._hooks.on_error(error)

    async def _can_come_back(self, lost: SignallingLost) -> bool:
        match lost.error:
            case None:
                return True
            case VivavoceError(recovery=Recovery.RETRY_WITH_BACKOFF):
                return True
            case AuthenticationFailed() as error:
                try:
                    await self._renew()
                except VivavoceError:
                    self._hooks.on_failure(error)
                    return False
                return True
            case SessionEnded():
                self._hooks.on_end(Ending(None, None))
                return False
            case error:
                self._hooks.on_failure(error)
                return False

    async def _come_back(self) -> SignallingLost | None:
        """Connect again, as long as the proxy waits for us; None once there is no use in it."""
        lost_at = time.monotonic()
        error: VivavoceError = SdpExchangeFailed("The connection was lost.")
        for wait in delays(_COMING_BACK):
            await anyio.sleep(wait)
            try:
                return await self._connect_once()
            except VivavoceError as failure:
                error = failure
            if not await self._can_come_back(SignallingLost(error)):
                return None
            if time.monotonic() - lost_at > GRACE_SECONDS:
                break
        self._hooks.on_failure(error)
        return None

    async def _lend(self) -> None:
        """Send the proxy's missing items, from our own account, to the transcript processor."""
        while True:
            await self._has_missing.until_up()
            self._has_missing.lower()
            wanted, self._missing = self._missing, set()
            entries = self._transcript.own(wanted)
            try:
                await send_persistently(self._edge, self._session, entries)
            except VivavoceError as error:
                _log.warning("the machine's missing entries could not be sent: %s", error.code)
                self._hooks.on_error(TranscriptProcessingFailed(error.message))
