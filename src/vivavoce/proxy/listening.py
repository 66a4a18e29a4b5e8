"""Who speaks in a call at this moment, by its events."""

from collections.abc import Callable
from typing import Final

import anyio

from vivavoce.protocol import realtime
from vivavoce.proxy.timekeeping import Timekeeper

_CANDIDATE: Final = "candidate"
_MAX_TRACKED: Final = 1_000


class Listening:
    """Follows speech and sound, and what is yet to be written down of it.

    Attributes:
        has_begun: Whether anybody has said anything, or a response is being made.
    """

    def __init__(self, time: Timekeeper) -> None:
        self._time = time
        self._changed = anyio.Event()
        self.has_begun = False
        self._responses: set[str] = set()
        self._playing: set[str] = set()
        self._unwritten: set[str] = set()

    def reset(self) -> None:
        """Begin with another call."""
        self.has_begun = False
        self._responses.clear()
        self._playing.clear()
        self._unwritten.clear()
        self._changed.set()

    def take(self, event: realtime.ServerEvent) -> bool:
        """Take an event; tell whether it is a sign that the call carries audio."""
        is_sign = False
        match event:
            case realtime.SpeechStarted():
                self.has_begun = is_sign = True
                self._time.began_to_speak(_CANDIDATE)
            case realtime.SpeechStopped():
                self._time.stopped_speaking(_CANDIDATE)
            case realtime.Committed(item_id=item_id):
                _add(self._unwritten, item_id)
            case realtime.TranscriptionCompleted() | realtime.TranscriptionFailed():
                self._unwritten.discard(event.item_id)
            case realtime.ResponseCreated(response=response):
                self.has_begun = True
                _add(self._responses, response.id)
            case realtime.ResponseDone(response=response):
                self._responses.discard(response.id)
            case realtime.OutputAudioStarted(response_id=response_id):
                is_sign = True
                _add(self._playing, response_id)
                self._time.began_to_speak(response_id)
            case realtime.OutputAudioStopped() | realtime.OutputAudioCleared():
                self._playing.discard(event.response_id)
                self._time.stopped_speaking(event.response_id)
            case _:
                return False
        self._changed.set()
        return is_sign

    async def until_quiet(self) -> None:
        """Wait until the interviewer has said what it was saying, and all is written down."""
        await self._until(lambda: not (self._playing or self._responses or self._unwritten))

    async def until_written(self) -> None:
        """Wait until all that the candidate has said is written down."""
        await self._until(lambda: not self._unwritten)

    async def _until(self, holds: Callable[[], bool]) -> None:
        while not holds():
            self._changed = anyio.Event()
            await self._changed.wait()


def _add(tracked: set[str], name: str) -> None:
    if len(tracked) < _MAX_TRACKED:
        tracked.add(name)
