"""One call: a client heard and answered, and the events of it.

What clients send, what is heard and what is said meet here, on one event loop: a handler runs to
its end before the next, so that the order of events is the order of what happened.
"""

import logging
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from enum import Enum
from typing import Any, Final

import anyio
import anyio.lowlevel
from anyio.abc import TaskGroup

from vivavoce.engine.conversation import Conversation, Item
from vivavoce.engine.event_audio import AppendedAudio
from vivavoce.engine.events import EventStream, encode, error_fields, new_event, new_id
from vivavoce.engine.hearing import Hearing, Reactions
from vivavoce.engine.interviewer import (
    NO_TIME_SECONDS,
    Reply,
    gentle_prompt,
    planned_sentences,
    time_is_up,
)
from vivavoce.engine.interviewer_plan import read_plan
from vivavoce.engine.interviewer_wording import Wording
from vivavoce.engine.models import Models
from vivavoce.engine.outlet import Outlet
from vivavoce.engine.realtime_session import updated_session
from vivavoce.engine.refusals import Refused
from vivavoce.engine.response import Wish
from vivavoce.engine.responses import Responder, decided
from vivavoce.engine.vad import SpeechDetector
from vivavoce.engine.wire_audio import decoded
from vivavoce.errors import Unavailable

_log: Final = logging.getLogger(__name__)


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


