"""Starts machines by forking: `python -m vivavoce.proxy.fork_server FOLDER`.

Run by the process provider with a `SOCK_SEQPACKET` socket as its standard input. Everything that a
machine needs is imported once, here, and shared by all of them; a fork costs some milliseconds and
a few megabytes. So that this is sound, the server has one thread, no event loop, no secret, and
nothing else that two processes may not share.

A machine that nobody has claimed dies with the fork server; one that was claimed lives on.
"""

import codecs
import ctypes
import gc
import logging
import os
import resource
import select
import shutil
import signal
import socket
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NoReturn

import anyio
import anyio._backends._asyncio
import msgspec
import uvloop  # noqa: F401  as the line above: loaded here once, used by every machine

from vivavoce.protocol.codec import encode
from vivavoce.protocol.forking import (
    MAX_PACKET_BYTES,
    RECORD,
    Forked,
    ForkExited,
    ForkRequest,
    ForkServerReady,
    MachineRecord,
)
from vivavoce.proxy.machine import MachineBirth, log_with, run
from vivavoce.proxy.rehearsal import limber_up, rehearse

MAX_OPEN_FILES: Final = 256
EXIT_FAILED: Final = 70
"""EX_SOFTWARE of sysexits(3)."""
_CODECS: Final = ("ascii", "utf-8", "latin-1", "idna")
_PR_SET_PDEATHSIG: Final = 1
_PR_SET_DUMPABLE: Final = 4
_PR_SET_NO_NEW_PRIVS: Final = 38
_log: Final = logging.getLogger(__name__)
_libc: Final = ctypes.CDLL(None, use_errno=True)


@dataclass
class _Children:
    """Machines by process id."""

    requests: dict[int, ForkRequest] = field(default_factory=dict)


