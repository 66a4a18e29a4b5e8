"""When to try again, and how long to wait before (design: "The connection state machine")."""

import random
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Final, TypeVar

import stamina
import stamina.instrumentation

from vivavoce.errors import Recovery, VivavoceError

T = TypeVar("T")

# Callers log their own retries: the default hooks would write exceptions' texts to any log that
# is installed, and load a logging and a metrics library into the smallest of our processes.
stamina.instrumentation.set_on_retry_hooks([])


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often and how patiently. Times in seconds.

    Attributes:
        max_attempts: Retries after the first try.
        base_delay: Upper bound of the first wait.
        max_delay: Upper bound of every wait.
        backoff_factor: By which the bound grows.
    """

    max_attempts: int = 3
    base_delay: float = 1.0
    max_delay: float = 10.0
    backoff_factor: float = 2.0


DEFAULT_POLICY: Final = RetryPolicy()


def delays(
    policy: RetryPolicy = DEFAULT_POLICY, *, uniform: Callable[[], float] = random.random
) -> Iterator[float]:
    """The waits before each retry, with full jitter: anything between nothing and the bound.

    Args:
        policy: Bounds and count.
        uniform: A number in [0, 1); the source of chance.

    Source: M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
    """
    for attempt in range(policy.max_attempts):
        bound = min(policy.max_delay, policy.base_delay * policy.backoff_factor**attempt)
        yield bound * uniform()


def is_transient(error: Exception) -> bool:
    """Whether the same act may succeed in a moment: our word for it, or a failed connection."""
    if isinstance(error, VivavoceError):
        return error.recovery is Recovery.RETRY_WITH_BACKOFF
    return isinstance(error, ConnectionError | TimeoutError)


async def retrying(
    act: Callable[[], Awaitable[T]],
    *,
    on: Callable[[Exception], bool] = is_transient,
    policy: RetryPolicy = DEFAULT_POLICY,
    timeout: float | None = 45.0,
    uniform: Callable[[], float] = random.random,
) -> T:
    """Do it, and again after a transient failure.

    An error that carries `retry_after` is waited for at least that long.

    Args:
        act: What to do. It must be safe to do twice.
        on: Which failures are worth another try.
        policy: How often and how patiently.
        timeout: Seconds after which no further try begins; None for no such limit.
        uniform: The source of chance.

    Raises:
        Exception: What the last try raised.
    """
    waits = delays(policy, uniform=uniform)

    def wait_after(error: Exception) -> bool | float:
        if not on(error):
            return False
        retry_after = error.retry_after if isinstance(error, VivavoceError) else None
        return max(next(waits, policy.max_delay), retry_after or 0.0)

    retries = stamina.retry_context(
        on=wait_after, attempts=policy.max_attempts + 1, timeout=timeout
    )
    async for attempt in retries:
        with attempt:
            return await act()
    raise AssertionError("a retry ends with a value or with an error")
