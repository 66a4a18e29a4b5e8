"""The engine's HTTP surface: client secrets, calls, sidebands, health and figures.

Source: OpenAI API reference, "Realtime": client secrets, calls, sideband connections.
"""

import hmac
import logging
from typing import Any, Final, TypeVar

import msgspec
from litestar import Litestar, MediaType, Request, Response, asgi, get, post
from litestar.config.cors import CORSConfig
from litestar.connection import ASGIConnection
from litestar.datastructures import UploadFile
from litestar.enums import ScopeType
from litestar.exceptions import HTTPException
from litestar.types import Receive, Scope, Send

from vivavoce.engine.call import Call, Ending
from vivavoce.engine.calls import Calls
from vivavoce.engine.events import new_id
from vivavoce.engine.metrics import Metrics
from vivavoce.engine.models import Models
from vivavoce.engine.peer import MAX_OFFER_BYTES
from vivavoce.engine.realtime_session import default_session, updated_session
from vivavoce.engine.refusals import Refused, invalid_key
from vivavoce.engine.secrets import MAX_SECONDS, MIN_SECONDS, PREFIX, ClientSecrets
from vivavoce.engine.settings import EngineSettings
from vivavoce.engine.sideband import serve_sideband
from vivavoce.errors import Unavailable

_log: Final = logging.getLogger(__name__)
_MAX_BODY_BYTES: Final = 262_144
_MAX_FORM_PARTS: Final = 8
_SDP: Final = "application/sdp"
_READY_SECONDS: Final = 0.1

_Request = Request[Any, Any, Any]
_Connection = ASGIConnection[Any, Any, Any, Any]
_Json = dict[str, Any]
_T = TypeVar("_T")


class _ExpiresAfter(msgspec.Struct):
    seconds: int | None = None
    anchor: str = "created_at"


class _SecretWish(msgspec.Struct):
    expires_after: _ExpiresAfter | None = None
    session: _Json | None = None


class _Surface:
    """What the handlers work on."""

    def __init__(
        self, settings: EngineSettings, calls: Calls, models: Models, metrics: Metrics
    ) -> None:
        self.settings = settings
        self.calls = calls
        self.models = models
        self.metrics = metrics
        self.secrets = ClientSecrets()
        self._key = settings.api_key.get_secret_value().encode()

    def bearer(self, connection: _Connection) -> str:
        """Give the bearer token of a request; the empty string where there is none."""
        scheme, _, token = connection.headers.get("authorization", "").partition(" ")
        return token.strip() if scheme.lower() == "bearer" else ""

    def is_key(self, token: str) -> bool:
        """Whether a token is the API key."""
        return hmac.compare_digest(token.encode(errors="replace"), self._key)

    def require_key(self, connection: _Connection) -> None:
        """Refuse whoever does not send the API key; a client secret is not enough."""
        if not self.is_key(self.bearer(connection)):
            raise invalid_key()

    async def create_client_secret(self, request: _Request) -> Response[_Json]:
        """`POST /v1/realtime/client_secrets`."""
        self.require_key(request)
        wish = _decoded(await request.body() or b"{}", _SecretWish)
        session = updated_session(default_session(), wish.session or {})
        seconds = self.settings.client_secret_seconds
        if wish.expires_after and wish.expires_after.seconds is not None:
            seconds = wish.expires_after.seconds
        if not MIN_SECONDS <= seconds <= MAX_SECONDS:
            raise Refused(
                f"expires_after.seconds must be from {MIN_SECONDS} to {MAX_SECONDS}.",
                code="invalid_value",
                param="expires_after.seconds",
            )
        value, expires_at = self.secrets.issue(session, seconds)
        shown = {**session, "id": new_id("sess"), "expires_at": expires_at}
        return Response(
            {"value": value, "expires_at": expires_at, "session": shown}, status_code=200
        )

    async def create_call(self, request: _Request) -> Response[bytes]:
        """`POST /v1/realtime/calls`: an SDP offer, alone or in a form with a session."""
        token = self.bearer(request)
        is_secret = token.startswith(PREFIX)
        if not is_secret:
            self.require_key(request)
            session = default_session()
        else:
            session = self.secrets.redeem(token)
        try:
            offer, update = await _offer_and_session(request)
            session = updated_session(session, update)
            call_id, answer = await self.calls.open(offer, session)
        except BaseException:
            if is_secret:
                self.secrets.give_back(token)
            raise
        return Response(
            answer.encode(),
            status_code=201,
            media_type=_SDP,
            headers={"Location": f"/v1/realtime/calls/{call_id}"},
        )

    async def hang_up(self, request: _Request) -> Response[bytes]:
        """`POST /v1/realtime/calls/{call_id}/hangup`."""
        self.require_key(request)
        self.calls.get(request.path_params["call_id"]).end(Ending.HUNG_UP)
        return Response(b"", status_code=200, media_type=MediaType.TEXT)

    async def attach(self, scope: Scope, receive: Receive, send: Send) -> None:
        """`GET /v1/realtime?call_id=…`: a WebSocket, refused by HTTP before the upgrade."""
        connection: _Connection = ASGIConnection(scope, receive, send)
        try:
            call = self._call_to_attach_to(connection)
        except Refused as refused:
            await _refuse(refused, scope, receive, send)
            return
        with self.metrics.sidebands_active.track_inprogress():
            await serve_sideband(call, receive, send)

    def _call_to_attach_to(self, connection: _Connection) -> Call:
        self.require_key(connection)
        if connection.scope["type"] != ScopeType.WEBSOCKET:
            raise Refused("Connect here with a WebSocket.", status=426)
        call_id = connection.query_params.get("call_id")
        if not call_id:
            raise Refused(
                "Sessions over a WebSocket are not supported; give the call_id of a call.",
                param="call_id",
            )
        return self.calls.get(call_id)


