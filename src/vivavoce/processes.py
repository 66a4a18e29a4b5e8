"""Child processes: they end with their parent, and waiting for one blocks nothing."""

import ctypes
import os
import signal
import subprocess
from collections.abc import Callable
from typing import Final

import anyio

_PR_SET_PDEATHSIG: Final = 1


def die_with(parent: int, by: signal.Signals) -> Callable[[], None]:
    """For `Popen(preexec_fn=...)`: the child is signalled when its parent dies, even by SIGKILL.

    Args:
        parent: The parent's process id, taken before the fork.
        by: What the child is sent. See prctl(2), PR_SET_PDEATHSIG: it is bound to the thread that
            forks, so that thread must live as long as the child.
    """
    prctl = ctypes.CDLL(None, use_errno=True).prctl

    def in_child() -> None:
        prctl(_PR_SET_PDEATHSIG, by)
        if os.getppid() != parent:  # it died before we asked
            os._exit(1)

    return in_child


async def until_exited(process: subprocess.Popen[bytes] | None) -> None:
    """Wait until a child, if there is one, has ended, and reap it. See pidfd_open(2)."""
    if process is None or process.poll() is not None:
        return
    descriptor = os.pidfd_open(process.pid)
    try:
        await anyio.wait_readable(descriptor)
    finally:
        os.close(descriptor)
    process.wait()
