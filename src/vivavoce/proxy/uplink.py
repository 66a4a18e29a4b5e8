"""From a machine to the control plane: HTTP with the machine's own token."""

import random
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any, Final

import anyio

from vivavoce.protocol.codec import encode
from vivavoce.protocol.machine import Claim
from vivavoce.proxy.http import HttpClient, Response, Sent
from vivavoce.voice.bodies import BodyTooLarge, read_body

REQUEST_TIMEOUT: Final = 5.0
FIRST_DELAY: Final = 0.1
MAX_DELAY: Final = 5.0
_MAX_ANSWER_BYTES: Final = 1024 * 1024


class NotTaken(Exception):
    """The control plane did not take it.

    Attributes:
        status: Its HTTP status; None if there was no answer.
    """

    def __init__(self, status: int | None) -> None:
        super().__init__("no answer" if status is None else f"status {status}")
        self.status = status

    @property
    def is_our_fault(self) -> bool:
        """Whether the same body can never be taken: it is malformed or too large."""
        return self.status in (400, 413, 422)


class Uplink:
    """Posts to the control plane."""

    def __init__(self, http: HttpClient, claim: Claim) -> None:
        self._http = http
        self._origin = claim.control_url.rstrip("/")
        self._headers = {
            "Authorization": f"Bearer {claim.machine_token}",
            "Content-Type": "application/json",
        }

    def post_at_once(self, path: str, body: Any) -> Sent | None:
        """Post in this moment if a connection stands ready; `answered` gives the answer."""
        return self._http.post_at_once(
            self._origin + path, data=encode(body), headers=self._headers
        )

    async def answered(self, sent: Sent) -> bytes:
        """Give the answer to what was posted at once; raises as `post` does."""
        return await _read(self._http.answered(sent))

    async def post(
        self, path: str, body: Any, *, on_sent: Callable[[], None] = lambda: None
    ) -> bytes:
        """Post once and give the answer.

        Args:
            path: Of the control plane.
            body: Its JSON.
            on_sent: Called when it is on its way, as in `HttpClient.post`.

        Raises:
            NotTaken: If there is no answer within 5 s, or one that is not 2xx.
        """
        return await _read(
            self._http.post(
                self._origin + path,
                data=encode(body),
                headers=self._headers,
                allow_redirects=False,
                on_sent=on_sent,
            )
        )


async def _read(answer: AbstractAsyncContextManager[Response]) -> bytes:
    try:
        with anyio.fail_after(REQUEST_TIMEOUT):
            async with answer as response:
                if not 200 <= response.status < 300:  # noqa: PLR2004  success
                    raise NotTaken(response.status)
                return await read_body(response, max_bytes=_MAX_ANSWER_BYTES)
    except (BodyTooLarge, OSError, TimeoutError):
        raise NotTaken(None) from None


def backoff(failures: int) -> float:
    """Seconds to wait after so many failures in a row: exponential, with full jitter above half."""
    bound = min(MAX_DELAY, FIRST_DELAY * 2.0 ** min(failures - 1, 16))
    return bound * random.uniform(0.5, 1.0)  # noqa: S311  jitter, not a secret
