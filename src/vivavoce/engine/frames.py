"""What the engine and its model worker say to each other.

A frame is its length (4 bytes, big-endian) and a msgpack message. The two ends are one program on
one machine, so there is no version in it.
"""

from typing import Final

import msgspec

HEADER_BYTES: Final = 4
MAX_FRAME_BYTES: Final = 16 * 1024 * 1024


class Transcribe(msgspec.Struct, frozen=True, tag="transcribe"):
    """Hear `pcm` (s16le mono, 16 kHz, at most 30 s). `prompt` names words that may be said."""

    id: int
    pcm: bytes
    prompt: str


class Synthesise(msgspec.Struct, frozen=True, tag="synthesise"):
    """Speak one sentence."""

    id: int
    text: str
    voice: str
    speed: float


class Loaded(msgspec.Struct, frozen=True, tag="loaded"):
    """The models are in memory and each has run once."""

    seconds: float


class LoadFailed(msgspec.Struct, frozen=True, tag="load_failed"):
    """The models cannot be had; the worker ends."""

    message: str


class Transcribed(msgspec.Struct, frozen=True, tag="transcribed"):
    """What was heard, as `stt.Heard` has it; `text` is empty where nobody spoke."""

    id: int
    text: str
    no_speech_probability: float
    average_log_probability: float
    asks_for_time: bool
    tokens: tuple[tuple[str, float], ...]


class Synthesised(msgspec.Struct, frozen=True, tag="synthesised"):
    """The sentence as s16le mono at 24 kHz."""

    id: int
    pcm: bytes


class Failed(msgspec.Struct, frozen=True, tag="failed"):
    """A request that went wrong. The message is the kind of error, never what was said."""

    id: int
    message: str


Request = Transcribe | Synthesise
Reply = Loaded | LoadFailed | Transcribed | Synthesised | Failed

_encoder: Final = msgspec.msgpack.Encoder()
_requests: Final[msgspec.msgpack.Decoder[Request]] = msgspec.msgpack.Decoder(Request)
_replies: Final[msgspec.msgpack.Decoder[Reply]] = msgspec.msgpack.Decoder(Reply)


def encode(message: Request | Reply) -> bytes:
    """Give the whole frame of a message."""
    body = _encoder.encode(message)
    return len(body).to_bytes(HEADER_BYTES) + body


def body_length(header: bytes) -> int:
    """Read the length of a frame's body.

    Raises:
        ValueError: If it is longer than any frame of ours.
    """
    length = int.from_bytes(header)
    if length > MAX_FRAME_BYTES:
        raise ValueError("a frame of the model worker is too long")
    return length


def decode_request(body: bytes) -> Request:
    """Read what the engine asks for."""
    return _requests.decode(body)


def decode_reply(body: bytes) -> Reply:
    """Read what the worker answers."""
    return _replies.decode(body)
