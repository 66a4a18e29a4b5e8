"""Child processes that live and die with us: supervised, restarted, ended in order."""

import os
import signal
import subprocess
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import anyio
import structlog

from vivavoce.cli.exits import StackFailed
from vivavoce.processes import die_with, until_exited

STOP_SECONDS: Final = 45.0
"""The API ends its interviews and waits for their transcripts."""
_RESTART_DELAYS: Final = (0.0, 0.2, 0.5, 1.0, 2.0, 5.0)
_MAX_DEATHS: Final = 6
"""In a row, each soon after the start: then it will not get better by itself."""
_STEADY_SECONDS: Final = 2.0

_log: Final = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Program:
    """What to run.

    Attributes:
        name: For people.
        arguments: The command line; never holds a secret.
        environment: The whole environment.
        log: File that takes its output; None leaves it on ours.
    """

    name: str
    arguments: Sequence[str]
    environment: Mapping[str, str]
    log: Path | None = None


class Child:
    """A program that is kept running. Made by `keep_running`."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._process: subprocess.Popen[bytes] | None = None
        self.deaths = 0

    @property
    def pid(self) -> int | None:
        """Of the process, or None while there is none."""
        process = self._process
        return process.pid if process is not None and process.returncode is None else None

    def start(self) -> None:
        """Start the process. On the main thread: its life is tied to the thread that forks it."""
        output = None if self._program.log is None else self._program.log.open("ab")
        try:
            self._process = subprocess.Popen(  # noqa: S603  our own program
                list(self._program.arguments),
                env=dict(self._program.environment),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,  # Ctrl-C is for us, who end the children in order
                preexec_fn=die_with(os.getpid(), signal.SIGTERM),  # noqa: PLW1509  no other thread forks
            )
        finally:
            if output is not None:
                output.close()

    async def watch(self) -> None:
        """Start the process again whenever it dies, until cancelled.

        Raises:
            StackFailed: If it dies again and again, soon after each start.
        """
        while True:
            with anyio.move_on_after(_STEADY_SECONDS) as soon:
                await until_exited(self._process)
            if soon.cancelled_caught:
                self.deaths = 0
                await until_exited(self._process)
            self.deaths += 1
            if self.deaths >= _MAX_DEATHS:
                raise StackFailed(
                    f"{self._program.name} ended {self.deaths} times in a row. {self.last_words()}"
                )
            _log.warning("process ended; starting it again", process=self._program.name)
            await anyio.sleep(_RESTART_DELAYS[min(self.deaths - 1, len(_RESTART_DELAYS) - 1)])
            self.start()

    async def stop(self) -> None:
        """End the process: in order, and if it will not, at once."""
        for polite in (signal.SIGTERM, signal.SIGKILL):
            if self.pid is None or self._process is None:
                return
            self._process.send_signal(polite)
            with anyio.move_on_after(STOP_SECONDS):
                await until_exited(self._process)

    def last_words(self) -> str:
        """The end of its log, for an error message."""
        log = self._program.log
        if log is None or not log.exists():
            return ""
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
        return f"The end of {log}: " + " / ".join(lines[-3:])


@asynccontextmanager
async def keep_running(program: Program) -> AsyncGenerator[Child]:
    """Keep a program running for the length of the block; end it on every way out.

    Raises:
        StackFailed: If it dies again and again.
    """
    child = Child(program)
    child.start()
    try:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(child.watch)
            yield child
            tasks.cancel_scope.cancel()
    finally:
        with anyio.move_on_after(STOP_SECONDS + 10, shield=True):
            await child.stop()
