"""The queue before a model, and the memory of recent results."""

import anyio
import pytest

from vivavoce.engine.frames import Synthesise
from vivavoce.engine.jobs import Job, JobQueue
from vivavoce.engine.recent import Recent


def job(key: str, priority: int = 0) -> Job:
    return Job(key, lambda id_: Synthesise(id_, key, "heart", 1.0), seconds=1.0, priority=priority)


async def test_finals_go_before_speculative_before_partial_work():
    queue = JobQueue()
    async with (
        queue.submitted(job("partial", 2)),
        queue.submitted(job("speculative", 1)),
        queue.submitted(job("final", 0)),
        queue.submitted(job("second final", 0)),
    ):
        taken = [(await queue.take()).key for _ in range(4)]
    assert taken == ["final", "second final", "speculative", "partial"]


async def test_withdrawn_work_is_never_done():
    queue = JobQueue()
    async with queue.submitted(job("dropped")):
        pass
    async with queue.submitted(job("wanted", 2)):
        assert (await queue.take()).key == "wanted"
    assert len(queue) == 1  # it runs


async def test_cancelling_who_waits_withdraws_the_work():
    queue = JobQueue()

    async def wait() -> None:
        async with queue.submitted(job("speculative")) as shared:
            await shared.done.wait()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(wait)
        await anyio.wait_all_tasks_blocked()
        assert len(queue) == 1
        tasks.cancel_scope.cancel()
    assert len(queue) == 0


async def test_equal_work_is_done_once_with_the_better_priority():
    queue = JobQueue()
    async with (
        queue.submitted(job("same", 1)) as first,
        queue.submitted(job("other", 1)),
        queue.submitted(job("same", 0)) as second,
    ):
        assert first is second
        assert [(await queue.take()).key for _ in range(2)] == ["same", "other"]
        with anyio.move_on_after(0.01) as nothing_more:
            await queue.take()
        assert nothing_more.cancelled_caught


async def test_work_that_one_of_two_gives_up_is_still_done():
    queue = JobQueue()
    async with queue.submitted(job("same")):
        async with queue.submitted(job("same")):
            pass
        assert (await queue.take()).key == "same"


async def test_work_given_back_is_taken_again():
    queue = JobQueue()
    async with queue.submitted(job("one")):
        taken = await queue.take()
        queue.give_back(taken)
        assert await queue.take() is taken


async def test_failing_all_settles_who_waits():
    queue = JobQueue()
    async with queue.submitted(job("one")) as shared:
        queue.fail_all(RuntimeError("gone"))
        with anyio.fail_after(1):
            await shared.done.wait()
    assert str(shared.outcome) == "gone"
    assert len(queue) == 0


@pytest.mark.parametrize("weights", [[3, 3, 3, 3]])
def test_the_oldest_use_is_forgotten_first(weights):
    recent: Recent[str] = Recent(10, len)
    for name, weight in zip("abcd", weights, strict=True):
        recent.put(name, name * weight)
        recent.get("a")
    assert recent.get("a") == "aaa"
    assert recent.get("b") is None
    assert recent.get("d") == "ddd"


def test_what_is_too_heavy_is_not_kept():
    recent: Recent[str] = Recent(10, len)
    recent.put("huge", "x" * 11)
    assert recent.get("huge") is None
    recent.put("small", "x")
    assert recent.get("small") == "x"
