"""Hold interviews and do them harm, or calls, many times: `python -m bench.soak [--only NAME]`."""

import argparse
import sys
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from random import Random, SystemRandom
from types import MappingProxyType
from typing import Final

import anyio

from bench.call_leaks import measure_leaks
from bench.kill import TARGETS, kill_round, open_stage
from bench.outcomes import Outcome, outcome_table
from bench.rounds import tell

ROUNDS: Final = 20


@dataclass(frozen=True)
class Soaked:
    """What came of a soak, and whether it holds."""

    text: str
    holds: bool


async def kill(random: Random, rounds: int) -> Soaked:
    """Kill each part `rounds` times, each time in an interview of its own."""
    outcomes: list[Outcome] = []
    async with open_stage() as stage:
        for target in TARGETS:
            for number in range(rounds):
                outcome = await kill_round(stage, target, random)
                outcomes.append(outcome)
                tell(
                    f"{target}: round {number + 1} of {rounds}, killed after"
                    f" {outcome.killed_after:.2f} s, {'holds' if outcome.holds else outcome}"
                )
    return Soaked(outcome_table(outcomes), all(outcome.holds for outcome in outcomes))


async def calls(_random: Random, rounds: int) -> Soaked:
    """Open and close ten calls `rounds` times, and see what stays in the engine."""
    leaks = await measure_leaks(10 * rounds)
    return Soaked(str(leaks), leaks.holds)


SOAKS: Final[Mapping[str, Callable[[Random, int], Awaitable[Soaked]]]] = MappingProxyType(
    {"kill": kill, "calls": calls}
)


async def run(names: list[str], *, seed: int, rounds: int) -> int:
    """Run the named soaks one after the other; 0 if no interview was harmed, else 1."""
    tell(f"seed {seed}")
    random = Random(seed)  # noqa: S311  to repeat a run, not to keep a secret
    soaked = [await SOAKS[name](random, rounds) for name in names]
    print(f"seed {seed}", *(one.text for one in soaked), sep="\n")
    return 0 if all(one.holds for one in soaked) else 1


def main() -> int:
    """Read the command line and run."""
    parser = argparse.ArgumentParser(prog="python -m bench.soak", description=__doc__)
    parser.add_argument("--only", choices=SOAKS, help="run this one alone")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="kills of each part")
    parser.add_argument("--seed", type=int, default=SystemRandom().getrandbits(32))
    chosen = parser.parse_args()
    names = [chosen.only] if chosen.only else list(SOAKS)
    return anyio.run(lambda: run(names, seed=chosen.seed, rounds=chosen.rounds))


if __name__ == "__main__":
    sys.exit(main())
