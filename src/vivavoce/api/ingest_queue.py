"""Transcript entries on their way to the database: one commit for all that come at once.

An entry waits for no timer: while one commit is under way, others gather for the next. Whoever
submits is answered after the commit that holds his entries.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

import anyio

from vivavoce.errors import TranscriptProcessingFailed, Unavailable
from vivavoce.store.transcripts import IngestBatch, IngestResult

MAX_WAITING: Final = 2_000
MAX_BATCHES_PER_CALL: Final = 64
MAX_ENTRIES_PER_CALL: Final = 2_000
WRITERS: Final = 3
"""Commits under way at once: more would only take connections from others."""
ANSWER_SECONDS: Final = 30.0


class Store(Protocol):
    """Stores batches in one commit."""

    async def __call__(self, batches: Sequence[IngestBatch]) -> list[IngestResult]:
        """Raises `Unavailable` if nothing is known to be stored."""


@dataclass(eq=False)
class _Waiting:
    batch: IngestBatch
    done: anyio.Event = field(default_factory=anyio.Event)
    outcome: IngestResult | Unavailable | None = None


class IngestQueue:
    """Gathers batches. `run` does the work; without it nobody is answered."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._waiting: deque[_Waiting] = deque()
        self._arrived = anyio.Event()

    async def submit(self, batches: Sequence[IngestBatch]) -> list[IngestResult]:
        """Store batches and return what became of each, after commit.

        Raises:
            TranscriptProcessingFailed: If it is not known to be stored: send it again.
        """
        if len(self._waiting) + len(batches) > MAX_WAITING:
            raise _failed("Too many entries wait to be stored; send them again shortly.")
        waiting = [_Waiting(batch) for batch in batches]
        self._waiting.extend(waiting)
        self._arrived.set()
        try:
            with anyio.fail_after(ANSWER_SECONDS):
                for one in waiting:
                    await one.done.wait()
        except TimeoutError:
            raise _failed("The entries could not be stored in time; send them again.") from None
        return [_outcome(one) for one in waiting]

    async def run(self) -> None:
        """Store what is submitted, until cancelled."""
        async with anyio.create_task_group() as tasks:
            for _ in range(WRITERS):
                tasks.start_soon(self._write)

    async def _write(self) -> None:
        while True:
            while not self._waiting:
                self._arrived = anyio.Event()
                await self._arrived.wait()
            taken = self._take()
            try:
                results = await self._store([one.batch for one in taken])
            except Unavailable as error:
                for one in taken:
                    one.outcome = error
            else:
                for one, result in zip(taken, results, strict=True):
                    one.outcome = result
            finally:
                for one in taken:
                    one.done.set()

    def _take(self) -> list[_Waiting]:
        taken: list[_Waiting] = []
        entries = 0
        while self._waiting and len(taken) < MAX_BATCHES_PER_CALL:
            entries += len(self._waiting[0].batch.entries)
            if taken and entries > MAX_ENTRIES_PER_CALL:
                break
            taken.append(self._waiting.popleft())
        return taken


def _outcome(one: _Waiting) -> IngestResult:
    if isinstance(one.outcome, IngestResult):
        return one.outcome
    raise _failed("The entries could not be stored at the moment; send them again.")


def _failed(message: str) -> TranscriptProcessingFailed:
    return TranscriptProcessingFailed(message, retry_after=1.0)
