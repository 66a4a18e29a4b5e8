"""`viva doctor`: what works on this machine, found out by trying it."""

import platform
import shutil
import socket
import tempfile
from collections.abc import Awaitable, Callable, Generator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus
from importlib.metadata import version
from pathlib import Path
from types import MappingProxyType
from typing import Final

import aiohttp
import anyio
from rich.markup import escape
from rich.table import Table

from vivavoce.api.pages import INDEX, PACKAGED
from vivavoce.cli.candidate import prepare_answers
from vivavoce.cli.console import err, out
from vivavoce.cli.exits import StackFailed
from vivavoce.cli.home import prepare_home, running
from vivavoce.engine.models import open_models
from vivavoce.errors import VivavoceError
from vivavoce.machines.process import open_process_provider
from vivavoce.machines.provider import MachineFailure
from vivavoce.settings import ServerSettings, load
from vivavoce.store.embedded import EmbeddedPostgresError, open_postgres

CHECK_SECONDS: Final = 60.0
_MIN_FREE_BYTES: Final = 500 * 1024 * 1024
_SENTENCE: Final = "This is a test of hearing and speaking."


class Grade(StrEnum):
    """How a check came out."""

    GOOD = "good"
    NOTE = "note"
    BAD = "bad"


@dataclass(frozen=True)
class Finding:
    """What a check found, and what to do about it."""

    grade: Grade
    text: str


Check = Callable[[ServerSettings], Awaitable[Finding]]
_STYLES: Final = {Grade.GOOD: "green", Grade.NOTE: "yellow", Grade.BAD: "bold red"}


async def examine() -> bool:
    """Run every check and print what it found; say whether `viva demo` and `viva up` can work."""
    settings = load(ServerSettings)
    table = Table(box=None, padding=(0, 2, 0, 0), show_header=False)
    is_good = True
    for name, check in CHECKS.items():
        with err.status(f"{name}…") if err.is_terminal else nullcontext():
            finding = await _tried(check, settings)
        is_good = is_good and finding.grade is not Grade.BAD
        style = _STYLES[finding.grade]
        table.add_row(f"[{style}]{finding.grade}[/]", name, escape(finding.text))
    out.print(table)
    return is_good


async def _tried(check: Check, settings: ServerSettings) -> Finding:
    try:
        with anyio.fail_after(CHECK_SECONDS):
            return await check(settings)
    except TimeoutError:
        return Finding(Grade.BAD, f"no answer within {CHECK_SECONDS:.0f} s")
    except (
        EmbeddedPostgresError,
        MachineFailure,
        OSError,
        StackFailed,
        VivavoceError,
        aiohttp.ClientError,
    ) as error:
        return Finding(Grade.BAD, str(error))


async def _check_version(_settings: ServerSettings) -> Finding:
    return Finding(
        Grade.GOOD,
        f"vivavoce {version('vivavoce')}, Python {platform.python_version()},"
        f" {platform.system()} {platform.release()} {platform.machine()}",
    )


async def _check_home(settings: ServerSettings) -> Finding:
    prepare_home(settings.home)
    free = shutil.disk_usage(settings.home).free
    text = f"{settings.home}, {free / 1024**3:.1f} GiB free"
    if free < _MIN_FREE_BYTES:
        return Finding(Grade.BAD, f"{text}; make room, or choose another folder with VIVA_HOME")
    return Finding(Grade.GOOD, text)


async def _check_port(settings: ServerSettings) -> Finding:
    place = running(settings.home)
    if place is not None:
        return Finding(Grade.GOOD, f"a platform runs from this home: {place.url}")
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            return Finding(
                Grade.NOTE,
                f"{settings.host}:{settings.port}: {error.strerror}; `viva up` needs another"
                " VIVA_PORT",
            )
    return Finding(Grade.GOOD, f"{settings.host}:{settings.port} is free")


async def _check_database(settings: ServerSettings) -> Finding:
    if settings.database_url is not None:
        return Finding(Grade.NOTE, "VIVA_DATABASE_URL is set; `viva db status` asks it")
    with _scratch_folder() as home:
        async with open_postgres(home) as postgres:
            return Finding(Grade.GOOD, f"Postgres starts and answers ({postgres.programs.parent})")


async def _check_speech(settings: ServerSettings) -> Finding:
    if settings.voice is not None:
        return Finding(Grade.NOTE, f"not needed: the voice model is {settings.voice.base_url}")
    (answer,) = await prepare_answers([_SENTENCE])
    pcm = answer.sound.at(16_000).pcm
    async with open_models() as models:
        heard = await models.transcribe(pcm)
    if "hearing" not in heard.text.lower():
        return Finding(Grade.BAD, "the models run, but did not understand their own voice")
    return Finding(Grade.GOOD, "the local models speak, and understand what they said")


async def _check_voice_model(settings: ServerSettings) -> Finding:
    voice = settings.voice
    if voice is None:
        return Finding(Grade.GOOD, "the local engine; OPENAI_API_KEY would use OpenAI's")
    headers = {"authorization": f"Bearer {voice.api_key.get_secret_value()}"}
    async with (
        aiohttp.ClientSession(headers=headers) as http,
        http.get(f"{voice.base_url}/models") as response,
    ):
        if response.status == HTTPStatus.UNAUTHORIZED:
            return Finding(Grade.BAD, f"{voice.base_url} does not take the key")
    return Finding(Grade.GOOD, f"{voice.base_url} answers and takes the key")


async def _check_pages(settings: ServerSettings) -> Finding:
    folder = settings.web_folder or PACKAGED
    if (folder / INDEX).is_file():
        return Finding(Grade.GOOD, f"built, in {folder}")
    return Finding(Grade.NOTE, "not built, so that candidates have no room; run: make web")


async def _check_machines(settings: ServerSettings) -> Finding:
    with _scratch_folder() as folder:
        async with open_process_provider(folder / "machines") as provider:
            probe = await provider.probe()
    text = f"one starts in {probe.start_seconds * 1000:.0f} ms; isolation: {probe.isolation}"
    if settings.require_isolation:
        return Finding(Grade.BAD, f"{text}; VIVA_REQUIRE_ISOLATION asks for more")
    return Finding(Grade.NOTE, f"{text} (they share this computer's kernel and network)")


@contextmanager
def _scratch_folder() -> Generator[Path]:
    with tempfile.TemporaryDirectory(prefix="viva-") as folder:
        Path(folder).chmod(0o711)  # as root, Postgres and machines are other users
        yield Path(folder)


CHECKS: Final[Mapping[str, Check]] = MappingProxyType(
    {
        "version": _check_version,
        "home": _check_home,
        "port": _check_port,
        "database": _check_database,
        "speech": _check_speech,
        "voice model": _check_voice_model,
        "machines": _check_machines,
        "pages": _check_pages,
    }
)
