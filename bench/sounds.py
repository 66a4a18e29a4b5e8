"""Sounds made by rule: voices of several synthesisers, rooms, noises. Floats at 16 kHz, mono.

Spoken words are kept under `build/sounds`, by voice and text, so that a second run need not speak
them again. `espeak-ng` and `flite` are programs of the system and run as such; the engine's own
voice needs neither.
"""

import hashlib
import io
import shutil
import subprocess
import wave
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType
from typing import Final

import av
import numpy as np
from numpy.typing import NDArray

from vivavoce.engine.tts import SAMPLE_RATE as OWN_RATE
from vivavoce.engine.tts import Voice

RATE: Final = 16_000
OWN_VOICE: Final = "hibari"
CACHE: Final = Path(__file__).parent.parent / "build" / "sounds"

Floats = NDArray[np.float64]

_SPEECH_RMS: Final = 0.06  # of full scale, while words are spoken
_QUIET: Final = 0.02  # of the loudest sample: softer than this before and after words is no word
_ESPEAK: Final = {"espeak": "en-us", "espeak-gb": "en-gb", "espeak-scot": "en-gb-scotland"}
_FLITE: Final = ("slt", "rms", "awb", "kal16")
VOICES: Final = (OWN_VOICE, *_ESPEAK, *_FLITE)


class NoSuchVoice(Exception):
    """A voice needs a program that is not installed. The message names it."""


def spoken(text: str, voice: str) -> Floats:
    """Speak a text: no silence before the first and after the last sound, and of even loudness.

    Raises:
        NoSuchVoice: If the voice's program is not installed.
    """
    name = hashlib.blake2b(f"{voice}\n{text}".encode(), digest_size=12).hexdigest()
    kept = CACHE / f"{name}.npy"
    if kept.exists():
        return np.asarray(np.load(kept), dtype=np.float64)
    sound = _levelled(_trimmed(_speak(text, voice)))
    CACHE.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=CACHE) as folder:  # renamed into place: another run may read it
        np.save(Path(folder) / "sound.npy", sound.astype(np.float32))
        (Path(folder) / "sound.npy").rename(kept)
    return sound


def _speak(text: str, voice: str) -> Floats:
    if voice == OWN_VOICE:
        return _resampled(_own_voice().speak(text), OWN_RATE)
    if voice in _ESPEAK:
        command = [_program("espeak-ng"), "-v", _ESPEAK[voice], "-s", "150", "--stdout", text]
        return _of_wave(subprocess.run(command, check=True, capture_output=True).stdout)  # noqa: S603
    with TemporaryDirectory() as folder:
        file = Path(folder) / "spoken.wav"
        command = [_program("flite"), "-voice", voice, "-t", text, "-o", str(file)]
        subprocess.run(command, check=True, capture_output=True)  # noqa: S603
        return _of_wave(file.read_bytes())


@cache
def _own_voice() -> Voice:
    return Voice()


def _program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise NoSuchVoice(f"{name} is not installed. On Debian: apt-get install espeak-ng flite")
    return found


def _of_wave(data: bytes) -> Floats:
    with wave.open(io.BytesIO(data)) as file:
        rate = file.getframerate()
        # A program that writes to a pipe cannot know the length that it puts into the header.
        pcm = data[data.index(b"data") + 8 :]
    return _resampled(pcm[: len(pcm) & ~1], rate)


def _resampled(pcm: bytes, rate: int) -> Floats:
    frame = av.AudioFrame.from_ndarray(
        np.frombuffer(pcm, dtype="<i2").reshape(1, -1), format="s16", layout="mono"
    )
    frame.sample_rate = rate
    resampler = av.AudioResampler(format="s16", layout="mono", rate=RATE)
    parts = [*resampler.resample(frame), *resampler.resample(None)]
    return np.concatenate([part.to_ndarray()[0] for part in parts]) / 32_768


def _trimmed(sound: Floats) -> Floats:
    loud = np.flatnonzero(np.abs(sound) > _QUIET * np.abs(sound).max())
    return sound[loud[0] : loud[-1] + 1]


def _levelled(sound: Floats) -> Floats:
    return sound * (_SPEECH_RMS / rms(sound))


def rms(sound: Floats) -> float:
    """Root mean square of a sound."""
    return float(np.sqrt(np.mean(sound**2)))


def decibels(change: float) -> float:
    """The factor for a change in loudness."""
    return float(10 ** (change / 20))


