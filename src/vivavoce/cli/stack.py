"""The whole platform on one machine: Postgres, the voice engine, the API; supervised by us.

Postgres is supervised in this process, the engine and the API are processes of their own. Secrets
reach them by their environment. When this process is killed, the kernel ends them (PDEATHSIG).
"""

import os
import secrets
import socket
import sys
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

import aiohttp
import anyio
from pydantic import SecretStr

from vivavoce.cli.children import Child, Program, keep_running
from vivavoce.cli.exits import StackFailed
from vivavoce.cli.local_tenant import prepare_local_tenant
from vivavoce.settings import ServerSettings, VoiceEndpoint
from vivavoce.store.embedded import EmbeddedPostgresError, open_postgres
from vivavoce.store.migrate import migrate

READY_SECONDS: Final = 60.0
_POLL_SECONDS: Final = 0.02
_FOR_THE_ENGINE: Final = ("VIVA_ENGINE_", "VIVA_LLM_", "VIVA_LOG_", "VIVA_CONFIG")

Progress = Callable[[str], None]


@dataclass(frozen=True)
class DatabaseAddress:
    """How to log in: as `authenticator` for the API, as the owner for migrations."""

    dsn: str
    admin_dsn: str


@dataclass(frozen=True)
class Stack:
    """A platform that is up.

    Attributes:
        url: Of its API.
        database: Its Postgres.
        children: Its processes by name; Postgres is not among them.
    """

    url: str
    database: DatabaseAddress
    children: Mapping[str, Child]


@asynccontextmanager
async def open_database(
    settings: ServerSettings, *, on_progress: Progress
) -> AsyncGenerator[DatabaseAddress]:
    """Run the embedded Postgres, or use the one of the settings; brought up to date either way.

    Raises:
        StackFailed: If it cannot be run, or the settings are not enough to reach another one.
        Unavailable: If it does not answer.
    """
    async with AsyncExitStack() as stack:
        if settings.database_url is None:
            on_progress("Starting Postgres…")
            try:
                postgres = await stack.enter_async_context(
                    open_postgres(settings.home, on_progress=on_progress)
                )
            except EmbeddedPostgresError as error:
                raise StackFailed(str(error)) from error
            address = DatabaseAddress(postgres.dsn, postgres.admin_dsn)
        else:
            admin = settings.database_admin_url or settings.database_url
            address = DatabaseAddress(
                settings.database_url.get_secret_value(), admin.get_secret_value()
            )
        on_progress("Bringing the schema up to date…")
        await migrate(address.admin_dsn)
        await prepare_local_tenant(address.admin_dsn, settings)
        yield address


@dataclass(frozen=True)
class Engine:
    """The voice model to call: our own engine, or (without a child) somebody else's."""

    voice: VoiceEndpoint
    child: Child | None


@asynccontextmanager
async def open_engine(settings: ServerSettings) -> AsyncGenerator[Engine]:
    """Run the local engine until the block is left, unless another voice model is set.

    It is not waited for: loading the models takes longest of all, and goes on beside the rest.

    Raises:
        StackFailed: If it does not stay up.
    """
    if settings.voice is not None:
        yield Engine(settings.voice, None)
        return
    voice = VoiceEndpoint(f"http://127.0.0.1:{free_port()}/v1", _new_key())
    async with keep_running(_engine_program(settings, voice)) as child:
        yield Engine(voice, child)


@asynccontextmanager
async def open_api(
    settings: ServerSettings, database: DatabaseAddress, engine: Engine, *, on_progress: Progress
) -> AsyncGenerator[Stack]:
    """Run the API until the block is left; entered once it, and the engine, are ready.

    Raises:
        StackFailed: If one does not come up in time, or does not stay up.
    """
    _refuse_taken_port(settings)
    api = _api_program(settings, database, engine.voice)
    async with keep_running(api) as child, aiohttp.ClientSession() as http:
        children = {"api": child}
        if engine.child is not None:
            children["engine"] = engine.child
            on_progress("Loading the speech models…")
            origin = engine.voice.base_url.removesuffix("/v1")
            await _until_ready(http, f"{origin}/readyz", engine.child, "The voice engine")
        on_progress("Starting the API…")
        await _until_ready(http, f"{_local_url(settings)}/readyz", child, "The API")
        yield Stack(settings.origin, database, children)


