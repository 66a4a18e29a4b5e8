"""What real voice models do wrong, made by the engine on purpose, costs an interview nothing."""

import anyio
import pytest
from bench.running import run_platform

from support.faults import home
from vivavoce.client import InterviewClient
from vivavoce.protocol.transcript import Speaker

__all__ = ["home"]

FAULTS = "refuse-calls=503*1,sideband-404*2,sideband-close=1006*1,no-transcript-key"


@pytest.mark.timeout(180)
async def test_an_interview_gets_over_refusals_and_a_sideband_that_breaks(home):
    async with run_platform(home, {"VIVA_ENGINE_FAULTS": FAULTS}) as platform:
        token = await platform.viva("token")
        async with InterviewClient(platform.url, token=token) as client:
            with anyio.fail_after(60):
                async for entry in client.entries():
                    if entry.final and entry.speaker is Speaker.AI:
                        break
            said = [entry.content for entry in client.transcript if entry.speaker is Speaker.AI]
            assert said[0].startswith("Hello")
            assert sum(line.startswith("Hello") for line in said) == 1
