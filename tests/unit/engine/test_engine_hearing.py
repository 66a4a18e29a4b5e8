"""What is heard and what is not: silences, rooms, echoes, pauses that are left out. No models."""

import numpy as np
import pytest

from vivavoce.engine.conversation import Conversation, Segment, assistant_item, user_audio_item
from vivavoce.engine.echo import REFERENCE_SAMPLES, WINDOW_SAMPLES, explained_by
from vivavoce.engine.interviewer import Line, gentle_prompt
from vivavoce.engine.listening import Listener
from vivavoce.engine.room import Room
from vivavoce.engine.silence import Silence
from vivavoce.engine.stt import without_second_telling

RATE = 16_000
FRAME = 512


def sound(seconds, seed, level=0.1):
    """Noise that comes and goes like syllables."""
    random = np.random.default_rng(seed)
    count = int(seconds * RATE)
    syllables = np.repeat(random.uniform(0, 1, count // 3_200 + 1), 3_200)[:count]
    return random.normal(0, level, count) * syllables


def pcm(samples):
    return np.clip(samples * 32_767, -32_768, 32_767).astype("<i2").tobytes()


class TestEcho:
    played = sound(2.0, seed=1)

    def heard(self, delay_ms, *, gain=0.1, over=0.0):
        """The last 512 ms of a microphone near a loudspeaker, in a room with reflections."""
        delay = delay_ms * RATE // 1000
        room = np.random.default_rng(3).normal(0, 0.1, 800) * np.exp(-np.arange(800) / 200)
        room[0] = 1
        echo = gain * np.convolve(np.concatenate([np.zeros(delay), self.played]), room)
        return pcm(echo[: self.played.size][-WINDOW_SAMPLES:] + over)

    @pytest.mark.parametrize("delay_ms", [0, 20, 180, 790])
    @pytest.mark.parametrize("gain", [1.0, 0.05])
    def test_our_own_voice_is_known_at_any_delay_and_loudness(self, delay_ms, gain):
        played = pcm(self.played[-REFERENCE_SAMPLES:])
        assert explained_by(self.heard(delay_ms, gain=gain), played) > 0.6

    @pytest.mark.parametrize("seed", range(4, 12))
    def test_another_voice_is_not_ours(self, seed):
        other = pcm(sound(0.6, seed)[-WINDOW_SAMPLES:])
        assert explained_by(other, pcm(self.played[-REFERENCE_SAMPLES:])) < 0.25

    def test_another_voice_over_ours_is_heard(self):
        other = sound(0.6, seed=4)[-WINDOW_SAMPLES:]
        heard = self.heard(180, gain=0.1, over=other)
        assert explained_by(heard, pcm(self.played[-REFERENCE_SAMPLES:])) < 0.25

    @pytest.mark.parametrize(("heard", "played"), [(b"", b""), (bytes(2_000), pcm(played))])
    def test_silence_is_nobody(self, heard, played):
        assert explained_by(heard, played) == 0

    def test_before_we_have_spoken_nothing_is_an_echo(self):
        assert explained_by(self.heard(20), b"") == 0


class TestRoom:
    @staticmethod
    def standing_out(samples, speech, room=None):
        room = room or Room()
        return [
            room.stands_out(pcm(samples[at : at + FRAME]), is_speech=bool(speech[at]))
            for at in range(0, samples.size - FRAME + 1, FRAME)
        ]

    def test_talk_in_the_background_does_not_stand_out_and_the_candidate_does(self):
        talk = np.random.default_rng(1).normal(0, 0.01, 5 * RATE)
        near = talk + np.concatenate([sound(2, 2, level=0.2) + 0.05, np.zeros(3 * RATE)])
        everywhere = np.ones(10 * RATE)
        found = self.standing_out(np.concatenate([talk, near]), everywhere)
        in_a_second = RATE // FRAME
        assert not any(found[2 * in_a_second : 5 * in_a_second])
        assert sum(found[5 * in_a_second : 7 * in_a_second]) > 1.8 * in_a_second
        assert not any(found[8 * in_a_second :])

    def test_in_a_quiet_room_soft_speech_is_heard(self):
        hiss = np.random.default_rng(1).normal(0, 0.0005, 8 * RATE)
        speech = np.zeros(8 * RATE)
        hiss[2 * RATE : 4 * RATE] += sound(2, 2, level=0.2)
        hiss[4 * RATE : 6 * RATE] += sound(2, 3, level=0.02)
        speech[2 * RATE : 6 * RATE] = 1
        assert all(self.standing_out(hiss, speech))

    def test_noise_that_is_no_speech_hides_nobody(self):
        noise = np.random.default_rng(1).normal(0, 0.05, 8 * RATE)
        speech = np.zeros(8 * RATE)
        noise[4 * RATE : 6 * RATE] += sound(2, 2, level=0.08)
        speech[4 * RATE : 6 * RATE] = 1
        assert all(self.standing_out(noise, speech))

    def test_what_is_far_softer_than_the_speech_before_it_is_faint(self):
        room = Room()
        speech, breath = sound(1, 2, level=0.2), sound(0.2, 3, level=0.06)
        faint = []
        for part in (speech, breath, np.zeros(RATE // 5), speech):
            self.standing_out(part, np.ones(part.size), room)
            faint.append(room.is_faint())
        assert faint == [False, False, True, False]

    def test_behind_noise_nothing_is_faint(self):
        room = Room()
        noise = np.random.default_rng(1).normal(0, 0.05, 4 * RATE)
        noise[RATE : 2 * RATE] += sound(1, 2, level=0.2)
        speech = np.zeros(4 * RATE)
        speech[RATE : 2 * RATE] = 1
        self.standing_out(noise, speech, room)
        assert not room.is_faint()


class Loudness:
    """A detector of speech by loudness alone."""

    def feed(self, audio):
        samples = np.frombuffer(audio, "<i2")
        return [float(np.abs(part).max() > 1_000) for part in samples.reshape(-1, FRAME)]


class TestListener:
    def hear(self, *parts):
        listener = Listener(None, Loudness())
        audio = np.concatenate(parts)
        listener.feed(pcm(audio[: audio.size // FRAME * FRAME]), interrupting=False)
        return listener

    tone = np.full(RATE, 0.3)

    def test_the_middle_of_long_pauses_is_left_out_and_time_is_kept(self):
        listener = self.hear(self.tone, np.zeros(10 * RATE), self.tone)
        heard = listener.commit()
        assert heard.seconds == pytest.approx(12, abs=0.05)
        kept = np.frombuffer(heard.pcm, "<i2")
        assert kept.size / RATE == pytest.approx(2.64, abs=0.1)
        assert np.abs(kept).astype(bool).sum() / RATE == pytest.approx(2, abs=0.05)

    def test_short_pauses_stay(self):
        listener = self.hear(self.tone, np.zeros(RATE), self.tone)
        assert len(listener.audio(0, 3_000)) == pytest.approx(3 * 2 * RATE, rel=0.02)

    def test_a_span_that_grows_keeps_what_it_began_with(self):
        listener = self.hear(self.tone, np.zeros(4 * RATE), self.tone)
        shorter, longer = listener.audio(0, 5_500), listener.audio(0, 6_000)
        assert longer.startswith(shorter)

    def test_a_call_in_which_nobody_speaks_keeps_little(self):
        listener = Listener(None, Loudness())
        for _ in range(700):
            listener.feed(bytes(2 * 32 * FRAME), interrupting=False)
        assert listener.now_ms == 700 * 1_024
        assert listener.uncommitted_ms <= 450_000
        assert len(listener.audio(0, 700_000)) < 2 * RATE


class TestSilence:
    def test_it_is_counted_from_our_last_words(self):
        silence = Silence()
        assert silence.count(5_000, speaking=False, is_busy=False) == 0
        silence.count(6_000, speaking=True, is_busy=False)
        assert silence.count(9_000, speaking=False, is_busy=False) == 3_000

    def test_it_is_broken_by_whatever_goes_on(self):
        silence = Silence()
        silence.count(1_000, speaking=True, is_busy=False)
        silence.count(8_000, speaking=False, is_busy=True)
        assert silence.count(9_000, speaking=False, is_busy=False) == 1_000

    def test_each_prompt_is_due_later_than_the_one_before(self):
        silence = Silence()
        assert [silence.is_due(ms, 1_000) for ms in (999, 1_000)] == [False, True]
        silence.prompt(5_000)
        assert silence.count(6_500, speaking=False, is_busy=False) == 1_500
        assert [silence.is_due(ms, 1_000) for ms in (1_999, 2_000)] == [False, True]
        assert not silence.is_due(1_000_000, None)


class TestGentlePrompt:
    plan = "Questions:\n1. Where do you live?\n2. Why?"

    def said(self, *texts):
        return [Line("ai", text) for text in texts]

    def test_it_asks_again_what_was_asked(self):
        reply = gentle_prompt(self.plan, [], self.said("Hello. Where do you live?"))
        assert reply.sentences[-1] == "Where do you live?"

    def test_lines_of_silence_change_nothing(self):
        lines = [*self.said("Hello. Where do you live?"), Line("candidate", "")]
        assert gentle_prompt(self.plan, [], lines).sentences[-1] == "Where do you live?"

    @pytest.mark.parametrize(
        "last",
        ["This is the end of the interview. Goodbye.", "Please type your answer, I will wait."],
    )
    def test_after_the_end_and_while_somebody_types_it_stays_silent(self, last):
        assert gentle_prompt(self.plan, [], self.said("Where do you live?", last)) is None

    def test_before_our_first_word_it_stays_silent(self):
        assert gentle_prompt(self.plan, [], []) is None


class TestBarelyHeard:
    def lines(self, *, cut_ms, first="candidate"):
        conversation = Conversation()
        if first == "candidate":
            user = user_audio_item("a")
            user.wire["content"][0]["transcript"], user.is_heard = "I lived in Rome.", True
            conversation.add(user)
        reply = assistant_item("b")
        reply.wire["content"] = [{"type": "output_audio", "transcript": "Thanks. Why did you go?"}]
        reply.segments.append(Segment("Thanks. Why did you go?", 3_000))
        conversation.add(reply)
        reply.cut(cut_ms)
        return [line.speaker for line in conversation.lines()]

    def test_a_reply_that_is_cut_at_its_start_does_not_part_the_answer(self):
        assert self.lines(cut_ms=1_400) == ["candidate"]

    def test_a_reply_that_was_heard_stays(self):
        assert self.lines(cut_ms=1_600) == ["candidate", "ai"]

    def test_a_greeting_that_is_cut_stays(self):
        assert self.lines(cut_ms=1_000, first="nobody") == ["ai"]


class TestSecondTelling:
    told = "We wrote the reports and we sent them to the office in Paris."

    def test_what_is_told_again_in_other_portions_is_cut_off(self):
        text = f"{self.told} We sent them to the office in Paris. We wrote the reports and"
        assert without_second_telling(text, seconds=6.0) == self.told

    def test_a_short_answer_is_not_given_three_times(self):
        assert without_second_telling("Yes, I do. Yes, I do. Yes", seconds=1.3) == "Yes, I do."

    def test_where_there_was_time_for_it_it_stays(self):
        text = f"{self.told} We sent them to the office in Paris."
        assert without_second_telling(text, seconds=12.0) == text

    def test_fast_speech_without_repetition_stays(self):
        assert without_second_telling(self.told, seconds=2.0) == self.told
