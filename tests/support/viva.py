"""The command `viva` as its users run it, in a home of its own."""

import os
import signal
import subprocess
import sys
from collections.abc import AsyncGenerator, Generator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import anyio
import psutil
import pytest

from support.postgres import open_home
from vivavoce.cli.home import running
from vivavoce.cli.stack import free_port

VIVA = str(Path(sys.executable).with_name("viva"))


@dataclass(frozen=True)
class Viva:
    """A home, and how to run commands in it."""

    home: Path
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def variables(self) -> dict[str, str]:
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("VIVA_", "OPENAI_")) and name != "PYTHONDONTWRITEBYTECODE"
        }
        return {**kept, "VIVA_HOME": str(self.home), **self.environment}

    @property
    def log(self) -> Path:
        """What `viva up` prints."""
        return self.home.with_suffix(".log")

    async def run(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[bytes]:
        """Run a command to its end; what it returns is the caller's to judge."""
        return await anyio.run_process(
            [VIVA, *arguments], env={**self.variables, **variables}, check=False
        )

    def processes(self) -> list[psutil.Process]:
        """Everything that was started from this home and still runs."""
        return [process for process in psutil.process_iter() if self._is_ours(process)]

    def _is_ours(self, process: psutil.Process) -> bool:
        try:
            if process.status() == psutil.STATUS_ZOMBIE:
                return False
            words = [*process.cmdline(), process.environ().get("VIVA_HOME", "")]
        except psutil.Error:
            return False
        return any(str(self.home) in word for word in words)

    async def until_nothing_runs(self) -> None:
        """Wait until the last of them has ended."""
        with anyio.move_on_after(20):
            while self.processes():  # noqa: ASYNC110  a process tells only its parent
                await anyio.sleep(0.05)
        left = [" ".join(process.cmdline())[:120] for process in self.processes()]
        assert left == []

    @asynccontextmanager
    async def up(self) -> AsyncGenerator[psutil.Process, None]:
        """`viva up`, ready, for the length of the block; ended by SIGTERM if it still runs."""
        log = self.log
        with log.open("wb") as output:
            process = await anyio.open_process(
                [VIVA, "up"],
                env=self.variables,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
        try:
            with anyio.fail_after(50):
                while running(self.home) is None:
                    assert process.returncode is None, log.read_text()
                    await anyio.sleep(0.02)
            yield psutil.Process(process.pid)
        finally:
            with anyio.move_on_after(40, shield=True):
                if process.returncode is None:
                    process.send_signal(signal.SIGTERM)
                await process.wait()
            await process.aclose()
            log.unlink()


@pytest.fixture
def viva() -> Generator[Viva, None, None]:
    """A fresh home, and a free port."""
    with open_home() as home:
        yield Viva(home, {"VIVA_PORT": str(free_port())})
