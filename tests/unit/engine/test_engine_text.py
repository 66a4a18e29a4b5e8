"""What the engine knows about text: repetition, sentences, phrases."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vivavoce.engine import frames
from vivavoce.engine.phrases import Ending, contains, ending, words
from vivavoce.engine.sentences import split_sentences
from vivavoce.engine.stt import BYTES_PER_SECOND, split_at_pauses, without_repetition


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("I like green tea. I like green tea.", "I like green tea."),
        ("I like green tea. I like green tea. I like", "I like green tea."),
        ("So I like green tea. I like green tea. I like green tea.", "So I like green tea."),
        ("no no no no no", "no"),
        ("very, very good", "very, very good"),
        ("I think I think it was Monday.", "I think I think it was Monday."),
        ("It was good and it was bad.", "It was good and it was bad."),
        ("", ""),
    ],
)
def test_a_periodic_tail_is_collapsed(written, meant):
    assert without_repetition(written) == meant


def test_a_torn_second_copy_counts_when_the_model_was_cut_off():
    written = "We moved to a bigger house in May. We moved to a"
    assert without_repetition(written) == written
    assert without_repetition(written, cut_off=True) == "We moved to a bigger house in May."


@given(st.text(alphabet="ab .,", max_size=80), st.booleans())
def test_collapsing_only_ever_takes_words_from_the_end(text, cut_off):
    kept = without_repetition(text, cut_off=cut_off).split()
    assert kept == text.split()[: len(kept)]


class TestSplittingSpeech:
    def speech(self, seconds: float, *, pauses: tuple[float, ...] = ()) -> bytes:
        random = np.random.default_rng(5)
        samples = random.normal(0, 6_000, int(seconds * 16_000)).astype("<i2")
        for at in pauses:
            samples[int(at * 16_000) : int((at + 0.3) * 16_000)] = 0
        return samples.tobytes()

    def test_short_speech_stays_whole(self):
        pcm = self.speech(13)
        assert split_at_pauses(pcm) == [pcm]

    def test_long_speech_is_cut_in_its_pause(self):
        pcm = self.speech(20, pauses=(11.0,))
        first, rest = split_at_pauses(pcm)
        assert 11.0 <= len(first) / BYTES_PER_SECOND <= 11.3
        assert first + rest == pcm

    def test_more_speech_leaves_the_first_spans_as_they_were(self):
        pcm = self.speech(90, pauses=(9.0, 20.0, 31.0))
        assert split_at_pauses(pcm[: 60 * BYTES_PER_SECOND])[:2] == split_at_pauses(pcm)[:2]
        assert all(len(span) <= 14 * BYTES_PER_SECOND for span in split_at_pauses(pcm))
        assert b"".join(split_at_pauses(pcm)) == pcm


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("Thanks. What next?", ["Thanks.", "What next?"]),
        ("Dr. Smith came. He left.", ["Dr. Smith came.", "He left."]),
        ("It costs 3.50 a day. Really!", ["It costs 3.50 a day.", "Really!"]),
        ("J. K. Rowling wrote it.", ["J. K. Rowling wrote it."]),
        ("You and I. They too.", ["You and I.", "They too."]),
        ('He said "stop." Then he left.', ['He said "stop."', "Then he left."]),
        ("one\n\ntwo", ["one", "two"]),
        ("Tools, e.g. a saw, are here.", ["Tools, e.g. a saw, are here."]),
        ("   ", []),
    ],
)
def test_sentences(text, sentences):
    assert split_sentences(text) == sentences


def test_a_very_long_sentence_is_cut_at_clauses():
    parts = split_sentences(", ".join(["a clause of some words"] * 40) + ".")
    assert len(parts) > 2
    assert max(map(len, parts)) <= 240


@given(st.text(max_size=400))
def test_no_word_is_lost_between_sentences(text):
    assert words(" ".join(split_sentences(text))) == words(" ".join(text.splitlines()))


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Yes.", Ending.CLOSED),
        ("Um, yes.", Ending.CLOSED),
        ("I think so.", Ending.CLOSED),
        ("Yes, um", Ending.HANGING),
        ("I wrote the tests and the", Ending.HANGING),
        ("I wrote the tests.", Ending.PLAIN),
        ("", Ending.PLAIN),
        ("I said let me think and then I built it.", Ending.PLAIN),
        ("One second, please.", Ending.THINKING),
        ("Okay, one minute.", Ending.THINKING),
        ("I have to think about that.", Ending.THINKING),
        ("Sorry, bear with me.", Ending.THINKING),
        ("Wait a second.", Ending.THINKING),
        ("I left after a minute.", Ending.PLAIN),
        ("The build takes one second.", Ending.PLAIN),
    ],
)
def test_endings(text, kind):
    assert ending(text) is kind


def test_comparison_ignores_case_and_punctuation_but_not_word_limits():
    assert contains("Well: WHO are you, then?", "who are you")
    assert contains("It\N{RIGHT SINGLE QUOTATION MARK}s late", "it's late")
    assert not contains("whoever are you", "who are")


@given(st.binary(max_size=200), st.text(max_size=50))
def test_frames_come_back_as_they_went(pcm, prompt):
    request = frames.Transcribe(7, pcm, prompt)
    frame = frames.encode(request)
    assert frames.body_length(frame[:4]) == len(frame) - 4
    assert frames.decode_request(frame[4:]) == request


def test_a_frame_beyond_the_limit_is_refused():
    with pytest.raises(ValueError, match="too long"):
        frames.body_length(b"\xff\xff\xff\xff")