def to_pcm(sound: Floats) -> bytes:
    """s16le of a sound; what is too loud is clipped."""
    return np.clip(sound * 32_767, -32_768, 32_767).astype("<i2").tobytes()


def silence(seconds: float) -> Floats:
    return np.zeros(int(seconds * RATE))


def _coloured(random: np.random.Generator, seconds: float, low: float, high: float) -> Floats:
    """Noise between two frequencies, as loud as speech."""
    spectrum = np.fft.rfft(random.normal(0, 1, int(seconds * RATE)))
    frequencies = np.fft.rfftfreq(int(seconds * RATE), 1 / RATE)
    spectrum[(frequencies < low) | (frequencies > high)] = 0
    return _levelled(np.fft.irfft(spectrum, int(seconds * RATE)))


def _fading(sound: Floats, seconds: float) -> Floats:
    return sound * np.exp(-np.arange(sound.size) / (seconds * RATE))


def cough(random: np.random.Generator) -> Floats:
    """A burst of air, then a rough fading sound in the throat; often twice."""
    parts = []
    for _ in range(int(random.integers(1, 3))):
        burst = 3 * _fading(_coloured(random, 0.06, 300, 6_000), 0.03)
        throat = _fading(_coloured(random, float(random.uniform(0.12, 0.22)), 250, 2_500), 0.08)
        pitch = random.uniform(110, 180)
        rough = 1 + 0.5 * np.sign(np.sin(2 * np.pi * pitch * np.arange(throat.size) / RATE))
        parts += [burst, 1.5 * throat * rough, silence(float(random.uniform(0.08, 0.2)))]
    return np.concatenate(parts)


def click(random: np.random.Generator) -> Floats:
    return 4 * _fading(_coloured(random, 0.02, 1_000, 7_500), 0.004)


def door(random: np.random.Generator) -> Floats:
    thud = 4 * _fading(_coloured(random, 0.5, 40, 250), 0.12)
    latch = click(random)
    thud[: latch.size] += latch
    return thud


def noise(random: np.random.Generator, seconds: float) -> Floats:
    """White noise, as loud as speech."""
    return _coloured(random, seconds, 0, RATE / 2)


def hum(random: np.random.Generator, seconds: float) -> Floats:
    """Mains hum with overtones, as loud as speech."""
    time = np.arange(int(seconds * RATE)) / RATE
    hertz = random.choice([50, 60])
    return _levelled(sum(np.sin(2 * np.pi * hertz * n * time) / n for n in (1, 2, 3, 4)))


def keys(random: np.random.Generator, seconds: float) -> Floats:
    """Somebody types."""
    sound = silence(seconds)
    at = 0.0
    while (at := at + float(random.exponential(0.13)) + 0.04) < seconds - 0.1:
        stroke = float(random.uniform(0.3, 1)) * click(random)
        sound[int(at * RATE) :][: stroke.size] += stroke
    return sound


def babble(random: np.random.Generator, seconds: float) -> Floats:
    """Four voices of a room that speak at once, as loud as speech."""
    voices = (OWN_VOICE, "espeak", "slt", "espeak-gb")
    sound = silence(seconds)
    for voice in voices:
        words = np.concatenate([spoken(text, voice) for text in random.permutation(_BABBLE)])
        start = int(random.integers(words.size))
        sound += np.resize(np.roll(words, -start), sound.size)
    return _levelled(sound)


_BABBLE: Final = (
    "The train was late again this morning because of the snow.",
    "She told him that the new office will open in the autumn.",
    "Have you tried the soup, it is better than last week.",
    "They want to paint the hall before the guests arrive.",
)

SHORT_SOUNDS: Final[Mapping[str, Callable[[np.random.Generator], Floats]]] = MappingProxyType(
    {"cough": cough, "click": click, "door": door}
)
LONG_SOUNDS: Final[Mapping[str, Callable[[np.random.Generator, float], Floats]]] = MappingProxyType(
    {"noise": noise, "hum": hum, "keys": keys, "babble": babble}
)


def in_a_room(sound: Floats, random: np.random.Generator, delay: float) -> Floats:
    """What a microphone gets of a loudspeaker: later by `delay` seconds, with reflections."""
    room = _fading(random.normal(0, 0.15, int(0.08 * RATE)), 0.02)
    room[0] = 1.0
    heard = np.convolve(sound, room)
    return np.concatenate([silence(delay), heard * (rms(sound) / rms(heard))])
