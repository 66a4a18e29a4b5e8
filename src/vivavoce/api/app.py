"""The API: its edges, its server, and the tasks that go with it, in one task group."""

import socket
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from functools import partial
from typing import Any, Final

import aiohttp
import anyio
import anyio.abc
import structlog
from litestar import Litestar
from litestar.config.cors import CORSConfig
from litestar.di import Provide
from litestar.types import ASGIApp

from vivavoce.api import (
    health,
    interview_start,
    interviews,
    invitation,
    machine_reports,
    organisation,
    session_token,
    sessions,
    sound_check,
    transcript_processor,
    transcripts,
)
from vivavoce.api.authentication import Authenticator
from vivavoce.api.context import MAX_BODY_BYTES, Api
from vivavoce.api.gateway import Gateway
from vivavoce.api.ingest_queue import IngestQueue
from vivavoce.api.lane import Lane, LaneEdge, LaneRequest
from vivavoce.api.metrics import Metrics
from vivavoce.api.pages import PACKAGED, Pages
from vivavoce.api.problems import EXCEPTION_HANDLERS, REQUEST_ID
from vivavoce.api.requests import Requests
from vivavoce.api.server import RECEIVE_SECONDS, Server, listen, make_server, serve_until
from vivavoce.api.web import PAGES
from vivavoce.control.configuration import allowed_origins
from vivavoce.control.end import end_all
from vivavoce.control.erase import run_retention
from vivavoce.control.plane import ControlPlane
from vivavoce.control.pool import MachinePool
from vivavoce.control.reaper import run_reaper
from vivavoce.control.reconcile import run_reconciler
from vivavoce.control.routes import Routes
from vivavoce.control.takeover import replace_lost
from vivavoce.control.voice_model import VoiceModel
from vivavoce.errors import VivavoceError
from vivavoce.logs import bound
from vivavoce.machines.provider import MachineProvider
from vivavoce.protocol.codec import encode
from vivavoce.protocol.machine import VoiceAccess
from vivavoce.protocol.messages import EndReason
from vivavoce.settings import ServerSettings
from vivavoce.store.pool import Database
from vivavoce.store.transcripts import open_ingest
from vivavoce.tokens import SigningKeys, SupabaseVerifier, Verifier

log = structlog.get_logger(__name__)

STOP_SECONDS: Final = 10.0
EDGES: Final = (
    interview_start.interview_start,
    invitation.invitation_token,
    invitation.console_token,
    invitation.leave_console,
    invitation.show_welcome,
    invitation.give_consent,
    sound_check.show_servers,
    sound_check.check_sound,
    organisation.show_organisation,
    interviews.list_interviews,
    interviews.create_interview,
    interviews.preview_interview,
    interviews.show_interview,
    interviews.replace_interview,
    interviews.delete_interview,
    interviews.create_invitation,
    interviews.list_invitations,
    interviews.show_invitation,
    interviews.revoke_invitation,
    session_token.session_token,
    transcript_processor.transcript_processor,
    machine_reports.machine_reports,
    sessions.list_sessions,
    sessions.show_session,
    sessions.end_session,
    sessions.erase_session,
    sessions.report_call,
    sessions.add_event,
    sessions.list_events,
    sessions.list_machines,
    transcripts.show_transcript,
    health.healthz,
    health.readyz,
    health.metrics,
    health.jwks,
    health.openapi,
)


async def run_api(
    settings: ServerSettings,
    *,
    database: Database,
    provider: MachineProvider,
    voice: VoiceAccess,
    keys: SigningKeys,
    started: Callable[[str], Any] = lambda _: None,
    stop: anyio.Event | None = None,
    end_sessions_on_stop: bool = False,
    receive_seconds: float = RECEIVE_SECONDS,
) -> None:
    """Serve until stopped, or until a background task fails.

    Args:
        settings: Where to listen, and all limits. Port 0 takes any free one.
        database: All state.
        provider: Of machines. Unclaimed machines are destroyed at the end, claimed ones live on.
        voice: The voice model, and the key for it.
        keys: Sign and verify tokens.
        started: Told the URL once connections are taken.
        stop: Ends the API in order; so does cancelling it.
        end_sessions_on_stop: End every session before the end, and wait for their transcripts.
        receive_seconds: In which a request must have arrived whole.

    Raises:
        OSError: If the address is taken.
        Exception: What a background task failed with; the server was shut down in order.
    """
    stop = stop or anyio.Event()
    listener = listen(settings.host, settings.port)
    url = _url(settings, listener.getsockname()[1])
    failures: list[Exception] = []

    async def critical(act: Callable[[], Awaitable[None]]) -> None:
        """A failure ends the program in order: half of it must not go on as if all was well."""
        try:
            await act()
        except Exception as error:  # noqa: BLE001  whatever it is, it is raised after the shutdown
            failures.append(error)
            stop.set()

    async with AsyncExitStack() as stack:
        stack.callback(listener.close)
        http = await stack.enter_async_context(aiohttp.ClientSession())
        tasks = await stack.enter_async_context(anyio.create_task_group())
        api = _assemble(
            settings,
            url,
            database=database,
            provider=provider,
            voice=VoiceModel(http, voice, settings.voice_timeout),
            keys=keys,
            tasks=tasks,
        )
        server = make_server(
            make_app(api),
            upgrades=_gateway(api, tasks),
            lane=_lane(api),
            tasks=tasks,
            started=lambda: started(url),
            receive_seconds=receive_seconds,
        )
        for act in (
            api.ingest.run,
            api.plane.machines.keep_warm,
            partial(run_reaper, api.plane),
            partial(run_reconciler, api.plane),
            partial(run_retention, api.plane),
        ):
            tasks.start_soon(critical, act)
        try:
            await _serve(server, listener, stop, api.plane if end_sessions_on_stop else None)
        finally:
            with anyio.move_on_after(STOP_SECONDS, shield=True):
                await api.plane.machines.close()
            tasks.cancel_scope.cancel()
    if failures:
        raise failures[0]


