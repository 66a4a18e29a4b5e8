"""One running model worker, seen from the engine: its process and the socket to it."""

import logging
import os
import socket
import sys
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from subprocess import DEVNULL
from typing import Final

import anyio
from anyio.abc import Process, UNIXSocketStream
from anyio.streams.buffered import BufferedByteReceiveStream

from vivavoce.engine import frames

_log: Final = logging.getLogger(__name__)
_GOODBYE_SECONDS: Final = 2.0
# A worker needs no secrets, so it gets none: nothing else of the environment is passed on.
_ENVIRONMENT: Final = ("PATH", "HOME", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "PYTHONPATH", "TMPDIR")


class WorkerLost(Exception):
    """The worker ended, hung, or could not be started."""


class ModelsMissing(Exception):
    """The worker says that the models cannot be loaded."""


class Link:
    """Requests to one worker and their replies. Made by `open_worker`."""

    def __init__(self, stream: UNIXSocketStream) -> None:
        self._stream = stream
        self._sending = anyio.Lock()
        self._replies: dict[int, frames.Reply] = {}
        self._arrivals: dict[int, anyio.Event] = {}
        self._last_id = 0
        self.loaded = anyio.Event()

    async def ask(self, request: Callable[[int], frames.Request]) -> frames.Reply:
        """Send the request made for an id and wait for its reply.

        Raises:
            WorkerLost: If the worker has closed its socket.
        """
        self._last_id += 1
        id_ = self._last_id
        arrived = self._arrivals[id_] = anyio.Event()
        try:
            async with self._sending:
                await self._stream.send(frames.encode(request(id_)))
            await arrived.wait()
            return self._replies[id_]
        except (anyio.BrokenResourceError, anyio.ClosedResourceError) as error:
            raise WorkerLost("the model worker does not listen") from error
        finally:
            del self._arrivals[id_]
            self._replies.pop(id_, None)

    async def run(self) -> None:
        """Take replies in until the worker ends.

        Raises:
            WorkerLost: When it has ended.
            ModelsMissing: When it says that it cannot load the models.
        """
        stream = BufferedByteReceiveStream(self._stream)
        while True:
            try:
                header = await stream.receive_exactly(frames.HEADER_BYTES)
                body = await stream.receive_exactly(frames.body_length(header))
            except (anyio.EndOfStream, anyio.IncompleteRead, anyio.BrokenResourceError) as error:
                raise WorkerLost("the model worker ended") from error
            match frames.decode_reply(body):
                case frames.Loaded(seconds=seconds):
                    _log.info("speech models loaded in %.1f s", seconds)
                    self.loaded.set()
                case frames.LoadFailed(message=message):
                    raise ModelsMissing(f"The speech models cannot be loaded: {message}")
                case reply:
                    if arrived := self._arrivals.get(reply.id):
                        self._replies[reply.id] = reply
                        arrived.set()


@asynccontextmanager
async def open_worker(
    *, whisper: Path | None, threads: int, niceness: int
) -> AsyncGenerator[tuple[Link, Process], None]:
    """Run a model worker for the length of the block. It ends with us, however we end.

    Raises:
        WorkerLost: If the process cannot be started.
    """
    ours, theirs = socket.socketpair()
    with theirs:
        descriptor = theirs.fileno()
        arguments = [str(number) for number in (descriptor, niceness, threads)]
        try:
            process = await anyio.open_process(
                [sys.executable, "-m", "vivavoce.engine.worker", *arguments, str(whisper or "")],
                stdin=DEVNULL,
                stdout=DEVNULL,
                stderr=None,
                pass_fds=[descriptor],
                env=_environment(os.environ, threads),
                # The terminal's Ctrl-C is for us, who end the worker when we are done with it.
                start_new_session=True,
            )
        except OSError as error:
            ours.close()
            raise WorkerLost("the model worker cannot be started") from error
    stream = await UNIXSocketStream.from_socket(ours)
    try:
        yield Link(stream), process
    finally:
        with anyio.move_on_after(_GOODBYE_SECONDS, shield=True):
            await stream.aclose()
            await process.wait()
        if process.returncode is None:
            process.kill()
        with anyio.move_on_after(_GOODBYE_SECONDS, shield=True):
            await process.aclose()


def _environment(ours: Mapping[str, str], threads: int) -> dict[str, str]:
    chosen = {name: ours[name] for name in _ENVIRONMENT if name in ours}
    pools = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), str(threads))
    return {**chosen, **pools, "HF_HUB_OFFLINE": "1"}
