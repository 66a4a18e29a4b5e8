"""While a part is away the call goes on, the client is warned, and what was said is kept."""

import psutil
import pytest
from bench.kill import judge, kill_postgres

from support.faults import candidate, frozen, stage
from vivavoce.protocol.connection import ConnectionStatus

__all__ = ["stage"]


@pytest.mark.timeout(120)
async def test_entries_that_come_while_the_api_is_out_of_reach_are_stored_after(stage):
    script = stage.new_script(turns=8)
    async with candidate(stage, script) as interview:
        await interview.until_said(3)
        stage.observer.is_cut = True
        acknowledged = len(stage.observer.acknowledged[interview.client.session_id])
        await interview.until_said(10)
        await interview.until_warned("TRANSCRIPT_PROCESSING_FAILED")
        held_back = stage.observer.acknowledged[interview.client.session_id]
        assert len(held_back) <= acknowledged + 1  # one may have been on its way
        assert interview.client.state.status is ConnectionStatus.CONNECTED
        stage.observer.is_cut = False
        ending = await interview.client.ended()

    outcome = await judge(stage, script, ending, target="api")
    assert outcome.holds, outcome


@pytest.mark.timeout(120)
async def test_while_postgres_is_down_the_call_goes_on_and_the_entries_wait(stage):
    script = stage.new_script(turns=8)
    async with candidate(stage, script) as interview:
        await interview.until_said(3)
        with frozen(psutil.Process(stage.platform.pid)):  # the supervisor, so that it stays down
            await kill_postgres(stage, interview.client.session_id)
            await interview.until_said(10)
            await interview.until_warned("TRANSCRIPT_PROCESSING_FAILED")
            assert interview.client.state.status is ConnectionStatus.CONNECTED
        ending = await interview.client.ended()

    assert len(script.calls) == 1  # the candidate was never called again
    outcome = await judge(stage, script, ending, target="postgres")
    assert outcome.holds, outcome
