"""A signal that can be given again and again."""

import anyio


class Bell:
    """Wakes all who wait at the moment it rings."""

    def __init__(self) -> None:
        self._rung = anyio.Event()

    def ring(self) -> None:
        """Wake them."""
        rung, self._rung = self._rung, anyio.Event()
        rung.set()

    def next(self) -> anyio.Event:
        """The event of the next ring. Get it before looking at what the ring is about."""
        return self._rung

    async def wait(self, seconds: float) -> bool:
        """Wait for the next ring, at most so long. Whether it rang."""
        rung = self._rung
        with anyio.move_on_after(seconds):
            await rung.wait()
        return rung.is_set()
