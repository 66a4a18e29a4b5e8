"""What the engine says, paced onto a call's outgoing audio track in real time."""

import time
from collections import deque
from collections.abc import Callable
from fractions import Fraction
from typing import Final

import anyio
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack
from av import AudioFrame

from vivavoce.engine.conversation import Item
from vivavoce.engine.events import EventStream
from vivavoce.engine.pace import Pace

SAMPLE_RATE: Final = 24_000
_FRAME_SAMPLES: Final = SAMPLE_RATE // 50
_FRAME_BYTES: Final = _FRAME_SAMPLES * 2
_BYTES_PER_MS: Final = SAMPLE_RATE * 2 // 1000
_SILENCE: Final = bytes(_FRAME_BYTES)


class Utterance:
    """The audio of one response, on its way out."""

    def __init__(self, response_id: str, item: Item) -> None:
        self.response_id = response_id
        self.item = item
        self.has_started = False
        self._audio = bytearray()
        self._played = 0
        self._is_complete = False
        self._taken = anyio.Event()

    @property
    def played_ms(self) -> int:
        """Milliseconds that were sent."""
        return min(self._played, len(self._audio)) // _BYTES_PER_MS

    @property
    def waiting_ms(self) -> int:
        """Milliseconds that are yet to be sent."""
        return (len(self._audio) - min(self._played, len(self._audio))) // _BYTES_PER_MS

    @property
    def is_drained(self) -> bool:
        """Whether all of it was sent and no more will come."""
        return self._is_complete and self._played >= len(self._audio)

    def write(self, pcm: bytes) -> int:
        """Add audio (s16le mono, 24 kHz) and return its length in milliseconds."""
        self._audio += pcm
        return len(pcm) // _BYTES_PER_MS

    def complete(self) -> None:
        """Say that no more audio comes."""
        self._is_complete = True

    async def until_waiting(self, ms: int) -> None:
        """Wait until at most `ms` milliseconds are yet to be sent."""
        while self.waiting_ms > ms:
            self._taken = anyio.Event()
            await self._taken.wait()

    def take_frame(self) -> bytes | None:
        """Take the next 20 ms, padded with silence; None while there is nothing."""
        frame = bytes(self._audio[self._played : self._played + _FRAME_BYTES])
        if not frame:
            return None
        self.has_started = True
        self._played += len(frame)
        self._taken.set()
        return frame.ljust(_FRAME_BYTES, b"\0")


class Playout(MediaStreamTrack):
    """The outgoing audio track of a call: 20 ms at a time, silence where nothing is said.

    It tells when the audio of a response begins to go out, and when the last of it has.
    """

    kind = "audio"

    def __init__(self, events: EventStream) -> None:
        super().__init__()
        self._stream = events
        self._utterances: deque[Utterance] = deque()
        self._sent = 0  # frames
        self._pace = Pace()
        self._on_sent: list[Callable[[bytes], None]] = []

    @property
    def is_speaking(self) -> bool:
        """Whether something is being said."""
        return any(utterance.waiting_ms for utterance in self._utterances)

    def open(self, response_id: str, item: Item, _type: str = "") -> Utterance:
        """Begin the utterance of an item; it is said after those before it.

        The format is that of the track: what a session asks for is for audio in events.
        """
        utterance = Utterance(response_id, item)
        self._utterances.append(utterance)
        return utterance

    def tell_sent(self, on_sent: Callable[[bytes], None]) -> None:
        """Call `on_sent`, which may not wait, with each frame as it is sent, silence included."""
        self._on_sent.append(on_sent)

    def played(self) -> bytes:
        """Give nothing: what is sent is told as it is sent."""
        return b""

    def clear(self) -> list[Utterance]:
        """Fall silent with the next frame; return what was not said to its end."""
        unsaid = [utterance for utterance in self._utterances if not utterance.is_drained]
        self._utterances.clear()
        return unsaid

    async def recv(self) -> AudioFrame:
        """Give the next frame when its time has come. Called by aiortc's sender."""
        if self.readyState != "live":
            raise MediaStreamError
        if wait := self._pace.wait(time.monotonic()):
            await anyio.sleep(wait)
        self._pace.note_sent(time.monotonic())
        audio = self._next_audio()
        for on_sent in self._on_sent:
            on_sent(audio)
        frame = AudioFrame(format="s16", layout="mono", samples=_FRAME_SAMPLES)
        frame.planes[0].update(audio)
        frame.sample_rate = SAMPLE_RATE
        frame.time_base = Fraction(1, SAMPLE_RATE)
        frame.pts = self._sent * _FRAME_SAMPLES
        self._sent += 1
        return frame

    def _next_audio(self) -> bytes:
        while self._utterances:
            utterance = self._utterances[0]
            was_silent = not utterance.has_started
            audio = utterance.take_frame()
            if audio:
                if was_silent:
                    self._tell("started", utterance)
                return audio
            if not utterance.is_drained:
                break
            self._utterances.popleft()
            if utterance.has_started:
                self._tell("stopped", utterance)
        return _SILENCE

    def _tell(self, what: str, utterance: Utterance) -> None:
        self._stream.emit(f"output_audio_buffer.{what}", response_id=utterance.response_id)
