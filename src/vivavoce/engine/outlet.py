"""What a response speaks through, whichever way the audio takes to the client."""

from collections.abc import Sequence
from typing import Protocol

from vivavoce.engine.conversation import Item


class Spoken(Protocol):
    """The audio of one response, on its way out."""

    @property
    def response_id(self) -> str:
        """The response that is spoken."""

    @property
    def item(self) -> Item:
        """Its item."""

    @property
    def has_started(self) -> bool:
        """Whether any of it was sent."""

    @property
    def played_ms(self) -> int:
        """Milliseconds that were sent."""

    async def until_waiting(self, ms: int) -> None:
        """Wait until more audio is wanted, at the latest when `ms` milliseconds wait."""

    def write(self, pcm: bytes) -> int:
        """Add audio (s16le mono, 24 kHz) and return its length in milliseconds."""

    def complete(self) -> None:
        """Say that no more audio comes."""


class Outlet(Protocol):
    """Where a call's speech goes."""

    @property
    def is_speaking(self) -> bool:
        """Whether something is being said."""

    def open(self, response_id: str, item: Item, type_: str, /) -> Spoken:
        """Begin to speak an item, in an audio format of the API; after what is being said."""

    def played(self) -> bytes:
        """Take what was played since the last time (s16le mono, 24 kHz), where it is not told."""

    def clear(self) -> Sequence[Spoken]:
        """Fall silent; give what was not said to its end, where the engine knows it."""
