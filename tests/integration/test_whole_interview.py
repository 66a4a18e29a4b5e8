"""Whole interviews: spoken, heard, stored, ended; over real WebRTC, models, Postgres, processes."""

import threading

import anyio
import jiwer
import psutil
import pytest

from support.interview import (
    ANSWER,
    QUESTION,
    Platform,
    attend,
    greetings,
    make_candidate,
    platform,  # noqa: F401  a fixture
    words,
)
from vivavoce.client import ConnectionState, SignallingHealth, WebRTCConnectionError
from vivavoce.engine.phrases import normalised
from vivavoce.protocol.connection import ConnectionStatus

pytestmark = pytest.mark.timeout(150)


async def test_a_hybrid_interview_is_stored_as_it_was_heard_and_leaves_nothing(
    platform: Platform,  # noqa: F811
):
    answers = (ANSWER, "I planned a repair course for children, and I taught it for two summers.")
    candidate = await make_candidate(*answers)
    states: list[ConnectionState] = []
    client = platform.client(
        audio=candidate,
        questions=(QUESTION, "What is a project that you are proud of?"),
        speed=None,
    )
    client.observe(states.append)
    async with client as call, anyio.create_task_group() as tasks:
        tasks.start_soon(attend, call, candidate)
        told = [entry async for entry in call.entries()]
        ending = await call.ended()
    assert ending.reason == "completed"
    assert ending.transcript_complete

    stored = await platform.stored(client.session_id)
    assert words(stored) == words(client.heard()) == words(client.transcript)
    assert len(stored) == 7  # greeting and question, answer, question, answer, more?, no, goodbye
    assert [entry.speaker for entry in stored] == ["ai", "candidate"] * 3 + ["ai"]
    assert {entry.witness for entry in stored} == {"sideband"}
    said = normalised(" ".join(candidate.said))
    written = normalised(" ".join(e.content for e in stored if e.speaker == "candidate"))
    assert jiwer.wer(said, written) <= 0.15
    assert {entry.item_id for entry in told} == {entry.item_id for entry in stored}
    assert len(told) > len(stored), "entries come while they are spoken, and again when settled"

    statuses = list(dict.fromkeys(state.status for state in states))
    assert statuses == ["connecting", "connected", "disconnected"]
    metrics = client.state.metrics
    assert None not in (metrics.start_ms, metrics.offer_answer_ms, metrics.connected_ms)
    assert metrics.first_audio_ms is not None
    assert len(client.reply_seconds) == 3
    assert await platform.until_settled(client.session_id) == "completed"


async def test_a_direct_interview_is_stored_by_the_client(platform: Platform):  # noqa: F811
    candidate = await make_candidate(ANSWER)
    client = platform.client(audio=candidate, architecture="direct")
    async with client as call, anyio.create_task_group() as tasks:
        tasks.start_soon(attend, call, candidate)
        ending = await call.ended()
    assert ending.reason == "completed"
    stored = await platform.stored(client.session_id)
    assert words(stored) == words(client.heard())
    assert [entry.speaker for entry in stored] == ["ai", "candidate"] * 2 + ["ai"]
    assert {entry.witness for entry in stored} == {"client"}
    machines = await platform.fetch(
        "select 1 from machines where session_id = $1", client.session_id
    )
    assert machines == []
    assert await platform.until_settled(client.session_id) == "completed"


async def test_a_dropped_websocket_comes_back_while_the_audio_goes_on(platform: Platform):  # noqa: F811
    candidate = await make_candidate(ANSWER)
    states: list[ConnectionState] = []
    client = platform.client(audio=candidate)
    client.observe(states.append)
    async with client as call, anyio.create_task_group() as tasks:
        tasks.start_soon(attend, call, candidate)
        async for entry in call.entries():
            if entry.speaker == "ai":
                break
        client._line._way._signalling._socket.transport.abort()
        ending = await call.ended()
    healths = [state.signalling for state in states]
    lost = healths.index(SignallingHealth.LOST)
    assert SignallingHealth.OPEN in healths[lost:]
    during = {state.status for state in states[lost:] if state.signalling != "closed"}
    assert during == {ConnectionStatus.CONNECTED}, "the status follows the audio call"
    assert ending.reason == "completed"
    stored = await platform.stored(client.session_id)
    assert words(stored) == words(client.heard())
    assert greetings(stored) == 1
    await platform.until_settled(client.session_id)


