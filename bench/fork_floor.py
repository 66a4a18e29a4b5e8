"""The least that a process of one's own can cost: a fork that echoes, with a machine's imports.

Run as a program, it is the fork server: `python -m bench.fork_floor PATH`. Each connection to the
socket at PATH gets a child that says its process id, then echoes until the connection ends.
"""

import gc
import os
import signal
import socket
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Final

# Imported for their size alone: what a machine's process carries before it has a session.
import aiohttp  # noqa: F401
import anyio
import joserfc.jwt  # noqa: F401
import uvloop  # noqa: F401
import websockets.asyncio.server  # noqa: F401

import vivavoce.protocol.machine  # noqa: F401
from bench.rounds import Measure

START_SECONDS: Final = 30


def private_bytes(pid: int) -> int:
    """Memory that belongs to this process alone, in bytes (Linux, `smaps_rollup`)."""
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
    lines = [line.split() for line in rollup.splitlines()]
    return 1024 * sum(int(line[1]) for line in lines if line[0].startswith("Private_"))


@asynccontextmanager
async def open_fork_server() -> AsyncGenerator[Path, None]:
    """Run the fork server for the length of the block; give the path of its socket."""
    with TemporaryDirectory(prefix="viva-bench-") as folder:
        path = Path(folder) / "fork.sock"
        command = [sys.executable, "-m", "bench.fork_floor", str(path)]
        async with await anyio.open_process(command) as server:
            try:
                assert server.stdout is not None
                with anyio.fail_after(START_SECONDS):
                    await server.stdout.receive()
                yield path
            finally:
                server.terminate()


def fork_to_echo(path: Path) -> Measure:
    """Seconds from asking for a process until it has answered."""

    async def measure() -> float:
        started = perf_counter()
        async with await anyio.connect_unix(path) as child:
            await child.receive()
            await child.send(b"?")
            await child.receive()
            return perf_counter() - started

    return measure


def idle_memory(path: Path) -> Measure:
    """Private bytes of a child that has done nothing but echo."""

    async def measure() -> float:
        async with await anyio.connect_unix(path) as child:
            pid = int(await child.receive())
            await child.send(b"?")
            await child.receive()
            return float(private_bytes(pid))

    return measure


def _serve(path: str) -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    gc.freeze()
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(path)
        listening.listen()
        print("ready", flush=True)
        while True:
            connection, _ = listening.accept()
            if os.fork() == 0:
                _echo(connection)
            connection.close()


def _echo(connection: socket.socket) -> None:
    connection.sendall(b"%d" % os.getpid())
    while received := connection.recv(16):
        connection.sendall(received)
    os._exit(0)


if __name__ == "__main__":
    _serve(sys.argv[1])
