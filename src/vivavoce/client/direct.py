"""The direct architecture: the client offers to the voice model itself, and is the only witness.

There is no machine. The control plane is told of the call, so that it can end it; transcripts are
sent by us, and stand in the store as the client's word.
"""

import logging
from contextlib import suppress
from typing import Final

import anyio
from anyio.abc import TaskStatus

from vivavoce.client.call import Answer, Call
from vivavoce.client.connection import SignallingHealth
from vivavoce.client.edge import Edge
from vivavoce.client.flag import Flag
from vivavoce.client.session import Ending, Session
from vivavoce.client.transcript import LiveTranscript
from vivavoce.client.upload import send_persistently
from vivavoce.client.way import Hooks
from vivavoce.errors import (
    AuthenticationFailed,
    SessionEnded,
    TranscriptProcessingFailed,
    VivavoceError,
    WebRTCConnectionFailed,
)
from vivavoce.protocol.codec import decode
from vivavoce.protocol.messages import EndReason
from vivavoce.protocol.realtime import (
    FunctionCallArgumentsDone,
    OutputAudioStarted,
    OutputAudioStopped,
    ServerEvent,
    create_function_output,
    create_message,
    create_response,
)
from vivavoce.protocol.transcript import Speaker, TranscriptEntry
from vivavoce.sessions.interview import END_INTERVIEW

BATCH_SECONDS: Final = 0.1
LAST_WORDS_SECONDS: Final = 15.0
FLUSH_SECONDS: Final = 10.0

_log: Final = logging.getLogger(__name__)


class DirectWay:
    """The way straight to the voice model. Implements `Way`."""

    def __init__(
        self, session: Session, edge: Edge, transcript: LiveTranscript, hooks: Hooks
    ) -> None:
        self._session = session
        self._edge = edge
        self._transcript = transcript
        self._hooks = hooks
        self._unsent: dict[str, TranscriptEntry] = {}
        self._has_unsent = Flag()
        self._is_flushed = Flag(is_up=True)
        self._goodbye: FunctionCallArgumentsDone | None = None
        self._has_goodbye = anyio.Event()
        self._is_silent = Flag(is_up=True)
        self._call: Call | None = None

    async def run(self, *, task_status: TaskStatus[None]) -> None:
        """Send what is said as it is said, until the interviewer ends the interview."""
        self._hooks.on_signalling(SignallingHealth.OPEN)
        task_status.started()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._upload)
            await self._has_goodbye.wait()
            await self._end()
            tasks.cancel_scope.cancel()

    async def offer(self, sdp: str, *, replaces: str | None) -> Answer:  # noqa: ARG002  `Way`
        """Post the offer with a client secret that was not used before, and report the call."""
        secret = self._session.client_secret
        if secret is None:
            self._session.take_token(await self._edge.renew(self._session.token))
            secret = self._session.client_secret
        if secret is None:
            raise AuthenticationFailed("The server gave no key for the voice model.")
        self._session.client_secret = None
        url = self._session.config.openai_config.url
        answer, call_id = await self._edge.exchange_sdp(url, secret.value, sdp)
        if call_id:
            await self._edge.report_call(self._session.id, self._session.token, call_id)
        return Answer(answer, call_id or None)

    async def begin(self, call: Call, *, replaces: str | None) -> None:
        """Let the interviewer begin; in a later call, tell it first what was said."""
        self._call = call
        entries = [entry for entry in self._transcript.entries if entry.content]
        if replaces is not None:
            for entry in entries:
                role = "assistant" if entry.speaker is Speaker.AI else "user"
                await call.send(create_message(entry.item_id, role=role, text=entry.content))
        await call.send(create_response())

    def hear(self, event: ServerEvent, changed: list[TranscriptEntry]) -> None:
        """Queue what changed, and note the interviewer's goodbye."""
        for entry in changed:
            self._unsent[entry.item_id] = entry
            self._is_flushed.lower()
            self._has_unsent.raise_()
        match event:
            case OutputAudioStarted():
                self._is_silent.lower()
            case OutputAudioStopped():
                self._is_silent.raise_()
            case FunctionCallArgumentsDone(name=name) if name == END_INTERVIEW:
                self._goodbye = event
                self._has_goodbye.set()
            case _:
                pass

    async def present_token(self) -> None:
        """Nobody needs it before the next request."""

    async def leave(self) -> None:
        """Send what is left, then end the session at the control plane."""
        if self._has_goodbye.is_set():
            return
        await self._finish(EndReason.CANDIDATE_LEFT)

    async def _end(self) -> None:
        """Answer the goodbye, let it play, store everything, end the session."""
        goodbye = self._goodbye
        if goodbye is not None and self._call is not None:
            with suppress(WebRTCConnectionFailed):  # then the call is gone, as it is to be
                await self._call.send(create_function_output(goodbye.call_id, '{"ok": true}'))
        with anyio.move_on_after(LAST_WORDS_SECONDS):
            await self._is_silent.until_up()
        reason = _reason(goodbye)
        is_complete = await self._finish(reason)
        self._hooks.on_end(Ending(reason, is_complete))

    async def _finish(self, reason: EndReason) -> bool:
        with anyio.move_on_after(FLUSH_SECONDS) as scope:
            await self._is_flushed.until_up()
        try:
            await self._edge.end(self._session.id, self._session.token, reason=reason)
        except VivavoceError as error:
            self._hooks.on_error(error)
        return not scope.cancelled_caught

    async def _upload(self) -> None:
        while True:
            await self._has_unsent.until_up()
            await anyio.sleep(BATCH_SECONDS)
            self._has_unsent.lower()
            batch, self._unsent = self._unsent, {}
            try:
                await send_persistently(self._edge, self._session, list(batch.values()))
            except SessionEnded:
                self._hooks.on_end(Ending(None, None))
            except VivavoceError as error:
                _log.warning("entries could not be stored: %s", error.code)
                self._hooks.on_error(TranscriptProcessingFailed(error.message))
                self._unsent = batch | self._unsent
                self._has_unsent.raise_()
            if not self._unsent:
                self._is_flushed.raise_()


def _reason(goodbye: FunctionCallArgumentsDone | None) -> EndReason:
    try:
        arguments = decode(goodbye.arguments if goodbye else "{}", dict[str, str])
        return EndReason(arguments.get("reason", EndReason.COMPLETED))
    except (VivavoceError, ValueError):
        return EndReason.COMPLETED
