"""Hard cases of turn taking: some of those that `make bench ONLY=turns` judges in full."""

from collections import Counter
from collections.abc import AsyncIterator

import pytest
from bench.hard_cases import BadCase, read_cases
from bench.sounds import OWN_VOICE
from bench.turns import hear

from vivavoce.engine.models import Models, open_models
from vivavoce.engine.turn import TurnPolicy

POLICY = TurnPolicy.from_turn_detection({"type": "semantic_vad", "eagerness": "auto"})
HERE = (  # in the engine's own voice, which needs no program of the system
    *("pauses/01", "fillers/05", "coughs/02", "coughs/04", "noise/04", "echo/01", "echo/03"),
    *("silence/04", "thinking/03", "connectives/01", "closed/01", "commands/03"),
)
CASES = {case.name: case for case in read_cases()}


@pytest.fixture(scope="module")
async def models() -> AsyncIterator[Models]:
    async with open_models() as models:
        await models.ready()
        yield models


@pytest.mark.parametrize("name", HERE)
async def test_a_hard_case_goes_right(models: Models, name: str):
    outcome = await hear(CASES[name], models, POLICY)
    assert outcome.is_right, (outcome, outcome.texts)
    assert all(wait < 2_500 for wait in outcome.waits)


async def test_a_hard_case_can_go_wrong(models: Models):
    hasty = TurnPolicy.from_turn_detection({"type": "server_vad", "silence_duration_ms": 300})
    outcome = await hear(CASES["pauses/01"], models, hasty)
    assert outcome.cut_offs == 1
    assert not outcome.is_right


def test_the_cases_are_as_many_and_as_different_as_promised():
    cases = list(CASES.values())
    by_category = Counter(case.category for case in cases)
    held_out = [case for case in cases if case.is_held_out]
    tuned = [case for case in cases if not case.is_held_out]
    assert len(cases) >= 60
    assert len(held_out) >= 20
    assert len(by_category) == 11
    assert min(by_category.values()) >= 5
    assert {case.voice for case in held_out}.isdisjoint({case.voice for case in tuned})
    assert OWN_VOICE not in {case.voice for case in held_out}
    assert len({case.seed for case in cases}) == len(cases)
    assert {step for case in held_out for step in case.steps if step[0] == '"'}.isdisjoint(
        {step for case in tuned for step in case.steps if step[0] == '"'}
    )


def test_a_line_that_is_no_case_is_refused(tmp_path):
    file = tmp_path / "cases.txt"
    file.write_text('pauses/01 hibari "no seed" done\n')
    with pytest.raises(BadCase, match="a seed"):
        read_cases(file)
