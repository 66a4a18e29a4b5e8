"""Calls to a voice model over the OpenAI Realtime protocol: made, and hung up.

Source: OpenAI API reference, "Create call" (unified interface: API key, offer and configuration in
one form) and "Hang up call".
"""

import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import aiohttp
import anyio

from vivavoce.errors import SdpExchangeFailed, Unavailable
from vivavoce.protocol.codec import encode
from vivavoce.protocol.machine import VoiceAccess
from vivavoce.voice.bodies import BodyTooLarge, HttpClient, Response, read_body
from vivavoce.voice.refusals import refusal, retry_after

CALL_TIMEOUT: Final = 10.0
HANG_UP_TIMEOUT: Final = 5.0
MAX_ANSWER_BYTES: Final = 65_536
_CALL_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,128}")
_BOUNDARY: Final = f"viva-{secrets.token_hex(16)}"
"""Random, so that nothing inside a part can end it."""
_GONE: Final = (404, 410)


@dataclass(frozen=True, slots=True)
class Call:
    """A call that exists, and the voice model's SDP answer."""

    call_id: str
    answer: str


async def create_call(
    http: HttpClient,
    voice: VoiceAccess,
    offer: str,
    session: Mapping[str, Any],
    *,
    timeout: float = CALL_TIMEOUT,
) -> Call:
    """Exchange an SDP offer for an answer.

    The offer is sent once. If the answer is lost on its way, the call that may have come of it is
    hung up, so that trying again never leaves one behind. The offer should hold its ICE candidates:
    there is no route for later ones.

    Args:
        http: Shared, so that a connection is used again.
        voice: Where the voice model is, and the key.
        offer: The client's SDP.
        session: Configuration of the call.
        timeout: Seconds to wait for the whole answer.

    Raises:
        SdpExchangeFailed: If the voice model refuses the offer, cannot be reached, answers nonsense
            or is silent for `timeout`. `details["status"]` is its HTTP status, if there was one.
    """
    call_id: str | None = None
    try:
        with anyio.fail_after(timeout):
            async with http.post(
                f"{voice.base_url}/realtime/calls",
                data=_form(offer, session),
                headers={
                    **_authorization(voice),
                    "Content-Type": f"multipart/form-data; boundary={_BOUNDARY}",
                    "Accept": "application/sdp",
                },
                allow_redirects=False,
            ) as response:
                if response.status not in (200, 201):
                    raise SdpExchangeFailed(  # noqa: TRY301  no call was seen: nothing to hang up
                        f"The voice model refused the offer ({await refusal(response)}).",
                        retry_after=retry_after(response),
                        status=response.status,
                    )
                call_id = _call_id(response.headers.get("Location", ""))
                return Call(call_id, await _answer(response))
    except BaseException as error:
        if call_id is not None:
            with anyio.move_on_after(HANG_UP_TIMEOUT, shield=True):
                await _hang_up_quietly(http, voice, call_id)
        if isinstance(error, TimeoutError):
            raise SdpExchangeFailed(
                f"The voice model gave no answer to the offer within {timeout:g} s."
            ) from None
        if isinstance(error, aiohttp.ClientError | OSError):
            raise SdpExchangeFailed(
                f"The voice model cannot be reached ({type(error).__name__})."
            ) from None
        raise


async def hang_up(
    http: HttpClient,
    voice: VoiceAccess,
    call_id: str,
    *,
    timeout: float = HANG_UP_TIMEOUT,
) -> None:
    """End a call. One that is over already is fine, so this may be done twice.

    Args:
        http: Shared, so that a connection is used again.
        voice: Where the voice model is, and the key.
        call_id: The call.
        timeout: Seconds to wait.

    Raises:
        Unavailable: If the voice model cannot be reached or refuses; the call may go on.
    """
    if not _CALL_ID.fullmatch(call_id):
        return  # No voice model ever gave such an id: there is no call to end.
    try:
        with anyio.fail_after(timeout):
            async with http.post(
                f"{voice.base_url}/realtime/calls/{call_id}/hangup",
                data=b"",
                headers=_authorization(voice),
                allow_redirects=False,
            ) as response:
                if response.status in _GONE or response.ok:
                    return
                raise Unavailable(
                    f"The voice model did not hang up ({await refusal(response)}).",
                    retry_after=retry_after(response),
                )
    except TimeoutError:
        raise Unavailable(f"The voice model did not hang up within {timeout:g} s.") from None
    except (aiohttp.ClientError, OSError) as error:
        raise Unavailable(f"The voice model cannot be reached ({type(error).__name__}).") from None


async def _hang_up_quietly(http: HttpClient, voice: VoiceAccess, call_id: str) -> None:
    try:
        await hang_up(http, voice, call_id)
    except Unavailable:
        return  # The error that led here is the one to report; nobody has joined this call.


def _authorization(voice: VoiceAccess) -> dict[str, str]:
    return {"Authorization": f"Bearer {voice.api_key}"}


def _form(offer: str, session: Mapping[str, Any]) -> bytes:
    """The two parts as plain fields, each with its type and without a file name (RFC 7578)."""
    lines = [
        *_part("sdp", b"application/sdp", offer.encode()),
        *_part("session", b"application/json", encode(session)),
        f"--{_BOUNDARY}--".encode(),
        b"",
    ]
    return b"\r\n".join(lines)


def _part(name: str, content_type: bytes, body: bytes) -> Sequence[bytes]:
    return (
        f"--{_BOUNDARY}".encode(),
        f'Content-Disposition: form-data; name="{name}"'.encode(),
        b"Content-Type: " + content_type,
        b"",
        body,
    )


def _call_id(location: str) -> str:
    call_id = location.rstrip("/").rpartition("/")[2]
    if not _CALL_ID.fullmatch(call_id):
        raise SdpExchangeFailed("The voice model answered without the id of the call.")
    return call_id


async def _answer(response: Response) -> str:
    try:
        answer = (await read_body(response, max_bytes=MAX_ANSWER_BYTES)).decode()
    except (BodyTooLarge, UnicodeDecodeError):
        raise SdpExchangeFailed("The voice model's answer is too large, or not text.") from None
    if not answer.startswith("v=0"):
        raise SdpExchangeFailed("The voice model's answer is not a session description.")
    return answer
