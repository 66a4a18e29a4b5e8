"""Bodies of HTTP answers, read whole and within a limit."""

from typing import Final

import aiohttp

_CHUNK_BYTES: Final = 16_384


class BodyTooLarge(Exception):
    """There is more of it than we take."""


async def read_body(response: aiohttp.ClientResponse, *, max_bytes: int) -> bytes:
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
