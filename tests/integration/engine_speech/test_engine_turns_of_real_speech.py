"""Turns in real (synthesised) sound: the detector of speech and the policy together."""

import anyio
import pytest

from support.speech import hum, mixed, noise, silence, speech
from vivavoce.engine.turn import SpeechStarted, SpeechStopped, TurnDetector, TurnEvent, TurnPolicy
from vivavoce.engine.vad import FRAME_SAMPLES, SpeechDetector, SpeechDetectors

POLICY = TurnPolicy.from_turn_detection({"type": "semantic_vad"})
SENTENCE = "I worked in a small hospital near the sea for about seven years."


def turns(pcm: bytes, *, interrupting: bool = False, piece: int = 640) -> list[TurnEvent]:
    """Feed sound in network-sized pieces, without words, and return what starts and stops."""
    ears, detector = SpeechDetector(), TurnDetector(POLICY)
    events = []
    for start in range(0, len(pcm), piece):
        for probability in ears.feed(pcm[start : start + piece]):
            events += detector.feed(probability, interrupting=interrupting)
            detector.hint("")
    return [event for event in events if isinstance(event, SpeechStarted | SpeechStopped)]


def seconds(pcm: bytes) -> float:
    return len(pcm) / 32_000


@pytest.mark.parametrize("background", [0.0, 0.003, 0.01])
def test_a_sentence_is_one_turn_that_holds_all_of_it(background: float):
    sound = silence(1) + speech(SENTENCE) + silence(2)
    started, stopped = turns(mixed(sound, noise(seconds(sound), level=background)))
    spoken_until = 1_000 + 1_000 * seconds(speech(SENTENCE))
    assert 500 <= started.audio_start_ms <= 1_050
    assert spoken_until - 300 <= stopped.audio_end_ms <= spoken_until + 500


def test_a_pause_to_think_does_not_cut_a_sentence_in_two():
    sound = speech("I worked there for") + silence(0.7) + speech("seven years in all.") + silence(2)
    assert len(turns(sound)) == 2


def test_two_answers_with_silence_between_are_two_turns():
    sound = speech("Yes, I do.") + silence(2) + speech("And I like it a lot.") + silence(2)
    assert len(turns(sound)) == 4


@pytest.mark.parametrize(
    "sound",
    [silence(3), noise(3, level=0.02), noise(3, level=0.2), hum(3)],
    ids=["silence", "soft noise", "loud noise", "hum"],
)
def test_no_turn_where_nobody_speaks(sound: bytes):
    assert turns(sound) == []


def test_speech_interrupts_and_a_click_does_not():
    click = noise(0.06, level=0.4)
    assert turns(silence(1) + click + silence(1), interrupting=True) == []
    assert (
        len(turns(silence(1) + speech("Wait a moment, please.") + silence(2), interrupting=True))
        == 2
    )


def test_how_the_sound_is_cut_into_pieces_makes_no_difference():
    sound = silence(1) + speech("Yes, I do.") + silence(2)
    whole = turns(sound, piece=len(sound))
    assert turns(sound, piece=640) == turns(sound, piece=334) == whole


def test_a_reset_forgets_what_was_heard():
    fresh, used = SpeechDetector(), SpeechDetector()
    used.feed(speech(SENTENCE) + bytes(2 * FRAME_SAMPLES - 2))
    used.reset()
    sound = silence(0.5) + speech("Yes.")
    assert used.feed(sound) == fresh.feed(sound)


async def test_a_detector_that_is_lent_again_has_heard_nothing():
    detectors, fresh = SpeechDetectors(), SpeechDetector()
    async with detectors.lend() as used:
        used.feed(speech(SENTENCE) + bytes(2 * FRAME_SAMPLES - 2))
    sound = silence(0.5) + speech("Yes.")
    async with detectors.lend() as again, detectors.lend() as another:
        assert again is used
        assert another is not used
        assert again.feed(sound) == fresh.feed(sound)


async def test_what_is_ready_is_lent_without_waiting():
    detectors = SpeechDetectors()
    await detectors.make_ready()
    lent = False
    with anyio.CancelScope() as scope:
        scope.cancel()  # whatever waits now is cancelled
        async with detectors.lend():
            lent = True
    assert lent
