"""A machine is lost while its session lives, or the API itself is."""

from datetime import UTC, datetime, timedelta

import anyio
import pytest

from support.api import eventually, open_api, scripted_provider, scripted_voice
from support.scripted_api import open_scripted_api
from vivavoce import tokens
from vivavoce.control import reconcile, takeover
from vivavoce.machines.provider import MachineSpec

PROCESSOR = "/functions/v1/transcript-processor"


@pytest.fixture
async def session(api):
    return await api.started()


def now():
    return datetime.now(UTC).isoformat()


async def report(api, machine, *reports):
    return await api.call(
        "POST",
        f"/internal/v1/machines/{machine.machine.machine_id}/reports",
        {"reports": list(reports)},
        token=machine.claims[0].machine_token,
    )


async def make_active(api, session, call_id="rtc_1"):
    machine = api.provider.of(session["sessionId"])[-1]
    await report(
        api,
        machine,
        {"type": "call", "callId": call_id, "createdAt": now()},
        {"type": "status", "status": "active", "at": now()},
    )
    await api.call(
        "POST",
        PROCESSOR,
        {
            "events": [
                {
                    "sessionId": session["sessionId"],
                    "speaker": "ai",
                    "content": f"Question {number}?",
                    "timestamp": f"2026-11-24T10:00:{number:02d}Z",
                    "itemId": f"item_{number}",
                    "previousItemId": f"item_{number - 1}" if number else None,
                }
                for number in range(3)
            ]
        },
        token=machine.claims[0].machine_token,
    )
    return machine


async def machines_of(api, session, count):
    await eventually(lambda: len(api.provider.of(session["sessionId"])) >= count)
    return api.provider.of(session["sessionId"])


async def test_another_machine_takes_over_with_all_that_is_known(api, session):
    lost = await make_active(api, session)
    await api.call(
        "POST",
        f"/v1/sessions/{session['sessionId']}/events",
        {"type": "pause"},
        token=session["sessionToken"],
    )
    lost.vanish()
    [_, other] = await machines_of(api, session, 2)
    [claim] = other.claims
    assert claim.call_id == "rtc_1"
    assert [entry.content for entry in claim.known] == ["Question 0?", "Question 1?", "Question 2?"]
    assert claim.active_at is not None
    assert claim.paused is True
    assert claim.machine_token != lost.claims[0].machine_token
    assert (await api.session(session["sessionId"]))["status"] == "reconnecting"
    await report(api, other, {"type": "status", "status": "active", "at": now()})
    assert (await api.session(session["sessionId"]))["status"] == "active"
    await api.until("select 1 from machines where state = 'gone'")
    assert lost.machine.machine_id in api.provider.destroyed
    assert len(await api.sql("select 1 from machines where state = 'claimed'")) == 1
    assert api.voice.hung_up == []  # audio went on


async def test_a_lost_machine_has_no_say_on_the_session_any_more(api, session):
    lost = await make_active(api, session)
    lost.vanish()
    await machines_of(api, session, 2)
    exited = {
        "type": "exited",
        "reason": "idle",
        "itemCount": 0,
        "transcriptComplete": True,
        "at": now(),
    }
    assert (await report(api, lost, exited)).status == 200
    assert (await api.session(session["sessionId"]))["status"] == "reconnecting"
    # What it still knows of the transcript is welcome.
    answer = await api.call(
        "POST",
        PROCESSOR,
        {
            "sessionId": session["sessionId"],
            "speaker": "candidate",
            "content": "Late.",
            "timestamp": "2026-11-24T10:01:00Z",
            "itemId": "item_late",
        },
        token=lost.claims[0].machine_token,
    )
    assert answer.json["accepted"] == 1


async def test_a_takeover_is_tried_again_until_there_is_a_machine(api, session):
    await make_active(api, session)
    api.provider.failing_regions.add("local")
    api.provider.started = anyio.Event()
    api.provider.of(session["sessionId"])[0].vanish()
    await api.provider.started.wait()
    api.provider.failing_regions.clear()
    await machines_of(api, session, 2)


async def test_a_session_that_ends_while_it_is_taken_over_keeps_no_machine(api, session):
    lost = await make_active(api, session)
    api.provider.gate, api.provider.started = anyio.Event(), anyio.Event()
    lost.vanish()
    await api.provider.started.wait()
    ended = await api.call(
        "POST", f"/v1/sessions/{session['sessionId']}/end", token=session["sessionToken"]
    )
    assert ended.status == 200
    await api.until_status(session["sessionId"], "ended")
    api.provider.gate.set()
    await eventually(lambda: len(api.provider.machines) == 2)
    await eventually(lambda: not api.provider.alive)
    assert api.provider.of(session["sessionId"]) == [lost], "the other one was told nothing"


async def test_a_session_that_loses_machine_after_machine_is_ended(api, session, monkeypatch):
    monkeypatch.setattr(takeover, "MAX_MACHINES", 2)
    await make_active(api, session)
    api.provider.of(session["sessionId"])[0].vanish()
    [_, other] = await machines_of(api, session, 2)
    other.vanish()
    row = await api.until_status(session["sessionId"], "ended")
    assert row["end_reason"] == "call_lost"
    assert set(api.voice.hung_up) == {"rtc_1"}
    assert not api.provider.alive


async def test_a_session_without_a_machine_to_be_had_is_ended(api, session, monkeypatch):
    monkeypatch.setattr(takeover, "TAKEOVER_SECONDS", 0.1)
    await make_active(api, session)
    api.provider.failing_regions.add("local")
    api.provider.of(session["sessionId"])[0].vanish()
    row = await api.until_status(session["sessionId"], "ended")
    assert row["end_reason"] == "call_lost"
    assert set(api.voice.hung_up) == {"rtc_1"}


