"""What a call hears: the client's turns, what was said in them, and the events of both."""

import logging
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import anyio
from anyio.abc import TaskGroup

from vivavoce.engine.conversation import Conversation, Item, user_audio_item
from vivavoce.engine.events import EventStream, new_id
from vivavoce.engine.listening import Heard, Listener
from vivavoce.engine.models import Models, Priority
from vivavoce.engine.partials import Partial
from vivavoce.engine.realtime_session import policy_of
from vivavoce.engine.silence import Silence
from vivavoce.engine.stt import BYTES_PER_SECOND
from vivavoce.engine.turn import Speculate, SpeechResumed, SpeechStarted, SpeechStopped, TurnEvent
from vivavoce.engine.vad import SpeechDetector
from vivavoce.engine.vocabulary import expected_words
from vivavoce.errors import Unavailable

_log: Final = logging.getLogger(__name__)
_MAX_PROMPT_CHARACTERS: Final = 1_000
_PARTIAL_EVERY_MS: Final = 1_500
_PARTIAL_SHARE: Final = 4  # partial hearing takes at most a quarter of the time
_TRANSCRIPTION: Final = "conversation.item.input_audio_transcription"
_LOG_PROBABILITIES: Final = "item.input_audio_transcription.logprobs"


@dataclass(frozen=True, slots=True)
class Reactions:
    """What a call does about what it hears.

    Attributes:
        interrupt: The client began to speak, and this may stop what is being said.
        answer: The turn of an item is over and was heard; a reply is due where there is something
            to reply to.
        prompt: Nobody has said anything for long; a gentle word is due.
    """

    interrupt: Callable[[], None]
    answer: Callable[[Item], Coroutine[Any, Any, None]]
    prompt: Callable[[], None]


@dataclass(slots=True)
class _Turn:
    """A turn of the client, from its first word to its transcript."""

    item_id: str
    start_ms: int = 0
    speculation: anyio.CancelScope = field(default_factory=anyio.CancelScope)
    is_paused: bool = False
    partial: Partial = field(default_factory=Partial)
    partial_due_ms: int = 0


