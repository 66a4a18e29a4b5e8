"""The queue before one model: best priority first, the same work done once, unwanted work dropped.

Not thread-safe: it belongs to one event loop.
"""

import heapq
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import anyio

from vivavoce.engine.frames import Reply, Request


@dataclass(slots=True)
class Job:
    """One piece of work and those who wait for it.

    Attributes:
        key: What the work is; equal keys are the same work.
        request: Makes the request, given its id.
        seconds: How long the model may take before it counts as hung.
        priority: Smaller goes first.
        attempts: How often it was given to a worker that died over it.
        started_at: When its model began with it, by `time.monotonic`; None while it waits.
    """

    key: object
    request: Callable[[int], Request]
    seconds: float
    priority: int
    waiting: int = 0
    attempts: int = 0
    started_at: float | None = None
    outcome: Reply | Exception | None = None
    done: anyio.Event = field(default_factory=anyio.Event)

    @property
    def started(self) -> bool:
        """Whether its model has begun with it."""
        return self.started_at is not None

    def settle(self, outcome: Reply | Exception) -> None:
        """Give all who wait the outcome."""
        self.outcome = outcome
        self.done.set()


class JobQueue:
    """Work for one model, which takes one job at a time."""

    def __init__(self) -> None:
        self._heap: list[tuple[int, int, Job]] = []
        self._jobs: dict[object, Job] = {}
        self._order = 0
        self._arrived = anyio.Event()

    def __len__(self) -> int:
        """Count the jobs that are waiting or running."""
        return len(self._jobs)

    @asynccontextmanager
    async def submitted(self, job: Job) -> AsyncGenerator[Job, None]:
        """Hold a place for `job`, or share an equal one; leaving it withdraws what nobody awaits.

        Sharing takes the better of both priorities. Work that has started is not stopped.
        """
        shared = self._jobs.setdefault(job.key, job)
        if shared is job or (job.priority < shared.priority and not shared.started):
            shared.priority = job.priority
            self._push(shared)
        shared.waiting += 1
        try:
            yield shared
        finally:
            shared.waiting -= 1
            if not shared.waiting and not shared.started:
                self.forget(shared)

    async def take(self) -> Job:
        """Wait for the best job and mark it as started."""
        while True:
            while self._heap:
                _, _, job = heapq.heappop(self._heap)
                if self._jobs.get(job.key) is job and not job.started:
                    job.started_at = time.monotonic()
                    return job
            self._arrived = anyio.Event()
            await self._arrived.wait()

    def give_back(self, job: Job) -> None:
        """Queue a job again that was taken and not done."""
        job.started_at = None
        if job.waiting:
            self._push(job)
        else:
            self.forget(job)

    def forget(self, job: Job) -> None:
        """Take a job out; equal work that comes later is done anew."""
        if self._jobs.get(job.key) is job:
            del self._jobs[job.key]

    def fail_all(self, error: Exception) -> None:
        """Settle everything that waits with an error."""
        jobs, self._jobs, self._heap = list(self._jobs.values()), {}, []
        for job in jobs:
            job.settle(error)

    def _push(self, job: Job) -> None:
        self._order += 1
        heapq.heappush(self._heap, (job.priority, self._order, job))
        self._arrived.set()
