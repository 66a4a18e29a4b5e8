"""Every way in which an interview ends."""

import os
import signal
from datetime import UTC, datetime, timedelta

import anyio
import pytest

from vivavoce.protocol.machine import SessionLimits

QUICK = {"last_words": 0.5, "drain": 2.0}


async def in_a_call(client, voice):
    await client.offer()
    call = await voice.until_attached()
    await call.interviewer_says("Hello.")
    return call


async def test_the_goodbye_is_played_to_its_end(bench, voice):
    async with bench.connect() as client:
        call = await in_a_call(client, voice)
        item_id = await call.interviewer_begins("Goodbye", item_id="item_bye")
        await call.interviewer_ends(item_id, "Goodbye, and thank you.", played=False)
        await call.call_function("end_interview", {"reason": "completed"})
        await call.until_sent("conversation.item.create")
        assert voice.hang_ups == []
        await call.emit("output_audio_buffer.stopped", response_id=f"resp_{item_id}")
        assert (await client.until("session_ended"))["reason"] == "completed"
        entry = client.entries()["item_bye"]
        assert entry["content"] == "Goodbye, and thank you."
        assert entry["truncated"] is False


async def test_a_goodbye_that_never_ends_is_cut(claimed, voice):
    async with claimed(limits=SessionLimits(**QUICK)) as bench, bench.connect() as client:
        call = await in_a_call(client, voice)
        await call.interviewer_begins("Goodbye and")
        await call.call_function("end_interview", {"reason": "candidate_left"})
        assert (await client.until("session_ended"))["reason"] == "candidate_left"
        assert voice.live_calls == []


async def test_a_candidate_who_leaves_for_good(bench, voice, plane):
    async with bench.connect() as client:
        await in_a_call(client, voice)
        await client.connection.close(4000)
    await plane.until_reported("exited", reason="candidate_left")
    assert voice.live_calls == []
    await bench.until_exited()


async def test_a_candidate_who_vanishes_may_come_back(claimed, voice, plane):
    async with claimed(limits=SessionLimits(heartbeat_timeout=30, **QUICK)) as bench:
        async with bench.connect() as client:
            call = await in_a_call(client, voice)
            await plane.until_reported("status", status="active")
            client.connection.transport.abort()
        await plane.until_reported("status", status="reconnecting")
        async with bench.connect() as client:
            assert client.of("session_ready")[0]["callId"] == call.call_id
            await client.until("transcript")


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        ({"max_duration": 0.6}, "max_duration"),
        ({"idle_timeout": 0.5}, "idle"),
    ],
)
async def test_a_limit_ends_the_interview(claimed, voice, plane, limits, reason):
    async with (
        claimed(limits=SessionLimits(**limits, **QUICK)) as bench,
        bench.connect() as client,
    ):
        await in_a_call(client, voice)
        assert (await client.until("session_ended"))["reason"] == reason
        await plane.until_reported("exited", reason=reason)
        assert voice.live_calls == []


async def test_a_candidate_who_does_not_come_back(claimed, voice, plane):
    async with claimed(limits=SessionLimits(heartbeat_timeout=1.5, **QUICK)) as bench:
        async with bench.connect() as client:
            await in_a_call(client, voice)
            await plane.until_stored("Hello.")
            client.connection.transport.abort()
        await plane.until_reported("exited", reason="candidate_left")
        assert voice.live_calls == []


async def test_a_candidate_who_never_comes(claimed, plane):
    limits = SessionLimits(heartbeat_timeout=0.3, idle_timeout=0.4, **QUICK)
    async with claimed(limits=limits):
        await plane.until_reported("exited", reason="candidate_left")


async def test_a_call_that_nobody_replaces(claimed, voice, plane):
    async with (
        claimed(limits=SessionLimits(heartbeat_timeout=1.5, **QUICK)) as bench,
        bench.connect() as client,
    ):
        call = await in_a_call(client, voice)
        await call.end()
        assert (await client.until("session_ended"))["reason"] == "call_lost"


async def test_the_claim_ends_the_interview_too(claimed, voice):
    expires_at = datetime.now(UTC) + timedelta(seconds=3)
    async with (
        claimed(expires_at=expires_at, limits=SessionLimits(**QUICK)) as bench,
        bench.connect() as client,
    ):
        await in_a_call(client, voice)
        assert (await client.until("session_ended"))["reason"] == "max_duration"
        assert voice.live_calls == []