def free_port() -> int:
    """A port of loopback that is free at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _refuse_taken_port(settings: ServerSettings) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            raise StackFailed(
                f"{settings.host}:{settings.port} cannot be listened on ({error.strerror})."
                " Choose another port with VIVA_PORT."
            ) from error


def _local_url(settings: ServerSettings) -> str:
    host = "127.0.0.1" if settings.host in ("0.0.0.0", "::", "") else settings.host  # noqa: S104  read, not bound
    return f"http://{host}:{settings.port}"


def _new_key() -> SecretStr:
    return SecretStr(secrets.token_hex(24))


def _engine_program(settings: ServerSettings, voice: VoiceEndpoint) -> Program:
    port = voice.base_url.rsplit(":", 1)[1].split("/", 1)[0]
    return Program(
        name="The voice engine",
        arguments=[sys.executable, "-m", "vivavoce.cli.main", "engine"],
        environment={
            **_engine_environment(),
            "VIVA_HOME": str(settings.home),
            "VIVA_ENGINE_HOST": "127.0.0.1",
            "VIVA_ENGINE_PORT": port,
            "VIVA_ENGINE_API_KEY": voice.api_key.get_secret_value(),
        },
        log=settings.home / "logs" / "engine.log",
    )


def _api_program(
    settings: ServerSettings, database: DatabaseAddress, voice: VoiceEndpoint
) -> Program:
    return Program(
        name="The API",
        arguments=[sys.executable, "-m", "vivavoce.cli.main", "api", "--end-sessions"],
        environment={
            **_api_environment(),
            "VIVA_HOME": str(settings.home),
            "VIVA_HOST": settings.host,
            "VIVA_PORT": str(settings.port),
            "VIVA_PUBLIC_URL": settings.origin,
            "VIVA_CONTROL_URL": settings.machine_origin,
            "VIVA_DATABASE_URL": database.dsn,
            "VIVA_VOICE_BASE_URL": voice.base_url,
            "VIVA_VOICE_API_KEY": voice.api_key.get_secret_value(),
        },
        log=settings.home / "logs" / "api.log",
    )


def _environment() -> Mapping[str, str]:
    """Ours, without what a child does not need or would read twice.

    Bytecode stays on for children: without it each start takes two to three times as long.
    """
    left_out = ("PYTHONDONTWRITEBYTECODE", "OPENAI_API_KEY", "VIVA_DATABASE_ADMIN_URL")
    return {name: value for name, value in os.environ.items() if name not in left_out}


def _api_environment() -> Mapping[str, str]:
    """Ours without what is the engine's alone."""
    return {
        name: value for name, value in _environment().items() if not name.startswith("VIVA_LLM_")
    }


def _engine_environment() -> Mapping[str, str]:
    """Ours without the secrets of the others: the engine reads what strangers send."""
    return {
        name: value
        for name, value in _environment().items()
        if name.startswith(_FOR_THE_ENGINE) or not name.startswith("VIVA_")
    }


async def _until_ready(http: aiohttp.ClientSession, url: str, child: Child, name: str) -> None:
    with anyio.move_on_after(READY_SECONDS):
        while True:
            try:
                async with http.get(url, timeout=aiohttp.ClientTimeout(total=5)) as response:
                    if response.status == HTTPStatus.OK:
                        return
            except (aiohttp.ClientError, TimeoutError):
                pass
            await anyio.sleep(_POLL_SECONDS)
    raise StackFailed(f"{name} was not ready within {READY_SECONDS:.0f} s. {child.last_words()}")
