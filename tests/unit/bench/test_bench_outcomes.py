"""The soak's table: one harmed interview is enough to break the promise."""

from dataclasses import replace

import pytest
from bench.history import Findings
from bench.outcomes import Outcome, outcome_table

UNHARMED = Outcome(
    target="proxy",
    killed_after=0.5,
    acknowledged=8,
    findings=Findings(lost=(), doubled=(), reordered=(), missing=(), invented=()),
    finished=True,
    left_running=(),
    seconds=4.0,
)


def verdicts(outcomes):
    return [line.split()[-1] for line in outcome_table(outcomes).splitlines()[1:]]


def test_each_killed_part_has_a_line_with_its_sums():
    lines = outcome_table([UNHARMED, UNHARMED, replace(UNHARMED, target="api")]).splitlines()
    assert " ".join(lines[1].split()) == "proxy 2 16 0 0 0 0 0 2 0 4.0 s (4.0) holds"
    assert lines[2].startswith("api")


@pytest.mark.parametrize("fault", ["lost", "doubled", "reordered", "missing", "invented"])
def test_one_finding_in_one_round_breaks_the_promise_of_that_part_alone(fault):
    harmed = replace(UNHARMED, findings=replace(UNHARMED.findings, **{fault: ("item_1",)}))
    others = replace(UNHARMED, target="api")
    assert verdicts([UNHARMED, harmed, UNHARMED, others]) == ["MISSED", "holds"]


@pytest.mark.parametrize("fault", [{"finished": False}, {"left_running": ("call rtc_1",)}])
def test_an_interview_that_does_not_end_cleanly_breaks_the_promise(fault):
    assert verdicts([UNHARMED, replace(UNHARMED, **fault)]) == ["MISSED"]
