"""Transcript entries on their way to the database: one commit for all that come at once.

An entry waits for no timer: while one commit is under way, others gather for the next. Whoever
submits is answered after the commit that holds his entries.
"""

from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Final

import anyio

from vivavoce.errors import TranscriptProcessingFailed, Unavailable
from vivavoce.store.transcripts import IngestBatch, IngestResult

MAX_WAITING: Final = 2_000
MAX_BATCHES_PER_CALL: Final = 64
MAX_ENTRIES_PER_CALL: Final = 2_000
WRITERS: Final = 3
"""Commits under way at once: more would only take connections from others."""
ANSWER_SECONDS: Final = 30.0
REOPEN_SECONDS: Final = 1.0


Store = Callable[[Sequence[IngestBatch]], Awaitable[list[IngestResult]]]
"""Stores batches in one commit; raises `Unavailable` if nothing is known to be stored. To store a
batch again does no harm."""


@dataclass(eq=False)
class _Waiting:
    batch: IngestBatch
    done: anyio.Event = field(default_factory=anyio.Event)
    outcome: IngestResult | Unavailable | None = None


@dataclass(eq=False)
class _Counter:
    """A store that serves one at a time, without a queue."""

    store: Store
    is_free: bool = True
    broken: anyio.Event = field(default_factory=anyio.Event)

    async def serve(self, batches: Sequence[IngestBatch]) -> list[IngestResult] | None:
        """Store batches; None if it is not known whether they are stored."""
        self.is_free = False
        try:
            with anyio.fail_after(ANSWER_SECONDS):
                results = await self.store(batches)
        except (Unavailable, TimeoutError):
            self.broken.set()
            return None
        except BaseException:  # cancelled: the connection may be in the middle of something
            self.broken.set()
            raise
        self.is_free = True
        return results


class IngestQueue:
    """Gathers batches. `run` does the work; without it nobody is answered.

    Args:
        open_store: A store on a connection of its own, kept for as long as it works: to ask a pool
            for one each time costs a fifth of what storing an entry does.
    """

    def __init__(self, open_store: Callable[[], AbstractAsyncContextManager[Store]]) -> None:
        self._open_store = open_store
        self._waiting: deque[_Waiting] = deque()
        self._counter: _Counter | None = None
        self._arrived = anyio.Event()

    async def submit(self, batches: Sequence[IngestBatch]) -> list[IngestResult]:
        """Store batches and return what became of each, after commit.

        Raises:
            TranscriptProcessingFailed: If it is not known to be stored: send it again.
        """
        if (counter := self._counter) is not None and counter.is_free and not self._waiting:
            results = await counter.serve(batches)
            if results is not None:
                return results
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
            tasks.start_soon(self._keep_counter)
            for _ in range(WRITERS):
                tasks.start_soon(self._write)

    async def _keep_counter(self) -> None:
        """Keep a store for those who come when nobody waits: they need not be put in a queue."""
        while True:
            try:
                async with self._open_store() as store:
                    self._counter = _Counter(store)
                    await self._counter.broken.wait()
            except Unavailable:
                await anyio.sleep(REOPEN_SECONDS)
            finally:
                self._counter = None

    async def _write(self) -> None:
        taken = await self._next()
        is_second_try = False
        try:
            while True:
                try:
                    async with self._open_store() as store:
                        while True:
                            _settle(taken, await store([one.batch for one in taken]))
                            is_second_try = False
                            taken = await self._next()
                except Unavailable as error:
                    # A connection that was kept may have broken meanwhile; another tells.
                    if is_second_try:
                        _settle(taken, [error] * len(taken))
                        taken = await self._next()
                    is_second_try = not is_second_try
        finally:  # cancelled: nobody waits in vain
            _settle(taken, [])

    async def _next(self) -> list[_Waiting]:
        while not self._waiting:
            self._arrived = anyio.Event()
            await self._arrived.wait()
        return self._take()

    def _take(self) -> list[_Waiting]:
        taken: list[_Waiting] = []
        entries = 0
        while self._waiting and len(taken) < MAX_BATCHES_PER_CALL:
            entries += len(self._waiting[0].batch.entries)
            if taken and entries > MAX_ENTRIES_PER_CALL:
                break
            taken.append(self._waiting.popleft())
        return taken


def _settle(taken: Sequence[_Waiting], outcomes: Sequence[IngestResult | Unavailable]) -> None:
    for one, outcome in zip(taken, outcomes, strict=bool(outcomes)):
        one.outcome = outcome
    for one in taken:
        one.done.set()


def _outcome(one: _Waiting) -> IngestResult:
    if isinstance(one.outcome, IngestResult):
        return one.outcome
    raise _failed("The entries could not be stored at the moment; send them again.")


def _failed(message: str) -> TranscriptProcessingFailed:
    return TranscriptProcessingFailed(message, retry_after=1.0)
