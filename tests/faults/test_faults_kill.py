"""Whatever dies in the middle of an interview, nothing that was acknowledged is lost.

Short form of `make soak ONLY=kill`: the same rounds, fewer of them, at instants that repeat.
"""

from random import Random

import pytest
from bench.kill import TARGETS, kill_round

from support.faults import stage

__all__ = ["stage"]


@pytest.mark.timeout(180)
@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("target", TARGETS)
async def test_an_interview_survives_a_kill_of(stage, target, seed):
    outcome = await kill_round(stage, target, Random(seed))  # noqa: S311  to repeat a kill

    assert outcome.acknowledged > 0
    assert outcome.holds, outcome
