"""An interview from the candidate's side, as a user's program sees it."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import urlsplit

import anyio

from vivavoce.client.audio import SAMPLE_RATE, AudioSource, Mouth, Sound
from vivavoce.client.broadcast import Broadcast
from vivavoce.client.connection import Connection, ConnectionState, Observer
from vivavoce.client.edge import TokenSource, open_edge
from vivavoce.client.lifeline import Lifeline, Senses, Wishes
from vivavoce.client.loudness import SoundMeter, reply_times
from vivavoce.client.recovery import Regions, as_connection_error
from vivavoce.client.session import Ending, SavedSession, session_from
from vivavoce.client.transcript import LiveTranscript
from vivavoce.errors import SessionEnded, VivavoceError
from vivavoce.protocol.interview_start import (
    Architecture,
    CandidateInfo,
    InterviewStartRequest,
    SessionConfig,
)
from vivavoce.protocol.realtime import ServerEvent
from vivavoce.protocol.transcript import TranscriptEntry
from vivavoce.retry import DEFAULT_POLICY, RetryPolicy

MAX_UNREAD: Final = 1_000
"""Events, or pieces of sound, by which a reader may fall behind before its stream ends."""
_LOOPBACK: Final = ("localhost", "127.0.0.1", "::1")


class InterviewClient:
    """A candidate's connection to an interview.

        async with InterviewClient(url, token=token, audio=WavFile("answer.wav")) as call:
            async for entry in call.entries():
                print(entry.speaker, entry.content)

    Entering connects, with retries by the recovery map; leaving ends the interview and leaves
    nothing behind, on every way out.

    Args:
        base_url: Where the control plane is, such as `http://localhost:8000`.
        token: The user's access token or an invitation's, or an async function that gives one.
        architecture: `hybrid` (through the session's machine) or `direct`.
        audio: What the candidate says: `WavFile`, `Samples`, `Microphone`, or any async iterable
            of `Sound`; silence if None.
        session_config: Duration, voice, instructions.
        candidate: Who is interviewed.
        session_data: Kept with the session, at most 16 KiB.
        regions: Where the session may run, the preferred one first; the server's choice if empty.
        retry: How often and how patiently to try again.
        resume: A session to come back to (`saved`), in place of a new one.
        relay_only: Send and receive audio by way of the server's TURN alone.

    Raises:
        WebRTCConnectionError: When entering fails for good.
    """

    def __init__(
        self,
        base_url: str,
        *,
        token: TokenSource,
        architecture: Architecture = "hybrid",
        audio: AudioSource | None = None,
        session_config: SessionConfig | None = None,
        candidate: CandidateInfo | None = None,
        session_data: dict[str, Any] | None = None,
        regions: Sequence[str] = (),
        retry: RetryPolicy = DEFAULT_POLICY,
        resume: SavedSession | None = None,
        relay_only: bool = False,
    ) -> None:
        self._base_url = base_url
        self._token = token
        self._audio = audio
        self._connection = Connection()
        self._transcript = LiveTranscript(resume.transcript if resume else ())
        self._mouth = Mouth()
        self._ear = SoundMeter()
        self._sounds = Broadcast[Sound](MAX_UNREAD)
        self._events = Broadcast[ServerEvent](MAX_UNREAD)
        request = InterviewStartRequest(
            architecture=architecture,
            session_config=session_config,
            candidate=candidate,
            session_data=session_data,
        )
        is_local = (urlsplit(base_url).hostname or "").lower() in _LOOPBACK
        wishes = Wishes(
            request, Regions(tuple(regions)), retry, resume is not None, is_local, relay_only
        )
        senses = Senses(self._events.send, self._take_sound, self._close_streams)
        self._line = Lifeline(wishes, self._connection, self._transcript, self._mouth, senses)
        if resume is not None:
            self._line.session = session_from(resume)
        self._stack = AsyncExitStack()

    @property
    def state(self) -> ConnectionState:
        """The whole state of the connection at this moment."""
        return self._connection.state

    def observe(self, observer: Observer) -> None:
        """Call `observer` with every state from here on; it may not wait, and may not raise."""
        self._connection.observe(observer)

    @property
    def session_id(self) -> str:
        """The session's id; empty before there is one."""
        return self._line.session.id if self._line.session else ""

    @property
    def session_token(self) -> str:
        """The session's token, as last renewed; empty before there is one."""
        return self._line.session.token if self._line.session else ""

    @property
    def transcript(self) -> list[TranscriptEntry]:
        """Everything said so far, in the order of the conversation."""
        return self._transcript.entries

    def heard(self) -> list[TranscriptEntry]:
        """Everything said so far as this client itself heard it, in order."""
        return self._transcript.own()

    def entries(self) -> AsyncGenerator[TranscriptEntry]:
        """Give each entry as it is spoken, and again, with a greater revision, when it changes.

        Ends with the interview.
        """
        return self._transcript.changes()

    def events(self) -> AsyncGenerator[ServerEvent]:
        """Give the voice model's events from here on, until the interview ends."""
        return self._events.listen()

    def sounds(self) -> AsyncGenerator[Sound]:
        """Give what the interviewer sends from here on, silence included, until the end."""
        return self._sounds.listen()

    @property
    def reply_seconds(self) -> list[float]:
        """Of each turn: from our last loud sample to the first loud one of the reply."""
        return reply_times(self._mouth.meter.spans, self._ear.spans)

    async def ended(self) -> Ending:
        """Wait for the end of the interview.

        Raises:
            WebRTCConnectionError: If it was lost for good.
        """
        await self._line.is_over.wait()
        if self._line.ending is not None:
            return self._line.ending
        raise self.state.error or as_connection_error(SessionEnded("The interview was left."))

    def saved(self) -> SavedSession:
        """What is needed to come back to this interview from another process (`resume`).

        Raises:
            WebRTCConnectionError: If there is nothing to come back to.
        """
        if self._line.session is None or self._line.is_over.is_set():
            raise as_connection_error(SessionEnded("There is no session to come back to."))
        return self._line.session.saved(self.transcript)

    async def __aenter__(self) -> Self:
        edge = await self._stack.enter_async_context(open_edge(self._base_url, self._token))
        self._tasks = await self._stack.enter_async_context(anyio.create_task_group())
        try:
            await self._line.connect(edge, self._tasks)
        except BaseException as error:
            await self._line.leave()
            self._tasks.cancel_scope.cancel()
            await self._stack.aclose()
            if isinstance(error, VivavoceError):
                raise as_connection_error(error) from error
            raise
        if self._audio is not None:
            self._tasks.start_soon(self._speak, self._audio)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool | None:
        await self._line.leave()
        self._tasks.cancel_scope.cancel()
        if isinstance(error, anyio.get_cancelled_exc_class()):
            return await self._stack.__aexit__(kind, error, trace)
        await self._stack.aclose()
        return None

    async def _speak(self, source: AudioSource) -> None:
        try:
            await self._mouth.speak(source)
        except VivavoceError as error:
            self._connection.note_error(as_connection_error(error))

    def _take_sound(self, pcm: bytes, at: float) -> None:
        had_heard = bool(self._ear.spans)
        self._ear.add(pcm, SAMPLE_RATE, at)
        if not had_heard and self._ear.spans and self._line.offered_at is not None:
            first_ms = (self._ear.spans[0].start - self._line.offered_at) * 1000
            self._connection.measure(first_audio_ms=first_ms)
        self._sounds.send(Sound(pcm, SAMPLE_RATE))

    def _close_streams(self) -> None:
        self._transcript.close()
        self._events.close()
        self._sounds.close()
