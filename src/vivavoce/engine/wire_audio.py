"""Audio as it stands in events: PCM at 24 kHz and G.711, from and to what the engine works with.

Source: OpenAI API reference, "Realtime audio formats"; ITU-T G.711.
"""

from collections.abc import Iterable, Mapping
from typing import Final, Literal

from av import AudioCodecContext, AudioFrame, AudioResampler, CodecContext, Packet

HEARD_RATE: Final = 16_000
SPOKEN_RATE: Final = 24_000
SPOKEN_BYTES_PER_MS: Final = SPOKEN_RATE * 2 // 1000
PCM: Final = "audio/pcm"
G711: Final[Mapping[str, Literal["pcm_mulaw", "pcm_alaw"]]] = {
    "audio/pcmu": "pcm_mulaw",
    "audio/pcma": "pcm_alaw",
}
_PCM_RATE: Final = 24_000
_G711_RATE: Final = 8_000
_SAMPLE_BYTES: Final = 2


class Decoder:
    """From the wire to s16le mono at 16 kHz; keeps what is needed from one piece to the next.

    Args:
        type_: `audio/pcm` (s16le mono at 24 kHz), `audio/pcmu` or `audio/pcma` (8 kHz).
    """

    def __init__(self, type_: str) -> None:
        self._g711 = _codec(type_, "r")
        self._resampler = _resampler(HEARD_RATE)
        self._rest = b""  # half a sample

    def decode(self, audio: bytes) -> bytes:
        """Take a piece of any length."""
        if self._g711:
            return self._resampled(self._g711.decode(Packet(audio))) if audio else b""
        audio = self._rest + audio
        whole = len(audio) - len(audio) % _SAMPLE_BYTES
        self._rest = audio[whole:]
        return self._resampled([_frame(audio[:whole], _PCM_RATE)]) if whole else b""

    def flush(self) -> bytes:
        """Give the last fraction of a millisecond, and begin anew."""
        last = _bytes(self._resampler.resample(None))
        self._resampler = _resampler(HEARD_RATE)
        self._rest = b""
        return last

    def _resampled(self, frames: Iterable[AudioFrame]) -> bytes:
        return _bytes(part for frame in frames for part in self._resampler.resample(frame))


class Encoder:
    """From s16le mono at 24 kHz to the wire."""

    def __init__(self, type_: str) -> None:
        self._g711 = _codec(type_, "w")
        self._resampler = _resampler(_G711_RATE)

    def encode(self, pcm: bytes) -> bytes:
        """Take a piece of whole samples."""
        if not self._g711 or not pcm:
            return pcm
        return self._encoded(self._resampler.resample(_frame(pcm, SPOKEN_RATE)))

    def flush(self) -> bytes:
        """Give the last fraction of a millisecond; nothing can be encoded after it."""
        return self._encoded(self._resampler.resample(None)) if self._g711 else b""

    def _encoded(self, frames: Iterable[AudioFrame]) -> bytes:
        assert self._g711 is not None  # noqa: S101  both callers have looked
        return b"".join(bytes(part) for frame in frames for part in self._g711.encode(frame))


def decoded(audio: bytes, type_: str) -> bytes:
    """Decode a whole recording to s16le mono at 16 kHz."""
    decoder = Decoder(type_)
    return decoder.decode(audio) + decoder.flush()


def bytes_per_ms(type_: str) -> int:
    """Give the length of a millisecond on the wire."""
    if type_ == PCM:
        return _PCM_RATE * _SAMPLE_BYTES // 1000
    return _G711_RATE // 1000


def _codec(type_: str, mode: Literal["r", "w"]) -> AudioCodecContext | None:
    name = G711.get(type_)
    if name is None:
        return None
    codec = CodecContext.create(name, mode)
    codec.sample_rate = _G711_RATE
    codec.layout = "mono"
    if mode == "w":
        codec.format = "s16"
    return codec


def _resampler(rate: int) -> AudioResampler:
    return AudioResampler(format="s16", layout="mono", rate=rate)


def _frame(pcm: bytes, rate: int) -> AudioFrame:
    frame = AudioFrame(format="s16", layout="mono", samples=len(pcm) // _SAMPLE_BYTES)
    frame.planes[0].update(pcm)
    frame.sample_rate = rate
    return frame


def _bytes(frames: Iterable[AudioFrame]) -> bytes:
    return b"".join(bytes(frame.planes[0])[: frame.samples * _SAMPLE_BYTES] for frame in frames)
