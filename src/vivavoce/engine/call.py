"""One call: a client heard and answered, and the events of it.

What clients send, what is heard and what is said meet here, on one event loop: a handler runs to
its end before the next, so that the order of events is the order of what happened.
"""

import logging
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final

import anyio
from anyio.abc import TaskGroup

from vivavoce.engine.conversation import Conversation, Item, user_audio_item
from vivavoce.engine.events import EventStream, encode, error_fields, new_event, new_id
from vivavoce.engine.interviewer import next_reply
from vivavoce.engine.interviewer_plan import read_plan
from vivavoce.engine.listening import SAMPLE_RATE, Listener
from vivavoce.engine.models import Models, Priority
from vivavoce.engine.peer import Peer
from vivavoce.engine.playout import Playout
from vivavoce.engine.realtime_session import policy_of, updated_session
from vivavoce.engine.refusals import Refused
from vivavoce.engine.responses import Responder, Wish
from vivavoce.engine.turn import Speculate, SpeechResumed, SpeechStarted, SpeechStopped, TurnEvent
from vivavoce.engine.vad import SpeechDetector
from vivavoce.errors import Unavailable

_log: Final = logging.getLogger(__name__)
_MAX_PROMPT_CHARACTERS: Final = 1_000


class Ending(Enum):
    """Why a call ended: the WebSocket close code for sidebands, and the words with it."""

    HUNG_UP = (1000, "The call was hung up.")
    CLIENT_LEFT = (1000, "The client has left the call.")
    NEVER_CONNECTED = (1000, "The call did not connect.")
    EXPIRED = (1001, "Your session hit the maximum duration.")
    SHUTDOWN = (1001, "The engine is shutting down.")
    FAILED = (1011, "Internal error.")

    @property
    def close_code(self) -> int:
        """WebSocket close code."""
        return self.value[0]

    @property
    def reason(self) -> str:
        """A sentence for people."""
        return self.value[1]


@dataclass(slots=True)
class _Turn:
    """A turn of the client that is not over yet."""

    item_id: str
    speculation: anyio.CancelScope = field(default_factory=anyio.CancelScope)


