"""What a kill did to an interview, and the table over many of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from bench.history import Findings
from bench.rounds import Spread
from bench.verdicts import aligned

_HEADINGS: Final = (
    "killed",
    "rounds",
    "acknowledged",
    "lost",
    "doubled",
    "out of order",
    "never stored",
    "invented",
    "finished",
    "left running",
    "interview (q3)",
    "",
)


@dataclass(frozen=True)
class Outcome:
    """One interview in which something was killed."""

    target: str
    killed_after: float
    """Seconds from the first word."""
    acknowledged: int
    """Entries that the transcript processor said it had stored."""
    findings: Findings
    finished: bool
    """Whether it ended as completed, with a complete transcript."""
    left_running: tuple[str, ...]
    """Calls, machines and processes of this interview that outlived it."""
    seconds: float

    @property
    def holds(self) -> bool:
        """Whether the kill did no harm."""
        return self.findings.clean and self.finished and not self.left_running


def outcome_table(outcomes: Sequence[Outcome]) -> str:
    """One line for each thing that was killed."""
    targets = dict.fromkeys(outcome.target for outcome in outcomes)
    rows = [_row([outcome for outcome in outcomes if outcome.target == name]) for name in targets]
    return "\n".join(aligned([_HEADINGS, *rows]))


def _row(outcomes: Sequence[Outcome]) -> tuple[str, ...]:
    findings = [outcome.findings for outcome in outcomes]
    seconds = Spread.of([outcome.seconds for outcome in outcomes])
    counts = (
        len(outcomes),
        sum(outcome.acknowledged for outcome in outcomes),
        sum(len(finding.lost) for finding in findings),
        sum(len(finding.doubled) for finding in findings),
        sum(len(finding.reordered) for finding in findings),
        sum(len(finding.missing) for finding in findings),
        sum(len(finding.invented) for finding in findings),
        sum(outcome.finished for outcome in outcomes),
        sum(len(outcome.left_running) for outcome in outcomes),
    )
    return (
        outcomes[0].target,
        *(str(count) for count in counts),
        f"{seconds.median:.1f} s ({seconds.upper_quartile:.1f})",
        "holds" if all(outcome.holds for outcome in outcomes) else "MISSED",
    )
