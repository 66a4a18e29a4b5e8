"""What a session's own process costs: memory while it holds an interview, and time to be there."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from time import perf_counter
from typing import Final
from uuid import uuid4

from bench.bare_answer import open_offer
from bench.fork_floor import fork_to_echo, idle_memory, open_fork_server, private_bytes
from bench.platforms import Bench, open_bench
from bench.rounds import Measure, alternate
from bench.running import temporary_home
from bench.scripted_call import Script
from bench.verdicts import Figure, Judged
from bench.voice_model import VoiceModel, open_voice_model
from vivavoce.machines.process import open_process_provider, runtime_folder
from vivavoce.machines.provider import MachineSpec

MARK: Final = "memory"


async def measure() -> Sequence[Figure]:
    async with open_fork_server() as fork_server:
        async with open_voice_model() as model, open_bench(model.settings) as bench:
            held = await alternate(
                "memory",
                product=held_memory(bench, model),
                floor=idle_memory(fork_server),
                samples=2,
                warm_up=1,
            )
        async with cold_start() as start:
            started = await alternate(
                "cold-start", product=start, floor=fork_to_echo(fork_server), rest=0.05
            )
    floor_is = "a fork with a machine's imports that only echoes"
    return [
        Figure(
            name="memory",
            unit="MiB",
            judged=Judged.PRODUCT,
            limit=8,
            rounds=held,
            floor_is=floor_is,
        ),
        Figure(
            name="cold-start",
            unit="ms",
            judged=Judged.PRODUCT,
            limit=40,
            rounds=started,
            floor_is=floor_is,
        ),
    ]


def held_memory(bench: Bench, model: VoiceModel) -> Measure:
    """Private bytes of a machine with its session, a client, a call and its sideband."""

    async def measure() -> float:
        model.scripts.append(Script(MARK, [], seconds_per_line=0))
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