class Call:
    """One call between a client and the interviewer, whichever way its audio takes.

    Attributes:
        id: As in `Location` and `call_id`.
        events: What happens in it.
        session: Its effective configuration.
        appended: Audio that the client appends by events; None where it comes by WebRTC.
        ending: Why it ended, once it has.
    """

    def __init__(
        self,
        session: Mapping[str, Any],
        models: Models,
        tasks: TaskGroup,
        outlet: Outlet,
        events: EventStream,
        *,
        speech: SpeechDetector,
        max_seconds: float,
        appended: AppendedAudio | None = None,
        wording: Wording | None = None,
    ) -> None:
        self.id = new_id("rtc")
        self.events = events
        self.conversation = Conversation()
        self.session: dict[str, Any] = {
            **session,
            "id": new_id("sess"),
            "expires_at": int(time.time() + max_seconds),
        }
        self.responder = Responder(
            tasks, models, self.conversation, events, outlet, wording=wording
        )
        self.appended = appended
        self.ending: Ending | None = None
        self._ended = anyio.Event()
        self._began_at = anyio.current_time()
        self._ends_at = self._began_at + max_seconds
        self._models = models
        self._tasks = tasks
        self._preparing = anyio.CancelScope()
        self._has_changed = anyio.Event()
        self._hearing = Hearing(
            self.session,
            speech=speech,
            models=models,
            tasks=tasks,
            conversation=self.conversation,
            events=events,
            reactions=Reactions(self._interrupt, self._answer, self._prompt),
        )

    @property
    def seconds_left(self) -> float:
        """Until the call must end."""
        return self._ends_at - anyio.current_time()

    @property
    def interview_seconds_left(self) -> float:
        """Until the call must end, or the interview by its own plan."""
        limit = read_plan(self.session["instructions"]).seconds
        spent = anyio.current_time() - self._began_at
        return self.seconds_left if limit is None else min(limit - spent, self.seconds_left)

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

    def hear(self, pcm: bytes) -> None:
        """Hear what the client says next (s16le mono, 16 kHz), and act on it."""
        self._hearing.feed(
            pcm,
            speaking=self.responder.outlet.is_speaking,
            responding=self.responder.is_active,
        )

    async def hear_appended(self) -> None:
        """Hear what the client has appended, with a turn for others in between."""
        while self.appended and (pcm := self.appended.take()) is not None:
            if played := self.responder.outlet.played():
                self.note_played(played)
            self.hear(pcm)
            await anyio.lowlevel.checkpoint()

    def hear_rest(self) -> None:
        """Hear the end of what was appended: a turn ends here."""
        if self.appended and (pcm := self.appended.flush()):
            self.hear(pcm)

    def hear_item(self, item: Item) -> None:
        """Hear the audio of an item that the client has made."""
        format_ = self.session["audio"]["input"]["format"]
        self._hearing.hear_item(item, decoded(item.audio, format_["type"]))

    def note_played(self, pcm: bytes) -> None:
        """Take what the client plays, as it plays it (s16le mono, 24 kHz): it may come back."""
        self._hearing.note_played(pcm)

    async def prepare_speech(self) -> None:
        """Speak what the plan will have said into the models' memory, when they are idle."""
        output = self.session["audio"]["output"]
        sentences = planned_sentences(self.session["instructions"])
        self._preparing.cancel()
        with anyio.CancelScope() as self._preparing:
            try:
                await self._models.prepare(sentences, speed=output["speed"])
            except Unavailable as error:
                _log.info("speech could not be prepared: %s", error)

    async def close_in_time(self) -> None:
        """Say goodbye when time is up. Whoever speaks then is not cut off: the reply says it."""
        while not self._is_closed_in_time():
            self._has_changed = anyio.Event()  # an update may change the plan's limit
            with anyio.move_on_after(max(self.interview_seconds_left - NO_TIME_SECONDS, 1.0)):
                await self._has_changed.wait()

    def _is_closed_in_time(self) -> bool:
        if self.interview_seconds_left > NO_TIME_SECONDS or self._hearing.is_turn_open:
            return False
        if self.responder.is_active or self.responder.outlet.is_speaking:
            return False
        wish = Wish(self.session, seconds_left=0.0)
        reply = time_is_up(wish.session["instructions"], wish.tools, self.conversation.lines())
        if reply:
            self.responder.create(wish, decided(reply))
        return reply is not None

    def update(self, update: object) -> None:
        """Change the session, as `session.update` asks.

        Raises:
            Refused: If a value is wrong; nothing is changed then.
        """
        before, self.session = self.session, updated_session(self.session, update)
        self._hearing.use(self.session)
        self._has_changed.set()
        self.events.emit("session.updated", session=self.session)
        if _said_by(before) != _said_by(self.session):
            self._tasks.start_soon(self.prepare_speech)

    def respond(self, wish: Wish) -> None:
        """Make a response because the client asks for it, whatever there is to say.

        Raises:
            Refused: If one is being made.
        """

        async def decide() -> Reply | None:
            await self._hearing.until_heard()
            return wish.reply_to(self.conversation)

        self.responder.create(wish, decide)

    def commit(self) -> None:
        """End a turn because the client says so (`input_audio_buffer.commit`)."""
        self._hearing.commit()

    def clear_input(self) -> None:
        """Forget what was heard and not committed."""
        if self.appended:
            self.appended.flush()
        self._hearing.clear()

    @property
    def heard_ms(self) -> int:
        """Milliseconds of the client's audio so far."""
        return self._hearing.heard_ms

    @property
    def uncommitted_ms(self) -> int:
        """Milliseconds heard since the last commit."""
        return self._hearing.uncommitted_ms

    def _interrupt(self) -> None:
        self.responder.fall_silent("turn_detected")

    async def _answer(self, item: Item) -> None:
        await self.responder.until_idle()  # where speech does not interrupt
        if not self.conversation.is_answered(item):
            self._answer_turn()

    def _prompt(self) -> None:
        """Follow up, gently, because the client has said nothing for long."""
        if self._hearing.is_turn_open or self.responder.is_active:
            return
        wish = Wish(self.session, seconds_left=self.interview_seconds_left)
        reply = gentle_prompt(
            self.session["instructions"],
            wish.tools,
            self.conversation.lines(),
            seconds_left=wish.seconds_left,
        )
        if reply:
            self.responder.create(wish, decided(reply))

    def _answer_turn(self) -> None:
        """Reply to what was heard, unless the client goes on speaking or nothing was said."""
        if self._hearing.is_turn_open or self.responder.is_active:
            return
        wish = Wish(self.session, seconds_left=self.interview_seconds_left)
        if reply := wish.reply_to(self.conversation):
            self.responder.create(wish, decided(reply))


def _said_by(session: Mapping[str, Any]) -> tuple[str, float]:
    """Give what decides which sounds a session will need."""
    return session["instructions"], session["audio"]["output"]["speed"]
