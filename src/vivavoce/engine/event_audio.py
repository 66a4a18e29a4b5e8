"""Audio that goes in events: how a session over a WebSocket is heard and how it speaks.

The other way is WebRTC, where `peer` brings what is heard and `playout` takes what is said.

Source: OpenAI API reference, `input_audio_buffer.append`, `response.output_audio.delta`.
"""

import base64
from collections.abc import Awaitable, Callable
from typing import Final

import anyio

from vivavoce.engine.conversation import Item
from vivavoce.engine.events import EventStream, from_base64
from vivavoce.engine.outlet import Spoken
from vivavoce.engine.wire_audio import (
    PCM,
    SPOKEN_BYTES_PER_MS,
    SPOKEN_RATE,
    Decoder,
    Encoder,
    bytes_per_ms,
)

_PIECE_MS: Final = 100  # what is heard before others on the event loop have their turn
_DELTA_MS: Final = 200
_REMEMBERED_SECONDS: Final = 2.0  # of what was played; an echo is less than a second old
_MOST_AHEAD_SECONDS: Final = 120.0  # of what is yet to be played: 5.8 MB
_BYTES_PER_SECOND: Final = SPOKEN_RATE * 2


class AppendedAudio:
    """What a client appends, waiting to be decoded and heard."""

    def __init__(self) -> None:
        self._type = ""
        self._decoder = Decoder(PCM)
        self._waiting = bytearray()

    def append(self, audio: object, type_: str) -> None:
        """Take the `audio` of an event.

        Args:
            audio: Base64 of audio, at most 15 MiB.
            type_: The session's input format; a change begins anew.

        Raises:
            Refused: If it is not base64, or too long.
        """
        data = from_base64(audio, "audio")
        if type_ != self._type:
            self._decoder, self._type = Decoder(type_), type_
            self._waiting.clear()
        self._waiting += data

    def take(self) -> bytes | None:
        """Take the next 100 ms or less as s16le mono at 16 kHz; None where nothing waits."""
        if not self._waiting:
            return None
        piece = bytes(self._waiting[: _PIECE_MS * bytes_per_ms(self._type)])
        del self._waiting[: len(piece)]
        return self._decoder.decode(piece)

    def flush(self) -> bytes:
        """Take the rest of what was appended: the audio ends here, or begins anew."""
        rest = self._decoder.decode(bytes(self._waiting)) + self._decoder.flush()
        self._waiting.clear()
        return rest


class PlayedByClock:
    """What a client has played by now (s16le mono, 24 kHz), if it plays what it gets at once."""

    def __init__(self) -> None:
        self._ahead = bytearray()
        self._played = bytearray()
        self._until: float | None = None

    def add(self, pcm: bytes, now: float) -> None:
        """Take audio that plays after what waits; what is too far ahead is not kept.

        Args:
            pcm: Whole samples.
            now: In seconds, here and below.
        """
        self._go_on(now)
        room = int(_MOST_AHEAD_SECONDS * _BYTES_PER_SECOND) - len(self._ahead)
        self._ahead += pcm[: max(room, 0)]

    def take(self, now: float) -> bytes:
        """Take what was played since the last time, silence included: its last 2 s."""
        self._go_on(now)
        played = bytes(self._played)
        self._played.clear()
        return played

    def clear(self, now: float) -> None:
        """Fall silent."""
        self._go_on(now)
        self._ahead.clear()

    def _go_on(self, now: float) -> None:
        self._until = self._until if self._until is not None else now
        samples = round((now - self._until) * SPOKEN_RATE)
        self._until += samples / SPOKEN_RATE
        kept = int(_REMEMBERED_SECONDS * SPOKEN_RATE) * 2
        part = self._ahead[: 2 * samples]
        del self._ahead[: 2 * samples]
        silent = 2 * samples - len(part)
        self._played += part + bytes(min(silent, kept))
        del self._played[:-kept]


class SpokenInEvents:
    """Gives what is said to the client in events, as fast as it is made; the client plays it.

    Only the client knows what of it was heard: it truncates the item when it stops playing. That
    something is being said, and what, is taken from the clock, as if playing began with the first
    event. A client that plays within 0.8 s of that may have an echo.

    Args:
        events: Of the session.
        until_room: Waits until the client has taken what was sent, but for a little.
    """

    def __init__(self, events: EventStream, until_room: Callable[[], Awaitable[None]]) -> None:
        self._events = events
        self._until_room = until_room
        self._plays_until = 0.0
        self._clock = PlayedByClock()

    @property
    def is_speaking(self) -> bool:
        """Whether the client is still playing, by the clock."""
        return anyio.current_time() < self._plays_until

    def open(self, response_id: str, item: Item, type_: str) -> Spoken:
        """Begin to speak an item."""
        return _Deltas(self, response_id, item, type_)

    def clear(self) -> tuple[Spoken, ...]:
        """Take note that the client falls silent. What it played it tells by itself."""
        self._plays_until = 0.0
        self._clock.clear(anyio.current_time())
        return ()

    def played(self) -> bytes:
        """Take what the client has played since the last time, by the clock, silence included."""
        return self._clock.take(anyio.current_time())

    def note(self, pcm: bytes) -> None:
        """Take audio (s16le mono, 24 kHz) that is sent, to know when it plays."""
        self._clock.add(pcm, anyio.current_time())

    async def until_room(self) -> None:
        """Wait until the client has taken what was sent, but for a little."""
        await self._until_room()

    def give(self, ms: int, response_id: str, item: Item, audio: bytes) -> None:
        """Send a piece of audio that plays for `ms`."""
        self._plays_until = max(self._plays_until, anyio.current_time()) + ms / 1000
        self._events.emit(
            "response.output_audio.delta",
            response_id=response_id,
            item_id=item.id,
            output_index=0,  # what is said comes first in a response
            content_index=0,
            delta=base64.b64encode(audio).decode(),
        )


class _Deltas:
    """The audio of one response as `response.output_audio.delta` events."""

    def __init__(self, outlet: SpokenInEvents, response_id: str, item: Item, type_: str) -> None:
        self.response_id = response_id
        self.item = item
        self.has_started = False
        self._outlet = outlet
        self._encoder = Encoder(type_)
        self._step = _DELTA_MS * bytes_per_ms(type_)
        self._bytes_per_ms = bytes_per_ms(type_)

    @property
    def played_ms(self) -> int:
        """Milliseconds that were sent."""
        return self.item.spoken_ms

    async def until_waiting(self, ms: int) -> None:  # noqa: ARG002  there is nothing to pace
        """Wait until the client keeps up."""
        await self._outlet.until_room()

    def write(self, pcm: bytes) -> int:
        """Send audio (s16le mono, 24 kHz) and return its length in milliseconds."""
        self._send(self._encoder.encode(pcm))
        self._outlet.note(pcm)
        return len(pcm) // SPOKEN_BYTES_PER_MS

    def complete(self) -> None:
        """Send the rest: no more audio comes."""
        self._send(self._encoder.flush())

    def _send(self, audio: bytes) -> None:
        for start in range(0, len(audio), self._step):
            piece = audio[start : start + self._step]
            self.has_started = True
            self._outlet.give(len(piece) // self._bytes_per_ms, self.response_id, self.item, piece)
