"""How long `viva up` takes to be ready, in a folder that was used before."""

from collections.abc import Sequence
from time import perf_counter

from bench.rounds import alternate
from bench.running import run_platform, temporary_home
from bench.verdicts import Figure, Judged
from vivavoce.store.embedded import open_postgres


async def measure() -> Sequence[Figure]:
    with temporary_home() as home:

        async def up() -> float:
            started = perf_counter()
            async with run_platform(home):
                return perf_counter() - started

        async def postgres() -> float:
            started = perf_counter()
            async with open_postgres(home):
                return perf_counter() - started

        # The warm-up creates the database; from then on every start is a warm one.
        rounds = await alternate("up", product=up, floor=postgres, rounds=5, samples=1, warm_up=1)
    return [
        Figure(
            name="up",
            unit="s",
            judged=Judged.PRODUCT,
            limit=4,
            rounds=rounds,
            floor_is="the same Postgres alone, until it answers",
        )
    ]
