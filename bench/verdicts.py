"""Figures, their limits, and the table that shows both."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final, Literal

from bench.rounds import Round, Spread

Unit = Literal["ms", "s", "MiB"]
_PER_UNIT: Final = {"ms": 1000.0, "s": 1.0, "MiB": 1 / 2**20}
_HEADINGS: Final = ("figure", "product (q3)", "floor (q3)", "judged (q3)", "limit", "goal", "")


class Judged(Enum):
    """What is held against the limit."""

    RATIO = "product / floor"
    ADDED = "product - floor"
    PRODUCT = "product"


@dataclass(frozen=True)
class Figure:
    """One promise, measured.

    `limit` and `goal` are in `unit`, or a number of floors where a ratio is judged. The limit
    decides the verdict, by the median; the goal is what we would like. Without a limit the figure
    is shown for comparison, and promises nothing.
    """

    name: str
    unit: Unit
    judged: Judged
    rounds: Sequence[Round]
    floor_is: str
    limit: float | None = None
    goal: float | None = None

    @property
    def product(self) -> Spread:
        """All samples of ours, in `unit`."""
        return self._spread([sample for round_ in self.rounds for sample in round_.product])

    @property
    def floor(self) -> Spread:
        """All samples of the floor, in `unit`."""
        return self._spread([sample for round_ in self.rounds for sample in round_.floor])

    @property
    def value(self) -> Spread:
        """What is held against the limit: for comparisons, over the rounds."""
        match self.judged:
            case Judged.RATIO:
                return Spread.of([round_.ratio for round_ in self.rounds])
            case Judged.ADDED:
                return self._spread([round_.added for round_ in self.rounds])
            case Judged.PRODUCT:
                return self.product

    @property
    def holds(self) -> bool:
        """Whether the promise is kept."""
        return self.limit is None or self.value.median <= self.limit

    def _spread(self, samples: Sequence[float]) -> Spread:
        return Spread.of([sample * _PER_UNIT[self.unit] for sample in samples])


@dataclass(frozen=True)
class Report:
    """What a bench has to say where a figure and its floor cannot: a text, and whether it holds."""

    text: str
    holds: bool


def table(figures: Sequence[Figure]) -> str:
    """The figures with their verdicts, and below them what each floor is."""
    rows = [_HEADINGS, *(_row(figure) for figure in figures)]
    floors = [f"floor of {figure.name}: {figure.floor_is}" for figure in figures]
    return "\n".join([*aligned(rows), "", *floors])


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Lines of equal columns: the first to the left, the others to the right."""
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            cell.rjust(width) if number else cell.ljust(width)
            for number, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def _row(figure: Figure) -> tuple[str, ...]:
    unit = "x" if figure.judged is Judged.RATIO else figure.unit
    sign = "+" if figure.judged is Judged.ADDED else ""
    return (
        figure.name,
        _shown(figure.product, figure.unit),
        _shown(figure.floor, figure.unit),
        sign + _shown(figure.value, unit),
        _bound(figure.limit, unit),
        _bound(figure.goal, unit),
        "-" if figure.limit is None else "holds" if figure.holds else "MISSED",
    )


def _bound(value: float | None, unit: str) -> str:
    return "-" if value is None else f"<= {value:g} {unit}"


def _shown(spread: Spread, unit: str) -> str:
    return f"{spread.median:.2f} {unit} ({spread.upper_quartile:.2f})"
