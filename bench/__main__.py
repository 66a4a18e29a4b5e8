"""Measure, print the table, and fail if a promise is broken: `python -m bench [--only NAME]`."""

import argparse
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Final

import anyio

from bench import durable, hearing, memory, offer, start, start_parallel, turns, up, voice, watch
from bench.rounds import tell
from bench.running import NotRunning
from bench.sounds import NoSuchVoice
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
        "watch": watch.measure,
    }
)


async def run(names: Sequence[str]) -> int:
    """Run the named benches one after the other; 0 if every promise is kept, else 1.

    What cannot be measured on this machine is named with its reason, and is not kept.
    """
    figures: list[Figure] = []
    reports: list[Report] = []
    reasons: list[str] = []
    for name in names:
        tell(f"{name}: setting up")
        try:
            measured = await BENCHES[name]()
            if isinstance(measured, Report):
                reports.append(measured)
            else:
                figures.extend(measured)
        except* (NoSuchVoice, NotRunning) as missing:
            reasons.append(f"{name}: not measured. {_first(missing)}")
            tell(reasons[-1])
    tables = [*([table(figures)] if figures else []), *(report.text for report in reports)]
    print("\n\n".join([*tables, *reasons]))
    is_kept = all(part.holds for part in (*figures, *reports))
    return 0 if is_kept and not reasons else 1


def _first(group: BaseExceptionGroup[Exception]) -> BaseException:
    """Give one of the exceptions: where there are several, they miss the same."""
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def main() -> int:
    """Read the command line and run."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--only", choices=BENCHES, help="run this one alone")
    chosen = parser.parse_args().only
    return anyio.run(run, [chosen] if chosen else list(BENCHES))


if __name__ == "__main__":
    sys.exit(main())
