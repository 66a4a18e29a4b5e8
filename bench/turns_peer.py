"""Where a Pipecat pipeline would end turns, by its defaults, in the scenes of the hard cases."""

import json
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import anyio
import numpy as np

from bench.hard_cases import Scene
from bench.peer_packages import PYTHON, install_peers
from bench.rounds import tell
from bench.running import NotRunning
from bench.sounds import RATE, to_pcm

_PROGRAM: Final = Path(__file__).parent / "peers" / "pipecat_turns.py"
_MOST_SECONDS: Final = 600.0


async def peer_ends(scenes: Mapping[str, Scene], transcription_ms: int) -> dict[str, list[int]]:
    """Play scenes to Pipecat's detector of speech and model of turns; gives samples, by name.

    Args:
        scenes: By name.
        transcription_ms: Of audio, that a transcription takes.

    Raises:
        NotRunning: If its packages cannot be installed, or it fails.
    """
    await install_peers()
    tell("turns: heard by Pipecat")
    with TemporaryDirectory() as folder:
        lines = []
        for number, (name, scene) in enumerate(scenes.items()):
            path = Path(folder) / f"{number}.npy"
            np.save(path, np.frombuffer(to_pcm(scene.near), "<i2"))
            lines.append(f"{name}\t{path}\n")
        with anyio.move_on_after(_MOST_SECONDS):
            done = await anyio.run_process(
                [str(PYTHON), str(_PROGRAM), str(transcription_ms)],
                input="".join(lines).encode(),
                stderr=None,
                check=False,
            )
            if done.returncode == 0:
                found: dict[str, list[int]] = json.loads(done.stdout)
                return {name: [ms * RATE // 1000 for ms in ends] for name, ends in found.items()}
    raise NotRunning("Pipecat did not hear the hard cases; see above.")
