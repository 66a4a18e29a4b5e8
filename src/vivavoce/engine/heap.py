"""Memory that ended calls leave behind is collected soon, and given back to the system.

Each call allocates and frees in its own pattern, through Python, FFmpeg and OpenSSL, on several
threads. Left alone the process grows by some 25 KiB a call although nothing is lost: cycles wait
for the garbage collector, and glibc keeps what was freed in between what lives.

Source: malloc_trim(3), and Python's `gc`.
"""

import ctypes
import gc
import time
from typing import Final

import anyio.to_thread

_EVERY_SECONDS: Final = 5.0


def settle() -> None:
    """Keep what the start has made out of garbage collection.

    For programs that are an engine and nothing else. The collector looks at everything only once
    new objects are a quarter of all: with the libraries among them, the cycles of hundreds of ended
    calls would wait for it, and looking would then take a tenth of a second, in which no audio goes
    out.
    """
    gc.collect()
    gc.freeze()
    gc.collect()  # counts anew what a quarter is


class Heap:
    """The heap of this process; where the C library is not glibc, nothing is done."""

    def __init__(self) -> None:
        self._trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        self._trimmed_at = 0.0

    async def give_back(self) -> None:
        """Give free memory back, on another thread, at most every 5 s: it takes milliseconds."""
        now = time.monotonic()
        if self._trim is None or now - self._trimmed_at < _EVERY_SECONDS:
            return
        self._trimmed_at = now
        await anyio.to_thread.run_sync(self._trim, 0)
