"""Speech synthesis: the `heart` voice of hibari, a sentence at a time. Only the worker speaks.

The voice reads numbers, dates, times, money and units by itself; `readable` takes care of what is
written for the eye only.
"""

import re
from typing import Final

import numpy as np
from numpy.typing import NDArray

SAMPLE_RATE: Final = 24_000
BYTES_PER_SECOND: Final = SAMPLE_RATE * 2
VOICE: Final = "heart"
MIN_SPEED: Final = 0.25
MAX_SPEED: Final = 1.5

_FRAME: Final = SAMPLE_RATE // 100
_QUIET: Final = 0.003  # of the loudest hundredth of a second
_BEFORE_SECONDS: Final = 0.02
_AFTER_SECONDS: Final = 0.2

_LINK: Final = re.compile(r"\[([^\]]+)\]\([^)]*\)")
_URL: Final = re.compile(r"https?://(?:www\.)?([^\s/?#]+)\S*")
_MARKS: Final = re.compile(r"[*`~\\]+|_+(?![^\W_])|(?<![^\W_])_+|#+(?!\d)")
_SHARP: Final = re.compile(r"\b([CF])#")
_BULLET: Final = re.compile(r"^\s*(?:[-\N{BULLET}]|\d+[.)])\s+")
_NOT_SPOKEN: Final = re.compile(
    r"[^\w\s.,;:!?'\"()$%&+=@/#-"
    r"\N{POUND SIGN}\N{EURO SIGN}\N{DEGREE SIGN}\N{RIGHT SINGLE QUOTATION MARK}"
    r"\N{EM DASH}\N{EN DASH}]+"
)


def readable(text: str) -> str:
    """Take the marks of Markdown, links, list numbers and pictographs out of a sentence."""
    text = _BULLET.sub("", text)
    text = _LINK.sub(r"\1", text)
    text = _URL.sub(lambda found: found[1].replace(".", " dot "), text)
    text = _NOT_SPOKEN.sub(" ", _MARKS.sub("", _SHARP.sub(r"\1 sharp", text)))
    return " ".join(text.replace("_", " ").split())


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
        spoken = readable(text)
        if not any(character.isalnum() for character in spoken):
            return b""
        pace = min(max(speed, MIN_SPEED), MAX_SPEED)
        audio = self._model(spoken, speed=pace, seed=0)
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
