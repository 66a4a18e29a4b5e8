"""The whole platform as its users start it: `viva up` in a folder of its own, seen from outside."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncGenerator, Generator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final
from uuid import uuid4

import aiohttp
import anyio
import anyio.to_thread
import psutil

READY_SECONDS: Final = 60.0
STOP_SECONDS: Final = 30.0
_POLL_SECONDS: Final = 0.01


class NotRunning(Exception):
    """The platform did not start, or did not stop. Holds the end of what it printed."""


@dataclass(frozen=True)
class Platform:
    """A running `viva up`."""

    home: Path
    port: int
    pid: int
    environment: Mapping[str, str]

    @property
    def url(self) -> str:
        """Where its API answers."""
        return f"http://127.0.0.1:{self.port}"

    async def viva(self, *arguments: str) -> str:
        """Run a `viva` command against this platform; give what it prints."""
        done = await anyio.run_process([VIVA, *arguments], env=self.environment)
        return done.stdout.decode().strip()

    def process(self, words: str) -> psutil.Process:
        """The running process of ours whose command line contains `words`."""
        return next(
            process
            for process in psutil.Process(self.pid).children(recursive=True)
            if words in " ".join(process.cmdline())
        )


VIVA: Final = str(Path(sys.executable).with_name("viva"))


@contextmanager
def temporary_home() -> Generator[Path, None, None]:
    """A state folder for one run, with a short path for its sockets.

    As root, Postgres runs as a user of its own, who must be able to pass through.
    """
    with TemporaryDirectory(prefix="viva-") as folder:
        Path(folder).chmod(0o711)
        home = Path(folder) / "home"
        home.mkdir(mode=0o711)
        yield home


@dataclass(frozen=True)
class Engine:
    """A running voice engine."""

    base_url: str
    api_key: str
    pid: int

    @property
    def settings(self) -> dict[str, str]:
        """Environment that makes a platform use it."""
        return {"VIVA_VOICE_BASE_URL": self.base_url, "VIVA_VOICE_API_KEY": self.api_key}


@asynccontextmanager
async def run_engine() -> AsyncGenerator[Engine, None]:
    """Keep a voice engine running for the length of the block, its models loaded."""
    key = f"sk-{uuid4().hex}"
    async with await anyio.open_process(
        [sys.executable, "-m", "vivavoce.engine"],
        env={**os.environ, "VIVA_ENGINE_PORT": "0", "VIVA_ENGINE_API_KEY": key},
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            assert process.stdout is not None
            with anyio.fail_after(READY_SECONDS):
                url = (await process.stdout.receive()).decode().strip()
                await _until_ok(f"{url}/readyz", process)
            yield Engine(f"{url}/v1", key, process.pid)
        finally:
            process.terminate()
            with anyio.move_on_after(STOP_SECONDS, shield=True):
                await process.wait()


@asynccontextmanager
async def run_platform(
    home: Path, settings: Mapping[str, str] = {}, *, port: int | None = None
) -> AsyncGenerator[Platform, None]:
    """Keep `viva up` running for the length of the block, and make sure that nothing stays.

    Args:
        home: The state folder; a second start in the same one is a warm start.
        settings: Further environment.
        port: Where the API listens; a free one if None.

    Raises:
        NotRunning: If it is not ready within `READY_SECONDS`, or leaves processes behind.
    """
    port = port or free_port()
    kept = {name: value for name, value in os.environ.items() if not name.startswith("VIVA_")}
    kept.pop("PYTHONDONTWRITEBYTECODE", None)
    environment = {**kept, "VIVA_HOME": str(home), "VIVA_PORT": str(port), **settings}
    log = home.with_suffix(".log")
    with log.open("wb") as output:
        process = await anyio.open_process(
            [VIVA, "up"], env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output
        )
    platform = Platform(home, port, process.pid, environment)
    try:
        await _until_ready(platform, process, log)
        yield platform
    finally:
        with anyio.move_on_after(STOP_SECONDS + 5, shield=True):
            await _stop(process, log)
    remaining = left_running(home)
    if remaining:
        raise NotRunning(f"Still running after the end: {remaining}")


async def _until_ready(platform: Platform, process: anyio.abc.Process, log: Path) -> None:
    with anyio.move_on_after(READY_SECONDS):
        if await _until_ok(f"{platform.url}/readyz", process):
            return
    raise NotRunning(f"`viva up` was not ready:\n{_end_of(log)}")


async def _until_ok(url: str, process: anyio.abc.Process) -> bool:
    """Wait until a URL answers with success; False if the process ends before."""
    async with aiohttp.ClientSession() as http:
        while process.returncode is None:
            try:
                async with http.get(url) as response:
                    if response.ok:
                        return True
            except aiohttp.ClientError:
                pass
            await anyio.sleep(_POLL_SECONDS)
    return False


async def _stop(process: anyio.abc.Process, log: Path) -> None:
    if process.returncode is None:
        process.send_signal(signal.SIGTERM)
    with anyio.move_on_after(STOP_SECONDS):
        await process.wait()
        return
    process.kill()
    raise NotRunning(f"`viva up` did not stop within {STOP_SECONDS:.0f} s:\n{_end_of(log)}")


def left_running(home: Path) -> list[str]:
    """Processes that were started with this state folder, by environment or command line."""
    found = []
    for process in psutil.process_iter():
        try:
            marks = [*process.cmdline(), process.environ().get("VIVA_HOME", "")]
            if any(str(home) in mark for mark in marks):
                found.append(f"{process.pid} {' '.join(process.cmdline())[:120]}")
        except (psutil.AccessDenied, psutil.NoSuchProcess):
            continue
    return found


def free_port() -> int:
    """A port of loopback that is free at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _end_of(log: Path) -> str:
    return log.read_text(encoding="utf-8", errors="replace")[-2000:]
