"""What is said, frame by frame, without a connection."""

import json

import pytest
from aiortc.mediastreams import MediaStreamError

from vivavoce.engine.conversation import assistant_item
from vivavoce.engine.events import EventStream
from vivavoce.engine.playout import Playout

FRAME = 960  # bytes of 20 ms at 24 kHz


@pytest.fixture
def told():
    return []


@pytest.fixture
def playout(told):
    events = EventStream()
    events.attach(lambda text: told.append(json.loads(text)["type"].rsplit(".", 1)[1]))
    return Playout(events)


async def heard(playout, frames):
    return [any(bytes((await playout.recv()).planes[0])) for _ in range(frames)]


async def test_speech_starts_and_stops_when_its_audio_does(playout, told):
    utterance = playout.open("resp", assistant_item("item"))
    utterance.write(b"\1" * (FRAME + 100))
    utterance.complete()
    assert await heard(playout, 1) == [True]
    assert told == ["started"]
    assert await heard(playout, 2) == [True, False]
    assert told == ["started", "stopped"]


async def test_a_pause_within_an_utterance_is_not_its_end(playout, told):
    utterance = playout.open("resp", assistant_item("item"))
    utterance.write(b"\1" * FRAME)
    assert await heard(playout, 3) == [True, False, False]
    assert told == ["started"]
    utterance.write(b"\1" * FRAME)
    utterance.complete()
    assert await heard(playout, 2) == [True, False]
    assert told == ["started", "stopped"]


async def test_falling_silent_takes_one_frame_and_tells_what_was_said(playout, told):
    utterance = playout.open("resp", assistant_item("item"))
    utterance.write(b"\1" * (FRAME * 50))
    assert await heard(playout, 3) == [True] * 3
    assert playout.clear() == [utterance]
    assert utterance.played_ms == 60
    assert await heard(playout, 1) == [False]
    assert told == ["started"]


async def test_utterances_are_said_one_after_the_other(playout, told):
    for name in ("first", "second"):
        utterance = playout.open(name, assistant_item(name))
        utterance.write(b"\1" * FRAME)
        utterance.complete()
    assert await heard(playout, 3) == [True, True, False]
    assert told == ["started", "stopped", "started", "stopped"]


async def test_time_goes_on_evenly(playout):
    times = [(await playout.recv()).pts for _ in range(5)]
    assert times == [0, 480, 960, 1440, 1920]


async def test_a_stopped_track_gives_nothing(playout):
    playout.stop()
    with pytest.raises(MediaStreamError):
        await playout.recv()
