"""`POST /functions/v1/interview-start`."""

from typing import Final

from litestar import Response, post
from litestar.params import RawBody

from vivavoce import tokens
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
    identity = api.identify(request, (tokens.ACCESS, tokens.INVITATION))
    wanted = decode(body or b"{}", InterviewStartRequest, max_bytes=MAX_BODY_BYTES)
    try:
        started = await _start(api, identity, wanted, request)
    except VivavoceError as error:
        api.metrics.starts.labels(wanted.architecture, error.code).inc()
        raise
    api.metrics.starts.labels(wanted.architecture, "ready").inc()
    return answer(started)


async def _start(
    api: Api, identity: tokens.Identity, wanted: InterviewStartRequest, request: AnyRequest
) -> InterviewStartResponse:
    """An invitation is its own key: it gives one session, however often it is asked."""
    request_id = request_id_of(request)
    if identity.kind == tokens.INVITATION:
        return await start_invited(api.plane, identity, wanted, request_id=request_id)
    return await start_interview(
        api.plane,
        identity,
        wanted,
        idempotency_key=_idempotency_key(request),
        request_id=request_id,
        occasion=await planned(api.plane, identity, wanted.interview_id),
    )


def _idempotency_key(request: AnyRequest) -> str | None:
    key = request.headers.get("idempotency-key")
    if key is None:
        return None
    if not key.strip() or len(key) > MAX_KEY_CHARACTERS or not key.isprintable():
        raise InvalidRequest(f"Idempotency-Key: 1 to {MAX_KEY_CHARACTERS} printable characters.")
    return key
