"""Steady noise made softer. Speech is played by tones that come and go."""

import numpy as np
import pytest

from vivavoce.engine.denoise import denoised

RATE = 16_000


def syllables(seconds=4.0):
    time = np.arange(int(seconds * RATE)) / RATE
    voice = sum(np.sin(2 * np.pi * 140 * n * time) / n for n in range(1, 15))
    envelope = np.clip(np.sin(2 * np.pi * 2.5 * time), 0, None) * (
        np.sin(2 * np.pi * 0.4 * time) > 0
    )
    return (0.1 * voice * envelope).astype(np.float32)


def noise(level, seconds=4.0):
    return np.random.default_rng(3).normal(0, level, int(seconds * RATE)).astype(np.float32)


def loudness(samples):
    return float(np.sqrt(np.mean(samples.astype(float) ** 2)))


def test_noise_gets_softer_and_speech_does_not():
    clean, hiss = syllables(), noise(0.02)
    heard = denoised(clean + hiss)
    assert loudness(heard - clean) < 0.7 * loudness(hiss)
    quiet = clean == 0
    assert loudness(heard[quiet]) < 0.5 * loudness(hiss[quiet])
    loud = np.abs(clean) > 0.05
    assert loudness(heard[loud]) == pytest.approx(loudness(clean[loud]), rel=0.1)


def test_clean_speech_is_left_as_it_is():
    clean = syllables() + noise(0.0002)
    assert np.array_equal(denoised(clean), clean)


@pytest.mark.parametrize("count", [0, 1, 100, 512, 5_000])
def test_any_length_is_kept(count):
    assert denoised(noise(0.1)[:count]).size == count


def test_silence_stays_silence():
    assert not denoised(np.zeros(RATE, np.float32)).any()
