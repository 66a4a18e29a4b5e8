"""A real engine process with real models, one for a whole test session."""

import os
import secrets
import select
import signal
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

START_SECONDS = 60.0


@dataclass
class Engine:
    """A running engine.

    Attributes:
        url: Such as `http://127.0.0.1:34567`; the API is below `/v1`.
        key: Its API key.
        process: Its process.
    """

    url: str
    key: str
    process: subprocess.Popen[str]
    is_stopping: bool = False

    @property
    def pid(self) -> int:
        return self.process.pid

    def stop(self) -> None:
        """Ask it to end, once."""
        if not self.is_stopping:
            self.is_stopping = True
            self.process.send_signal(signal.SIGTERM)

    @property
    def calls_url(self) -> str:
        return f"{self.url}/v1/realtime/calls"

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}"}


@contextmanager
def run_engine_process(
    *, prefix: tuple[str, ...] = (), **settings: str
) -> Generator[Engine, None, None]:
    """Run an engine on a free port until the block ends; it must end well within 10 s.

    Args:
        prefix: Command that runs it, such as one that enters a network namespace.
        settings: Further settings, in lower case and without `VIVA_ENGINE_`.
    """
    key = secrets.token_hex(16)
    environment = {f"VIVA_ENGINE_{name.upper()}": value for name, value in settings.items()}
    with subprocess.Popen(  # noqa: S603  our own interpreter
        [*prefix, sys.executable, "-m", "vivavoce.engine"],
        env={
            **os.environ,
            "VIVA_ENGINE_PORT": "0",
            "VIVA_ENGINE_API_KEY": key,
            **environment,
        },
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        engine = Engine("", key, process)
        try:
            ready, _, _ = select.select([process.stdout], [], [], START_SECONDS)
            engine.url = process.stdout.readline().strip() if ready else ""
            assert engine.url.startswith("http://"), "the engine did not say where it listens"
            yield engine
        finally:
            engine.stop()
            try:
                status = process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                raise
        assert status == 0


@pytest.fixture(scope="session")
def engine() -> Generator[Engine, None, None]:
    """The engine that tests share. They may not count on being its only client.

    It takes calls however long turns wait: other tests use the same processors.
    """
    with run_engine_process(max_queue_seconds="60") as running:
        yield running
