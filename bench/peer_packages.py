"""The packages of those we are compared with: in an environment of their own, made on first use."""

import shutil
import sys
from pathlib import Path
from typing import Final

import anyio

from bench.rounds import tell
from bench.running import NotRunning

_ROOT: Final = Path(__file__).parents[1]
PYTHON: Final = _ROOT / ".venv-peers" / "bin" / "python"
"""Runs a program with these packages; see `install_peers`."""


async def install_peers() -> None:
    """Install the packages of `requirements-peers.txt` apart, as `make peers` does.

    Raises:
        NotRunning: If there is no `make`, or it fails; its own words are on standard error.
    """
    make = shutil.which("make")
    if make is None:
        raise NotRunning("Pipecat is installed by `make`; install that first.")
    tell("peers: installing Pipecat apart, unless it is there")
    done = await anyio.run_process(
        [make, "--no-print-directory", ".venv-peers/.installed", f"PYTHON={sys.executable}"],
        cwd=_ROOT,
        stdout=sys.stderr,
        stderr=None,
        check=False,
    )
    if done.returncode:
        raise NotRunning("The packages of requirements-peers.txt cannot be installed.")
