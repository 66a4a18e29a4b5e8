"""When the voice engine dies, the candidate is called again and the interview goes on."""

import anyio
import pytest
from bench.running import run_platform

from support.faults import home
from vivavoce.client import InterviewClient
from vivavoce.protocol.connection import ConnectionStatus
from vivavoce.protocol.realtime import ResponseDone
from vivavoce.protocol.transcript import Speaker

__all__ = ["home"]


@pytest.mark.timeout(180)
async def test_after_the_engine_is_killed_a_new_call_takes_the_interview_up(home):
    statuses = []
    connected_again = anyio.Event()

    def note(state):
        if statuses[-1:] != [state.status]:
            statuses.append(state.status)
        if statuses[-2:] == [ConnectionStatus.RECONNECTING, ConnectionStatus.CONNECTED]:
            connected_again.set()

    async with run_platform(home) as platform:
        token = await platform.viva("token")
        async with InterviewClient(platform.url, token=token) as client:
            client.observe(note)
            with anyio.fail_after(60):
                async for entry in client.entries():
                    if entry.final:  # greeted, and asked the first question
                        break
                platform.process("cli.main engine").kill()
                await connected_again.wait()
                async for event in client.events():
                    if isinstance(event, ResponseDone):
                        break

        said = [entry.content for entry in client.transcript if entry.speaker is Speaker.AI]
        assert len(said) > 1
        assert sum(line.startswith("Hello") for line in said) == 1  # greeted once
