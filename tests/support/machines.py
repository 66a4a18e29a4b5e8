"""Real machines with a conducted voice model, a recording control plane, and plain clients."""

import json
import os
import tempfile
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import anyio
from aiohttp import web
from websockets.asyncio.client import ClientConnection, unix_connect
from websockets.exceptions import ConnectionClosed

from support.voice_model import OFFER, ConductedVoiceModel
from vivavoce import tokens
from vivavoce.machines.process import ProcessProvider
from vivavoce.machines.provider import ControlChannel, Machine, MachineSpec
from vivavoce.protocol.machine import Claim, SessionLimits, VoiceAccess
from vivavoce.sessions.interview import call_configuration

KEYS = tokens.generate_keys()
FOREIGN_KEYS = tokens.generate_keys()
ORIGIN = "https://interviews.example"
CALL_CONFIG = call_configuration(
    instructions="Ask one question.",
    model="gpt-realtime-2.1",
    transcription_model="gpt-transcribe",
    voice="marin",
)
Message = dict[str, Any]


@dataclass(eq=False)
class RecordingControlPlane:
    """Takes reports and transcript events as the API does, and fails as it may.

    Attributes:
        refuse: Status to answer events with, instead of taking them.
        refuse_reports: The same for reports.
        poison: Items that are refused for good, each by itself.
        indigestible: Items whose presence makes a whole batch a 400.
        stored: Newest revision by item.
    """

    url: str = ""
    refuse: int | None = None
    refuse_reports: int | None = None
    poison: set[str] = field(default_factory=set)
    indigestible: set[str] = field(default_factory=set)
    stored: dict[str, Message] = field(default_factory=dict)
    batches: list[list[Message]] = field(default_factory=list)
    reports: list[Message] = field(default_factory=list)
    tokens: set[str] = field(default_factory=set)
    changed: anyio.Event = field(default_factory=anyio.Event)

    async def until(
        self, holds: Callable[["RecordingControlPlane"], Any], *, timeout: float = 10
    ) -> Any:
        with anyio.fail_after(timeout):
            while not (value := holds(self)):
                await self.changed.wait()
            return value

    async def until_reported(self, type_: str, *, timeout: float = 10, **fields: Any) -> Message:
        def find(plane: RecordingControlPlane) -> Message | None:
            for report in plane.reports:
                if report["type"] == type_ and fields.items() <= report.items():
                    return report
            return None

        found: Message = await self.until(find, timeout=timeout)
        return found

    async def until_stored(self, *texts: str, timeout: float = 10) -> None:
        await self.until(lambda plane: set(texts) <= set(plane.texts), timeout=timeout)

    @property
    def texts(self) -> list[str]:
        return [event["content"] for event in self.stored.values()]

    def note(self) -> None:
        self.changed.set()
        self.changed = anyio.Event()

    async def take_events(self, request: web.Request) -> web.Response:
        self.tokens.add(request.headers["Authorization"].removeprefix("Bearer "))
        events = (await request.json())["events"]
        self.batches.append(events)
        self.note()
        ids = {event["itemId"] for event in events}
        if self.refuse is not None or ids & self.indigestible:
            return web.json_response({"code": "UNAVAILABLE"}, status=self.refuse or 400)
        rejected = [
            {"itemId": item_id, "code": "INVALID_REQUEST", "message": "no"}
            for item_id in ids & self.poison
        ]
        for event in events:
            held = self.stored.get(event["itemId"])
            if event["itemId"] not in self.poison and (
                held is None or event["revision"] > held["revision"]
            ):
                self.stored[event["itemId"]] = event
        self.note()
        accepted = len(events) - len(rejected)
        return web.json_response({"accepted": accepted, "duplicates": 0, "rejected": rejected})

    async def take_reports(self, request: web.Request) -> web.Response:
        if self.refuse_reports is not None:
            return web.Response(status=self.refuse_reports)
        for report in (await request.json())["reports"]:
            self.reports.append({**report, "machineId": request.match_info["machine_id"]})
        self.note()
        return web.Response(status=204)


@asynccontextmanager
async def open_recording_control_plane() -> AsyncGenerator[RecordingControlPlane, None]:
    plane = RecordingControlPlane()
    application = web.Application()
    application.add_routes(
        [
            web.post("/functions/v1/transcript-processor", plane.take_events),
            web.post("/internal/v1/machines/{machine_id}/reports", plane.take_reports),
        ]
    )
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.2)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        plane.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield plane
    finally:
        with anyio.move_on_after(5, shield=True):
            await runner.cleanup()


@asynccontextmanager
async def open_runtime() -> AsyncGenerator[Path, None]:
    """A folder for machines' sockets: pytest's own are too deep for them."""
    with tempfile.TemporaryDirectory(prefix="viva-m-") as folder:
        yield Path(folder) / "machines"


def spec(region: str = "local", *, seconds: float = 60) -> MachineSpec:
    return MachineSpec(str(uuid4()), region, datetime.now(UTC) + timedelta(seconds=seconds))


async def start(provider: ProcessProvider, **options: Any) -> Machine:
    wanted = spec(**options)
    return await provider.provision(wanted, idempotency_key=wanted.machine_id, timeout=10)


