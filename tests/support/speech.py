"""Spoken test sentences as PCM, made by the engine's own voice, and the sounds around them.

All sound here is s16le mono. Sentences are synthesised once per test process.
"""

from functools import cache

import av
import numpy as np

from vivavoce.engine.tts import SAMPLE_RATE, Voice


@cache
def _voice() -> Voice:
    return Voice()


@cache
def speech(text: str, rate: int = 16_000, speed: float = 1.0) -> bytes:
    """Speak a text in the engine's voice at a sample rate; cached."""
    return resampled(_voice().speak(text, speed=speed), SAMPLE_RATE, rate)


def resampled(pcm: bytes, rate: int, wanted: int) -> bytes:
    """Change the sample rate of PCM."""
    if rate == wanted or not pcm:
        return pcm
    frame = av.AudioFrame.from_ndarray(
        np.frombuffer(pcm, dtype="<i2").reshape(1, -1), format="s16", layout="mono"
    )
    frame.sample_rate = rate
    resampler = av.AudioResampler(format="s16", layout="mono", rate=wanted)
    frames = [*resampler.resample(frame), *resampler.resample(None)]
    return b"".join(part.to_ndarray().astype("<i2").tobytes() for part in frames)


def silence(seconds: float, rate: int = 16_000) -> bytes:
    """Digital silence."""
    return bytes(2 * int(seconds * rate))


def noise(seconds: float, rate: int = 16_000, *, level: float = 0.05, seed: int = 1) -> bytes:
    """White noise; `level` is its standard deviation, of full scale."""
    samples = np.random.default_rng(seed).normal(0, level * 32_767, int(seconds * rate))
    return np.clip(samples, -32_768, 32_767).astype("<i2").tobytes()


def hum(seconds: float, rate: int = 16_000, *, level: float = 0.1, hertz: float = 50.0) -> bytes:
    """A steady tone with one overtone, as of mains."""
    time = np.arange(int(seconds * rate)) / rate
    wave = np.sin(2 * np.pi * hertz * time) + 0.5 * np.sin(4 * np.pi * hertz * time)
    return (wave / 1.5 * level * 32_767).astype("<i2").tobytes()


def mixed(pcm: bytes, other: bytes) -> bytes:
    """Add two sounds of one rate; the longer one gives the length."""
    length = max(len(pcm), len(other))
    both = [np.frombuffer(part.ljust(length, b"\0"), dtype="<i2") for part in (pcm, other)]
    return np.clip(both[0].astype(int) + both[1], -32_768, 32_767).astype("<i2").tobytes()


def loudness(pcm: bytes) -> float:
    """Root mean square, of full scale."""
    samples = np.frombuffer(pcm, dtype="<i2").astype(float)
    return float(np.sqrt(np.mean(samples**2))) / 32_768 if samples.size else 0.0
