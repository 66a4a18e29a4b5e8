"""Ephemeral keys: what a browser may hold to make one call.

Source: OpenAI API reference, "Create client secret".
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

import aiohttp
import anyio
import msgspec

from vivavoce.errors import Unavailable
from vivavoce.protocol.codec import encode
from vivavoce.protocol.interview_start import ClientSecret
from vivavoce.protocol.machine import VoiceAccess
from vivavoce.voice.bodies import BodyTooLarge, HttpClient, read_body
from vivavoce.voice.refusals import refusal, retry_after

MIN_SECONDS: Final = 10
MAX_SECONDS: Final = 7200
_MAX_ANSWER_BYTES: Final = 1024 * 1024


class _Secret(msgspec.Struct):
    value: str
    expires_at: float


async def create_client_secret(
    http: HttpClient,
    voice: VoiceAccess,
    session: Mapping[str, Any],
    *,
    ttl: int = 600,
    timeout: float = 10.0,
) -> ClientSecret:
    """Mint a key for one call with this configuration.

    Good for nothing else, so it also proves that the voice model takes the key, the model and the
    configuration. Secrets are single-use in practice: mint one for each attempt.

    Args:
        http: Shared, so that a connection is used again.
        voice: Where the voice model is, and the long-lived key.
        session: Configuration of the call.
        ttl: Seconds in which the call must be made, `MIN_SECONDS` to `MAX_SECONDS`.
        timeout: Seconds to wait.

    Raises:
        Unavailable: If the voice model refuses or cannot be reached. `details["status"]` is its
            HTTP status, if there was one.
    """
    body = {
        "expires_after": {
            "anchor": "created_at",
            "seconds": max(MIN_SECONDS, min(ttl, MAX_SECONDS)),
        },
        "session": session,
    }
    try:
        with anyio.fail_after(timeout):
            async with http.post(
                f"{voice.base_url}/realtime/client_secrets",
                data=encode(body),
                headers={
                    "Authorization": f"Bearer {voice.api_key}",
                    "Content-Type": "application/json",
                },
                allow_redirects=False,
            ) as response:
                if not response.ok:
                    raise Unavailable(
                        f"The voice model refused the configuration ({await refusal(response)}).",
                        retry_after=retry_after(response),
                        status=response.status,
                    )
                return _read(await read_body(response, max_bytes=_MAX_ANSWER_BYTES))
    except BodyTooLarge:
        raise Unavailable("The voice model's answer is not a client secret.") from None
    except TimeoutError:
        raise Unavailable(f"The voice model gave no answer within {timeout:g} s.") from None
    except (aiohttp.ClientError, OSError) as error:
        raise Unavailable(f"The voice model cannot be reached ({type(error).__name__}).") from None


def _read(body: bytes) -> ClientSecret:
    try:
        secret = msgspec.json.decode(body, type=_Secret)
        expires_at = datetime.fromtimestamp(secret.expires_at, UTC)
    except (msgspec.MsgspecError, RecursionError, ValueError, OverflowError, OSError):
        raise Unavailable("The voice model's answer is not a client secret.") from None
    return ClientSecret(secret.value, expires_at)