class Call:
    """One call between a client and the interviewer.

    Attributes:
        id: As in `Location` and `call_id`.
        events: What happens in it.
        session: Its effective configuration.
        ending: Why it ended, once it has.
    """

    def __init__(
        self,
        session: Mapping[str, Any],
        models: Models,
        tasks: TaskGroup,
        playout: Playout,
        events: EventStream,
        *,
        speech: SpeechDetector,
        max_seconds: float,
    ) -> None:
        self.id = new_id("rtc")
        self.events = events
        self.conversation = Conversation()
        self.session: dict[str, Any] = {
            **session,
            "id": new_id("sess"),
            "expires_at": int(time.time() + max_seconds),
        }
        self.responder = Responder(tasks, models, self.conversation, events, playout)
        self.ending: Ending | None = None
        self._ended = anyio.Event()
        self._ends_at = anyio.current_time() + max_seconds
        self._models = models
        self._tasks = tasks
        self._listener = Listener(policy_of(self.session), speech)
        self._turn: _Turn | None = None
        self._hearing = anyio.Lock()
        self._silent_since_ms: int | None = None  # None until we have spoken for the first time

    @property
    def seconds_left(self) -> float:
        """Until the call must end."""
        return self._ends_at - anyio.current_time()

    @contextmanager
    def listening(self, sink: Callable[[str], None]) -> Generator[None, None, None]:
        """Send `session.created` to a listener, and then whatever happens."""
        sink(encode(new_event("session.created", session=self.session)))
        self.events.attach(sink)
        try:
            yield
        finally:
            self.events.detach(sink)

    def end(self, ending: Ending) -> None:
        """End the call; the first reason stays."""
        self.ending = self.ending or ending
        self._ended.set()

    def expire(self) -> None:
        """End the call because it has reached its limit, and say so as the real service does."""
        expired = Refused(Ending.EXPIRED.reason, code="session_expired")
        self.events.emit("error", **error_fields(expired, None))
        self.end(Ending.EXPIRED)

    async def until_ended(self) -> None:
        """Wait until the call ends."""
        await self._ended.wait()

    async def run(self, peer: Peer) -> None:
        """Hear and answer until the client's audio ends."""
        async for pcm in peer.hear(SAMPLE_RATE):
            speaking = self.responder.playout.is_speaking
            for event in self._listener.feed(pcm, interrupting=speaking):
                self._take_turn_event(event)
            self._count_silence(speaking=speaking)

    async def prepare_speech(self) -> None:
        """Speak what the plan will have said into the models' memory, when they are idle."""
        output = self.session["audio"]["output"]
        plan = read_plan(self.session["instructions"])
        greeting = next_reply(self.session["instructions"], [], [])
        sentences = [*(greeting.sentences if greeting else ())]
        sentences += [question.text for question in plan.questions]
        try:
            await self._models.prepare(sentences, speed=output["speed"])
        except Unavailable as error:
            _log.info("speech could not be prepared: %s", error)

    def update(self, update: object) -> None:
        """Change the session, as `session.update` asks.

        Raises:
            Refused: If a value is wrong; nothing is changed then.
        """
        before = policy_of(self.session)
        self.session = updated_session(self.session, update)
        policy = policy_of(self.session)
        if policy != before:
            self._listener.use(policy)
            self._turn = None
        self.events.emit("session.updated", session=self.session)

    def respond(self, wish: Wish) -> None:
        """Make a response because the client asks for it, whatever there is to say.

        Raises:
            Refused: If one is being made.
        """
        self.responder.create(wish, wish.reply_to(self.conversation))

    def commit(self) -> None:
        """End a turn because the client says so (`input_audio_buffer.commit`)."""
        turn, self._turn = self._turn or _Turn(new_id("item")), None
        audio = self._listener.commit()
        self._tasks.start_soon(self._hear, self._commit(turn.item_id), audio, False)  # noqa: FBT003

    def clear_input(self) -> None:
        """Forget what was heard and not committed."""
        self._listener.commit()
        self.events.emit("input_audio_buffer.cleared")

    @property
    def uncommitted_ms(self) -> int:
        """Milliseconds heard since the last commit."""
        return self._listener.uncommitted_ms

    @property
    def _vocabulary(self) -> str:
        wanted = self.session["audio"]["input"]["transcription"] or {}
        prompt = wanted.get("prompt")
        return prompt[:_MAX_PROMPT_CHARACTERS] if isinstance(prompt, str) else ""

    def _take_turn_event(self, event: TurnEvent) -> None:
        match event:
            case SpeechStarted(audio_start_ms=start_ms):
                self._start_turn(start_ms)
            case Speculate(audio_start_ms=start_ms, audio_end_ms=end_ms):
                if self._turn:
                    self._turn.speculation = anyio.CancelScope()
                    audio = self._listener.audio(start_ms, end_ms)
                    self._tasks.start_soon(self._speculate, self._turn.speculation, audio)
            case SpeechResumed():
                if self._turn:
                    self._turn.speculation.cancel()
            case SpeechStopped(audio_start_ms=start_ms, audio_end_ms=end_ms):
                self._end_turn(start_ms, end_ms)

    def _count_silence(self, *, speaking: bool) -> None:
        """Follow up on a silence that lasts, where the session asks for it (`idle_timeout_ms`)."""
        policy, now_ms = self._listener.policy, self._listener.now_ms
        is_quiet = not (
            speaking
            or self.responder.is_active
            or self._listener.is_turn_open
            or self._hearing.locked()
        )
        if speaking or (self._silent_since_ms is not None and not is_quiet):
            self._silent_since_ms = now_ms
        if policy is None or policy.idle_timeout_ms is None or self._silent_since_ms is None:
            return
        if now_ms - self._silent_since_ms < policy.idle_timeout_ms:
            return
        item_id = new_id("item")
        self.events.emit(
            "input_audio_buffer.timeout_triggered",
            item_id=item_id,
            audio_start_ms=self._silent_since_ms,
            audio_end_ms=now_ms,
        )
        self._silent_since_ms = now_ms
        item = self._commit(item_id)
        self._tell_transcript(item, "", 0.0)
        self._answer_turn()

    def _start_turn(self, start_ms: int) -> None:
        turn = self._turn = _Turn(new_id("item"))
        self.events.emit(
            "input_audio_buffer.speech_started", item_id=turn.item_id, audio_start_ms=start_ms
        )
        policy = self._listener.policy
        if policy and policy.interrupt_response:
            self.responder.fall_silent("turn_detected")

    def _end_turn(self, start_ms: int, end_ms: int) -> None:
        turn, self._turn = self._turn, None
        if turn is None:
            return
        self.events.emit(
            "input_audio_buffer.speech_stopped", item_id=turn.item_id, audio_end_ms=end_ms
        )
        audio = self._listener.audio(start_ms, end_ms)
        self._listener.commit()
        policy = self._listener.policy
        responds = bool(policy and policy.create_response)
        self._tasks.start_soon(self._hear, self._commit(turn.item_id), audio, responds)

    def _commit(self, item_id: str) -> Item:
        item = user_audio_item(item_id)
        self.events.emit(
            "input_audio_buffer.committed",
            item_id=item_id,
            previous_item_id=self.conversation.last_id,
        )
        previous = self.conversation.add(item)
        for type_ in ("conversation.item.added", "conversation.item.done"):
            self.events.emit(type_, previous_item_id=previous, item=item.wire)
        return item

    async def _speculate(self, scope: anyio.CancelScope, audio: bytes) -> None:
        with scope:
            try:
                heard = await self._models.transcribe(
                    audio, prompt=self._vocabulary, priority=Priority.SPECULATIVE
                )
            except Unavailable:
                return
            self._listener.hint(heard.text)

    async def _hear(self, item: Item, audio: bytes, responds: bool) -> None:  # noqa: FBT001  start_soon passes by position
        """Transcribe a turn, one after the other, and answer it."""
        text = ""
        async with self._hearing:
            try:
                heard = await self._models.transcribe(audio, prompt=self._vocabulary)
            except Unavailable as error:
                _log.warning("a turn was not heard: %s", error)
                self._tell_unheard(item, error)
            else:
                text = heard.text
                self._tell_transcript(item, text, heard.seconds)
            item.wire["content"][0]["transcript"] = text
            item.is_heard = True
        if responds:
            await self.responder.until_idle()  # where speech does not interrupt
            self._answer_turn()

    def _tell_transcript(self, item: Item, text: str, seconds: float) -> None:
        if self.session["audio"]["input"]["transcription"] is None:
            return
        name = "conversation.item.input_audio_transcription"
        place = {"item_id": item.id, "content_index": 0}
        if text:
            self.events.emit(f"{name}.delta", **place, delta=text)
        usage = {"type": "duration", "seconds": seconds}
        self.events.emit(f"{name}.completed", **place, transcript=text, usage=usage)

    def _tell_unheard(self, item: Item, error: Unavailable) -> None:
        if self.session["audio"]["input"]["transcription"] is None:
            return
        self.events.emit(
            "conversation.item.input_audio_transcription.failed",
            item_id=item.id,
            content_index=0,
            error={
                "type": "transcription_error",
                "code": "speech_unavailable",
                "message": error.message,
            },
        )

    def _answer_turn(self) -> None:
        """Reply to what was heard, unless the client goes on speaking or nothing was said."""
        if self._listener.is_turn_open or self.responder.is_active:
            return
        wish = Wish(self.session, seconds_left=self.seconds_left)
        if reply := wish.reply_to(self.conversation):
            self.responder.create(wish, reply)
