"""A response that is cancelled says nothing more, at whatever moment that happens."""

import json

import anyio
import pytest

from vivavoce.engine.conversation import Conversation
from vivavoce.engine.event_audio import SpokenInEvents
from vivavoce.engine.events import EventStream
from vivavoce.engine.interviewer import Reply
from vivavoce.engine.realtime_session import default_session
from vivavoce.engine.response import Wish
from vivavoce.engine.responses import Responder, decided
from vivavoce.errors import Unavailable

REPLY = Reply(("Could you tell me about the work you do?",))


class Voice:
    """Speaks when it is told to; until then the listener waits."""

    def __init__(self):
        self.is_asked = anyio.Event()
        self.may_speak = anyio.Event()
        self.error = None

    async def synthesise(self, text, *, voice, speed):
        self.is_asked.set()
        await self.may_speak.wait()
        if self.error:
            raise self.error
        yield bytes(48_000)


async def has_room():
    """The client keeps up."""


class Call:
    """A call that speaks in events, and all of its events."""

    def __init__(self, tasks):
        self.events = []
        stream = EventStream()
        stream.attach(lambda event: self.events.append(json.loads(event)))
        self.voice = Voice()
        outlet = SpokenInEvents(stream, has_room)
        self.responder = Responder(tasks, self.voice, Conversation(), stream, outlet)

    def respond(self):
        self.responder.create(Wish(default_session()), decided(REPLY))

    @property
    def types(self):
        return [event["type"] for event in self.events]


async def after(act):
    """Do something, and let everything run that it has set going; give the call."""
    async with anyio.create_task_group() as tasks:
        call = Call(tasks)
        await act(call)
    return call


def assert_cancelled_once(call):
    assert call.types.count("response.created") == 1
    assert call.types.count("response.done") == 1
    assert call.types[-1] == "response.done"
    assert call.events[-1]["response"]["status"] == "cancelled"


async def test_what_is_not_cancelled_is_said():
    async def speak(call):
        call.respond()
        call.voice.may_speak.set()

    call = await after(speak)
    assert call.events[-1]["response"]["status"] == "completed"
    assert "response.output_audio.delta" in call.types


async def test_before_it_has_begun():
    async def cancel(call):
        call.respond()
        call.responder.cancel(None, "client_cancelled")

    assert_cancelled_once(await after(cancel))


@pytest.mark.parametrize("error", [None, Unavailable("The speech models have died.")])
async def test_at_the_moment_in_which_its_words_are_ready(error):
    async def cancel(call):
        call.voice.error = error
        call.respond()
        await call.voice.is_asked.wait()
        call.voice.may_speak.set()
        call.responder.fall_silent("turn_detected")

    call = await after(cancel)
    assert_cancelled_once(call)
    assert "response.output_audio.delta" not in call.types
