"""What a client does about an error by itself: how often, after how long, and with what anew.

The acts are those of `errors.RECOVERY`; this module turns one into the next step.
"""

import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

import anyio

from vivavoce.errors import Recovery, VivavoceError
from vivavoce.retry import DEFAULT_POLICY, RetryPolicy, delays

T = TypeVar("T")


class WebRTCConnectionError(Exception):
    """What a client's user sees when a connection fails for good.

    Attributes:
        code: A stable name, such as `SDP_EXCHANGE_FAILED`.
        retryable: Whether trying again later makes sense.
        recovery: What was, or is to be, done about it.
    """

    def __init__(self, message: str, code: str, retryable: bool = False) -> None:  # noqa: FBT001, FBT002  the requirements' signature
        super().__init__(message)
        self.message = message
        self.code = code
        self.retryable = retryable
        self.recovery = Recovery.NONE

    def __str__(self) -> str:
        return f"{self.message} ({self.code})"


def as_connection_error(error: VivavoceError) -> WebRTCConnectionError:
    """Put an error into the form that users of a client get."""
    connection_error = WebRTCConnectionError(error.message, error.code, error.retryable)
    connection_error.recovery = error.recovery
    return connection_error


@dataclass(frozen=True)
class Regions:
    """Where sessions may run, in the order of preference; empty leaves it to the server."""

    names: tuple[str, ...] = ()
    tried: frozenset[str] = frozenset()

    @property
    def chosen(self) -> str | None:
        """The region to ask for: the first that has not failed, else whatever the server likes."""
        return next((name for name in self.names if name not in self.tried), None)

    def without(self, error: VivavoceError) -> "Regions":
        """These regions after a failure to provision."""
        failed = error.details.get("triedRegions") or ([self.chosen] if self.chosen else [])
        return Regions(self.names, self.tried | frozenset(map(str, failed)))


@dataclass(frozen=True)
class Remedies:
    """What can be done anew; each act leaves the caller ready to try again."""

    refresh_token: Callable[[], Awaitable[None]]
    change_region: Callable[[VivavoceError], Awaitable[None]]
    renew_session: Callable[[], Awaitable[None]]


async def persist(
    act: Callable[[], Awaitable[T]],
    *,
    remedies: Remedies,
    on_retry: Callable[[WebRTCConnectionError], None],
    policy: RetryPolicy = DEFAULT_POLICY,
    uniform: Callable[[], float] = random.random,
) -> T:
    """Do `act`; when it fails, do what the recovery map says about the error and try again.

    Before each retry comes a wait of the policy, or what the server asked for (`Retry-After`), but
    never more than the policy's greatest. A token is refreshed once only: where a fresh one is
    refused, another would be too.

    Raises:
        VivavoceError: The last error, when the retries are used up or there is no remedy.
    """
    waits = delays(policy, uniform=uniform)
    was_refreshed = False
    while True:
        try:
            return await act()
        except VivavoceError as error:
            refreshes = error.recovery is Recovery.REFRESH_TOKEN_AND_RETRY
            wait = next(waits, None)
            if wait is None or not error.retryable or (refreshes and was_refreshed):
                raise
            was_refreshed = was_refreshed or refreshes
            on_retry(as_connection_error(error))
            await anyio.sleep(min(max(wait, error.retry_after or 0.0), policy.max_delay))
            await _apply(error, remedies)


async def _apply(error: VivavoceError, remedies: Remedies) -> None:
    match error.recovery:
        case Recovery.REFRESH_TOKEN_AND_RETRY:
            await remedies.refresh_token()
        case Recovery.RETRY_WITH_DIFFERENT_REGION:
            await remedies.change_region(error)
        case Recovery.RETRY_WITH_NEW_SESSION:
            await remedies.renew_session()
        case Recovery.RETRY_WITH_BACKOFF | Recovery.CONTINUE_SESSION_LOG_ERROR | Recovery.NONE:
            pass
