"""When it was loud, on either side of a call, and how long a reply took; from the samples alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np

LOUD: Final = 655
"""Of 32,767: two hundredths of full scale, well above the noise of a codec."""
PAUSE_SECONDS: Final = 0.3
MAX_SPANS: Final = 20_000


@dataclass(frozen=True)
class Span:
    """From the first to the last loud sample, by one monotonic clock, in seconds."""

    start: float
    end: float


class SoundMeter:
    """Keeps the spans in which sound was loud; a pause of less than 0.3 s does not part them."""

    def __init__(self) -> None:
        self._spans: list[Span] = []

    @property
    def spans(self) -> Sequence[Span]:
        """What was loud so far, in order."""
        return tuple(self._spans)

    def add(self, pcm: bytes, rate: int, started_at: float) -> None:
        """Take sound (s16le mono) that began at a moment."""
        samples = np.frombuffer(pcm, "<i2")
        loud = np.flatnonzero((samples >= LOUD) | (samples <= -LOUD))
        if not loud.size:
            return
        span = Span(started_at + int(loud[0]) / rate, started_at + (int(loud[-1]) + 1) / rate)
        if self._spans and span.start - self._spans[-1].end < PAUSE_SECONDS:
            self._spans[-1] = Span(self._spans[-1].start, span.end)
        elif len(self._spans) < MAX_SPANS:
            self._spans.append(span)


def reply_times(said: Sequence[Span], heard: Sequence[Span]) -> list[float]:
    """Seconds from the last loud sample of each turn to the first loud one of the reply to it.

    A pause in which nothing is heard belongs to the turn; one without a reply counts for nothing.
    """
    times = []
    for turn, following in pairwise([*said, Span(float("inf"), float("inf"))]):
        reply = next((span.start for span in heard if span.start > turn.end), None)
        if reply is not None and reply < following.start:
            times.append(reply - turn.end)
    return times
