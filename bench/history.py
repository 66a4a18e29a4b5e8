"""Was anything lost? Compares what was acknowledged and said with what is stored.

Pure: it knows neither processes nor databases. The soak and the fault tests keep the history,
outside of whatever they kill, and ask here.
"""

import itertools
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Entry:
    """A transcript entry, as far as its safety is concerned."""

    item_id: str
    revision: int
    content: str


@dataclass(frozen=True)
class Findings:
    """What is wrong with a stored transcript. Each names item ids, or lines that were said."""

    lost: tuple[str, ...]
    """Acknowledged, but not stored, or stored in an older revision or with another text."""
    doubled: tuple[str, ...]
    """Stored twice: under one id, or one line under two ids."""
    reordered: tuple[str, ...]
    """Lines that stand before a line that was said earlier."""
    missing: tuple[str, ...]
    """Lines that were said and never stored, acknowledged or not."""
    invented: tuple[str, ...]
    """Stored lines that nobody said."""

    @property
    def clean(self) -> bool:
        """Whether the transcript is exactly what was said."""
        return not (self.lost or self.doubled or self.reordered or self.missing or self.invented)


def check(
    *, acknowledged: Iterable[Entry], stored: Sequence[Entry], said: Sequence[str]
) -> Findings:
    """Compare three histories of one interview.

    Args:
        acknowledged: Every entry that the transcript processor said it had stored.
        stored: What the database holds, in the transcript's order. An entry without content is
            an item that turned out to be silence: no line of the transcript.
        said: Every line of the interview, in order; no two alike.
    """
    lines = [entry.content for entry in stored if entry.content]
    return Findings(
        lost=_lost(acknowledged, stored),
        doubled=_doubled(stored),
        reordered=_reordered(lines, said),
        missing=tuple(line for line in said if line not in lines),
        invented=tuple(line for line in lines if line not in said),
    )


def _lost(acknowledged: Iterable[Entry], stored: Sequence[Entry]) -> tuple[str, ...]:
    held = {entry.item_id: entry for entry in stored}
    return tuple(
        sorted(
            {
                entry.item_id
                for entry in acknowledged
                if entry.item_id not in held or not _keeps(held[entry.item_id], entry)
            }
        )
    )


def _keeps(held: Entry, entry: Entry) -> bool:
    """A later revision may say something else; the same one may not."""
    return held.revision > entry.revision or held == entry


def _doubled(stored: Sequence[Entry]) -> tuple[str, ...]:
    ids = Counter(entry.item_id for entry in stored)
    lines = Counter(entry.content for entry in stored if entry.content)
    return tuple(
        sorted(
            {
                entry.item_id
                for entry in stored
                if ids[entry.item_id] > 1 or lines[entry.content] > 1
            }
        )
    )


def _reordered(lines: Sequence[str], said: Sequence[str]) -> tuple[str, ...]:
    order = {line: number for number, line in enumerate(said)}
    known = [line for line in lines if line in order]
    return tuple(
        line for line, following in itertools.pairwise(known) if order[line] > order[following]
    )
