"""Other people's children: found by id and start time, waited for and killed without mistakes."""

import os
import signal
from pathlib import Path

import anyio


def pid_started(pid: int) -> int | None:
    """Start time of a process in clock ticks since boot; None if there is none, or a zombie.

    Source: proc(5), `stat`, fields 3 and 22.
    """
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return None
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] in ("Z", "X") else int(fields[19])


def is_alive(pid: int, started: int) -> bool:
    """Whether that very process runs, not another one with its id."""
    return pid_started(pid) == started


async def kill(pid: int, started: int, *, timeout: float = 5.0) -> bool:
    """Kill that very process, if it still runs, and wait until it does not.

    The signal goes through a file descriptor for the process (pidfd_open(2)), so that an id that
    was given to another process meanwhile is never hit.

    Returns:
        Whether it is gone; False if it still runs after `timeout` seconds.
    """
    try:
        descriptor = os.pidfd_open(pid)
    except OSError:
        return True
    try:
        if not _kill(descriptor, pid, started):
            return True
        with anyio.move_on_after(timeout):
            await anyio.wait_readable(descriptor)  # once it has ended, whoever its parent is
            return True
        return False
    finally:
        os.close(descriptor)


def kill_at_once(pid: int, started: int) -> None:
    """Kill that very process, if it still runs, without waiting for its end."""
    try:
        descriptor = os.pidfd_open(pid)
    except OSError:
        return
    try:
        _kill(descriptor, pid, started)
    finally:
        os.close(descriptor)


def _kill(descriptor: int, pid: int, started: int) -> bool:
    if not is_alive(pid, started):
        return False
    try:
        signal.pidfd_send_signal(descriptor, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True


def private_bytes(pid: int) -> int | None:
    """Memory that belongs to this process alone; None where the system does not tell.

    Source: proc(5), `smaps_rollup`.
    """
    try:
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
    except OSError:
        return None
    lines = [line.split() for line in rollup.splitlines()]
    return 1024 * sum(int(line[1]) for line in lines if line[0].startswith("Private_"))
