"""What a candidate does before the interview, and how a recruiter comes into the console."""

from typing import Final

from litestar import Response, delete, get, post
from litestar.params import RawBody

from vivavoce import tokens
from vivavoce.api.context import AnyRequest, ApiParts, answer, do_for_guest, tell_guest
from vivavoce.api.problems import request_id_of
from vivavoce.control import console, invited
from vivavoce.protocol.codec import decode
from vivavoce.protocol.interviews import ConsentRequest, SecretRequest

INVITATION_TOKEN: Final = "/functions/v1/invitation-token"  # noqa: S105  an address
CONSOLE_TOKEN: Final = "/functions/v1/console-token"  # noqa: S105  an address
WELCOME: Final = "/v1/invitation"
CONSENTS: Final = "/v1/consents"
MAX_BODY_BYTES: Final = 4096


@post(INVITATION_TOKEN, status_code=200, request_max_body_size=MAX_BODY_BYTES)
async def invitation_token(request: AnyRequest, body: RawBody, api: ApiParts) -> Response[bytes]:
    """Exchange the secret of an invitation's link for a token."""
    wanted = decode(body, SecretRequest, max_bytes=MAX_BODY_BYTES)
    return answer(
        await invited.come_in(api.plane, wanted.secret, request_id=request_id_of(request))
    )


@post(CONSOLE_TOKEN, status_code=200, request_max_body_size=MAX_BODY_BYTES)
async def console_token(request: AnyRequest, body: RawBody, api: ApiParts) -> Response[bytes]:
    """Exchange the secret of a console link, once, for an access token."""
    wanted = decode(body, SecretRequest, max_bytes=MAX_BODY_BYTES)
    return answer(
        await console.enter_console(api.plane, wanted.secret, request_id=request_id_of(request))
    )


@delete(CONSOLE_TOKEN, status_code=204)
async def leave_console(request: AnyRequest, api: ApiParts) -> None:
    """Take a console's access token back: nobody comes in with it any more."""
    identity = await api.identify(request, (tokens.ACCESS,))
    await console.leave_console(api.plane, identity, request_id=request_id_of(request))


@get(WELCOME)
async def show_welcome(request: AnyRequest, api: ApiParts) -> Response[bytes]:
    """What a candidate is told before anything begins."""
    return await tell_guest(api, request, invited.welcome)


@post(CONSENTS, status_code=201, request_max_body_size=MAX_BODY_BYTES)
async def give_consent(request: AnyRequest, body: RawBody, api: ApiParts) -> Response[bytes]:
    """Keep what a candidate agrees to."""
    return await do_for_guest(
        api, request, body, invited.agree, ConsentRequest, max_bytes=MAX_BODY_BYTES
    )
