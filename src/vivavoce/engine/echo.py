"""Whether what a microphone hears is our own voice, come back from the client's loudspeaker.

Browsers cancel echo, but not all clients are browsers, and cancellers leave remains. Left alone,
they would stop the interviewer in the middle of a sentence, or be taken for an answer to it. An
echo is what we said, later and through a room: the delay is where both signals correlate best
(GCC-PHAT), and the magnitude-squared coherence at that delay says how much of the sound a fixed
filter of our voice explains. Somebody who speaks is not explained by it, at whatever loudness.

Source: Knapp and Carter, "The generalized correlation method for estimation of time delay", 1976.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

SAMPLE_RATE: Final = 16_000
WINDOW_SAMPLES: Final = SAMPLE_RATE * 512 // 1000
MAX_DELAY_SAMPLES: Final = SAMPLE_RATE * 800 // 1000
REFERENCE_SAMPLES: Final = WINDOW_SAMPLES + MAX_DELAY_SAMPLES

_FRAME: Final = 512
_STEP: Final = 128
_LOW_HERTZ: Final = 200
_HIGH_HERTZ: Final = 4_000
_SILENCE: Final = 1e-3  # of full scale, root mean square: -60 dB

Floats = NDArray[np.float32]


def explained_by(heard: bytes, played: bytes) -> float:
    """Say how much of a sound is an echo of what was played: 0 (nothing of it) to 1.

    Chance gives about 0.2, an echo through a room 0.5 and more.

    Args:
        heard: The last 512 ms of the microphone, s16le mono at 16 kHz.
        played: The last 1,312 ms of what we sent, likewise; what is missing counts as silence.
    """
    microphone = _samples(heard, WINDOW_SAMPLES)
    reference = _samples(played, REFERENCE_SAMPLES)
    if _level(microphone) < _SILENCE or _level(reference) < _SILENCE:
        return 0.0
    delay = _delay(microphone, reference)
    start = MAX_DELAY_SAMPLES - delay
    return _coherence(microphone, reference[start : start + WINDOW_SAMPLES])


def _samples(pcm: bytes, count: int) -> Floats:
    samples = np.frombuffer(pcm, dtype="<i2")[-count:].astype(np.float32) / 32_768.0
    return np.pad(samples, (count - samples.size, 0))


def _level(samples: Floats) -> float:
    return float(np.sqrt(np.mean(samples**2)))


def _delay(microphone: Floats, reference: Floats) -> int:
    """Give the delay of the microphone behind the reference at which both are most alike."""
    size = 1 << (REFERENCE_SAMPLES + WINDOW_SAMPLES - 1).bit_length()
    cross = np.fft.rfft(reference, size) * np.conj(np.fft.rfft(microphone, size))
    frequencies = np.fft.rfftfreq(size, 1 / SAMPLE_RATE)
    cross[(frequencies < _LOW_HERTZ) | (frequencies > _HIGH_HERTZ)] = 0
    magnitude = np.abs(cross)
    alike = np.fft.irfft(cross / (magnitude + 1e-3 * magnitude.max()), size)
    start = int(np.argmax(np.abs(alike[: MAX_DELAY_SAMPLES + 1])))
    return MAX_DELAY_SAMPLES - start


def _coherence(microphone: Floats, reference: Floats) -> float:
    """Average the coherence of two aligned signals, each frequency by its share of the sound."""
    ours, theirs = _spectra(reference), _spectra(microphone)
    cross = np.abs((np.conj(ours) * theirs).mean(axis=0)) ** 2
    ours_power = (np.abs(ours) ** 2).mean(axis=0)
    theirs_power = (np.abs(theirs) ** 2).mean(axis=0)
    coherence = cross / (ours_power * theirs_power + 1e-12)
    return float((coherence * theirs_power).sum() / (theirs_power.sum() + 1e-12))


def _spectra(samples: Floats) -> NDArray[np.complex64]:
    frames = np.lib.stride_tricks.sliding_window_view(samples, _FRAME)[::_STEP]
    spectra = np.fft.rfft(frames * np.hanning(_FRAME), axis=1)
    low, high = (hertz * _FRAME // SAMPLE_RATE for hertz in (_LOW_HERTZ, _HIGH_HERTZ))
    return np.asarray(spectra[:, low:high], dtype=np.complex64)
