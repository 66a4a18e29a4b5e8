"""The sounds of a room: talk in the background is not the candidate's, a cough may well be.

A detector of speech hears a café as one endless turn. What tells the candidate from it is loudness.
Where even the softest moments of the last seconds sounded like speech, people talk in the room, and
only what stands well above those moments is the candidate. In other rooms the softest moments are
silence or noise, and nothing is left out. A sudden sound that is no speech, such as a cough, is as
loud as the candidate and far above the room.
"""

from collections import deque
from typing import Final

import numpy as np

_LOUDNESS_FRAMES: Final = 10  # 320 ms: longer than a syllable, shorter than a pause
_REMEMBERED_FRAMES: Final = 500  # 16 s
_KNOWN_AFTER_FRAMES: Final = 60  # who speaks at once, and without a gap, is not the room
_NEAR: Final = 2.0  # in power: 3 dB
_STANDS_OUT: Final = 5.0  # in power: 7 dB
_TALKS: Final = 0.5  # of the softest moments
_SUDDEN: Final = 8.0  # in power, above the room: 9 dB
_AS_LOUD_AS_SPEECH: Final = 0.05  # of the power of the loudest speech: -13 dB
_FAINT: Final = 0.001  # of the same: -30 dB


class Room:
    """How loud it has been lately in one call, and how much of that sounded like speech."""

    def __init__(self) -> None:
        self._powers: deque[float] = deque(maxlen=_LOUDNESS_FRAMES)
        self._loudness: deque[float] = deque(maxlen=_REMEMBERED_FRAMES)
        self._is_speech: deque[bool] = deque(maxlen=_REMEMBERED_FRAMES)

    def stands_out(self, frame: bytes, *, is_speech: bool) -> bool:
        """Take the next 32 ms and say whether they are more than the talk in the room.

        Args:
            frame: s16le mono.
            is_speech: Whether it sounds like speech.
        """
        samples = np.frombuffer(frame, dtype="<i2").astype(np.float32) / 32_768
        self._powers.append(float(np.mean(samples**2)) if samples.size else 0.0)
        loudness = sum(self._powers) / len(self._powers)
        self._loudness.append(loudness)
        self._is_speech.append(is_speech)
        if not is_speech or len(self._loudness) < _KNOWN_AFTER_FRAMES:
            return True
        softest = min(self._loudness)
        return loudness >= _STANDS_OUT * softest or not self._has_talk(softest)

    def stirs(self) -> bool:
        """Whether the last 32 ms are a sudden sound that is no speech."""
        if not self._powers or self._is_speech[-1]:
            return False
        loudest, softest = self._loudest_speech, min(self._loudness)
        power = self._powers[-1]
        return loudest > 0 and power >= max(_SUDDEN * softest, _AS_LOUD_AS_SPEECH * loudest)

    def is_faint(self) -> bool:
        """Whether the last 32 ms are far softer than the speech that was heard."""
        return bool(self._powers) and self._powers[-1] < _FAINT * self._loudest_speech

    @property
    def _loudest_speech(self) -> float:
        spoken = zip(self._loudness, self._is_speech, strict=True)
        return max((loudness for loudness, is_speech in spoken if is_speech), default=0.0)

    def _has_talk(self, softest: float) -> bool:
        near = [
            is_speech
            for loudness, is_speech in zip(self._loudness, self._is_speech, strict=True)
            if loudness <= _NEAR * softest
        ]
        return sum(near) > _TALKS * len(near)
