"""`/v1/sound-check`: whether a candidate is heard and understood, before the interview."""

from typing import Final

from litestar import Response, get, post
from litestar.params import RawBody

from vivavoce import tokens
from vivavoce.api.context import AnyRequest, ApiParts, answer
from vivavoce.api.problems import request_id_of
from vivavoce.control import sound_check
from vivavoce.protocol.codec import decode
from vivavoce.protocol.interviews import SoundCheckRequest

PATH: Final = "/v1/sound-check"
MAX_BODY_BYTES: Final = 131_072


@get(PATH)
async def show_servers(request: AnyRequest, api: ApiParts) -> Response[bytes]:
    """What the call of a check may go by."""
    identity = await api.identify(request, (tokens.INVITATION,))
    return answer(await sound_check.servers_of_check(api.plane, identity))


@post(PATH, status_code=201, request_max_body_size=MAX_BODY_BYTES)
async def check_sound(request: AnyRequest, body: RawBody, api: ApiParts) -> Response[bytes]:
    """Make a call that only listens."""
    identity = await api.identify(request, (tokens.INVITATION,))
    wanted = decode(body, SoundCheckRequest, max_bytes=MAX_BODY_BYTES)
    made = await sound_check.check_sound(
        api.plane, identity, wanted, request_id=request_id_of(request)
    )
    return answer(made, status=201)