def make_app(settings: EngineSettings, calls: Calls, models: Models, metrics: Metrics) -> Litestar:
    """Make the ASGI application of an engine."""
    surface = _Surface(settings, calls, models, metrics)

    @post("/v1/realtime/client_secrets")
    async def create_client_secret(request: _Request) -> Response[_Json]:
        return await surface.create_client_secret(request)

    @post("/v1/realtime/calls")
    async def create_call(request: _Request) -> Response[bytes]:
        return await surface.create_call(request)

    @post("/v1/realtime/calls/{call_id:str}/hangup")
    async def hang_up(request: _Request) -> Response[bytes]:
        return await surface.hang_up(request)

    @asgi("/v1/realtime")
    async def attach(scope: Scope, receive: Receive, send: Send) -> None:
        await surface.attach(scope, receive, send)

    @get("/healthz")
    async def health() -> _Json:
        return {"status": "ok"}

    @get("/readyz")
    async def readiness() -> Response[_Json]:
        try:
            await models.ready()
        except Unavailable as error:
            return Response({"status": "unavailable", "message": error.message}, status_code=503)
        return Response({"status": "ready"})

    @get("/metrics", media_type=MediaType.TEXT)
    async def figures() -> bytes:
        return metrics.text()

    return Litestar(
        [create_client_secret, create_call, hang_up, attach, health, readiness, figures],
        cors_config=CORSConfig(
            allow_headers=["authorization", "content-type", "x-openai-agents-sdk"],
            expose_headers=["Location"],
        ),
        exception_handlers={Refused: _show_refused, Exception: _show_error},
        multipart_form_part_limit=_MAX_FORM_PARTS,
        request_max_body_size=_MAX_BODY_BYTES,
        openapi_config=None,
        logging_config=None,
    )


async def _offer_and_session(request: _Request) -> tuple[str, object]:
    match request.content_type[0]:
        case "application/sdp":
            return _offer(await request.body()), {}
        case "multipart/form-data":
            form = await request.form()
            session = await _part(form, "session")
            return _offer(await _part(form, "sdp")), _decoded(session or b"{}", dict)
        case _:
            raise Refused(
                "Content-Type must be application/sdp or multipart/form-data.",
                status=415,
                code="unsupported_content_type",
            )


async def _part(form: Any, name: str) -> bytes:
    value = form.get(name) or ""
    if isinstance(value, UploadFile):
        return await value.read()
    if not isinstance(value, str):
        raise Refused(f"The form has more than one part {name}.", param=name)
    return value.encode()


def _offer(body: bytes) -> str:
    if not body or len(body) > MAX_OFFER_BYTES:
        raise Refused("Send an SDP offer of at most 64 KiB.", code="invalid_offer", param="sdp")
    try:
        return body.decode()
    except UnicodeDecodeError as error:
        raise Refused("The SDP offer is not text.", code="invalid_offer", param="sdp") from error


def _decoded(body: bytes, type_: type[_T]) -> _T:
    try:
        return msgspec.json.decode(body, type=type_)
    except msgspec.ValidationError as error:
        raise Refused(f"Invalid body: {error}.", code="invalid_value") from error
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Refused("The body is not valid JSON.", code="invalid_json") from error


def _show_refused(_request: _Request, refused: Refused) -> Response[_Json]:
    return Response({"error": refused.wire}, status_code=refused.status)


def _show_error(request: _Request, error: Exception) -> Response[_Json]:
    if isinstance(error, HTTPException):
        refused = Refused(error.detail, status=error.status_code)
    else:
        _log.error("a request failed", exc_info=error)
        refused = Refused("The engine failed.", status=500, type="server_error")
    return _show_refused(request, refused)


async def _refuse(refused: Refused, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer by HTTP, also where a WebSocket was asked for (ASGI extension)."""
    kind = "http.response"
    if scope["type"] == ScopeType.WEBSOCKET:
        kind = "websocket.http.response"
        await receive()
    body = msgspec.json.encode({"error": refused.wire})
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
    ]
    start: Any = {"type": f"{kind}.start", "status": refused.status, "headers": headers}
    rest: Any = {"type": f"{kind}.body", "body": body, "more_body": False}
    await send(start)
    await send(rest)
