"""Speech synthesis: the `heart` voice of hibari, a sentence at a time. Only the worker speaks.

What is spoken is what people say for what is written: `spoken`.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from vivavoce.engine.spoken import spoken

SAMPLE_RATE: Final = 24_000
BYTES_PER_SECOND: Final = SAMPLE_RATE * 2
VOICE: Final = "heart"
MIN_SPEED: Final = 0.25
MAX_SPEED: Final = 1.5

_FRAME: Final = SAMPLE_RATE // 100
_QUIET: Final = 0.003  # of the loudest hundredth of a second
_BEFORE_SECONDS: Final = 0.02
_AFTER_SECONDS: Final = 0.2


class Voice:
    """One voice on one thread; not for use by two threads at once."""

    def __init__(self, *, threads: int = 1) -> None:
        # Imported here: the engine itself uses this module's pure part, without the model runtime.
        from hibari import Hibari  # noqa: PLC0415
        from hibari.voices import voice_path  # noqa: PLC0415

        # Any other voice would be fetched from the network at its first use.
        model = voice_path(VOICE, download_missing=False)
        self._model = Hibari(voice=VOICE, model=model, threads=threads)

    def speak(self, text: str, *, speed: float = 1.0) -> bytes:
        """Give a sentence as s16le mono at 24 kHz; the same text always sounds the same.

        Args:
            text: One sentence.
            speed: 1.0 is the voice's own pace; limited to 0.25-1.5.
        """
        words = spoken(text)
        if not any(character.isalnum() for character in words):
            return b""
        pace = min(max(speed, MIN_SPEED), MAX_SPEED)
        audio = self._model(words, speed=pace, seed=0)
        samples = (np.clip(_trimmed(audio), -1.0, 1.0) * 32_767.0).astype("<i2")
        return bytes(samples.tobytes())


def _trimmed(audio: NDArray[np.float32]) -> NDArray[np.float32]:
    """Cut the quarter of a second of quiet that the voice puts before a sentence, and most after.

    The candidate waits through the quiet before the first words of every reply.
    """
    frames = audio[: audio.size - audio.size % _FRAME].reshape(-1, _FRAME)
    loudness = np.sqrt(np.mean(frames**2, axis=1)) if frames.size else np.zeros(0)
    loud = np.flatnonzero(loudness > loudness.max(initial=0.0) * _QUIET)
    if not loud.size:
        return audio
    first = max(int(loud[0]) * _FRAME - int(_BEFORE_SECONDS * SAMPLE_RATE), 0)
    last = (int(loud[-1]) + 1) * _FRAME + int(_AFTER_SECONDS * SAMPLE_RATE)
    return audio[first:last]