async def test_another_window_takes_the_interview_over_without_a_second_greeting(
    platform: Platform,  # noqa: F811
):
    candidate = await make_candidate(ANSWER)
    first = platform.client()
    async with first as call:
        async for entry in call.entries():
            if entry.final and entry.speaker == "ai":
                break
        second = platform.client(audio=candidate, resume=call.saved())
        async with second as taken, anyio.create_task_group() as tasks:
            tasks.start_soon(attend, taken, candidate)
            with pytest.raises(WebRTCConnectionError) as refused:
                await call.ended()
            assert refused.value.code == "CONFLICT"
            ending = await taken.ended()
    assert second.session_id == first.session_id
    assert ending.reason == "completed"
    stored = await platform.stored(second.session_id)
    assert greetings(stored) == 1
    assert words(stored) == words(second.transcript)
    await platform.until_settled(second.session_id)


async def test_a_direct_call_that_is_hung_up_is_replaced_without_a_second_greeting(
    platform: Platform,  # noqa: F811
):
    candidate = await make_candidate(ANSWER)
    states: list[ConnectionState] = []
    client = platform.client(audio=candidate, architecture="direct")
    client.observe(states.append)
    async with client as call, anyio.create_task_group() as tasks:
        tasks.start_soon(attend, call, candidate)
        async for entry in call.entries():
            if entry.speaker == "candidate" and entry.final:
                break
        await platform.hang_up(call.saved().call_id)
        ending = await call.ended()
    assert ending.reason == "completed"
    statuses = list(dict.fromkeys(state.status for state in states))
    assert statuses == ["connecting", "connected", "reconnecting", "disconnected"]
    stored = await platform.stored(client.session_id)
    assert greetings(stored) == 1
    assert words(stored) == words(client.heard())
    assert stored[1].content.startswith("My name is")
    await platform.until_settled(client.session_id)


@pytest.mark.parametrize("architecture", ["hybrid", "direct"])
async def test_a_token_is_renewed_before_it_expires_and_taken(
    platform: Platform,  # noqa: F811
    architecture: str,
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr("vivavoce.client.session.RENEW_AT", 0.0002)  # 0.7 s of an hour
    client = platform.client(architecture=architecture)
    async with client as call:
        first = call.session_token
        with anyio.fail_after(10):
            while call.session_token == first:  # noqa: ASYNC110  a token tells nobody
                await anyio.sleep(0.02)
        monkeypatch.undo()
        assert call.state.error is None
        if architecture == "hybrid":
            states: list[ConnectionState] = []
            call.observe(states.append)
            client._line._way._signalling._socket.transport.abort()
            with anyio.fail_after(10):
                while SignallingHealth.OPEN not in [s.signalling for s in states]:  # noqa: ASYNC110
                    await anyio.sleep(0.02)
    await platform.until_settled(client.session_id)


async def test_leaving_ends_the_interview(platform: Platform):  # noqa: F811
    client = platform.client()
    async with client:
        pass
    assert client.state.status == "disconnected"
    assert await platform.until_settled(client.session_id) == "candidate_left"


def threads_of_calls() -> set[str]:
    """Threads, but for the event loop's own pool, whose size is bounded."""
    return {
        thread.name
        for thread in threading.enumerate()
        if not thread.name.startswith(("asyncio_", "AnyIO worker"))
    }


async def test_a_client_cancelled_at_any_moment_leaves_nothing(platform: Platform):  # noqa: F811
    async with platform.client():
        """The first call of a process opens what stays open."""
    process = psutil.Process()
    tasks, files = len(anyio.get_running_tasks()), process.num_fds()
    threads = threads_of_calls()
    clients = []
    for step in range(12):
        client = platform.client()
        clients.append(client)
        with anyio.move_on_after(step * 0.03):
            async with client:
                await anyio.sleep_forever()
    for client in clients:
        if client.session_id:
            await platform.until_settled(client.session_id)
    assert any(client.state.last_connected for client in clients)
    with anyio.move_on_after(5):
        while len(anyio.get_running_tasks()) > tasks or process.num_fds() > files:  # noqa: ASYNC110
            await anyio.sleep(0.05)
    assert len(anyio.get_running_tasks()) <= tasks
    assert process.num_fds() <= files
    assert threads_of_calls() <= threads
    (left,) = await platform.fetch(
        "select count(*) as n from interview_sessions where status not in ('ended', 'failed')"
    )
    assert left["n"] == 0