@dataclass
class Bench:
    """What a claimed machine is connected to, and who may speak to it."""

    machine: Machine
    claim: Claim
    channel: ControlChannel
    voice: ConductedVoiceModel
    plane: RecordingControlPlane

    def token(self, *, keys: tokens.SigningKeys = KEYS, **changes: Any) -> str:
        return session_token(self.claim, keys=keys, **changes)

    @asynccontextmanager
    async def connect(
        self,
        token: str | None = None,
        *,
        in_query: bool = False,
        origin: str | None = None,
        bind: bool = True,
        known: dict[str, int] | None = None,
    ) -> AsyncGenerator["Client", None]:
        """A client's connection; bound by a `session` message unless told otherwise."""
        token = self.token() if token is None else token
        async with connect(
            self.machine.endpoint.proxy_socket, token, in_query=in_query, origin=origin
        ) as connection:
            client = Client(connection, self.claim.session_id)
            if bind:
                await client.send("session", {} if known is None else {"known": known})
                await client.until("session_ready")
            yield client

    async def until_exited(self, *, timeout: float = 10) -> None:
        """Wait until the machine's process is gone."""
        try:
            descriptor = os.pidfd_open(self.machine.endpoint.pid)
        except ProcessLookupError:
            return
        try:
            with anyio.fail_after(timeout):
                await anyio.wait_readable(descriptor)
        finally:
            os.close(descriptor)


def session_token(claim: Claim, *, keys: tokens.SigningKeys = KEYS, **changes: Any) -> str:
    fields: dict[str, Any] = {
        "audience": tokens.SESSION,
        "subject": claim.user_id,
        "tenant_id": claim.tenant_id,
        "session_id": claim.session_id,
        "permissions": tokens.CANDIDATE_PERMISSIONS,
        "ttl": 600,
        **changes,
    }
    return tokens.issue(keys, **fields)


def connect(
    path: str, token: str | None, *, in_query: bool = False, origin: str | None = None
) -> unix_connect:
    """Open a client's WebSocket, the token where asked."""
    uri = "ws://localhost/s/x/ws"
    subprotocols = ["viva.v1"]
    if in_query:
        uri = f"{uri}?token={token}"
    elif token:
        subprotocols.append(f"bearer.{token}")
    return unix_connect(
        path,
        uri,
        subprotocols=subprotocols,
        origin=origin,
        compression=None,
        max_size=None,
        close_timeout=2,
    )


@dataclass(eq=False)
class Client:
    """A candidate's connection."""

    connection: ClientConnection
    session_id: str
    messages: list[Message] = field(default_factory=list)
    taken: int = 0

    async def send(self, type_: str, data: Any, *, session_id: str | None = None) -> None:
        message = {"type": type_, "sessionId": session_id or self.session_id, "data": data}
        await self.connection.send(json.dumps(message))

    async def until(
        self, type_: str, holds: Callable[[Message], Any] = lambda _: True, *, timeout: float = 10
    ) -> Message:
        """Wait for a message that was not waited for before; others are kept and skipped."""
        with anyio.fail_after(timeout):
            while True:
                message = json.loads(await self.connection.recv())
                self.messages.append(message)
                if message["type"] == type_ and holds(message["data"]):
                    return message["data"]  # type: ignore[no-any-return]

    async def until_closed(self, *, timeout: float = 10) -> int:
        """Read to the end; give the close code."""
        with anyio.fail_after(timeout):
            try:
                while True:
                    self.messages.append(json.loads(await self.connection.recv()))
            except ConnectionClosed as closed:
                return 1006 if closed.rcvd is None else closed.rcvd.code

    async def offer(self, **data: Any) -> Message:
        """Make an offer; give the `session_ready` with the answer."""
        await self.send("offer", {"sdp": OFFER, **data})
        return await self.until("session_ready", lambda ready: ready["answer"])

    def entries(self) -> dict[str, Message]:
        """The newest revision of each entry that has come."""
        return {
            entry["itemId"]: entry
            for message in self.messages
            if message["type"] == "transcript"
            for entry in message["data"]["entries"]
        }

    def of(self, type_: str) -> list[Message]:
        return [message["data"] for message in self.messages if message["type"] == type_]


def make_claim(
    machine: Machine, voice: ConductedVoiceModel, plane: RecordingControlPlane, /, **changes: Any
) -> Claim:
    fields: dict[str, Any] = {
        "session_id": str(uuid4()),
        "tenant_id": str(uuid4()),
        "machine_id": machine.machine_id,
        "user_id": str(uuid4()),
        "expires_at": datetime.now(UTC) + timedelta(seconds=600),
        "jwks": KEYS.public(),
        "issuer": tokens.ISSUER,
        "audience": tokens.SESSION,
        "machine_token": f"machine-token-{machine.machine_id}",
        "control_url": plane.url,
        "voice": VoiceAccess(base_url=voice.base_url, api_key=voice.api_key),
        "call_config": CALL_CONFIG,
        "limits": SessionLimits(last_words=1.0, drain=3.0),
        "origins": [None, ORIGIN],
        **changes,
    }
    return Claim(**fields)


@asynccontextmanager
async def open_claimed_machine(
    provider: ProcessProvider,
    voice: ConductedVoiceModel,
    plane: RecordingControlPlane,
    /,
    **changes: Any,
) -> AsyncGenerator[Bench, None]:
    """A machine with a session; it is gone when the block ends."""
    machine = await start(provider)
    failure: Exception | None = None
    try:
        async with provider.connect_control(machine.endpoint) as channel:
            claim = make_claim(machine, voice, plane, **changes)
            reply = await channel.claim(claim)
            assert reply.ok, reply.message
            yield Bench(machine, claim, channel, voice, plane)
    except Exception as error:  # noqa: BLE001  raised below, after the machine is gone
        failure = error
    finally:
        with anyio.move_on_after(5, shield=True):
            await provider.destroy(machine.machine_id)
    if failure is not None:
        raise failure


def private_kib(pid: int) -> int:
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
    return sum(int(line.split()[1]) for line in rollup.splitlines() if "Private_" in line)


def processes_in(folder: Path) -> list[int]:
    """Processes whose command line names a folder."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                words = (entry / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if os.fsencode(folder) in words:
                found.append(int(entry.name))
    return found
