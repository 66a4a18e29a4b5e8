"""A whole platform to do harm to, and what a candidate sees of it."""

import signal
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import anyio
import psutil
import pytest
from bench.kill import Stage, open_stage
from bench.running import temporary_home
from bench.scripted_call import Script

from vivavoce.client import ConnectionState, InterviewClient

WAIT_SECONDS = 20


@pytest.fixture(scope="module")
async def stage() -> AsyncGenerator[Stage, None]:
    """`viva up` with a scripted voice model and an observer before the API."""
    async with open_stage() as standing:
        yield standing


@pytest.fixture
def home() -> Generator[Path, None, None]:
    """A state folder of the test's own."""
    with temporary_home() as folder:
        yield folder


class Candidate:
    """A candidate in an interview that follows a script; remembers every state."""

    def __init__(self, client: InterviewClient, script: Script) -> None:
        self.client = client
        self.script = script
        self.states: list[ConnectionState] = [client.state]
        self._changed = anyio.Event()
        client.observe(self._note)

    def _note(self, state: ConnectionState) -> None:
        self.states.append(state)
        self._changed.set()
        self._changed = anyio.Event()

    @property
    def errors(self) -> list[str]:
        """Codes of what the client was told, in order."""
        return [state.error.code for state in self.states if state.error is not None]

    async def until_warned(self, code: str) -> None:
        """Wait until the client was told of an error."""
        with anyio.fail_after(WAIT_SECONDS):
            while code not in self.errors:
                await self._changed.wait()

    async def until_said(self, lines: int) -> None:
        """Wait until the voice model has said and heard so many lines."""
        with anyio.fail_after(WAIT_SECONDS):
            while len(self.script.said) < lines:
                await self.script.next_said.wait()


@asynccontextmanager
async def candidate(stage: Stage, script: Script) -> AsyncGenerator[Candidate, None]:
    """Hold an interview for the length of the block."""
    async with stage.candidate(script) as client:
        yield Candidate(client, script)


@contextmanager
def frozen(process: psutil.Process) -> Generator[None, None, None]:
    """Keep a process from doing anything, for the length of the block."""
    process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        process.send_signal(signal.SIGCONT)
