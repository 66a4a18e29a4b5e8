"""What a voice model's HTTP answers mean, without repeating what stands in them."""

import re
from typing import Final

import aiohttp
import msgspec

from vivavoce.voice.bodies import BodyTooLarge, Response, read_body

_MAX_ERROR_BYTES: Final = 16_384
_CODE: Final = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_MAX_RETRY_AFTER: Final = 600.0


class _Error(msgspec.Struct, frozen=True):
    code: str | None = None
    type: str | None = None


class _Body(msgspec.Struct):
    error: _Error = _Error()


async def refusal(response: Response) -> str:
    """Say in words how the voice model refused: status and error code.

    Its message is left out: it may quote instructions, or a part of a key.
    """
    try:
        content = await read_body(response, max_bytes=_MAX_ERROR_BYTES)
        body = msgspec.json.decode(content, type=_Body)
    except (
        BodyTooLarge,
        msgspec.MsgspecError,
        UnicodeError,
        RecursionError,
        aiohttp.ClientError,
        OSError,
    ):
        body = _Body()
    code = body.error.code or body.error.type or ""
    named = f", {code}" if _CODE.fullmatch(code) else ""
    return f"status {response.status}{named}"


def retry_after(response: Response) -> float | None:
    """Seconds that the voice model asks to wait (RFC 9110 §10.2.3); a date is not read."""
    value = response.headers.get("Retry-After", "")
    return min(float(value), _MAX_RETRY_AFTER) if value.isascii() and value.isdigit() else None
