"""Hold interviews and do them harm, many times: `python -m bench.soak [--only NAME]`."""

import argparse
import sys
from collections.abc import Awaitable, Callable, Mapping
from random import Random, SystemRandom
from types import MappingProxyType
from typing import Final

import anyio

from bench.kill import TARGETS, kill_round, open_stage
from bench.outcomes import Outcome, outcome_table
from bench.rounds import tell

ROUNDS: Final = 20


async def kill(random: Random, rounds: int) -> list[Outcome]:
    """Kill each part `rounds` times, each time in an interview of its own."""
    outcomes = []
    async with open_stage() as stage:
        for target in TARGETS:
            for number in range(rounds):
                outcome = await kill_round(stage, target, random)
                outcomes.append(outcome)
                tell(
                    f"{target}: round {number + 1} of {rounds}, killed after"
                    f" {outcome.killed_after:.2f} s, {'holds' if outcome.holds else outcome}"
                )
    return outcomes


SOAKS: Final[Mapping[str, Callable[[Random, int], Awaitable[list[Outcome]]]]] = MappingProxyType(
    {"kill": kill}
)


async def run(names: list[str], *, seed: int, rounds: int) -> int:
    """Run the named soaks one after the other; 0 if no interview was harmed, else 1."""
    tell(f"seed {seed}")
    random = Random(seed)  # noqa: S311  to repeat a run, not to keep a secret
    outcomes = [outcome for name in names for outcome in await SOAKS[name](random, rounds)]
    print(f"seed {seed}\n{outcome_table(outcomes)}")
    return 0 if all(outcome.holds for outcome in outcomes) else 1


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
