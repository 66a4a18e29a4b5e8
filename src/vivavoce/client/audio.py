"""Sound in and out of a call: sources, the paced track that sends them, and what can be measured.

All sound is signed 16-bit little-endian mono. A call carries it at 48 kHz in frames of 20 ms.
"""

import time
import wave
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass
from fractions import Fraction
from importlib import import_module
from pathlib import Path
from typing import Any, Final

import anyio
import anyio.to_thread
import numpy as np
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack
from av import AudioFrame, AudioResampler
from numpy.typing import NDArray

from vivavoce.client.flag import Flag
from vivavoce.client.loudness import SoundMeter
from vivavoce.errors import InvalidRequest

SAMPLE_RATE: Final = 48_000
FRAME_SECONDS: Final = 0.02
_FRAME_SAMPLES: Final = int(SAMPLE_RATE * FRAME_SECONDS)
_FRAME_BYTES: Final = 2 * _FRAME_SAMPLES
_SILENCE: Final = bytes(_FRAME_BYTES)
_AHEAD_BYTES: Final = 3 * _FRAME_BYTES
_MAX_LATENESS: Final = 0.2
_FILE_CHUNK_SECONDS: Final = 0.5


@dataclass(frozen=True)
class Sound:
    """A piece of sound."""

    pcm: bytes
    rate: int

    @property
    def seconds(self) -> float:
        """How long it is."""
        return len(self.pcm) / 2 / self.rate

    def at(self, rate: int) -> "Sound":
        """The same sound at another sample rate."""
        resampler = AudioResampler(format="s16", layout="mono", rate=rate)
        return Sound(_resampled(resampler, self) + _drained(resampler), rate)


AudioSource = AsyncIterable[Sound]
"""What a candidate says. Silence is sent while the source has nothing yet, and after its end."""


@dataclass(frozen=True)
class WavFile:
    """A WAV file (PCM, 16 bits; channels are mixed down).

    Raises:
        InvalidRequest: When it is played, if it cannot be read or has another form.
    """

    path: str | Path

    async def __aiter__(self) -> AsyncIterator[Sound]:
        """Give the file's sound in short pieces."""
        try:
            with wave.open(str(self.path), "rb") as file:
                if file.getsampwidth() != 2:  # noqa: PLR2004  bytes of a 16-bit sample
                    raise InvalidRequest(f"{self.path} does not hold 16-bit samples.")
                count = int(file.getframerate() * _FILE_CHUNK_SECONDS)
                while data := await anyio.to_thread.run_sync(file.readframes, count):
                    samples = np.frombuffer(data, "<i2").reshape(-1, file.getnchannels())
                    yield Sound(_mono(samples), file.getframerate())
        except (OSError, EOFError, wave.Error) as error:
            raise InvalidRequest(f"{self.path} cannot be read as a WAV file: {error}") from error


@dataclass(frozen=True, eq=False)
class Samples:
    """An array of samples: int16, or floats between -1 and 1; one row a sample if it is 2-D."""

    array: NDArray[Any]
    rate: int

    async def __aiter__(self) -> AsyncIterator[Sound]:
        """Give all of it."""
        samples = self.array
        if np.issubdtype(samples.dtype, np.floating):
            samples = np.clip(samples, -1.0, 1.0) * 32_767
        yield Sound(_mono(samples.reshape(len(samples), -1)), self.rate)


@dataclass(frozen=True)
class Microphone:
    """The machine's microphone, where there is one and `sounddevice` is installed.

    Attributes:
        device: Its name or number, as `python -m sounddevice` lists them; None is the default one.

    Raises:
        InvalidRequest: When it is opened, if there is none, or the package is missing.
    """

    device: str | int | None = None

    async def __aiter__(self) -> AsyncIterator[Sound]:
        """Give what it hears, for ever."""
        try:
            sounddevice = import_module("sounddevice")  # optional; it loads a system library
        except (ImportError, OSError) as error:
            raise InvalidRequest(
                "The microphone needs the package sounddevice and the library PortAudio:"
                " pip install sounddevice; or give a WavFile or Samples."
            ) from error
        try:
            stream = sounddevice.RawInputStream(
                samplerate=SAMPLE_RATE, channels=1, dtype="int16", device=self.device
            )
        except (sounddevice.PortAudioError, ValueError) as error:
            raise InvalidRequest(f"No microphone can be opened: {error}") from error
        with stream:
            while True:
                data, _ = await anyio.to_thread.run_sync(stream.read, _FRAME_SAMPLES)
                yield Sound(bytes(data), SAMPLE_RATE)


