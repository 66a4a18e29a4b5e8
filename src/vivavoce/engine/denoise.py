"""Steady noise made softer before recognition: fans, streets, hiss. Clean speech stays as it is.

A Wiener filter by frequency: the noise is what the softest moments hold, and the gain of a band
follows how much of it is speech, smoothed over time ("decision-directed"). No gain goes
below 0.3: a recogniser does better with some noise than with the musical tones that are left of it.

Source: Ephraim and Malah, "Speech enhancement using a minimum mean-square error short-time
spectral amplitude estimator", 1984.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

_FRAME: Final = 512
_STEP: Final = 128
_OVERLAP: Final = _FRAME / _STEP / 2  # sum of the squared windows
_SOFTEST_SHARE: Final = 0.1  # of a turn: the silence before and after it is more
_SMOOTHING: Final = 0.92
_LEAST_GAIN: Final = 0.3
_CLEAN: Final = 0.01  # noise in the power of the whole: below -20 dB it disturbs nobody

Floats = NDArray[np.float32]


def denoised(samples: Floats) -> Floats:
    """Make steady noise softer.

    Args:
        samples: Of a span in which somebody speaks, 16 kHz; a second or more, to know the noise by.
    """
    window = np.sqrt(np.hanning(_FRAME + 1)[:-1])
    padded = np.pad(samples, _FRAME)
    frames = np.lib.stride_tricks.sliding_window_view(padded, _FRAME)[::_STEP]
    spectra = np.fft.rfft(frames * window, axis=1)
    power = np.abs(spectra) ** 2
    noise = _noise(power)
    if noise.sum() < _CLEAN * power.mean(axis=0).sum():
        return samples
    cleaned = np.fft.irfft(spectra * _gains(power, noise), axis=1) * window
    sound = np.zeros(padded.size)
    for number, frame in enumerate(cleaned):
        sound[number * _STEP :][:_FRAME] += frame
    return (sound[_FRAME : _FRAME + samples.size] / _OVERLAP).astype(np.float32)


def _noise(power: NDArray[np.float64]) -> NDArray[np.float64]:
    """Give the power of the noise in each band, as it is in the softest moments of the whole."""
    inside = power[_FRAME // _STEP : -_FRAME // _STEP]
    count = round(_SOFTEST_SHARE * len(inside))
    if not count:
        return np.zeros(power.shape[1])
    softest = np.argsort(inside.sum(axis=1))[:count]
    return np.asarray(inside[softest].mean(axis=0))


def _gains(power: NDArray[np.float64], noise: NDArray[np.float64]) -> NDArray[np.float64]:
    over_noise = power / (noise + 1e-12)
    gains = np.empty_like(power)
    speech = np.ones(power.shape[1])
    for number, ratio in enumerate(over_noise):
        expected = _SMOOTHING * speech + (1 - _SMOOTHING) * np.maximum(ratio - 1, 0)
        gain = expected / (1 + expected)
        speech = gain**2 * ratio
        gains[number] = np.maximum(gain, _LEAST_GAIN)
    return gains
