"""`POST /functions/v1/session-token`."""

from typing import Final

from litestar import Response, post
from litestar.params import RawBody

from vivavoce import tokens
from vivavoce.api.context import PEOPLE, AnyRequest, ApiParts, answer
from vivavoce.control.renew import renew_token
from vivavoce.errors import AuthenticationFailed
from vivavoce.protocol.codec import decode
from vivavoce.protocol.sessions import SessionTokenRequest

PATH: Final = "/functions/v1/session-token"
MAX_BODY_BYTES: Final = 4096


@post(PATH, status_code=200, request_max_body_size=MAX_BODY_BYTES)
async def session_token(request: AnyRequest, body: RawBody, api: ApiParts) -> Response[bytes]:
    """Renew a session token; a session token needs no body."""
    try:
        identity = await api.identify(request, (*PEOPLE, tokens.INVITATION))
    except AuthenticationFailed as error:
        if not error.details.get("expired"):
            raise
        identity = await api.identify(
            request, (tokens.SESSION,), grace=tokens.RENEWAL_GRACE_SECONDS
        )
    wanted = decode(body or b"{}", SessionTokenRequest, max_bytes=MAX_BODY_BYTES)
    return answer(await renew_token(api.plane, identity, wanted.session_id))
