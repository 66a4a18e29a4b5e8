"""What a call's client says: its audio, where its turns are, and the audio of each."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from vivavoce.engine.echo import REFERENCE_SAMPLES, WINDOW_SAMPLES, explained_by
from vivavoce.engine.room import Room
from vivavoce.engine.turn import TurnDetector, TurnEvent, TurnPolicy
from vivavoce.engine.vad import FRAME_MS, FRAME_SAMPLES, SpeechDetector

SAMPLE_RATE: Final = 16_000
OWN_RATE: Final = 24_000
_BYTES_PER_MS: Final = SAMPLE_RATE * 2 // 1000
_KEPT_MS: Final = 12_000  # before a turn: the longest padding that can be asked for, and slack
_MAX_UNCOMMITTED_MS: Final = 300_000
_FRAME_BYTES: Final = FRAME_SAMPLES * 2
_SILENT_BELOW: Final = 0.35  # probability of speech
_LONG_PAUSE_FRAMES: Final = 1_280 // FRAME_MS
_KEPT_OF_PAUSE_FRAMES: Final = 320 // FRAME_MS  # on each side: a recogniser needs some
_THRESHOLD: Final = 0.5  # of speech, where no policy has another
_ECHO: Final = 0.35  # of the sound explained by our own voice: chance gives less, an echo more


@dataclass(frozen=True, slots=True)
class Heard:
    """Audio to transcribe, and how many seconds it stands for."""

    pcm: bytes
    seconds: float


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
        self._room = Room()
        self._silent = bytearray()  # 1 for each frame of the audio without the client's speech
        self._ours = bytearray()

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

    def hint(self, text: str, *, asks_for_time: bool = False, is_doubtful: bool = False) -> None:
        """Tell the turn detector what was heard so far in this turn; see `TurnDetector.hint`."""
        if self._turns:
            self._turns.hint(text, asks_for_time=asks_for_time, is_doubtful=is_doubtful)

    def note_played(self, pcm: bytes) -> None:
        """Take what we have sent ourselves, silence included, as it is sent.

        Args:
            pcm: s16le mono at 24 kHz.
        """
        samples = np.frombuffer(pcm, dtype="<i2")
        places = np.arange(samples.size * SAMPLE_RATE // OWN_RATE) * (OWN_RATE / SAMPLE_RATE)
        resampled = np.interp(places, np.arange(samples.size), samples)
        self._ours += resampled.astype("<i2").tobytes()
        del self._ours[: -2 * REFERENCE_SAMPLES]

    def feed(self, pcm: bytes, *, interrupting: bool) -> list[TurnEvent]:
        """Take audio and return what it means for turns.

        Args:
            pcm: s16le mono at 16 kHz.
            interrupting: Whether we are speaking ourselves.
        """
        self._audio += pcm
        events: list[TurnEvent] = []
        for probability in self._speech.feed(pcm):
            heard = probability if self._is_clients(probability) else 0.0
            self._silent.append(heard < _SILENT_BELOW)
            if self._turns:
                stirs = self.is_turn_open and self._room.stirs()
                faint = self.is_turn_open and self._room.is_faint()
                found = self._turns.feed(heard, interrupting=interrupting, stirs=stirs, faint=faint)
                events += (self._absolute(event) for event in found)
        self._forget()
        return events

    def audio(self, start_ms: int, end_ms: int) -> bytes:
        """Give the audio of a span, as far as it is still known, without the middle of long pauses.

        A recogniser that is given many seconds of silence between words leaves words out.
        """
        start, end = (max(ms - self._dropped_ms, 0) * _BYTES_PER_MS for ms in (start_ms, end_ms))
        kept, first = bytearray(), start
        for pause_start, pause_end in self._long_pauses(start, end):
            kept += self._audio[first:pause_start]
            first = pause_end
        return bytes(kept + self._audio[first:end])

    def commit(self) -> Heard:
        """Give the audio since the last commit, and count from here."""
        start_ms = max(self._committed_ms, self._dropped_ms)
        self._committed_ms = self.now_ms
        return Heard(self.audio(start_ms, self.now_ms), (self.now_ms - start_ms) / 1000)

    def _long_pauses(self, start: int, end: int) -> Iterator[tuple[int, int]]:
        """Find the parts of long silences that may be left out, by their places in the audio."""
        first, last = -(-start // _FRAME_BYTES), end // _FRAME_BYTES
        quiet = 0
        for frame in range(first, last + 1):
            if frame < min(last, len(self._silent)) and self._silent[frame]:
                quiet += 1
                continue
            if quiet > _LONG_PAUSE_FRAMES:
                yield (
                    (frame - quiet + _KEPT_OF_PAUSE_FRAMES) * _FRAME_BYTES,
                    (frame - _KEPT_OF_PAUSE_FRAMES) * _FRAME_BYTES,
                )
            quiet = 0

    def _is_clients(self, probability: float) -> bool:
        """Whether what sounds like speech is the client's, and not the room's or our own."""
        is_speech = probability >= (self.policy.threshold if self.policy else _THRESHOLD)
        end = (len(self._silent) + 1) * _FRAME_BYTES
        frame = bytes(self._audio[end - _FRAME_BYTES : end])
        stands_out = self._room.stands_out(frame, is_speech=is_speech)
        return stands_out and not (is_speech and self._is_echo(end))

    def _is_echo(self, end: int) -> bool:
        """Whether the sound before a place in the audio is our own; in an open turn, none is."""
        if self.is_turn_open or not any(self._ours):
            return False
        heard = self._audio[max(end - 2 * WINDOW_SAMPLES, 0) : end]
        return explained_by(bytes(heard), bytes(self._ours)) > _ECHO

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
        excess = (self.now_ms - self._dropped_ms - kept_ms) // FRAME_MS
        if excess * FRAME_MS > kept_ms // 2:
            del self._audio[: excess * _FRAME_BYTES]
            del self._silent[:excess]
            self._dropped_ms += excess * FRAME_MS
