"""Turns from probabilities: no audio, no clock."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vivavoce.engine.turn import (
    FRAME_MS,
    Speculate,
    SpeechResumed,
    SpeechStarted,
    SpeechStopped,
    TurnDetector,
    TurnPolicy,
)

SPEECH, SILENCE = 0.95, 0.02
SEMANTIC = TurnPolicy.from_turn_detection({"type": "semantic_vad"})


def frames(milliseconds: float) -> int:
    return round(milliseconds / FRAME_MS)


class Call:
    """Feeds a detector and notes at what time each event came; pauses are heard without words."""

    def __init__(self, policy: TurnPolicy = SEMANTIC, *, hears_pauses: bool = True) -> None:
        self.detector = TurnDetector(policy)
        self.events: list[tuple[int, object]] = []
        self.hears_pauses = hears_pauses

    def hear(self, probability: float, milliseconds: float, *, interrupting: bool = False) -> None:
        for _ in range(frames(milliseconds)):
            for event in self.detector.feed(probability, interrupting=interrupting):
                self.events.append((self.detector.now_ms, event))
                if isinstance(event, Speculate) and self.hears_pauses:
                    self.detector.hint("")

    def kinds(self) -> list[str]:
        return [type(event).__name__ for _, event in self.events]

    def stopped_after(self) -> int:
        """Milliseconds of silence that ended the (only) turn, given that silence came last."""
        (at,) = [at for at, event in self.events if isinstance(event, SpeechStopped)]
        return at - self.silence_began

    def held(self, milliseconds: int) -> bool:
        """Whether the turn ended after so much silence, to the nearest frame."""
        return abs(self.stopped_after() - milliseconds) <= FRAME_MS // 2

    def speak_then_pause(self, text: str) -> None:
        """Speak for a second, fall silent, and let the text of the speculative pass come in."""
        self.hear(SILENCE, 1_000)
        self.hear(SPEECH, 1_000)
        self.silence_began = self.detector.now_ms
        self.hear(SILENCE, 500)
        self.detector.hint(text)
        self.hear(SILENCE, 30_000)


def test_a_turn_starts_with_padding_and_ends_at_its_speculation():
    call = Call()
    call.hear(SILENCE, 1_024)
    call.hear(SPEECH, 1_024)
    call.hear(SILENCE, 3_000)
    (_, started), (speculated_at, speculate), (stopped_at, stopped) = call.events
    assert started == SpeechStarted(audio_start_ms=1_024 - 300)
    assert speculate == Speculate(724, speculated_at)
    assert speculated_at == 2_048 + 224
    assert stopped == SpeechStopped(724, speculated_at)
    assert stopped_at == 2_048 + 992


def test_words_that_may_be_others_do_not_show_that_somebody_is_done():
    holds = []
    for is_doubtful in (False, True):
        call = Call()
        call.hear(SPEECH, 1_000)
        call.silence_began = call.detector.now_ms
        call.hear(SILENCE, 500)
        call.detector.hint("I led a team of five people.", is_doubtful=is_doubtful)
        call.hear(SILENCE, 3_000)
        holds.append(call.stopped_after())
    sure, doubtful = holds
    assert sure <= SEMANTIC.holds.plain + FRAME_MS
    assert abs(doubtful - SEMANTIC.holds.hanging) <= FRAME_MS // 2


def test_a_request_for_time_by_its_sound_is_one_whatever_the_words():
    call = Call()
    call.hear(SPEECH, 1_000)
    call.silence_began = call.detector.now_ms
    call.hear(SILENCE, 500)
    call.detector.hint("Good near second.", asks_for_time=True, is_doubtful=True)
    call.hear(SILENCE, 30_000)
    assert call.held(SEMANTIC.holds.thinking)


def test_a_click_is_not_speech():
    call = Call()
    for _ in range(20):
        call.hear(SILENCE, 200)
        call.hear(SPEECH, 64)
    assert call.events == []


def test_speech_in_the_first_moment_has_what_padding_there_is():
    call = Call()
    call.hear(SPEECH, 500)
    assert call.events[0][1] == SpeechStarted(0)


def test_padding_does_not_reach_into_the_turn_before():
    call = Call(TurnPolicy.from_turn_detection({"type": "server_vad", "silence_duration_ms": 100}))
    call.hear(SPEECH, 512)
    call.hear(SILENCE, 128)
    call.hear(SPEECH, 512)
    first_end = next(e.audio_end_ms for _, e in call.events if isinstance(e, SpeechStopped))
    assert call.events[-1][1] == SpeechStarted(first_end)


@pytest.mark.parametrize(
    ("text", "hold"),
    [
        ("Yes.", 600),
        ("No, thank you.", 600),
        ("Repeat, please.", 600),
        ("Yes, of course.", 600),
        ("No, not yet, sorry.", 600),
        ("Yes and no, um", 2_200),
        ("I don't know.", 600),
        ("I led a team of five people.", 1_000),
        ("What do you mean by that?", 1_000),
        ("I worked there for, um", 2_200),
        ("And then I moved to London because", 2_200),
        ("My manager.", 2_200),
        ("I studied physics.", 2_200),
        ("About seven years.", 1_000),
        ("Skip this question, please.", 600),
        ("I think the reason was...", 2_200),
        ("Let me think.", 20_000),
        ("Good question. Give me a moment.", 20_000),
        ("Give me a call tomorrow.", 1_000),
        ("Hmm, let me think about that for a second.", 20_000),
        ("Let me see. I used to work in Paris.", 1_000),
    ],
)
def test_the_hold_follows_the_words(text, hold):
    call = Call()
    call.speak_then_pause(text)
    assert call.held(hold)


def test_without_words_the_hold_is_the_plain_one():
    call = Call()
    call.speak_then_pause("")
    assert call.held(1_000)


def test_silence_alone_does_not_end_a_turn_while_its_words_are_awaited():
    call = Call(hears_pauses=False)
    call.hear(SPEECH, 1_000)
    call.silence_began = call.detector.now_ms
    call.hear(SILENCE, 1_500)
    assert "SpeechStopped" not in call.kinds()
    call.detector.hint("I led a team of five people.")
    call.hear(SILENCE, FRAME_MS)
    assert 1_500 <= call.stopped_after() <= 1_500 + 2 * FRAME_MS


def test_words_that_never_come_are_not_awaited_for_long():
    call = Call(hears_pauses=False)
    call.hear(SPEECH, 1_000)
    call.silence_began = call.detector.now_ms
    call.hear(SILENCE, 10_000)
    assert call.held(2_500)


def test_server_vad_waits_for_no_words():
    call = Call(TurnPolicy.from_turn_detection({"type": "server_vad"}), hears_pauses=False)
    call.hear(SPEECH, 1_000)
    call.silence_began = call.detector.now_ms
    call.hear(SILENCE, 1_000)
    assert call.held(500)


def test_a_pause_inside_an_answer_does_not_end_it():
    call = Call()
    call.hear(SPEECH, 1_000)
    call.hear(SILENCE, 800)
    call.hear(SPEECH, 1_000)
    call.hear(SILENCE, 3_000)
    assert call.kinds() == [
        "SpeechStarted", "Speculate", "SpeechResumed", "Speculate", "SpeechStopped",
    ]  # fmt: skip
    assert isinstance(call.events[2][1], SpeechResumed)


def test_a_short_gap_is_not_even_a_pause():
    call = Call()
    call.hear(SPEECH, 500)
    call.hear(SILENCE, 160)
    call.hear(SPEECH, 500)
    assert call.kinds() == ["SpeechStarted"]


def test_a_hint_for_a_pause_that_is_over_does_nothing():
    call = Call()
    call.hear(SPEECH, 1_000)
    call.hear(SILENCE, 300)
    call.hear(SPEECH, 300)
    call.detector.hint("let me think")
    call.silence_began = call.detector.now_ms
    call.hear(SILENCE, 3_000)
    assert call.stopped_after() < 1_000 + FRAME_MS


def test_silence_counts_from_the_last_sound_and_not_from_where_the_detector_notices():
    for faint_frames, counted in ((0, 0), (2, 2), (3, 3), (10, 3)):
        call = Call()
        call.hear(SPEECH, 1_024)
        for number in range(10):  # the detector of speech still hears some
            call.detector.feed(SPEECH, faint=number >= 10 - faint_frames)
        call.silence_began = call.detector.now_ms - counted * FRAME_MS
        while call.detector.is_speaking:
            for event in call.detector.feed(SILENCE, faint=True):
                call.events.append((call.detector.now_ms, event))
            call.detector.hint("")
        assert call.held(1_000)


def test_who_begins_again_at_the_very_end_of_the_hold_is_not_cut_off():
    call = Call()
    call.hear(SPEECH, 1_000)
    call.hear(SILENCE, 960)
    call.hear(SPEECH, 1_000)
    assert call.kinds() == ["SpeechStarted", "Speculate", "SpeechResumed"]


def test_a_click_in_the_closing_silence_does_not_prolong_it():
    call = Call()
    call.hear(SPEECH, 1_000)
    call.silence_began = call.detector.now_ms
    call.hear(SILENCE, 600)
    call.hear(SPEECH, 32)
    call.hear(SILENCE, 600)
    assert call.stopped_after() < 1_000 + FRAME_MS


def test_a_cough_in_a_pause_prolongs_it_for_a_while():
    for stirring_ms, at_least, below in ((192, 1_400, 1_500), (64, 990, 1_040)):
        call = Call()
        call.hear(SPEECH, 1_000)
        call.silence_began = call.detector.now_ms
        call.hear(SILENCE, 416)
        for _ in range(stirring_ms // FRAME_MS):
            call.detector.feed(SILENCE, stirs=True)
        call.hear(SILENCE, 5_000)
        assert at_least <= call.stopped_after() < below


def test_coughing_does_not_keep_a_turn_open_for_ever():
    call = Call()
    call.hear(SPEECH, 1_000)
    silence_began = call.detector.now_ms
    while call.detector.is_speaking:
        call.detector.feed(SILENCE, stirs=True)
        call.detector.hint("")
    assert call.detector.now_ms - silence_began <= 2_240


def test_a_voice_that_fades_below_the_threshold_is_still_one_turn():
    call = Call()
    call.hear(SPEECH, 500)
    call.hear(0.4, 3_000)
    assert call.kinds() == ["SpeechStarted"]


def test_while_we_speak_a_cough_does_not_start_a_turn_and_speech_does():
    call = Call()
    call.hear(SPEECH, 192, interrupting=True)
    call.hear(SILENCE, 500, interrupting=True)
    assert call.events == []
    call.hear(SPEECH, 256, interrupting=True)
    assert call.kinds() == ["SpeechStarted"]


def test_endless_sound_is_cut_into_turns():
    policy = TurnPolicy(max_turn_ms=10_000)
    call = Call(policy)
    call.hear(SPEECH, 35_000)
    stops = [event for _, event in call.events if isinstance(event, SpeechStopped)]
    starts = [event for _, event in call.events if isinstance(event, SpeechStarted)]
    assert len(stops) == 3
    assert starts[1].audio_start_ms == stops[0].audio_end_ms


class TestWire:
    def test_server_vad_is_taken_by_the_letter(self):
        policy = TurnPolicy.from_turn_detection(
            {
                "type": "server_vad",
                "threshold": 0.7,
                "prefix_padding_ms": 100,
                "silence_duration_ms": 320,
                "create_response": False,
                "interrupt_response": False,
                "idle_timeout_ms": 6_000,
            }
        )
        call = Call(policy)
        call.speak_then_pause("let me think")
        assert call.stopped_after() == 320
        assert policy.threshold == 0.7
        assert not policy.create_response
        assert not policy.interrupt_response
        assert policy.idle_timeout_ms == 6_000

    def test_defaults_are_those_of_the_api(self):
        policy = TurnPolicy.from_turn_detection({"type": "server_vad", "threshold": None})
        assert (policy.threshold, policy.prefix_padding_ms) == (0.5, 300)
        assert policy.holds.plain == 500
        assert policy.create_response
        assert policy.idle_timeout_ms is None

    def test_who_is_silent_is_prompted_as_the_session_says(self):
        letter, patient, eager = (
            TurnPolicy.from_turn_detection(wire).prompt_after_ms
            for wire in (
                {"type": "server_vad"},
                {"type": "semantic_vad", "eagerness": "low"},
                {"type": "semantic_vad", "eagerness": "high"},
            )
        )
        assert letter is None
        assert patient > SEMANTIC.prompt_after_ms > eager

    def test_eagerness_orders_the_waiting(self):
        low, medium, high = (
            TurnPolicy.from_turn_detection({"type": "semantic_vad", "eagerness": eagerness}).holds
            for eagerness in ("low", "medium", "high")
        )
        assert low.plain > medium.plain > high.plain
        assert low.hanging > medium.hanging > high.hanging
        assert medium == SEMANTIC.holds

    @pytest.mark.parametrize(
        ("wire", "field"),
        [
            ({"type": "telepathy"}, "type"),
            ({"type": "semantic_vad", "eagerness": "extreme"}, "eagerness"),
            ({"type": "server_vad", "threshold": 2}, "threshold"),
            ({"type": "server_vad", "threshold": "loud"}, "threshold"),
            ({"type": "server_vad", "silence_duration_ms": -1}, "silence_duration_ms"),
            ({"type": "server_vad", "prefix_padding_ms": True}, "prefix_padding_ms"),
            ({"type": "server_vad", "create_response": 1}, "create_response"),
        ],
    )
    def test_a_bad_value_is_named(self, wire, field):
        with pytest.raises(ValueError, match=rf"turn_detection\.{field} must"):
            TurnPolicy.from_turn_detection(wire)


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), max_size=400))
def test_events_always_come_in_a_legal_order(sounds):
    detector = TurnDetector(SEMANTIC)
    after = {
        SpeechStarted: {Speculate, SpeechStopped},
        Speculate: {SpeechResumed, SpeechStopped},
        SpeechResumed: {Speculate, SpeechStopped},
        SpeechStopped: {SpeechStarted},
    }
    allowed, last_end = {SpeechStarted}, 0
    for probability, interrupting in sounds:
        for event in detector.feed(probability, interrupting=interrupting):
            assert type(event) in allowed
            allowed = after[type(event)]
            if isinstance(event, SpeechStopped):
                assert last_end <= event.audio_start_ms < event.audio_end_ms <= detector.now_ms
                last_end = event.audio_end_ms