async def test_nobody_is_idle_while_somebody_speaks_or_the_interview_is_paused(claimed, voice):
    limits = SessionLimits(idle_timeout=1.5, **QUICK)
    async with claimed(limits=limits) as bench, bench.connect() as client:
        call = await in_a_call(client, voice)
        await call.candidate_begins("item_1")
        with pytest.raises(TimeoutError):
            await client.until("session_ended", timeout=2)
        await bench.channel.pause()
        await call.candidate_stops("item_1")
        await call.candidate_written("item_1", "Done.")
        with pytest.raises(TimeoutError):
            await client.until("session_ended", timeout=2)
        await bench.channel.resume()
        assert (await client.until("session_ended"))["reason"] == "idle"


async def test_nobody_is_called_idle_while_we_cannot_hear(claimed, voice):
    voice.sideband_404s = 1_000_000
    limits = SessionLimits(idle_timeout=0.5, **QUICK)
    async with claimed(limits=limits) as bench, bench.connect() as client:
        await client.offer()
        await client.send("session", {})
        with pytest.raises(TimeoutError):
            await client.until("session_ended", timeout=1.5)


async def test_a_long_call_is_to_be_replaced(claimed, voice):
    limits = SessionLimits(call_lifetime=0.5, **QUICK)
    async with claimed(limits=limits) as bench, bench.connect() as client:
        call = await in_a_call(client, voice)
        error = await client.until("error")
        assert error["code"] == "SDP_EXCHANGE_FAILED"
        assert error["details"]["replaces"] == call.call_id
        await client.offer(replaces=call.call_id)
        second = await voice.until_attached(calls=2)
        await second.candidate_says("It goes on.")
        await voice.until(lambda voice: voice.hang_ups == [call.call_id])


async def test_the_control_plane_knows_of_the_end_before_the_candidate(bench, voice, plane):
    async with bench.connect() as client:
        await in_a_call(client, voice)
        plane.refuse_reports = 503
        await bench.channel.end("ended_by_recruiter")
        with pytest.raises(TimeoutError):
            await client.until("session_ended", timeout=0.5)
        plane.refuse_reports = None
        await client.until("session_ended")
        assert [one["reason"] for one in plane.reports if one["type"] == "ending"]


async def test_a_control_plane_that_is_away_holds_no_goodbye_up(bench, voice, plane):
    async with bench.connect() as client:
        await in_a_call(client, voice)
        plane.refuse_reports = 503
        await bench.channel.end("ended_by_recruiter")
        await client.until("session_ended")
        assert not [one for one in plane.reports if one["type"] in ("ending", "exited")]
        plane.refuse_reports = None
    await plane.until_reported("exited", reason="ended_by_recruiter")


@pytest.mark.parametrize("reason", ["ended_by_recruiter", "candidate_left", "call_lost"])
async def test_the_control_plane_ends_the_interview(bench, voice, reason):
    async with bench.connect() as client:
        await in_a_call(client, voice)
        assert (await bench.channel.end(reason)).ok
        assert (await client.until("session_ended"))["reason"] == reason
        assert await client.until_closed() == 1000
    assert voice.live_calls == []
    await bench.until_exited()


async def test_while_it_ends_no_offer_is_taken(claimed, voice):
    async with (
        claimed(limits=SessionLimits(last_words=5, drain=2)) as bench,
        bench.connect() as client,
    ):
        call = await in_a_call(client, voice)
        item_id = await call.interviewer_begins("Goodbye.")
        await bench.channel.end("completed")
        assert (await bench.channel.health()).status == "ending"
        await client.send("offer", {"sdp": "v=0"})
        assert (await client.until("error"))["code"] == "SESSION_ENDED"
        await call.interviewer_ends(item_id, "Goodbye.")
        await client.until("session_ended")


async def test_a_machine_that_is_told_to_stop_hangs_up_first(bench, voice, plane):
    async with bench.connect() as client:
        await in_a_call(client, voice)
        os.kill(bench.machine.endpoint.pid, signal.SIGTERM)
        assert (await client.until("session_ended"))["reason"] == "call_lost"
    assert voice.live_calls == []
    await plane.until_reported("exited", reason="call_lost")
    await bench.until_exited()


async def test_a_machine_that_is_killed_leaves_its_call_to_the_next(bench, voice):
    async with bench.connect() as client:
        call = await in_a_call(client, voice)
        os.kill(bench.machine.endpoint.pid, signal.SIGKILL)
        with anyio.fail_after(2):
            await bench.channel.until_lost()
    assert voice.live_calls == [call.call_id]
