"""A real API server with a real Postgres; machines and voice model follow a script.

The scripted machines are real listeners on unix sockets; what they are told is kept, and they can
be made to fail, to wait or to vanish at will.
"""

import json
import os
import tempfile
import time
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import aiohttp
import anyio
import asyncpg
from aiohttp import web
from websockets.asyncio.server import ServerConnection, unix_serve

from vivavoce import tokens
from vivavoce.api.app import run_api
from vivavoce.machines.provider import (
    AlreadyClaimed,
    Capabilities,
    Endpoint,
    Isolation,
    Machine,
    MachineLost,
    MachineSpec,
    MachineState,
    Probe,
    RegionUnavailable,
)
from vivavoce.protocol.machine import Claim, CommandReply, VoiceAccess
from vivavoce.protocol.messages import EndReason
from vivavoce.settings import ServerSettings
from vivavoce.store.pool import Database

VOICE_KEY = "scripted-voice-key"


@dataclass
class ScriptedMachine:
    """One machine: says `machine <id>` to whoever connects, then echoes."""

    machine: Machine
    lost: anyio.Event = field(default_factory=anyio.Event)
    claims: list[Claim] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    stop: anyio.Event = field(default_factory=anyio.Event)
    connections: int = 0
    requests: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    async def serve(self, *, task_status: anyio.abc.TaskStatus[None]) -> None:
        server = await unix_serve(
            self._handle,
            self.machine.endpoint.proxy_socket,
            close_timeout=0.1,
            select_subprotocol=lambda _, offered: "viva.v1" if "viva.v1" in offered else None,
        )
        try:
            task_status.started()
            await self.stop.wait()
        finally:
            # Also when cancelled: a connection that is left here would outlive its event loop.
            with anyio.move_on_after(2, shield=True):
                server.close()
                await server.wait_closed()

    async def _handle(self, connection: ServerConnection) -> None:
        self.connections += 1
        self.requests.append(
            (connection.request.path, dict(connection.request.headers.raw_items()))
        )
        await connection.send(f"machine {self.machine.machine_id}")
        async for message in connection:
            await connection.send(message)

    def vanish(self) -> None:
        """Die as a killed process does."""
        self.lost.set()
        self.stop.set()


@dataclass
class ScriptedChannel:
    machine: ScriptedMachine
    provider: "ScriptedProvider"

    async def claim(self, claim: Claim, *, timeout: float = 2.0) -> CommandReply:
        self._check()
        if self.provider.claim_failures:
            raise self.provider.claim_failures.pop(0)
        if self.machine.claims:
            raise AlreadyClaimed("claimed")
        self.machine.claims.append(claim)
        return CommandReply(id=1, ok=True, status="claimed", session_id=claim.session_id)

    async def revoke(
        self, token_ids: Sequence[str] | None, *, timeout: float = 2.0
    ) -> CommandReply:
        return self._tell(f"revoke {token_ids}")

    async def end(self, reason: EndReason, *, timeout: float = 2.0) -> CommandReply:
        return self._tell(f"end {reason}")

    async def pause(self, *, timeout: float = 2.0) -> CommandReply:
        return self._tell("pause")

    async def resume(self, *, timeout: float = 2.0) -> CommandReply:
        return self._tell("resume")

    async def drain(self, *, timeout: float = 2.0) -> CommandReply:
        return self._tell("drain")

    async def health(self, *, timeout: float = 2.0) -> CommandReply:
        return self._tell("health")

    async def until_lost(self) -> None:
        await self.machine.lost.wait()

    def _tell(self, command: str) -> CommandReply:
        self._check()
        self.machine.told.append(command)
        return CommandReply(id=1, ok=True)

    def _check(self) -> None:
        if self.machine.lost.is_set():
            raise MachineLost("gone")


