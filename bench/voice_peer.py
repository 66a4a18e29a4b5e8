"""A Pipecat bot in a process of its own, with the packages of the peers."""

import os
import subprocess
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import anyio
from anyio.streams.text import TextReceiveStream

from bench.peer_packages import PYTHON, install_peers
from bench.running import NotRunning

_ROOT: Final = Path(__file__).parents[1]
_BOT: Final = _ROOT / "bench" / "peers" / "pipecat_bot.py"
_START_SECONDS: Final = 60.0


@asynccontextmanager
async def run_peer() -> AsyncGenerator[str, None]:
    """Keep the bot running for the length of the block; gives where it takes offers.

    Raises:
        NotRunning: If its packages cannot be installed, or it does not start.
    """
    await install_peers()
    # It speaks with the engine's own voice, whose packages are among the peers' too.
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "PYTHONPATH": str(_ROOT / "src")}
    async with await anyio.open_process(
        [str(PYTHON), str(_BOT)], env=environment, stdin=subprocess.DEVNULL, stderr=None
    ) as process:
        try:
            assert process.stdout is not None
            with anyio.fail_after(_START_SECONDS):
                port = await TextReceiveStream(process.stdout).receive()
            yield f"http://127.0.0.1:{port.strip()}"
        except anyio.EndOfStream as error:
            raise NotRunning("Pipecat did not start; see above.") from error
        finally:
            process.kill()
