"""`POST /functions/v1/interview-start`."""

from typing import Final

from litestar import Response, post
from litestar.params import RawBody

from vivavoce import tokens
from vivavoce.api.authentication import bearer_token
from vivavoce.api.context import AnyRequest, Api, ApiParts, answer
from vivavoce.api.problems import request_id_of
from vivavoce.control.invited import start_invited
from vivavoce.control.occasion import planned
from vivavoce.control.start import start_interview
from vivavoce.errors import InvalidRequest, VivavoceError
from vivavoce.protocol.codec import decode
from vivavoce.protocol.interview_start import InterviewStartRequest, InterviewStartResponse

PATH: Final = "/functions/v1/interview-start"
MAX_BODY_BYTES: Final = 65_536
MAX_KEY_CHARACTERS: Final = 255


@post(PATH, status_code=200, request_max_body_size=MAX_BODY_BYTES)
async def interview_start(request: AnyRequest, body: RawBody, api: ApiParts) -> Response[bytes]:
    """Start a session; an empty body asks for the defaults."""
    return answer(
        await start(
            api,
            bearer_token(request),
            body,
            idempotency_key=request.headers.get("idempotency-key"),
            request_id=request_id_of(request),
        )
    )


async def start(
    api: Api, token: str, body: bytes, *, idempotency_key: str | None, request_id: str
) -> InterviewStartResponse:
    """Start the session that was asked for.

    Raises:
        VivavoceError: If the token is not good, or there is no session.
    """
    identity = await api.whose(token, (tokens.ACCESS, tokens.INVITATION))
    wanted = decode(body or b"{}", InterviewStartRequest, max_bytes=MAX_BODY_BYTES)
    try:
        started = await _start(
            api, identity, wanted, idempotency_key=idempotency_key, request_id=request_id
        )
    except VivavoceError as error:
        api.metrics.starts.labels(wanted.architecture, error.code).inc()
        raise
    api.metrics.starts.labels(wanted.architecture, "ready").inc()
    return started


async def _start(
    api: Api,
    identity: tokens.Identity,
    wanted: InterviewStartRequest,
    *,
    idempotency_key: str | None,
    request_id: str,
) -> InterviewStartResponse:
    """An invitation is its own key: it gives one session, however often it is asked."""
    if identity.kind == tokens.INVITATION:
        return await start_invited(api.plane, identity, wanted, request_id=request_id)
    return await start_interview(
        api.plane,
        identity,
        wanted,
        idempotency_key=_checked(idempotency_key),
        request_id=request_id,
        occasion=await planned(api.plane, identity, wanted.interview_id),
    )


def _checked(key: str | None) -> str | None:
    if key is None:
        return None
    if not key.strip() or len(key) > MAX_KEY_CHARACTERS or not key.isprintable():
        raise InvalidRequest(f"Idempotency-Key: 1 to {MAX_KEY_CHARACTERS} printable characters.")
    return key
