"""The fork server as the control plane sees it: kept running, asked for machines."""

import logging
import os
import signal
import socket
import sys
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import anyio
import anyio.abc
import msgspec

from vivavoce.machines.processes import kill, kill_at_once
from vivavoce.machines.provider import ProviderUnavailable, StartFailed
from vivavoce.protocol.codec import encode
from vivavoce.protocol.forking import (
    MAX_PACKET_BYTES,
    Forked,
    ForkExited,
    ForkReply,
    ForkRequest,
    ForkServerReady,
    MachineRecord,
)

FORK_SERVER: Final = "vivavoce.proxy.fork_server"
START_SECONDS: Final = 20.0
STOP_SECONDS: Final = 5.0
_RAN_WELL_SECONDS: Final = 60.0
_MAX_DELAY: Final = 5.0
_INHERITED: Final = ("PATH", "LANG", "LC_ALL", "TZ", "SSL_CERT_FILE", "SSL_CERT_DIR", "PYTHONPATH")
"""All that it gets of our environment: no secret can be in it."""
_log: Final = logging.getLogger(__name__)


@dataclass
class _Start:
    """A machine that is being started."""

    done: anyio.Event = field(default_factory=anyio.Event)
    forked: Forked | None = None
    reply: MachineRecord | ForkExited | None = None


class ForkServer:
    """Runs the fork server, again whenever it dies, and asks it for machines.

    Args:
        runtime: Folder of the machines' folders; named on its command line, so that whoever looks
            at the processes sees whose it is.
    """

    def __init__(self, runtime: Path) -> None:
        self._runtime = runtime
        self._channel: socket.socket | None = None
        self._starting: dict[str, _Start] = {}
        self._up = anyio.Event()
        self.can_change_user = False

    async def run(self) -> None:
        """Keep a fork server running, for ever."""
        failures = 0
        while True:
            began = anyio.current_time()
            try:
                await self._run_once()
            except (OSError, TimeoutError) as error:
                _log.error("the fork server failed (%s)", type(error).__name__)
            self._lose()
            ran_well = anyio.current_time() - began > _RAN_WELL_SECONDS
            failures = 0 if ran_well else failures + 1
            await anyio.sleep(min(_MAX_DELAY, 0.05 * 2.0**failures))

    async def until_up(self) -> None:
        """Wait until machines can be started."""
        await self._up.wait()

    @property
    def starting(self) -> Collection[str]:
        """Ids of machines that were asked for and are not ready yet."""
        return tuple(self._starting)

    async def fork(self, request: ForkRequest) -> MachineRecord:
        """Start a machine and wait until it listens. If that is cancelled, it is killed.

        Raises:
            ProviderUnavailable: If the fork server is down, or goes down meanwhile.
            StartFailed: If the machine ends before it is ready.
        """
        start = self._starting[request.machine_id] = _Start()
        try:
            self._send(request)
            await start.done.wait()
            return _record(start)
        except BaseException:
            with anyio.move_on_after(STOP_SECONDS, shield=True):
                if start.forked is not None:
                    await kill(start.forked.pid, start.forked.pid_started)
            raise
        finally:
            del self._starting[request.machine_id]

    def _send(self, request: ForkRequest) -> None:
        if self._channel is None:
            raise ProviderUnavailable("The fork server is being started again.")
        try:
            self._channel.send(encode(request))
        except OSError:
            raise ProviderUnavailable("The fork server does not take requests.") from None

    async def _run_once(self) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.setblocking(False)  # noqa: FBT003  the library's signature
        with ours, theirs:
            process = await anyio.open_process(
                [sys.executable, "-m", FORK_SERVER, str(self._runtime)],
                stdin=theirs.fileno(),
                stdout=None,
                stderr=None,
                env={name: os.environ[name] for name in _INHERITED if name in os.environ},
                start_new_session=True,
            )
            theirs.close()
            try:
                with anyio.fail_after(START_SECONDS):
                    ready = await _receive(ours)
                if not isinstance(ready, ForkServerReady):
                    raise OSError("the fork server did not start")
                self._channel, self.can_change_user = ours, ready.can_change_user
                self._up.set()
                while (reply := await _receive(ours)) is not None:
                    self._take(reply)
                _log.error("the fork server is gone; another is started")
            finally:
                ours.close()
                await _stop(process)

    def _lose(self) -> None:
        self._channel = None
        self._up = anyio.Event()
        for start in self._starting.values():
            start.done.set()

    def _take(self, reply: ForkReply) -> None:
        if isinstance(reply, ForkServerReady):
            return
        if isinstance(reply, ForkExited) and reply.status not in (0, -signal.SIGKILL):
            _log.warning("machine %s ended with status %d", reply.machine_id, reply.status)
        start = self._starting.get(reply.machine_id)
        if start is None:
            if isinstance(reply, Forked):  # too late: nobody waits for it any more
                kill_at_once(reply.pid, reply.pid_started)
        elif isinstance(reply, Forked):
            start.forked = reply
        else:
            start.reply = start.reply or reply
            start.done.set()


def _record(start: _Start) -> MachineRecord:
    if start.reply is None:
        raise ProviderUnavailable("The fork server was lost; it is being started again.")
    if isinstance(start.reply, ForkExited):
        raise StartFailed(f"The machine ended at once (status {start.reply.status}).")
    return start.reply


async def _receive(channel: socket.socket) -> ForkReply | None:
    """One packet of the fork server; None once it is gone."""
    while True:
        await anyio.wait_readable(channel)
        try:
            packet = channel.recv(MAX_PACKET_BYTES)
        except BlockingIOError:
            continue
        except OSError:
            return None
        if not packet:
            return None
        reply: ForkReply = msgspec.json.decode(packet, type=ForkReply)
        return reply


async def _stop(process: anyio.abc.Process) -> None:
    """Its standard input is closed: it ends by itself."""
    with anyio.CancelScope(shield=True):
        with anyio.move_on_after(STOP_SECONDS):
            await process.wait()
        if process.returncode is None:
            process.kill()
            await process.wait()
