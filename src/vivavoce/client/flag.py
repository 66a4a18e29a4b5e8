"""An event that can be taken back."""

import anyio


class Flag:
    """Up or down; whoever waits, waits for up."""

    def __init__(self, *, is_up: bool = False) -> None:
        self._event = anyio.Event()
        if is_up:
            self._event.set()

    @property
    def is_up(self) -> bool:
        """Whether it is up."""
        return self._event.is_set()

    def raise_(self) -> None:
        """Put it up and wake all who wait."""
        self._event.set()

    def lower(self) -> None:
        """Put it down; who waits already goes on waiting."""
        if self._event.is_set():
            self._event = anyio.Event()

    async def until_up(self) -> None:
        """Wait until it is up."""
        await self._event.wait()