def _mono(samples: NDArray[Any]) -> bytes:
    return bytes(samples.astype(np.float32).mean(axis=1).astype("<i2").tobytes())


class Mouth:
    """What is being said: a source on one side, frames of 20 ms on the other.

    It outlives a call: when a call is replaced, the sentence goes on in the next one.

    Attributes:
        meter: When it was loud, by the clock of `time.monotonic`.
    """

    def __init__(self) -> None:
        self.meter = SoundMeter()
        self._waiting = bytearray()
        self._taken = Flag()
        self._speaker: object | None = None

    async def speak(self, source: AudioSource) -> None:
        """Say all that a source gives, in real time.

        Raises:
            InvalidRequest: If the source cannot be read.
        """
        resampler: AudioResampler | None = None
        rate = 0
        async with aclosing(_generator(source)) as sounds:
            async for sound in sounds:
                if resampler is None or sound.rate != rate:
                    rate = sound.rate
                    resampler = AudioResampler(format="s16", layout="mono", rate=SAMPLE_RATE)
                self._waiting += _resampled(resampler, sound)
                await self._until_ahead()
        if resampler is not None:
            self._waiting += _drained(resampler)
        while self._waiting:
            self._taken.lower()
            await self._taken.until_up()

    async def _until_ahead(self) -> None:
        while len(self._waiting) > _AHEAD_BYTES:
            self._taken.lower()
            await self._taken.until_up()

    def give_to(self, speaker: object) -> None:
        """Let this track say it from now on; all others send silence."""
        self._speaker = speaker

    def take_frame(self, speaker: object, at: float) -> bytes:
        """Take the next 20 ms, for the track that speaks; silence for any other."""
        if speaker is not self._speaker:
            return _SILENCE
        frame = bytes(self._waiting[:_FRAME_BYTES]).ljust(_FRAME_BYTES, b"\0")
        if self._waiting:
            del self._waiting[:_FRAME_BYTES]
            self._taken.raise_()
            self.meter.add(frame, SAMPLE_RATE, at - FRAME_SECONDS)
        return frame


async def _generator(source: AudioSource) -> AsyncGenerator[Sound, None]:
    async for sound in source:
        yield sound


def _resampled(resampler: AudioResampler, sound: Sound) -> bytes:
    frame = AudioFrame.from_ndarray(
        np.frombuffer(sound.pcm, "<i2").reshape(1, -1), format="s16", layout="mono"
    )
    frame.sample_rate = sound.rate
    return b"".join(part.to_ndarray().tobytes() for part in resampler.resample(frame))


def _drained(resampler: AudioResampler) -> bytes:
    return b"".join(part.to_ndarray().tobytes() for part in resampler.resample(None))


class MouthTrack(MediaStreamTrack):
    """An outgoing audio track: a frame each 20 ms."""

    kind = "audio"

    def __init__(self, mouth: Mouth) -> None:
        super().__init__()
        self._mouth = mouth
        self._sent = 0
        self._origin: float | None = None

    async def recv(self) -> AudioFrame:
        """Give the next frame when its time has come. Called by aiortc's sender."""
        if self.readyState != "live":
            raise MediaStreamError
        now = time.monotonic()
        if self._origin is None:
            self._origin = now
        wait = self._origin + self._sent * FRAME_SECONDS - now
        if wait < -_MAX_LATENESS:  # a stall: go on from here instead of sending a burst
            self._origin -= wait
        elif wait > 0:
            await anyio.sleep(wait)
        frame = AudioFrame(format="s16", layout="mono", samples=_FRAME_SAMPLES)
        frame.planes[0].update(self._mouth.take_frame(self, time.monotonic()))
        frame.sample_rate = SAMPLE_RATE
        frame.time_base = Fraction(1, SAMPLE_RATE)
        frame.pts = self._sent * _FRAME_SAMPLES
        self._sent += 1
        return frame
