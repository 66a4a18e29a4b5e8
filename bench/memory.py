"""What a session's own process costs: memory while it holds an interview, and time to be there."""

import os
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from time import perf_counter
from typing import Final
from uuid import uuid4

from bench.bare_answer import open_offer
from bench.fork_floor import fork_to_echo, idle_memory, open_fork_server, private_bytes
from bench.platforms import Bench, open_bench
from bench.rounds import Measure, alternate, tell
from bench.running import temporary_home
from bench.scripted_call import Script
from bench.verdicts import Figure, Judged
from bench.voice_model import VoiceModel, open_voice_model
from vivavoce.machines.process import open_process_provider, runtime_folder
from vivavoce.machines.provider import MachineSpec

MARK: Final = "memory"
FLOOR_IS: Final = "a fork with a machine's imports that only echoes"


async def measure() -> Sequence[Figure]:
    async with open_fork_server() as fork_server, cold_start() as start:
        floor = fork_to_echo(fork_server)
        started = await alternate("cold-start", product=start, floor=floor, rest=0.05)
        held = await measure_held(idle_memory(fork_server))
    cold = Figure(
        name="cold-start",
        unit="ms",
        judged=Judged.PRODUCT,
        limit=40,
        rounds=started,
        floor_is=FLOOR_IS,
    )
    return [*held, cold]


async def measure_held(floor: Measure) -> Sequence[Figure]:
    """What a machine with a session holds; only root may look into it."""
    if os.geteuid() != 0:
        tell("memory: not measured, a claimed machine shows its memory to root alone")
        return []
    async with open_voice_model() as model, open_bench(model.settings) as bench:
        claimed = await alternate("memory", product=claimed_memory(bench), floor=floor, samples=2)
        in_call = await alternate(
            "memory-in-call", product=call_memory(bench, model), floor=floor, samples=2
        )
    return [
        Figure(
            name="memory",
            unit="MiB",
            judged=Judged.PRODUCT,
            limit=8,
            rounds=claimed,
            floor_is=FLOOR_IS,
        ),
        Figure(
            name="memory-in-call",
            unit="MiB",
            judged=Judged.PRODUCT,
            rounds=in_call,
            floor_is=FLOOR_IS,
        ),
    ]


def claimed_memory(bench: Bench) -> Measure:
    """Private bytes of a machine that has its session and waits for the candidate."""

    async def measure() -> float:
        session = await bench.start()
        endpoint = await bench.endpoint(session.session_id)
        held = float(private_bytes(endpoint["pid"]))
        await bench.end(session)
        return held

    return measure


def call_memory(bench: Bench, model: VoiceModel) -> Measure:
    """Private bytes of a machine with its session, a client, a call and its sideband."""
    model.scripts.append(Script(MARK, [], seconds_per_line=0))

    async def measure() -> float:
        async with open_offer() as offer, bench.hold(f"Interview of {MARK}.") as held:
            await held.exchange(offer)
            endpoint = await bench.endpoint(held.session_id)
            return float(private_bytes(endpoint["pid"]))

    return measure


@asynccontextmanager
async def cold_start() -> AsyncGenerator[Measure, None]:
    """Seconds from asking the provider for a machine until it can be claimed."""
    with temporary_home() as home:
        async with open_process_provider(runtime_folder(home)) as provider:

            async def measure() -> float:
                machine_id = str(uuid4())
                unclaimed_until = datetime.now(UTC) + timedelta(minutes=1)
                spec = MachineSpec(machine_id, "local", unclaimed_until)
                started = perf_counter()
                machine = await provider.provision(spec, idempotency_key=machine_id, timeout=10)
                seconds = perf_counter() - started
                await provider.destroy(machine_id, machine.endpoint)
                return seconds

            yield measure