async def test_an_unclaimed_machine_that_dies_is_replaced(database, admin_dsn):
    async with open_scripted_api(database, admin_dsn, warm_machines=1) as api:
        await api.until("select 1 from machines where state = 'ready'")
        [first] = api.provider.alive
        first.vanish()
        await api.until("select 1 from machines where state = 'gone'")
        await api.until("select 1 from machines where state = 'ready'")
        [second] = api.provider.alive
        assert second is not first


@pytest.fixture
async def world(database, admin_dsn):
    """Machines and voice model outlive the API that is stopped and started in the test."""
    async with scripted_provider() as provider, scripted_voice() as voice:
        keys = tokens.generate_keys()

        def run(**options):
            return open_api(
                database, admin_dsn, provider=provider, voice=voice, keys=keys, **options
            )

        yield run


async def test_the_next_api_takes_claimed_machines_back(world):
    async with world() as first:
        session = await first.started()
        await make_active(first, session)
    async with world(tenant_id=first.tenant_id) as second:
        [machine] = second.provider.of(session["sessionId"])
        assert not machine.lost.is_set()
        await second.call(
            "POST", f"/v1/sessions/{session['sessionId']}/end", token=first.access_token()
        )
        await eventually(lambda: bool(machine.told))
        assert machine.told[0].startswith("end")
        assert (await second.session(session["sessionId"]))["status"] == "ending"


async def test_the_next_api_replaces_machines_that_died_meanwhile(world):
    async with world() as first:
        session = await first.started()
        lost = await make_active(first, session)
    lost.vanish()
    async with world(tenant_id=first.tenant_id) as second:
        [_, other] = await machines_of(second, session, 2)
        assert other.claims[0].call_id == "rtc_1"
        assert second.voice.hung_up == []


async def test_the_next_api_finishes_what_was_ending(world):
    async with world() as first:
        session = await first.started()
        machine = await make_active(first, session)
        await first.call(
            "POST", f"/v1/sessions/{session['sessionId']}/end", token=first.access_token()
        )
    machine.vanish()
    async with world(tenant_id=first.tenant_id) as second:
        await second.until_status(session["sessionId"], "ended")
        assert second.voice.hung_up == ["rtc_1"]
        assert await second.sql("select 1 from machines where state <> 'gone'") == []


async def test_the_next_api_fails_starts_that_nobody_finishes(world, monkeypatch):
    monkeypatch.setattr(reconcile, "EVERY_SECONDS", 0.1)
    async with world() as first:
        await first.sql(
            "insert into interview_sessions (tenant_id, user_id, idempotency_key, created_at)"
            " values ($1, $2, 'cut', $3)",
            first.tenant_id,
            first.user_id,
            datetime.now(UTC) - timedelta(minutes=2),
        )
        row = await first.until("select * from interview_sessions where status = 'failed'")
        assert '"start"' in row["failure"]
        assert row["idempotency_key"] is None


async def test_orphans_are_destroyed_both_ways(world, monkeypatch):
    monkeypatch.setattr(reconcile, "EVERY_SECONDS", 0.1)
    async with world() as api:
        until = datetime.now(UTC) + timedelta(minutes=5)
        spec = MachineSpec("6b2f2a52-5d0e-4a0e-9a53-6b8f6cbb1b11", "local", until)
        await api.provider.provision(spec, idempotency_key=spec.machine_id, timeout=5)
        await api.sql(
            "insert into machines (id, provider, state, created_at, expires_at) values"
            " (gen_random_uuid(), 'scripted', 'requested', now() - interval '5min', now()),"
            " (gen_random_uuid(), 'scripted', 'ready', now() - interval '5min', now())"
        )
        await api.until("select 1 from machines having count(*) filter (where state='gone') = 2")
        await eventually(lambda: not api.provider.alive)


async def test_whatever_else_is_to_be_done_a_machine_has_its_time_to_deliver(api, session):
    lost = await make_active(api, session)
    lost.vanish()
    [_, other] = await machines_of(api, session, 2)
    path, token = f"/v1/sessions/{session['sessionId']}/end", session["sessionToken"]
    await api.call("POST", path, token=token)
    job = "insert into cleanup_jobs (kind, session_id) values ('settle_session', $1)"
    await api.sql(job, session["sessionId"])
    await api.until(
        "select 1 where not exists (select from cleanup_jobs where attempts = 0"
        " and run_at <= now())"
    )
    assert set(other.told) == {"end candidate_left"}
    assert (await api.session(session["sessionId"]))["status"] == "ending"
    assert list(api.provider.alive) == [other]


async def test_nothing_is_left_running_if_the_api_is_told_so(database, admin_dsn):
    async with scripted_provider() as provider, scripted_voice() as voice:
        async with open_api(
            database,
            admin_dsn,
            provider=provider,
            voice=voice,
            end_sessions_on_stop=True,
        ) as api:
            session = await api.started()
            machine = await make_active(api, session)
            api.stop.set()
            await eventually(lambda: bool(machine.told))
            # The machine can still report while its session is ended.
            exited = {
                "type": "exited",
                "reason": "ended_by_recruiter",
                "itemCount": 3,
                "transcriptComplete": True,
                "at": now(),
            }
            assert (await report(api, machine, exited)).status == 200
        row = await api.session(session["sessionId"])
        assert (row["status"], row["transcript_complete"]) == ("ended", True)
        assert voice.hung_up == ["rtc_1"]
        assert not provider.alive
