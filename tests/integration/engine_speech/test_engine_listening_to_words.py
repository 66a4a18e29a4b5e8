"""Turns whose end depends on what was said: detector, recogniser and policy together.

Time is the audio that was fed, so a slow machine changes nothing here.
"""

from collections.abc import AsyncIterator

import pytest

from support.speech import noise, silence, speech
from vivavoce.engine.models import Models, Priority, open_models
from vivavoce.engine.turn import Speculate, SpeechStopped, TurnDetector, TurnPolicy
from vivavoce.engine.vad import SpeechDetector

POLICY = TurnPolicy.from_turn_detection({"type": "semantic_vad"})


@pytest.fixture(scope="module")
async def models() -> AsyncIterator[Models]:
    async with open_models() as models:
        await models.ready()
        yield models


async def turns(models: Models, sound: bytes) -> list[tuple[str, int]]:
    """Listen as a call does; return the words of each turn and the milliseconds that it took."""
    ears, detector, said = SpeechDetector(), TurnDetector(POLICY), []
    for probability in ears.feed(sound):
        for event in detector.feed(probability):
            match event:
                case Speculate(start, end):
                    span = sound[start * 32 : end * 32]
                    text = (await models.transcribe(span, priority=Priority.SPECULATIVE)).text
                    detector.hint(text)
                case SpeechStopped(start, end):
                    final = await models.transcribe(sound[start * 32 : end * 32])
                    said.append((final.text, detector.now_ms))
    return said


async def test_a_closed_answer_is_taken_sooner_than_a_story(models: Models):
    waits = []
    for text in ("Yes, I do.", "I worked in a hospital near the sea."):
        spoken = silence(0.5) + speech(text)
        ((_, ended_at),) = await turns(models, spoken + silence(3))
        waits.append(ended_at - len(spoken) // 32)
    closed, story = waits
    assert closed < 700
    assert 200 <= story - closed <= 400


@pytest.mark.parametrize(
    ("beginning", "pause", "rest"),
    [
        ("Let me think.", 6.0, "I worked in a hospital."),
        ("I moved to London because", 1.8, "my sister lived there."),
        ("I worked there for", 1.8, "seven years in all."),
    ],
)
async def test_who_is_still_thinking_is_not_cut_off(models: Models, beginning, pause, rest):
    sound = silence(0.5) + speech(beginning) + silence(pause) + speech(rest) + silence(3)
    assert len(await turns(models, sound)) == 1


async def test_who_asks_for_time_and_stays_silent_is_answered_in_the_end(models: Models):
    ((text, ended_at),) = await turns(models, speech("Give me a moment.") + silence(25))
    assert "moment" in text
    assert 20_000 < ended_at < 23_000


async def test_noise_alone_is_no_turn_with_words(models: Models):
    heard = await turns(models, noise(5, level=0.1) + silence(2))
    assert [text for text, _ in heard if text] == []