def main() -> None:
    """Fork on request until the other side of standard input is gone."""
    log_with()
    _warm_up(Path(sys.argv[1]))
    channel = socket.socket(fileno=os.dup(0))
    os.dup2(os.open(os.devnull, os.O_RDWR), 0)
    wake_read, wake_write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.set_wakeup_fd(wake_write, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    gc.collect()
    gc.freeze()
    children = _Children()
    _tell(channel, ForkServerReady(pid=os.getpid(), can_change_user=_can_change_user()))
    while True:
        readable, _, _ = select.select([channel.fileno(), wake_read], [], [])
        if wake_read in readable:
            os.read(wake_read, MAX_PACKET_BYTES)
            _reap(channel, children)
        if channel.fileno() in readable:
            packet = _receive(channel)
            if not packet:
                return
            request = msgspec.json.decode(packet, type=ForkRequest)
            try:
                pid = _fork(request, channel, (wake_read, wake_write))
            except OSError as error:
                _log.error("cannot fork (%s)", error.strerror)
                machine_id = request.machine_id
                _tell(channel, ForkExited(machine_id=machine_id, pid=0, status=EXIT_FAILED))
                continue
            children.requests[pid] = request


def _warm_up(runtime: Path) -> None:
    """Do once what every machine would do first, so that its pages are shared.

    Nothing may be left to be imported later: a machine that has become another user may not be
    able to read our files.
    """
    for name in _CODECS:
        codecs.lookup(name)
    logging.disable(logging.CRITICAL)
    failure = ""
    try:
        # Not on uvloop, whose threads would stay.
        anyio.run(rehearse, runtime)
    except Exception as error:  # noqa: BLE001  machines work without; they only weigh more
        failure = _words(error)
    finally:
        logging.disable(logging.NOTSET)
        signal.alarm(0)
        log_with()
    if failure:
        _log.warning("the rehearsal failed (%s)", failure)


def _fork(request: ForkRequest, channel: socket.socket, wake: tuple[int, int]) -> int:
    parent = os.getpid()
    pid = os.fork()
    if pid == 0:
        status = EXIT_FAILED
        try:
            signal.set_wakeup_fd(-1)
            for descriptor in wake:
                os.close(descriptor)
            _be_a_machine(request, channel, parent)
            status = 0
        except BaseException as error:  # noqa: BLE001  the last frame of this process
            _log.critical("the machine failed (%s)", _words(error))
        finally:
            os._exit(status)
    return pid


def _be_a_machine(request: ForkRequest, channel: socket.socket, parent: int) -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    os.setsid()
    log_with(machineId=request.machine_id)
    # By the machine itself, so that this always comes before word that it is ready.
    pid, started = os.getpid(), pid_started(os.getpid())
    _tell(channel, Forked(machine_id=request.machine_id, pid=pid, pid_started=started))
    folder = Path(request.folder)
    owners = {0, os.getuid()}
    folder.mkdir(mode=0o700)
    # Entered before the change of user: the folders above it may be closed to that user.
    os.chdir(folder)
    if request.user_id is not None:
        os.chown(".", request.user_id, request.user_id)
        _become(request.user_id)
    _limit_resources()
    # Set last: a change of user clears it.
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        _die_with_parent()
    record = MachineRecord(
        machine_id=request.machine_id,
        region=request.region,
        isolation="process" if request.user_id is None else "user",
        pid=pid,
        pid_started=started,
    )

    def on_ready() -> None:
        Path(RECORD).write_bytes(encode(record))
        _tell(channel, record)
        channel.close()
        limber_up()

    birth = MachineBirth(
        machine_id=request.machine_id,
        folder=Path(),
        unclaimed_seconds=request.unclaimed_seconds,
        owners=owners,
        on_ready=on_ready,
        on_claimed=_take_secrets,
    )
    anyio.run(run, birth, backend_options={"use_uvloop": True})


def _take_secrets() -> None:
    """From now on there is something to hide from neighbours of the same user, and to live for."""
    _prctl(_PR_SET_DUMPABLE, 0)
    _prctl(_PR_SET_PDEATHSIG, 0)


def _die_with_parent() -> NoReturn:
    os._exit(0)


def _become(user_id: int) -> None:
    os.setgroups([])
    os.setresgid(user_id, user_id, user_id)
    os.setresuid(user_id, user_id, user_id)


def _limit_resources() -> None:
    """No core dumps (they would hold the key), no new privileges, few open files."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    limit = MAX_OPEN_FILES if hard == resource.RLIM_INFINITY else min(MAX_OPEN_FILES, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)


def _prctl(option: int, value: int) -> None:
    if _libc.prctl(option, value, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), f"prctl({option}) failed")


def _can_change_user() -> bool:
    """Try whether a child may become another user: root in a container may not."""
    if os.getuid() != 0:
        return False
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            _become(65_534)
            status = 0
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


def pid_started(pid: int) -> int:
    """Start time of a process in clock ticks since boot (proc(5), `stat`, field 22)."""
    stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    return int(stat.rpartition(")")[2].split()[19])


def _reap(channel: socket.socket, children: _Children) -> None:
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        request = children.requests.pop(pid, None)
        if request is not None:
            shutil.rmtree(request.folder, ignore_errors=True)
            exited = ForkExited(
                machine_id=request.machine_id,
                pid=pid,
                status=os.waitstatus_to_exitcode(status),
            )
            _tell(channel, exited)


def _receive(channel: socket.socket) -> bytes:
    try:
        return channel.recv(MAX_PACKET_BYTES)
    except ConnectionResetError:
        return b""  # gone, before it had read all that we told


def _tell(channel: socket.socket, message: object) -> None:
    try:
        channel.send(encode(message))
    except OSError as error:
        _log.info("nobody listens to the fork server (%s)", error.strerror)


def _words(error: BaseException) -> str:
    """Name an exception and those in its group, without their texts."""
    if isinstance(error, BaseExceptionGroup):
        return ", ".join(map(_words, error.exceptions))
    where = error.__traceback__
    while where is not None and where.tb_next is not None:
        where = where.tb_next
    line = f":{where.tb_frame.f_code.co_filename}:{where.tb_lineno}" if where else ""
    return f"{type(error).__name__}{line}"


if __name__ == "__main__":
    main()