class Hearing:
    """Hears the client of one call. Times are milliseconds of its audio."""

    def __init__(
        self,
        session: Mapping[str, Any],
        *,
        speech: SpeechDetector,
        models: Models,
        tasks: TaskGroup,
        conversation: Conversation,
        events: EventStream,
        reactions: Reactions,
    ) -> None:
        self._session = session
        self._models = models
        self._tasks = tasks
        self._conversation = conversation
        self._events = events
        self._reactions = reactions
        self._listener = Listener(policy_of(session), speech)
        self._turn: _Turn | None = None
        self._hearing = anyio.Lock()
        self._unheard = 0  # items that are not transcribed yet
        self._all_heard = anyio.Event()
        self._silence = Silence()

    @property
    def is_turn_open(self) -> bool:
        """Whether the client is speaking, a pause included."""
        return self._listener.is_turn_open

    @property
    def heard_ms(self) -> int:
        """Milliseconds heard so far."""
        return self._listener.now_ms

    @property
    def uncommitted_ms(self) -> int:
        """Milliseconds heard since the last commit."""
        return self._listener.uncommitted_ms

    def use(self, session: Mapping[str, Any]) -> None:
        """Hear as a changed session says; where it changes the turns, an open one is forgotten."""
        before, policy = policy_of(self._session), policy_of(session)
        self._session = session
        if policy != before:
            self._listener.use(policy)
            self._turn = None

    def feed(self, pcm: bytes, *, speaking: bool, responding: bool) -> None:
        """Take audio and act on what it means.

        Args:
            pcm: s16le mono at 16 kHz.
            speaking: Whether we are being heard.
            responding: Whether a response is being generated.
        """
        for event in self._listener.feed(pcm, interrupting=speaking):
            self._take_turn_event(event)
        self._hear_partly()
        self._count_silence(speaking=speaking, responding=responding)

    def note_played(self, pcm: bytes) -> None:
        """Take what is sent to the client, as it is sent (s16le mono, 24 kHz): it may come back."""
        self._listener.note_played(pcm)

    def commit(self) -> None:
        """End a turn because the client says so (`input_audio_buffer.commit`)."""
        turn, self._turn = self._turn or _Turn(new_id("item")), None
        heard = self._listener.commit()
        self._start_hearing(self._commit(turn.item_id), turn.partial, heard, responds=False)

    def hear_item(self, item: Item, pcm: bytes) -> None:
        """Hear an item that came with its audio (s16le mono, 16 kHz)."""
        heard = Heard(pcm, len(pcm) / BYTES_PER_SECOND)
        self._start_hearing(item, Partial(), heard, responds=False)

    async def until_heard(self) -> None:
        """Wait until the words of all that was committed are known."""
        while self._unheard:
            await self._all_heard.wait()

    def clear(self) -> None:
        """Forget what was heard and not committed."""
        self._listener.commit()
        self._events.emit("input_audio_buffer.cleared")

    @property
    def _vocabulary(self) -> str:
        """What the recogniser is told to expect; a client's own words for it win."""
        wanted = self._session["audio"]["input"]["transcription"] or {}
        prompt = wanted.get("prompt")
        if isinstance(prompt, str) and prompt.strip():
            return prompt[:_MAX_PROMPT_CHARACTERS]
        return expected_words(self._session["instructions"])

    def _take_turn_event(self, event: TurnEvent) -> None:
        match event:
            case SpeechStarted(audio_start_ms=start_ms):
                self._start_turn(start_ms)
            case Speculate(audio_start_ms=start_ms, audio_end_ms=end_ms):
                if turn := self._turn:
                    turn.speculation, turn.is_paused = anyio.CancelScope(), True
                    audio = self._listener.audio(start_ms, end_ms)
                    self._tasks.start_soon(self._speculate, turn, turn.speculation, audio)
            case SpeechResumed():
                if turn := self._turn:
                    turn.is_paused = False
                    turn.speculation.cancel()
            case SpeechStopped(audio_start_ms=start_ms, audio_end_ms=end_ms):
                self._end_turn(start_ms, end_ms)

    def _count_silence(self, *, speaking: bool, responding: bool) -> None:
        """Follow up on a silence that lasts."""
        policy, now_ms = self._listener.policy, self._listener.now_ms
        is_busy = responding or self._listener.is_turn_open or self._hearing.locked()
        if self._silence.since_ms is None and self._conversation.is_begun:  # in another call
            self._silence.begin(now_ms)
        lasted_ms = self._silence.count(now_ms, speaking=speaking, is_busy=is_busy)
        if policy is None or not policy.create_response:
            return
        if policy.idle_timeout_ms and lasted_ms >= policy.idle_timeout_ms:
            self._tell_timeout(now_ms - lasted_ms, now_ms)
        elif not self._silence.is_due(lasted_ms, policy.prompt_after_ms):
            return
        self._silence.prompt(now_ms)
        self._reactions.prompt()

    def _tell_timeout(self, start_ms: int, end_ms: int) -> None:
        """Make a turn of a silence, as `idle_timeout_ms` asks for."""
        item_id = new_id("item")
        self._events.emit(
            "input_audio_buffer.timeout_triggered",
            item_id=item_id,
            audio_start_ms=start_ms,
            audio_end_ms=end_ms,
        )
        item = self._commit(item_id)
        self._tell_transcript(item, Partial(), "", 0.0)
        item.wire["content"][0]["transcript"] = ""
        item.is_heard = True

    def _start_turn(self, start_ms: int) -> None:
        turn = self._turn = _Turn(new_id("item"), start_ms)
        turn.partial_due_ms = self._listener.now_ms + _PARTIAL_EVERY_MS
        self._events.emit(
            "input_audio_buffer.speech_started", item_id=turn.item_id, audio_start_ms=start_ms
        )
        policy = self._listener.policy
        if policy and policy.interrupt_response:
            self._reactions.interrupt()

    def _end_turn(self, start_ms: int, end_ms: int) -> None:
        turn, self._turn = self._turn, None
        if turn is None:
            return
        self._events.emit(
            "input_audio_buffer.speech_stopped", item_id=turn.item_id, audio_end_ms=end_ms
        )
        heard = Heard(self._listener.audio(start_ms, end_ms), (end_ms - start_ms) / 1000)
        self._listener.commit()
        policy = self._listener.policy
        responds = bool(policy and policy.create_response)
        item = self._commit(turn.item_id)
        self._start_hearing(item, turn.partial, heard, responds=responds)

    def _start_hearing(self, item: Item, partial: Partial, heard: Heard, *, responds: bool) -> None:
        if not self._unheard:
            self._all_heard = anyio.Event()
        self._unheard += 1
        item.audio_ms = round(heard.seconds * 1000)
        self._tasks.start_soon(self._hear, item, partial, heard, responds)

    def _commit(self, item_id: str) -> Item:
        item = user_audio_item(item_id)
        self._events.emit(
            "input_audio_buffer.committed",
            item_id=item_id,
            previous_item_id=self._conversation.last_id,
        )
        previous = self._conversation.add(item)
        for type_ in ("conversation.item.added", "conversation.item.done"):
            self._events.emit(type_, previous_item_id=previous, item=item.wire)
        return item

    async def _speculate(self, turn: _Turn, scope: anyio.CancelScope, audio: bytes) -> None:
        with scope:
            try:
                heard = await self._models.transcribe(
                    audio, prompt=self._vocabulary, priority=Priority.SPECULATIVE
                )
            except Unavailable as error:
                _log.info("a pause was not heard: %s", error)
                self._listener.hint("")
                return
            self._listener.hint(
                heard.text, asks_for_time=heard.asks_for_time, is_doubtful=heard.is_doubtful
            )
            self._tell_partly(turn, heard.text)

    def _hear_partly(self) -> None:
        """Hear what was said so far, if nobody else needs the recogniser."""
        turn, now_ms = self._turn, self._listener.now_ms
        if turn is None or turn.is_paused or now_ms < turn.partial_due_ms:
            return
        if self._session["audio"]["input"]["transcription"] is None or self._models.waiting:
            return
        turn.partial_due_ms = now_ms + _PARTIAL_EVERY_MS
        audio = self._listener.audio(turn.start_ms, now_ms)
        self._tasks.start_soon(self._hear_part, turn, audio)

    async def _hear_part(self, turn: _Turn, audio: bytes) -> None:
        began_ms = self._listener.now_ms
        try:
            heard = await self._models.transcribe(
                audio, prompt=self._vocabulary, priority=Priority.PARTIAL
            )
        except Unavailable as error:
            _log.info("a part of a turn was not heard: %s", error)
            return
        took_ms = self._listener.now_ms - began_ms
        turn.partial_due_ms = max(turn.partial_due_ms, began_ms + _PARTIAL_SHARE * took_ms)
        self._tell_partly(turn, heard.text)

    def _tell_partly(self, turn: _Turn, text: str) -> None:
        if turn is not self._turn or self._session["audio"]["input"]["transcription"] is None:
            return
        if delta := turn.partial.hear(text):
            place = {"item_id": turn.item_id, "content_index": 0}
            self._events.emit(f"{_TRANSCRIPTION}.delta", **place, delta=delta)

    async def _hear(self, item: Item, partial: Partial, heard: Heard, responds: bool) -> None:  # noqa: FBT001  start_soon passes by position
        """Transcribe a turn, one after the other, and have it answered."""
        async with self._hearing:
            try:
                said = await self._models.transcribe(heard.pcm, prompt=self._vocabulary)
            except Unavailable as error:
                _log.warning("a turn was not heard: %s", error)
                self._tell_unheard(item, error)
            else:
                item.is_doubtful = said.is_doubtful
                if said.text:
                    self._silence.prompts = 0
                self._tell_transcript(item, partial, said.text, heard.seconds, said.tokens)
            item.wire["content"][item.audio_index]["transcript"] = partial.told
            item.is_heard, item.audio = True, b""
        self._unheard -= 1
        if not self._unheard:
            self._all_heard.set()
        if responds:
            await self._reactions.answer(item)

    def _tell_transcript(
        self,
        item: Item,
        partial: Partial,
        text: str,
        seconds: float,
        tokens: Sequence[tuple[str, float]] = (),
    ) -> None:
        delta = partial.finish(text)
        if self._session["audio"]["input"]["transcription"] is None:
            return
        place = {"item_id": item.id, "content_index": item.audio_index}
        if delta:
            self._events.emit(f"{_TRANSCRIPTION}.delta", **place, delta=delta)
        usage = {"type": "duration", "seconds": seconds}
        certainty = {}
        # What was told earlier may differ from the last hearing: of that nothing is known.
        if _LOG_PROBABILITIES in (self._session["include"] or ()) and partial.told == text:
            certainty = {"logprobs": [_wire_token(*token) for token in tokens]}
        self._events.emit(
            f"{_TRANSCRIPTION}.completed",
            **place,
            transcript=partial.told,
            usage=usage,
            **certainty,
        )

    def _tell_unheard(self, item: Item, error: Unavailable) -> None:
        if self._session["audio"]["input"]["transcription"] is None:
            return
        self._events.emit(
            f"{_TRANSCRIPTION}.failed",
            item_id=item.id,
            content_index=item.audio_index,
            error={
                "type": "transcription_error",
                "code": "speech_unavailable",
                "message": error.message,
            },
        )


def _wire_token(token: str, log_probability: float) -> dict[str, Any]:
    return {"token": token, "bytes": [*token.encode()], "logprob": log_probability}
