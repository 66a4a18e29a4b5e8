"""`/v1/sound-check`: whether a candidate is heard and understood, before the interview."""

from typing import Final

from litestar import Response, get, post
from litestar.params import RawBody

from vivavoce.api.context import AnyRequest, ApiParts, do_for_guest, tell_guest
from vivavoce.control import sound_check
from vivavoce.protocol.interviews import SoundCheckRequest

PATH: Final = "/v1/sound-check"
MAX_BODY_BYTES: Final = 131_072


@get(PATH)
async def show_servers(request: AnyRequest, api: ApiParts) -> Response[bytes]:
    """What the call of a check may go by."""
    return await tell_guest(api, request, sound_check.servers_of_check)


@post(PATH, status_code=201, request_max_body_size=MAX_BODY_BYTES)
async def check_sound(request: AnyRequest, body: RawBody, api: ApiParts) -> Response[bytes]:
    """Make a call that only listens."""
    return await do_for_guest(
        api, request, body, sound_check.check_sound, SoundCheckRequest, max_bytes=MAX_BODY_BYTES
    )
