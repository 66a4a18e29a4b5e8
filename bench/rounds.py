"""Product and floor measured in turns, so that whatever disturbs the machine disturbs both.

A figure without its floor says more about the machine than about the product. So each round takes
some samples of both, one right after the other, and only what compares the two *within* a round
is judged. Even rounds begin with the product and odd ones with the floor: a machine that slows down
steadily favours neither. Both sides rest before each sample: people speak every few seconds, and a
loop without a pause would measure the floor on warm caches and an awake processor.
"""

import statistics
import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final

import anyio

Measure = Callable[[], Awaitable[float]]
"""Takes one sample, and returns it in seconds, or in bytes."""

MIN_ROUNDS: Final = 5


@dataclass(frozen=True)
class Spread:
    """The middle of some samples and the edge of their upper quarter."""

    median: float
    upper_quartile: float

    @classmethod
    def of(cls, samples: Sequence[float]) -> "Spread":
        """Summarise samples, at least one."""
        if len(samples) == 1:
            return cls(samples[0], samples[0])
        quartiles = statistics.quantiles(samples, n=4, method="inclusive")
        return cls(statistics.median(samples), quartiles[2])


@dataclass(frozen=True)
class Round:
    """Samples of both sides, taken together."""

    product: tuple[float, ...]
    floor: tuple[float, ...]

    @property
    def ratio(self) -> float:
        """How many floors the product costs."""
        return statistics.median(self.product) / statistics.median(self.floor)

    @property
    def added(self) -> float:
        """What the product costs beyond the floor."""
        return statistics.median(self.product) - statistics.median(self.floor)


async def alternate(
    name: str,
    *,
    product: Measure,
    floor: Measure,
    rounds: int = 7,
    samples: int = 5,
    warm_up: int = 2,
    rest: float = 0.0,
) -> list[Round]:
    """Measure in turns.

    Args:
        name: For the progress line.
        product: One sample of ours.
        floor: One sample of the least that anything could cost.
        rounds: At least `MIN_ROUNDS`.
        samples: Of each side, in each round.
        warm_up: Samples of each side that are thrown away first.
        rest: Seconds before each sample, of either side.
    """
    if rounds < MIN_ROUNDS:
        raise ValueError(f"{rounds} rounds are too few; take at least {MIN_ROUNDS}.")

    async def take(measure: Measure, count: int) -> list[float]:
        taken = []
        for _ in range(count):
            await anyio.sleep(rest)
            taken.append(await measure())
        return taken

    await take(product, warm_up)
    await take(floor, warm_up)
    results = []
    for number in range(rounds):
        tell(f"{name}: round {number + 1} of {rounds}")
        if number % 2 == 0:
            ours = await take(product, samples)
            least = await take(floor, samples)
        else:
            least = await take(floor, samples)
            ours = await take(product, samples)
        results.append(Round(tuple(ours), tuple(least)))
    return results


def tell(line: str) -> None:
    """Say how far it is. Standard output holds the table alone."""
    print(line, file=sys.stderr, flush=True)
