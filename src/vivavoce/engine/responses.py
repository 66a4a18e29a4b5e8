"""The responses of a call: what the interviewer says and does.

A response is generated a sentence at a time. Over WebRTC it is at most one sentence ahead of what
is being said: the transcript that clients have when it is cut off is what was heard, give or take
that sentence. Over a WebSocket it goes out as fast as it is made.

One response at a time writes to the conversation; those out of band go on beside it.

Source: OpenAI API reference, "Realtime server events", `response.*`, `output_audio_buffer.*`.
"""

import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, TypeVar

import anyio
import anyio.lowlevel
from anyio.abc import TaskGroup

from vivavoce.engine.conversation import Conversation, Item, Segment
from vivavoce.engine.events import EventStream
from vivavoce.engine.interviewer import Reply
from vivavoce.engine.interviewer_wording import Wording, may_be_reworded, parted
from vivavoce.engine.models import Models
from vivavoce.engine.outlet import Outlet
from vivavoce.engine.refusals import Refused
from vivavoce.engine.response import Reason, Response, Wish
from vivavoce.engine.sentences import split_sentences
from vivavoce.engine.wire_audio import SPOKEN_BYTES_PER_MS
from vivavoce.errors import Unavailable

_log: Final = logging.getLogger(__name__)
_AHEAD_MS: Final = 400
_MAX_OUT_OF_BAND: Final = 4

T = TypeVar("T")
Decide = Callable[[], Awaitable[Reply | None]]
"""Finds what to say, once what was said before is known."""


def decided(reply: Reply | None) -> Decide:
    """Say what is known already."""

    async def decide() -> Reply | None:
        return reply

    return decide


