"""What a call's client says: its audio, where its turns are, and the audio of each."""

from dataclasses import replace
from typing import Final

from vivavoce.engine.turn import TurnDetector, TurnEvent, TurnPolicy
from vivavoce.engine.vad import SpeechDetector

SAMPLE_RATE: Final = 16_000
_BYTES_PER_MS: Final = SAMPLE_RATE * 2 // 1000
_KEPT_MS: Final = 12_000  # before a turn: the longest padding that can be asked for, and slack
_MAX_UNCOMMITTED_MS: Final = 300_000


class Listener:
    """The incoming audio of one call. Times are milliseconds of audio since its start.

    Args:
        policy: How turns are detected, or None where the client commits them itself.
        speech: Has heard nothing yet, and hears this call alone.
    """

    def __init__(self, policy: TurnPolicy | None, speech: SpeechDetector) -> None:
        self._speech = speech
        self._turns = TurnDetector(policy) if policy else None
        self._offset_ms = 0  # of the turn detector's time: it starts anew with each policy
        self._audio = bytearray()
        self._dropped_ms = 0
        self._committed_ms = 0

    @property
    def now_ms(self) -> int:
        """Milliseconds heard so far."""
        return self._dropped_ms + len(self._audio) // _BYTES_PER_MS

    @property
    def uncommitted_ms(self) -> int:
        """Milliseconds since the last commit."""
        return self.now_ms - max(self._committed_ms, self._dropped_ms)

    @property
    def policy(self) -> TurnPolicy | None:
        """How turns are detected."""
        return self._turns.policy if self._turns else None

    @property
    def is_turn_open(self) -> bool:
        """Whether the client is speaking, a pause included."""
        return self._turns is not None and self._turns.is_speaking

    def use(self, policy: TurnPolicy | None) -> None:
        """Detect turns in another way from here on; a turn that is open is forgotten."""
        self._turns = TurnDetector(policy) if policy else None
        self._offset_ms = self.now_ms

    def hint(self, text: str) -> None:
        """Tell the turn detector what was heard so far in this turn."""
        if self._turns:
            self._turns.hint(text)

    def feed(self, pcm: bytes, *, interrupting: bool) -> list[TurnEvent]:
        """Take audio and return what it means for turns.

        Args:
            pcm: s16le mono at 16 kHz.
            interrupting: Whether we are speaking ourselves.
        """
        self._audio += pcm
        events: list[TurnEvent] = []
        for probability in self._speech.feed(pcm):
            if self._turns:
                found = self._turns.feed(probability, interrupting=interrupting)
                events += (self._absolute(event) for event in found)
        self._forget()
        return events

    def audio(self, start_ms: int, end_ms: int) -> bytes:
        """Give the audio of a span, as far as it is still known."""
        start, end = ((ms - self._dropped_ms) * _BYTES_PER_MS for ms in (start_ms, end_ms))
        return bytes(self._audio[max(start, 0) : max(end, 0)])

    def commit(self) -> bytes:
        """Give the audio since the last commit, and count from here."""
        audio = self.audio(self._committed_ms, self.now_ms)
        self._committed_ms = self.now_ms
        return audio

    def _absolute(self, event: TurnEvent) -> TurnEvent:
        changes = {
            name: getattr(event, name) + self._offset_ms
            for name in ("audio_start_ms", "audio_end_ms")
            if hasattr(event, name)
        }
        return replace(event, **changes) if changes else event

    def _forget(self) -> None:
        if self.is_turn_open:
            return
        kept_ms = _KEPT_MS if self._turns else _MAX_UNCOMMITTED_MS
        excess_ms = len(self._audio) // _BYTES_PER_MS - kept_ms
        if excess_ms > kept_ms // 2:
            del self._audio[: excess_ms * _BYTES_PER_MS]
            self._dropped_ms += excess_ms
