"""Measure, print the table, and fail if a promise is broken: `python -m bench [--only NAME]`."""

import argparse
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Final

import anyio

from bench import durable, hearing, memory, offer, start, start_parallel, turns, up, voice
from bench.rounds import tell
from bench.verdicts import Figure, Report, table

BENCHES: Final[Mapping[str, Callable[[], Awaitable[Sequence[Figure] | Report]]]] = MappingProxyType(
    {
        "start": start.measure,
        "start-parallel": start_parallel.measure,
        "offer": offer.measure,
        "durable": durable.measure,
        "memory": memory.measure,
        "up": up.measure,
        "turns": turns.measure,
        "hearing": hearing.measure,
        "voice": voice.measure,
    }
)


async def run(names: Sequence[str]) -> int:
    """Run the named benches one after the other; 0 if every promise is kept, else 1."""
    figures: list[Figure] = []
    reports: list[Report] = []
    for name in names:
        tell(f"{name}: setting up")
        match await BENCHES[name]():
            case Report() as report:
                reports.append(report)
            case measured:
                figures.extend(measured)
    tables = [*([table(figures)] if figures else []), *(report.text for report in reports)]
    print("\n\n".join(tables))
    return 0 if all(part.holds for part in (*figures, *reports)) else 1


def main() -> int:
    """Read the command line and run."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--only", choices=BENCHES, help="run this one alone")
    chosen = parser.parse_args().only
    return anyio.run(run, [chosen] if chosen else list(BENCHES))


if __name__ == "__main__":
    sys.exit(main())