class Responder:
    """Makes the responses of one call."""

    def __init__(
        self,
        tasks: TaskGroup,
        models: Models,
        conversation: Conversation,
        events: EventStream,
        outlet: Outlet,
        *,
        wording: Wording | None = None,
    ) -> None:
        self._tasks = tasks
        self._models = models
        self._conversation = conversation
        self._events = events
        self._wording = wording
        self._active: Response | None = None
        self._out_of_band: dict[str, Response] = {}
        self._has_finished = anyio.Event()
        self.outlet = outlet

    @property
    def is_active(self) -> bool:
        """Whether a response is being generated for the conversation."""
        return self._active is not None

    async def until_idle(self) -> None:
        """Wait until no response is being generated for the conversation."""
        while self._active:
            await self._has_finished.wait()

    def create(self, wish: Wish, decide: Decide) -> None:
        """Begin a response.

        Raises:
            Refused: If one is being generated; out of band, if four are.
        """
        response = Response(wish, self._conversation, self._events)
        if wish.is_out_of_band:
            if len(self._out_of_band) >= _MAX_OUT_OF_BAND:
                raise Refused(
                    f"At most {_MAX_OUT_OF_BAND} responses out of band are made at once.",
                    code="too_many_responses",
                    param="response.conversation",
                )
            self._out_of_band[response.id] = response
        else:
            if self._active:
                raise Refused(
                    f"Conversation already has an active response: {self._active.id}.",
                    code="conversation_already_has_active_response",
                )
            self._active = response
            self._has_finished = anyio.Event()
        self._tasks.start_soon(self._run, response, decide)

    def cancel(self, response_id: str | None, reason: Reason) -> None:
        """Stop generating. What was generated is still said.

        Args:
            response_id: Of the response; None for that of the conversation.
            reason: Why.

        Raises:
            Refused: If there is nothing to stop, or not under that id.
        """
        response = self._active
        if response is None or response_id not in (None, response.id):
            response = self._out_of_band.get(response_id or "")
        if response is None:
            raise Refused(
                "Cancellation failed: no active response found.", code="response_cancel_not_active"
            )
        self._retire(response)
        response.scope.cancel()
        response.finish("cancelled", reason)

    def fall_silent(self, reason: Reason) -> None:
        """Stop generating and speaking, and cut the conversation down to what was heard."""
        unsaid = self.outlet.clear()
        for utterance in unsaid:
            utterance.item.cut(utterance.played_ms)
        silenced = {utterance.response_id for utterance in unsaid} & self._out_of_band.keys()
        for response_id in (self._active and self._active.id, *silenced):
            if response_id:
                self.cancel(response_id, reason)
        for utterance in unsaid:
            if utterance.has_started:
                self._events.emit("output_audio_buffer.cleared", response_id=utterance.response_id)
            if utterance.item in self._conversation.items:
                self._tell_truncated(utterance.item, utterance.played_ms)

    def truncate(self, item_id: object, audio_end_ms: int) -> None:
        """Cut a spoken item down to its first milliseconds, as the client has heard it.

        Raises:
            Refused: If there is no such item, or its audio is shorter.
        """
        item = self._conversation.get(item_id)
        if not item.is_spoken:
            raise Refused("Only the audio of a reply can be truncated.", param="item_id")
        if not 0 <= audio_end_ms <= item.spoken_ms:
            raise Refused(
                f"Audio content of {item.spoken_ms}ms is already shorter than {audio_end_ms}ms.",
                code="invalid_value",
                param="audio_end_ms",
            )
        item.cut(audio_end_ms)
        self._tell_truncated(item, audio_end_ms)

    def _retire(self, response: Response) -> None:
        if response is self._active:
            self._active = None
            self._has_finished.set()
        else:
            self._out_of_band.pop(response.id, None)

    def _tell_truncated(self, item: Item, audio_end_ms: int) -> None:
        self._events.emit(
            "conversation.item.truncated",
            item_id=item.id,
            content_index=0,
            audio_end_ms=audio_end_ms,
        )

    async def _run(self, response: Response, decide: Decide) -> None:
        with response.scope:
            await anyio.lowlevel.checkpoint_if_cancelled()
            response.begin()
            try:
                reply = await _unless_cancelled(decide())
                if reply:
                    await self._generate(response, reply)
            except Unavailable as error:
                _log.warning("a response failed: %s", error)
                self._retire(response)
                response.finish("failed", None)
                return
            self._retire(response)
            response.finish("incomplete" if response.is_full else "completed", None)

    async def _generate(self, response: Response, reply: Reply) -> None:
        if reply.sentences:
            lines = response.wish.lines(self._conversation)
            item = response.begin_message()
            before, asking = parted(reply)
            await self._utter(response, item, before, pace=reply.pace)
            if self._wording and may_be_reworded(reply, lines):  # while the words before are heard
                instructions = response.wish.session["instructions"]
                rewording = self._wording.reworded(reply, instructions, lines)
                asking = await _unless_cancelled(rewording)
            await self._utter(response, item, asking, pace=reply.pace)
        if reply.tool and not response.is_full:
            response.end_message("completed")
            response.call_function(reply.tool)

    async def _utter(
        self, response: Response, item: Item, sentences: Sequence[str], *, pace: float
    ) -> None:
        """Say sentences, as long as there is room for them."""
        for sentence in split_sentences("\n".join(sentences)):
            if response.is_full:
                return
            if response.wish.has_audio:
                said = await self._say(response, item, sentence, pace=pace)
            else:
                said = response.fitting(Segment(sentence, 0))
            if said.text:
                response.write(item, said)

    async def _say(self, response: Response, item: Item, sentence: str, *, pace: float) -> Segment:
        output = response.wish.session["audio"]["output"]
        speed = output["speed"] * pace
        audio = await _unless_cancelled(self._spoken(sentence, voice=output["voice"], speed=speed))
        said = response.fitting(Segment(sentence, len(audio) // SPOKEN_BYTES_PER_MS))
        if said.text != sentence:
            audio = audio[: said.ms * SPOKEN_BYTES_PER_MS]
        utterance = response.utterance
        if utterance is None:
            utterance = self.outlet.open(response.id, item, output["format"]["type"])
            response.utterance = utterance
        await _unless_cancelled(utterance.until_waiting(_AHEAD_MS))
        utterance.write(audio)
        return said

    async def _spoken(self, sentence: str, *, voice: str, speed: float) -> bytes:
        pieces = self._models.synthesise(sentence, voice=voice, speed=speed)
        return b"".join([pcm async for pcm in pieces])


async def _unless_cancelled(act: Awaitable[T]) -> T:
    """Wait for something. Whoever was cancelled goes no further, not even with what came just then.

    A cancellation reaches a task where it waits; one whose wait is over does not notice it.
    """
    try:
        return await act
    finally:
        await anyio.lowlevel.checkpoint_if_cancelled()
