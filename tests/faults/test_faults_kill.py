"""Whatever dies in the middle of an interview, nothing that was acknowledged is lost.

Short form of `make soak ONLY=kill`: the same rounds, fewer of them, at instants that repeat.
"""

from random import Random

import pytest
from bench.kill import TARGETS, judge, kill_proxy, kill_round

from support.faults import candidate, stage

__all__ = ["stage"]


@pytest.mark.timeout(180)
@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("target", TARGETS)
async def test_an_interview_survives_a_kill_of(stage, target, seed):
    outcome = await kill_round(stage, target, Random(seed))  # noqa: S311  to repeat a kill

    assert outcome.acknowledged > 0
    assert outcome.holds, outcome


@pytest.mark.timeout(120)
@pytest.mark.parametrize("was_taken", [False, True], ids=["too-late", "just-in-time"])
async def test_a_machine_may_die_as_it_tells_of_the_end(stage, was_taken):
    script = stage.new_script(turns=1)
    async with candidate(stage, script) as interview:

        async def kill(body, is_answered):
            if b'"ending"' in body and is_answered is was_taken:
                stage.observer.meddler = None
                await kill_proxy(stage, interview.client.session_id)
                raise ConnectionAbortedError

        stage.observer.meddler = kill
        ending = await interview.client.ended()

    assert stage.observer.meddler is None
    # Nobody was told of the end before it was known: who was not, is called once more.
    assert len(script.calls) == (1 if was_taken else 2)
    outcome = await judge(stage, script, ending, target="proxy")
    assert outcome.holds, outcome