@dataclass
class ScriptedProvider:
    """Starts scripted machines. `gate`, if set, holds every start up until it is set."""

    folder: Path
    tasks: anyio.abc.TaskGroup
    machines: dict[str, ScriptedMachine] = field(default_factory=dict)
    failing_regions: set[str] = field(default_factory=set)
    claim_failures: list[Exception] = field(default_factory=list)
    gate: anyio.Event | None = None
    started: anyio.Event = field(default_factory=anyio.Event)
    destroyed: list[str] = field(default_factory=list)
    cancelled: int = 0
    regions: tuple[str, ...] = ("local",)

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities("scripted", Isolation.PROCESS, self.regions)

    async def provision(
        self, spec: MachineSpec, *, idempotency_key: str, timeout: float
    ) -> Machine:
        self.started.set()
        if spec.region in self.failing_regions:
            raise RegionUnavailable(f"{spec.region} is down")
        if self.gate is not None:
            try:
                await self.gate.wait()
            except BaseException:
                self.cancelled += 1
                raise
        name = self.folder / f"{len(self.machines)}"
        endpoint = Endpoint(f"{name}.p", f"{name}.c", os.getpid(), 0)
        machine = Machine(spec.machine_id, "scripted", Isolation.PROCESS, spec.region, endpoint)
        scripted = ScriptedMachine(machine)
        await self.tasks.start(scripted.serve)
        self.machines[spec.machine_id] = scripted
        return machine

    @asynccontextmanager
    async def connect_control(
        self, endpoint: Endpoint, *, timeout: float = 2.0
    ) -> AsyncGenerator[ScriptedChannel, None]:
        for scripted in self.machines.values():
            if scripted.machine.endpoint == endpoint and not scripted.lost.is_set():
                yield ScriptedChannel(scripted, self)
                return
        raise MachineLost("nobody there")

    async def status(self, endpoint: Endpoint) -> MachineState:
        return MachineState.GONE

    async def destroy(self, machine_id: str, endpoint: Endpoint | None = None) -> None:
        self.destroyed.append(machine_id)
        if (scripted := self.machines.get(machine_id)) is not None:
            scripted.vanish()

    async def list(self) -> Sequence[Machine]:
        return [one.machine for one in self.machines.values() if not one.lost.is_set()]

    async def probe(self, *, timeout: float = 10.0) -> Probe:
        raise NotImplementedError

    def of(self, session_id: str) -> Sequence[ScriptedMachine]:
        """The machines that a session has had."""
        return [
            one
            for one in self.machines.values()
            if any(claim.session_id == session_id for claim in one.claims)
        ]

    @property
    def alive(self) -> Sequence[ScriptedMachine]:
        return [one for one in self.machines.values() if not one.lost.is_set()]


@dataclass
class ScriptedVoice:
    """The two edges of a voice model that the control plane uses."""

    url: str = ""
    status: int = 200
    hang_up_status: int = 200
    gate: anyio.Event | None = None
    asked: anyio.Event = field(default_factory=anyio.Event)
    secrets: int = 0
    configurations: list[dict[str, Any]] = field(default_factory=list)
    offers: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    hung_up: list[str] = field(default_factory=list)

    async def client_secrets(self, request: web.Request) -> web.Response:
        if request.headers.get("Authorization") != f"Bearer {VOICE_KEY}":
            return web.json_response({"error": {"code": "invalid_api_key"}}, status=401)
        self.configurations.append((await request.json())["session"])
        self.asked.set()
        if self.gate is not None:
            await self.gate.wait()
        if self.status != 200:
            return web.json_response({"error": {"message": "no"}}, status=self.status)
        self.secrets += 1
        return web.json_response(
            {"value": f"ek_{self.secrets}", "expires_at": int(time.time()) + 600}
        )

    async def create_call(self, request: web.Request) -> web.Response:
        form = await request.post()
        offer, session = form["sdp"], form["session"]
        assert isinstance(offer, bytearray)
        assert isinstance(session, bytearray)
        self.offers.append((offer.decode(), json.loads(session)))
        call_id = f"rtc_{len(self.offers)}"
        return web.Response(
            status=self.status if self.status != 200 else 201,
            body=b"v=0\r\n",
            content_type="application/sdp",
            headers={"Location": f"/v1/realtime/calls/{call_id}"},
        )

    async def hang_up(self, request: web.Request) -> web.Response:
        if self.hang_up_status == 200:
            self.hung_up.append(request.match_info["call_id"])
        return web.Response(status=self.hang_up_status)


@asynccontextmanager
async def scripted_voice() -> AsyncGenerator[ScriptedVoice, None]:
    voice = ScriptedVoice()
    app = web.Application()
    app.router.add_post("/v1/realtime/client_secrets", voice.client_secrets)
    app.router.add_post("/v1/realtime/calls", voice.create_call)
    app.router.add_post("/v1/realtime/calls/{call_id}/hangup", voice.hang_up)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    voice.url = f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
    try:
        yield voice
    finally:
        await runner.cleanup()


@asynccontextmanager
async def scripted_provider(**script: Any) -> AsyncGenerator[ScriptedProvider, None]:
    with tempfile.TemporaryDirectory(prefix="viva-m-") as folder:
        async with anyio.create_task_group() as tasks:
            yield ScriptedProvider(Path(folder), tasks, **script)
            tasks.cancel_scope.cancel()