def make_app(api: Api) -> ASGIApp:
    """The edges, without a server."""

    def provide_api() -> Api:
        return api

    app = Litestar(
        route_handlers=[*EDGES, *PAGES],
        dependencies={"api": Provide(provide_api, sync_to_thread=False)},
        exception_handlers=EXCEPTION_HANDLERS,
        openapi_config=None,
        request_max_body_size=MAX_BODY_BYTES,
        cors_config=CORSConfig(
            allow_origins=allowed_origins(api.plane),
            allow_methods=["GET", "POST", "PUT", "DELETE"],
            allow_headers=[
                "authorization",
                "content-type",
                "idempotency-key",
                "if-match",
                "if-none-match",
                REQUEST_ID,
            ],
            expose_headers=[REQUEST_ID, "etag", "retry-after"],
            max_age=600,
        ),
        logging_config=None,
        debug=False,
        pdb_on_exception=False,
    )
    return Requests(app, api.metrics)


def _lane(api: Api) -> Lane:
    async def take_events(request: LaneRequest, request_id: str) -> bytes:
        del request_id
        return encode(await transcript_processor.take_events(api, request.token, request.body))

    async def start(request: LaneRequest, request_id: str) -> bytes:
        with bound(request_id=request_id):
            started = await interview_start.start(
                api,
                request.token,
                request.body,
                idempotency_key=request.header("idempotency-key"),
                request_id=request_id,
            )
        return encode(started)

    edges = {
        transcript_processor.PATH: LaneEdge(
            take_events, transcript_processor.MAX_BODY_BYTES, is_quiet=True
        ),
        interview_start.PATH: LaneEdge(start, interview_start.MAX_BODY_BYTES),
    }
    return Lane(edges, api.metrics)


def _assemble(
    settings: ServerSettings,
    url: str,
    *,
    database: Database,
    provider: MachineProvider,
    voice: VoiceModel,
    keys: SigningKeys,
    tasks: anyio.abc.TaskGroup,
) -> Api:
    machines = MachinePool(
        provider=provider,
        database=database,
        regions=settings.regions,
        warm=settings.warm_machines,
        start_timeout=settings.machine_start_timeout,
        tasks=tasks,
        requires_isolation=settings.require_isolation,
    )
    plane = ControlPlane(
        settings=settings,
        origin=settings.public_url or url,
        machine_origin=settings.control_url or url,
        database=database,
        voice=voice,
        keys=keys,
        machines=machines,
    )
    machines.on_lost = partial(replace_lost, plane)
    secret = settings.supabase_jwt_secret
    authenticator = Authenticator(
        Verifier(keys.public(), issuer=settings.token_issuer),
        None if secret is None else SupabaseVerifier(secret.get_secret_value()),
    )
    api = Api(
        plane,
        authenticator,
        IngestQueue(partial(open_ingest, database)),
        Metrics(),
        Pages(settings.web_folder or PACKAGED),
    )
    api.metrics.watch(
        "viva_machines_warm",
        "Machines that are ready and unclaimed.",
        lambda: sum(machines.waiting(region) for region in settings.regions),
    )
    api.metrics.watch(
        "viva_machines_held", "Machines that this process holds.", lambda: len(machines.held_ids())
    )
    return api


def _gateway(api: Api, tasks: anyio.abc.TaskGroup) -> Gateway:
    return Gateway(
        routes=Routes(api.plane),
        verifier=api.authenticator.verifier,
        origins=frozenset(allowed_origins(api.plane)),
        tasks=tasks,
        count=lambda outcome: api.metrics.gateway.labels(outcome).inc(),
    )


async def _serve(
    server: Server, listener: socket.socket, stop: anyio.Event, ending: ControlPlane | None
) -> None:
    """Serve until `stop`; with `ending`, end its sessions while machines can still report."""
    if ending is None:
        await serve_until(server, [listener], stop)
        return
    closed = anyio.Event()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(serve_until, server, [listener], closed)
        await stop.wait()
        try:
            await end_all(ending, EndReason.ENDED_BY_RECRUITER)
        except VivavoceError as error:
            log.warning("sessions not ended", code=error.code)
        closed.set()


def _url(settings: ServerSettings, port: int) -> str:
    host = "127.0.0.1" if settings.host in ("0.0.0.0", "::", "") else settings.host  # noqa: S104
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
