"""What this package needs of an HTTP client, and bodies that are read within a limit.

Any client will do that has this much of aiohttp's form: aiohttp itself, or a smaller one.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any, Final, Protocol

_CHUNK_BYTES: Final = 16_384


class Headers(Protocol):
    """Header fields; names in any case."""

    def get(self, name: str, default: str, /) -> str:
        """The value of a field."""


class Content(Protocol):
    """A body."""

    def iter_chunked(self, n: int, /) -> AsyncIterator[bytes]:
        """Give it in pieces of at most `n` bytes."""


class Response(Protocol):
    """An answer."""

    @property
    def status(self) -> int:
        """Its status."""

    @property
    def ok(self) -> bool:
        """Whether it is no error."""

    @property
    def headers(self) -> Any:
        """Its `Headers`."""

    @property
    def content(self) -> Any:
        """Its `Content`."""


class HttpClient(Protocol):
    """Posts. Failures are `OSError` or `aiohttp.ClientError`."""

    def post(
        self, url: str, *, data: bytes, headers: Mapping[str, str], allow_redirects: bool
    ) -> AbstractAsyncContextManager[Response]:
        """Send a request; the answer lives for the length of the block."""


class BodyTooLarge(Exception):
    """There is more of it than we take."""


async def read_body(response: Response, *, max_bytes: int) -> bytes:
    """Read a body to its end, in however many pieces it comes.

    Raises:
        BodyTooLarge: If it is longer than `max_bytes`.
    """
    body = bytearray()
    async for chunk in response.content.iter_chunked(_CHUNK_BYTES):
        body += chunk
        if len(body) > max_bytes:
            raise BodyTooLarge
    return bytes(body)