@dataclass
class ApiServer:
    """A running API and what a test needs around it."""

    url: str
    http: aiohttp.ClientSession
    keys: tokens.SigningKeys
    provider: ScriptedProvider
    voice: ScriptedVoice
    database: Database
    admin_dsn: str
    tenant_id: str
    user_id: str = field(default_factory=lambda: str(uuid4()))
    stop: anyio.Event = field(default_factory=anyio.Event)

    def access_token(self, **claims: Any) -> str:
        """A recruiter's token, or a spoilt one."""
        return tokens.issue(
            claims.pop("keys", self.keys),
            **{
                "audience": tokens.ACCESS,
                "subject": self.user_id,
                "tenant_id": self.tenant_id,
                "ttl": 600,
                **claims,
            },
        )

    async def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        token: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> "Answer":
        """Ask; a dict is sent as JSON, bytes as they are."""
        data = json.dumps(body) if isinstance(body, dict | list) else body
        sent = dict(headers or {})
        if token is not None:
            sent["Authorization"] = f"Bearer {token}"
        async with self.http.request(method, self.url + path, data=data, headers=sent) as response:
            return Answer(response.status, await response.read(), response.headers)

    async def start(self, body: dict[str, Any] | None = None, **options: Any) -> "Answer":
        headers = {"Idempotency-Key": key} if (key := options.pop("key", None)) else {}
        token = options.pop("token", None) or self.access_token()
        return await self.call(
            "POST", "/functions/v1/interview-start", body or {}, token=token, headers=headers
        )

    async def started(self, body: dict[str, Any] | None = None, **options: Any) -> dict[str, Any]:
        """A session that did start."""
        answer = await self.start(body, **options)
        assert answer.status == 200, answer.body
        return answer.json

    async def sql(self, query: str, *arguments: Any) -> list[asyncpg.Record]:
        """Look into the database from outside."""
        connection = await asyncpg.connect(self.admin_dsn)
        try:
            return await connection.fetch(query, *arguments)
        finally:
            await connection.close()

    async def session(self, session_id: str) -> asyncpg.Record:
        return (await self.sql("select * from interview_sessions where id = $1", session_id))[0]

    async def until(self, query: str, *arguments: Any) -> asyncpg.Record:
        """Wait until a query gives a row."""
        with anyio.fail_after(20):
            while True:
                if rows := await self.sql(query, *arguments):
                    return rows[0]
                await anyio.sleep(0.02)

    async def until_status(self, session_id: str, status: str) -> asyncpg.Record:
        return await self.until(
            "select * from interview_sessions where id = $1 and status = $2", session_id, status
        )


@dataclass(frozen=True)
class Answer:
    status: int
    body: bytes
    headers: Mapping[str, str]

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> str:
        """The error code, after a look at the shape of the problem."""
        problem = self.json
        assert self.headers["Content-Type"] == "application/problem+json"
        assert problem["status"] == self.status
        assert problem["requestId"] == self.headers["x-request-id"]
        assert {"type", "title", "detail", "retryable", "recovery"} <= set(problem)
        return problem["code"]


async def add_tenant(admin_dsn: str, *, sessions: int = 100) -> str:
    connection = await asyncpg.connect(admin_dsn)
    try:
        return str(
            await connection.fetchval(
                "insert into tenants (name, max_concurrent_sessions) values ('Test', $1)"
                " returning id",
                sessions,
            )
        )
    finally:
        await connection.close()


@asynccontextmanager
async def open_api(
    database: Database,
    admin_dsn: str,
    *,
    provider: ScriptedProvider,
    voice: ScriptedVoice,
    keys: tokens.SigningKeys | None = None,
    tenant_id: str | None = None,
    receive_seconds: float = 10.0,
    end_sessions_on_stop: bool = False,
    **settings: Any,
) -> AsyncGenerator[ApiServer, None]:
    """Run an API for the length of the block."""
    keys = keys or tokens.generate_keys()
    tenant = tenant_id or await add_tenant(admin_dsn)
    stop = anyio.Event()
    urls: list[str] = []
    ready = anyio.Event()

    def started(url: str) -> None:
        urls.append(url)
        ready.set()

    async def run() -> None:
        await run_api(
            ServerSettings(
                **{
                    "port": 0,
                    "warm_machines": 0,
                    "regions": provider.capabilities.regions,
                    **settings,
                }
            ),
            database=database,
            provider=provider,
            voice=VoiceAccess(base_url=voice.url, api_key=VOICE_KEY),
            keys=keys,
            started=started,
            stop=stop,
            receive_seconds=receive_seconds,
            end_sessions_on_stop=end_sessions_on_stop,
        )

    async with aiohttp.ClientSession() as http, anyio.create_task_group() as tasks:
        tasks.start_soon(run)
        with anyio.fail_after(10):
            await ready.wait()
        yield ApiServer(
            urls[0], http, keys, provider, voice, database, admin_dsn, tenant, stop=stop
        )
        stop.set()


async def eventually(condition: Callable[[], bool]) -> None:
    """Wait until something is so, at most 40 s."""
    with anyio.fail_after(40):
        while not condition():  # noqa: ASYNC110  what is waited for gives no signal
            await anyio.sleep(0.02)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)
