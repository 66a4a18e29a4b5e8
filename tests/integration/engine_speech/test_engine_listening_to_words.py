"""Turns whose end depends on what was said: detector, recogniser and policy together.

Time is the audio that was fed, so a slow machine changes nothing here.
"""

from collections.abc import AsyncIterator

import pytest

from support.speech import mixed, noise, silence, speech
from vivavoce.engine.models import Models, Priority, open_models
from vivavoce.engine.phrases import Ending, ending
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
                    words = await models.transcribe(span, priority=Priority.SPECULATIVE)
                    detector.hint(
                        words.text,
                        asks_for_time=words.asks_for_time,
                        is_doubtful=words.is_doubtful,
                    )
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
    assert 300 <= story - closed <= 500


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


def in_noise(text: str) -> bytes:
    """So loud that the words are misheard."""
    spoken = silence(0.3) + speech(text) + silence(0.2)
    return mixed(spoken, noise(len(spoken) / 32_000, level=0.05, seed=7))


async def test_a_request_for_time_is_known_by_its_sound(models: Models):
    for request in ("Give me a second.", "Let me think."):
        heard = await models.transcribe(in_noise(request))
        assert ending(heard.text) is not Ending.THINKING, "nothing to show: the words were heard"
        assert heard.asks_for_time


@pytest.mark.parametrize("answer", ["I sold cars.", "My manager left.", "We moved to London."])
async def test_an_answer_that_is_misheard_does_not_sound_like_a_request(models: Models, answer):
    assert not (await models.transcribe(in_noise(answer))).asks_for_time


async def test_a_request_that_an_answer_follows_is_no_request_any_more(models: Models):
    both = in_noise("Give me a second.") + in_noise("It was before the merger.")
    assert not (await models.transcribe(both)).asks_for_time


async def test_who_asks_for_time_and_stays_silent_is_answered_in_the_end(models: Models):
    ((text, ended_at),) = await turns(models, speech("Give me a moment.") + silence(25))
    assert "moment" in text
    assert 20_000 < ended_at < 23_000


async def test_noise_alone_is_no_turn_with_words(models: Models):
    heard = await turns(models, noise(5, level=0.1) + silence(2))
    assert [text for text, _ in heard if text] == []
