"""When a speaker's turn starts and ends: a pure policy over speech probabilities.

Time is the audio that was fed, in milliseconds; there is no clock. A turn starts with a few frames
of speech and ends with a silence, the *hold*. People who are interviewed stop to think, and being
cut off is worse than waiting, so under `semantic_vad` the hold follows what was said: the owner of
the detector transcribes at each `Speculate` and gives the text to `TurnDetector.hint`. Until that
text is there, a turn is not ended on the strength of silence alone, within limits.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Self

from vivavoce.engine.phrases import Ending, ending

FRAME_MS: Final = 32
_START_FRAMES: Final = 3
_RESUME_FRAMES: Final = 2
_RELEASE_BELOW_THRESHOLD: Final = 0.15
_RELEASE_FRAMES: Final = 3  # at the most: the detector of speech hears its end so much too late
_SPECULATE_AFTER_MS: Final = 200
_HINT_WITHIN_MS: Final = 2_500
_STIR_FRAMES: Final = 3  # a click is shorter
_QUIET_AFTER_STIR_MS: Final = 800


@dataclass(frozen=True, slots=True)
class SpeechStarted:
    """A turn has started, `audio_start_ms` into the audio (padding before the speech included)."""

    audio_start_ms: int


@dataclass(frozen=True, slots=True)
class Speculate:
    """The speaker pauses: a transcription of this span made now is likely to be the final one."""

    audio_start_ms: int
    audio_end_ms: int


@dataclass(frozen=True, slots=True)
class SpeechResumed:
    """The speaker goes on after a `Speculate`: drop its transcription."""


@dataclass(frozen=True, slots=True)
class SpeechStopped:
    """The turn is over.

    The span is that of the last `Speculate`, if there was one: the same audio, so that the
    transcription made then is the final one.
    """

    audio_start_ms: int
    audio_end_ms: int


TurnEvent = SpeechStarted | Speculate | SpeechResumed | SpeechStopped


@dataclass(frozen=True, slots=True)
class Holds:
    """Milliseconds of silence that end a turn, to the nearest frame, by how finished it sounds."""

    closed: int
    plain: int
    hanging: int
    thinking: int

    def after(self, kind: Ending) -> int:
        """Give the hold for an ending."""
        match kind:
            case Ending.CLOSED:
                return self.closed
            case Ending.PLAIN:
                return self.plain
            case Ending.HANGING:
                return self.hanging
            case Ending.THINKING:
                return self.thinking


# Below 500 ms a hold cuts even fluent speech, which has gaps of up to 420 ms.
_HOLDS: Final[Mapping[str, Holds]] = {
    "low": Holds(closed=1_000, plain=1_600, hanging=4_000, thinking=20_000),
    "medium": Holds(closed=600, plain=1_000, hanging=2_200, thinking=20_000),
    "auto": Holds(closed=600, plain=1_000, hanging=2_200, thinking=20_000),
    "high": Holds(closed=600, plain=700, hanging=1_600, thinking=10_000),
}
# Who thinks in silence should not be disturbed soon, and not be left alone for long.
_PROMPT_AFTER_MS: Final[Mapping[str, int]] = {
    "low": 25_000,
    "medium": 15_000,
    "auto": 15_000,
    "high": 10_000,
}


@dataclass(frozen=True, slots=True)
class TurnPolicy:
    """How turns are detected; times in milliseconds.

    Attributes:
        threshold: Probability of speech from which a frame counts as speech, 0-1.
        prefix_padding_ms: Audio kept from before the first frame of speech.
        holds: Silence that ends a turn.
        interrupting_ms: Speech that it takes to start a turn while we are speaking ourselves; a
            cough is shorter.
        max_turn_ms: Length at which a turn is ended although the speaker goes on.
        create_response: Whether the end of a turn asks for a response.
        interrupt_response: Whether the start of a turn stops the response that is being spoken.
        follows_words: Whether the hold depends on what was said.
        idle_timeout_ms: Silence after our own words that counts as a turn of its own, or None.
        prompt_after_ms: Silence after our own words that gets one gentle prompt, or None.
    """

    threshold: float = 0.5
    prefix_padding_ms: int = 300
    holds: Holds = _HOLDS["auto"]
    interrupting_ms: int = 256
    max_turn_ms: int = 300_000
    create_response: bool = True
    interrupt_response: bool = True
    follows_words: bool = True
    idle_timeout_ms: int | None = None
    prompt_after_ms: int | None = _PROMPT_AFTER_MS["auto"]

    @classmethod
    def from_turn_detection(cls, wire: Mapping[str, Any]) -> Self:
        """Map OpenAI's `turn_detection` object; absent or null fields take the defaults.

        `server_vad` is taken by the letter: its `silence_duration_ms` (default 500) ends a turn
        whatever was said. `semantic_vad` looks at the words; `eagerness` chooses the holds.

        Raises:
            ValueError: If the type or a value is not one that the API has; names the field.

        Source: OpenAI API reference, "Realtime session, turn_detection".
        """
        given = {key: value for key, value in wire.items() if value is not None}
        policy = cls(
            create_response=_flag(given, "create_response"),
            interrupt_response=_flag(given, "interrupt_response"),
        )
        match given.get("type"):
            case "semantic_vad":
                eagerness = given.get("eagerness", "auto")
                if eagerness not in _HOLDS:
                    raise ValueError("turn_detection.eagerness must be low, medium, high or auto")
                return replace(
                    policy, holds=_HOLDS[eagerness], prompt_after_ms=_PROMPT_AFTER_MS[eagerness]
                )
            case "server_vad" | None:
                hold = _number(given, "silence_duration_ms", 500, 0, 60_000)
                idle = _number(given, "idle_timeout_ms", 0, 0, 3_600_000)
                return replace(
                    policy,
                    threshold=_number(given, "threshold", 0.5, 0, 1),
                    prefix_padding_ms=int(_number(given, "prefix_padding_ms", 300, 0, 10_000)),
                    holds=Holds(*(int(hold),) * 4),
                    follows_words=False,
                    idle_timeout_ms=int(idle) or None,
                    prompt_after_ms=None,
                )
            case _:
                raise ValueError("turn_detection.type must be server_vad or semantic_vad")


def _flag(given: Mapping[str, Any], name: str) -> bool:
    value = given.get(name, True)
    if not isinstance(value, bool):
        raise ValueError(f"turn_detection.{name} must be true or false")  # noqa: TRY004  a value
    return value


def _number(given: Mapping[str, Any], name: str, default: float, low: float, high: float) -> float:
    value = given.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise ValueError(f"turn_detection.{name} must be a number from {low} to {high}")
    return float(value)


class TurnDetector:
    """The turns of one call. Feed it each frame's probability in order."""

    def __init__(self, policy: TurnPolicy) -> None:
        self.policy = policy
        self._fed = 0  # frames
        self._run = 0  # frames of speech in a row
        self._start_ms: int | None = None  # of the turn that is going on
        self._previous_end_ms = 0
        self._silent_since_ms: int | None = None
        self._speculated_ms: int | None = None
        self._awaits_hint = False
        self._hold_ms = policy.holds.plain
        self._faint = 0  # frames in a row
        self._stirs = 0  # frames in a row
        self._stirred_ms: int | None = None  # in this pause

    @property
    def now_ms(self) -> int:
        """Milliseconds of audio fed so far."""
        return self._fed * FRAME_MS

    @property
    def is_speaking(self) -> bool:
        """Whether a turn is going on, its closing silence included."""
        return self._start_ms is not None

    def feed(
        self,
        probability: float,
        *,
        interrupting: bool = False,
        stirs: bool = False,
        faint: bool = False,
    ) -> list[TurnEvent]:
        """Take the probability of the next 32 ms and return what it decides.

        Args:
            probability: Of speech, 0-1, from `SpeechDetector`.
            interrupting: Whether we are speaking ourselves: it then takes more speech to start.
            stirs: Whether there is a sudden sound that is no speech: who coughs in a pause is not
                done yet, as a rule.
            faint: Whether it is far softer than speech. What sounds like speech still, and is faint
                already, belongs to the silence after it.
        """
        self._fed += 1
        self._faint = self._faint + 1 if faint else 0
        is_speech = probability >= self.policy.threshold
        self._run = self._run + 1 if is_speech else 0
        self._stirs = self._stirs + 1 if stirs else 0
        if self._start_ms is None:
            return self._wait_for_start(interrupting=interrupting)
        quiet = probability < self.policy.threshold - _RELEASE_BELOW_THRESHOLD
        return self._follow(self._start_ms, quiet=quiet)

    def hint(self, text: str, *, asks_for_time: bool = False, is_doubtful: bool = False) -> None:
        """Set the hold of this pause by the text of the speculative transcription.

        Without a pause after a `Speculate` (the speaker went on already) it does nothing.

        Args:
            text: What was heard so far. Empty where that is not known: the turn need not wait for
                it then.
            asks_for_time: Whether it sounds like a request for time, whatever the words say.
            is_doubtful: Whether the words may well be others: nobody knows then that the speaker is
                done.
        """
        if self._speculated_ms is None:
            return
        self._awaits_hint = False
        if not text.strip():
            return
        kind = Ending.THINKING if asks_for_time else ending(text)
        if is_doubtful and kind is not Ending.THINKING:
            kind = Ending.HANGING
        self._hold_ms = self.policy.holds.after(kind)

    def _wait_for_start(self, *, interrupting: bool) -> list[TurnEvent]:
        needed = _START_FRAMES
        if interrupting:
            needed = max(needed, -(-self.policy.interrupting_ms // FRAME_MS))
        if self._run < needed:
            return []
        first_ms = self.now_ms - self._run * FRAME_MS
        padded_ms = max(first_ms - self.policy.prefix_padding_ms, self._previous_end_ms, 0)
        self._start_ms = padded_ms
        self._continue_speech()
        return [SpeechStarted(padded_ms)]

    def _follow(self, start_ms: int, *, quiet: bool) -> list[TurnEvent]:
        if self.now_ms - start_ms >= self.policy.max_turn_ms:
            return [self._stop(start_ms)]
        if self._silent_since_ms is None:
            if quiet:
                frames = min(max(self._faint, 1), 1 + _RELEASE_FRAMES)
                self._silent_since_ms = self.now_ms - frames * FRAME_MS
        elif self._run >= _RESUME_FRAMES:
            resumed = self._speculated_ms is not None
            self._continue_speech()
            return [SpeechResumed()] if resumed else []
        return self._count_silence(start_ms)

    def _count_silence(self, start_ms: int) -> list[TurnEvent]:
        if self._silent_since_ms is None:
            return []
        silence_ms = self.now_ms - self._silent_since_ms
        if silence_ms + FRAME_MS // 2 >= self._needed_ms(self._silent_since_ms):
            # Who begins again in this very moment is not cut off.
            return [] if self._run else [self._stop(start_ms)]
        if silence_ms >= _SPECULATE_AFTER_MS and self._speculated_ms is None:
            self._speculated_ms = self.now_ms
            self._awaits_hint = self.policy.follows_words
            return [Speculate(start_ms, self.now_ms)]
        return []

    def _needed_ms(self, silent_since_ms: int) -> int:
        """Give the silence that ends the turn, as far as it is known at this moment."""
        if not self.policy.follows_words:
            return self._hold_ms
        if self._stirs >= _STIR_FRAMES:
            self._stirred_ms = self.now_ms
        needed_ms = max(self._hold_ms, _HINT_WITHIN_MS) if self._awaits_hint else self._hold_ms
        if self._stirred_ms is not None:
            quiet_ms = self._stirred_ms - silent_since_ms + _QUIET_AFTER_STIR_MS
            needed_ms = max(needed_ms, min(quiet_ms, self.policy.holds.hanging))
        return needed_ms

    def _continue_speech(self) -> None:
        self._silent_since_ms = self._speculated_ms = self._stirred_ms = None
        self._awaits_hint = False
        self._hold_ms = self.policy.holds.plain

    def _stop(self, start_ms: int) -> SpeechStopped:
        end_ms = self._speculated_ms or self.now_ms
        self._start_ms = None
        self._previous_end_ms = end_ms
        self._continue_speech()
        self._run = 0
        return SpeechStopped(start_ms, end_ms)
