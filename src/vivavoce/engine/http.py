"""The engine's HTTP surface: client secrets, calls, health and figures.

Source: OpenAI API reference, "Realtime": client secrets, calls.
"""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import anyio
import msgspec
from litestar import Litestar, MediaType, Request, Response, asgi, get, post
from litestar.config.cors import CORSConfig
from litestar.datastructures import UploadFile
from litestar.di import NamedDependency, Provide
from litestar.enums import ScopeType
from litestar.exceptions import HTTPException, NotFoundException
from litestar.params import FromPath
from litestar.types import Receive, Scope, Send

from vivavoce.engine.access import Access, bearer
from vivavoce.engine.call import Ending
from vivavoce.engine.calls import Calls
from vivavoce.engine.events import new_id
from vivavoce.engine.faults import Cut, Fault, Faults
from vivavoce.engine.metrics import Metrics
from vivavoce.engine.models import Models
from vivavoce.engine.peer import MAX_OFFER_BYTES, readable_offer
from vivavoce.engine.realtime_session import default_session, updated_session
from vivavoce.engine.refusals import Refused, refuse
from vivavoce.engine.secrets import ClientSecrets
from vivavoce.engine.unsupported import no_such_address
from vivavoce.engine.upgrades import Upgrades
from vivavoce.errors import Unavailable
from vivavoce.settings import EngineSettings

_log: Final = logging.getLogger(__name__)
_MAX_BODY_BYTES: Final = 262_144
_MAX_FORM_PARTS: Final = 8
_SDP: Final = "application/sdp"
_READY_SECONDS: Final = 0.05
_SOCKETS: Final = "/v1/realtime"

_Request = Request[Any, Any, Any]
_Json = dict[str, Any]
_T = TypeVar("_T")


class _ExpiresAfter(msgspec.Struct):
    seconds: int | None = None
    anchor: str = "created_at"


class _SecretWish(msgspec.Struct):
    expires_after: _ExpiresAfter | None = None
    session: _Json | None = None


@dataclass(frozen=True, slots=True)
class Surface:
    """What the handlers work on."""

    settings: EngineSettings
    calls: Calls
    models: Models
    metrics: Metrics
    access: Access
    faults: Faults


@post("/v1/realtime/client_secrets", status_code=200)
async def create_client_secret(request: _Request, surface: NamedDependency[Surface]) -> _Json:
    """Make a key for one call with a session that is settled now."""
    surface.access.require_key(bearer(request))
    wish = _decoded(await request.body() or b"{}", _SecretWish)
    session = updated_session(default_session(), wish.session or {})
    seconds = surface.settings.engine_client_secret_seconds
    if wish.expires_after and wish.expires_after.seconds is not None:
        seconds = wish.expires_after.seconds
    value, expires_at = surface.access.secrets.issue(session, seconds)
    surface.faults.refuse(Fault.REFUSE_SECRETS)
    shown = {**session, "id": new_id("sess"), "expires_at": expires_at}
    return {"value": value, "expires_at": expires_at, "session": shown}


@post("/v1/realtime/calls", status_code=201, media_type=_SDP)
async def create_call(request: _Request, surface: NamedDependency[Surface]) -> Response[bytes]:
    """Answer an SDP offer: alone (`application/sdp`), or in a form with a session."""
    faults, cut = surface.faults, Cut(request.scope["state"])
    with surface.access.session_for(bearer(request)) as session:
        offer, update = await _offer_and_session(request)
        if faults:
            readable_offer(offer)  # one that is none is refused for that reason
            await faults.before_call(cut)
        call_id, answer = await surface.calls.open(offer, updated_session(session, update))
    await faults.after_call(cut)
    headers = {"Location": f"/v1/realtime/calls/{call_id}"}
    if faults.strike(Fault.NO_LOCATION) is not None:
        headers = {}
    return Response(answer.encode(), media_type=_SDP, headers=headers)


@post("/v1/realtime/calls/{call_id:str}/hangup", status_code=200, media_type=MediaType.TEXT)
async def hang_up(
    request: _Request, call_id: FromPath[str], surface: NamedDependency[Surface]
) -> bytes:
    """End a call."""
    surface.access.require_key(bearer(request))
    call = surface.calls.get(call_id)
    surface.faults.refuse(Fault.REFUSE_HANG_UPS)
    call.end(Ending.HUNG_UP)
    return b""


@get("/healthz")
async def health() -> _Json:
    """Say that the process answers."""
    return {"status": "ok"}


@get("/readyz")
async def readiness(surface: NamedDependency[Surface]) -> Response[_Json]:
    """Say whether calls can be opened and spoken in: the models are loaded, a call was tried."""
    if surface.calls.is_closed:
        return Response({"status": "stopping"}, status_code=503)
    with anyio.move_on_after(_READY_SECONDS):
        try:
            await surface.models.ready()
        except Unavailable as error:
            return Response({"status": "failed", "message": error.message}, status_code=503)
        if surface.calls.is_warm:
            return Response({"status": "ready"})
    return Response({"status": "loading"}, status_code=503)


@get("/metrics", media_type=MediaType.TEXT)
async def figures(surface: NamedDependency[Surface]) -> bytes:
    """Give the engine's figures to Prometheus."""
    return surface.metrics.text()


def make_app(
    settings: EngineSettings, calls: Calls, models: Models, metrics: Metrics, faults: Faults
) -> Callable[[Scope, Receive, Send], Awaitable[None]]:
    """Make the ASGI application of an engine."""
    secrets = ClientSecrets(are_single_use=not faults.has(Fault.REUSABLE_SECRETS))
    surface = Surface(
        settings, calls, models, metrics, Access(settings.engine_api_key, secrets), faults
    )
    upgrades = Upgrades(surface.access, calls, metrics, faults)

    @asgi(_SOCKETS, copy_scope=True)
    async def upgrade(scope: Scope, receive: Receive, send: Send) -> None:
        await upgrades.serve(scope, receive, send)

    requests = Litestar(
        [create_client_secret, create_call, hang_up, upgrade, health, readiness, figures],
        dependencies={"surface": Provide(lambda: surface, sync_to_thread=False)},
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

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == ScopeType.WEBSOCKET and scope["path"] != _SOCKETS:
            await refuse(no_such_address(scope["path"]), scope, receive, send)
        else:
            await requests(scope, receive, send)

    return app


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
    return Response({"error": refused.wire}, status_code=refused.status, headers=refused.headers)


def _show_error(request: _Request, error: Exception) -> Response[_Json]:
    if isinstance(error, NotFoundException):
        refused = no_such_address(request.url.path)
    elif isinstance(error, HTTPException):
        refused = Refused(f"{error.detail}.", status=error.status_code)
    else:
        _log.error("a request failed", exc_info=error)
        refused = Refused("The engine failed.", status=500, type="server_error")
    return _show_refused(request, refused)
