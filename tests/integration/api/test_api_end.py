"""Ending: by whom, what the machine is told, what its word counts, and what is left: nothing."""

from datetime import UTC, datetime
from uuid import uuid4

import anyio
import pytest


@pytest.fixture
async def session(api):
    return await api.started()


def machine_of(api, session):
    return api.provider.of(session["sessionId"])[-1]


async def report(api, machine, *reports):
    answer = await api.call(
        "POST",
        f"/internal/v1/machines/{machine.machine.machine_id}/reports",
        {"reports": list(reports)},
        token=machine.claims[0].machine_token,
    )
    assert answer.status == 200, answer.body


def now():
    return datetime.now(UTC).isoformat()


def call(call_id):
    return {"type": "call", "callId": call_id, "createdAt": now()}


def exited(**changes):
    return {
        "type": "exited",
        "reason": "completed",
        "itemCount": 0,
        "transcriptComplete": True,
        "at": now(),
        **changes,
    }


def ending(**changes):
    return {**exited(**changes), "type": "ending"}


async def end(api, session, token, body=None):
    return await api.call("POST", f"/v1/sessions/{session['sessionId']}/end", body, token=token)


async def test_a_candidate_leaves(api, session):
    answer = await end(api, session, session["sessionToken"])
    assert answer.status == 200
    assert (answer.json["status"], answer.json["endReason"]) == ("ending", "candidate_left")
    assert machine_of(api, session).told == ["end candidate_left"]


async def test_a_recruiter_ends_it_and_the_machines_word_finishes_it(api, session):
    machine = machine_of(api, session)
    await report(api, machine, call("rtc_1"), {"type": "status", "status": "active", "at": now()})
    assert (await api.session(session["sessionId"]))["status"] == "active"
    assert (await end(api, session, api.access_token())).json["endReason"] == "ended_by_recruiter"
    await report(api, machine, exited(reason="ended_by_recruiter"))
    row = await api.until_status(session["sessionId"], "ended")
    assert row["end_reason"] == "ended_by_recruiter"
    assert row["transcript_complete"] is True
    assert row["ended_at"] >= row["active_at"]
    # The machine did not say that it hung up: that is done for it. Nothing is left.
    assert api.voice.hung_up == ["rtc_1"]
    assert not api.provider.alive
    assert await api.sql("select 1 from machines where state <> 'gone'") == []
    await api.until("select 1 where not exists (select from cleanup_jobs where done_at is null)")
    again = await end(api, session, api.access_token())
    assert (again.status, again.json["status"]) == (200, "ended")
    actions = [row["action"] for row in await api.sql("select action from audit_log order by id")]
    assert actions == ["session.start", "session.end"]


async def test_calls_that_the_machine_has_hung_up_are_left_alone(api, session):
    machine = machine_of(api, session)
    await report(api, machine, call("rtc_1"), call("rtc_2"))
    await report(api, machine, {"type": "call_ended", "callId": "rtc_1"}, exited())
    await api.until_status(session["sessionId"], "ended")
    assert api.voice.hung_up == ["rtc_2"]


async def test_reports_may_come_any_number_of_times(api, session):
    machine = machine_of(api, session)
    event = {"type": "event", "kind": "configuration_tampered", "at": now(), "data": {"x": 1}}
    same = [call("rtc_1"), event, {"type": "status", "status": "active", "at": now()}]
    for _ in range(3):
        await report(api, machine, *same)
    for _ in range(2):
        await report(api, machine, exited())
    await api.until_status(session["sessionId"], "ended")
    assert len(await api.sql("select 1 from session_events")) == 1
    assert len(await api.sql("select 1 from session_calls")) == 1
    await report(api, machine, exited(reason="idle"))
    assert (await api.session(session["sessionId"]))["end_reason"] == "completed"


async def test_a_machine_that_says_how_it_ended_may_say_goodbye_before_it_goes(api, session):
    machine = machine_of(api, session)
    await report(api, machine, ending())
    row = await api.session(session["sessionId"])
    assert (row["status"], row["end_reason"]) == ("ending", "completed")
    assert row["transcript_complete"] is True
    assert api.provider.alive
    await report(api, machine, exited())
    await api.until_status(session["sessionId"], "ended")
    assert not api.provider.alive


async def test_of_a_machine_that_dies_over_its_goodbye_the_word_counts(api, session):
    machine = machine_of(api, session)
    await report(api, machine, call("rtc_1"), ending())
    machine.vanish()
    row = await api.until_status(session["sessionId"], "ended")
    assert (row["end_reason"], row["transcript_complete"]) == ("completed", True)
    assert api.voice.hung_up == ["rtc_1"]
    assert len(api.provider.of(session["sessionId"])) == 1  # nobody took it over


async def test_a_goodbye_that_takes_too_long_is_cut(api, session, monkeypatch):
    monkeypatch.setattr("vivavoce.control.end.FAREWELL_SECONDS", 0.1)
    await report(api, machine_of(api, session), ending())
    await api.until_status(session["sessionId"], "ended")
    assert not api.provider.alive


async def test_a_call_that_is_reported_too_late_is_hung_up(api, session):
    machine = machine_of(api, session)
    await report(api, machine, exited())
    await api.until_status(session["sessionId"], "ended")
    await report(api, machine, call("rtc_late"))
    await api.until("select 1 from session_calls where hung_up_at is not null")
    assert api.voice.hung_up == ["rtc_late"]


async def test_a_transcript_with_fewer_entries_than_the_machine_counted_is_incomplete(api, session):
    await report(api, machine_of(api, session), exited(itemCount=3))
    row = await api.until_status(session["sessionId"], "ended")
    assert (row["item_count"], row["transcript_complete"]) == (3, False)


async def test_a_machine_that_never_answers_is_done_without(api, session):
    machine = machine_of(api, session)
    await report(api, machine, call("rtc_1"))
    await end(api, session, api.access_token())
    # Its time to drain is over.
    await api.sql("update interview_sessions set drain_until = now()")
    await api.sql("update cleanup_jobs set run_at = now() where done_at is null")
    row = await api.until_status(session["sessionId"], "ended")
    assert row["transcript_complete"] is False
    assert api.voice.hung_up == ["rtc_1"]
    assert machine.lost.is_set()


async def test_a_hang_up_that_fails_is_tried_again_and_holds_up_nothing(api, session):
    machine = machine_of(api, session)
    await report(api, machine, call("rtc_1"))
    api.voice.hang_up_status = 500
    await report(api, machine, exited())
    await api.until_status(session["sessionId"], "ended")
    await api.until("select 1 from cleanup_jobs where kind = 'hang_up' and attempts > 0")
    api.voice.hang_up_status = 200
    await api.sql("update cleanup_jobs set run_at = now() where done_at is null")
    await api.until("select 1 from session_calls where hung_up_at is not null")
    assert api.voice.hung_up == ["rtc_1"]


async def test_a_session_past_its_time_is_ended(api, session):
    await report(api, machine_of(api, session), {"type": "status", "status": "active", "at": now()})
    await api.sql("update interview_sessions set expires_at = now() - interval '1s'")
    await api.sql(
        "insert into cleanup_jobs (kind, session_id) values ('settle_session', $1)",
        session["sessionId"],
    )
    row = await api.until_status(session["sessionId"], "ending")
    assert row["end_reason"] == "max_duration"


async def test_a_direct_session_is_active_from_its_call_on_and_hung_up_at_its_end(api):
    session = await api.started({"architecture": "direct", "sessionConfig": {"maxDuration": 60}})
    path = f"/v1/sessions/{session['sessionId']}/call"
    token = session["sessionToken"]
    for _ in range(2):
        assert (await api.call("POST", path, {"callId": "rtc_d"}, token=token)).status == 204
    row = await api.session(session["sessionId"])
    assert row["status"] == "active"
    assert (row["expires_at"] - row["active_at"]).total_seconds() == 60
    await end(api, session, token)
    await api.until_status(session["sessionId"], "ended")
    assert api.voice.hung_up == ["rtc_d"]
    late = await api.call("POST", path, {"callId": "rtc_late"}, token=token)
    assert (late.status, late.code) == (410, "SESSION_ENDED")
    await api.until("select 1 from session_calls where call_id = 'rtc_late' and hung_up_at notnull")
    assert api.voice.hung_up == ["rtc_d", "rtc_late"]


@pytest.mark.parametrize(
    ("architecture", "reason"), [("direct", "completed"), ("hybrid", "candidate_left")]
)
async def test_a_client_is_believed_that_the_interview_was_completed_where_nobody_else_heard_it(
    api, architecture, reason
):
    session = await api.started({"architecture": architecture})
    answer = await end(api, session, session["sessionToken"], {"reason": "completed"})
    assert answer.json["endReason"] == reason


async def test_a_recruiter_cannot_complete_an_interview(api):
    session = await api.started({"architecture": "direct"})
    answer = await end(api, session, api.access_token(), {"reason": "completed"})
    assert answer.json["endReason"] == "ended_by_recruiter"


async def test_a_reason_that_is_nobodys_to_give_is_refused_and_ends_nothing(api):
    session = await api.started({"architecture": "direct"})
    answer = await end(api, session, session["sessionToken"], {"reason": "revoked"})
    assert (answer.status, answer.code) == (400, "INVALID_REQUEST")
    assert (await api.session(session["sessionId"]))["status"] != "ending"


async def test_a_direct_session_is_hung_up_at_its_limit(api):
    session = await api.started({"architecture": "direct"})
    path = f"/v1/sessions/{session['sessionId']}/call"
    await api.call("POST", path, {"callId": "rtc_d"}, token=session["sessionToken"])
    await api.sql("update interview_sessions set expires_at = now()")
    await api.sql("update cleanup_jobs set run_at = now()")
    row = await api.until_status(session["sessionId"], "ended")
    assert row["end_reason"] == "max_duration"
    assert api.voice.hung_up == ["rtc_d"]


async def test_calls_are_refused_where_they_do_not_belong(api, session):
    direct = await api.started({"architecture": "direct"})
    other = await api.started({"architecture": "direct"})

    async def tell(one, call_id):
        return await api.call(
            "POST",
            f"/v1/sessions/{one['sessionId']}/call",
            {"callId": call_id},
            token=one["sessionToken"],
        )

    assert (await tell(session, "rtc_1")).code == "INVALID_REQUEST"
    assert (await tell(direct, "no/such id")).code == "INVALID_REQUEST"
    assert (await tell(direct, "rtc_1")).status == 204
    stolen = await tell(other, "rtc_1")
    assert (stolen.status, stolen.code) == (409, "CONFLICT")


async def test_controls_of_the_room_are_stored_and_passed_on(api, session):
    path = f"/v1/sessions/{session['sessionId']}/events"
    token = session["sessionToken"]
    sequence = []
    for kind in ("pause", "resume", "accommodation_request"):
        answer = await api.call("POST", path, {"type": kind, "data": {"a": 1}}, token=token)
        assert answer.status == 201
        sequence.append(answer.json["seq"])
    assert sequence == sorted(sequence)
    assert machine_of(api, session).told == ["pause", "resume"]
    rows = await api.sql("select type from session_events order by seq")
    assert [row["type"] for row in rows] == ["pause", "resume", "accommodation_request"]
    for body in ({"type": "explode"}, {"type": "pause", "data": {"x": "y" * 9000}}, b"nonsense"):
        assert (await api.call("POST", path, body, token=token)).code == "INVALID_REQUEST"
    await end(api, session, token)
    over = await api.call("POST", path, {"type": "pause"}, token=token)
    assert (over.status, over.code) == (409, "CONFLICT")


async def test_a_session_can_be_ended_while_it_starts(api):
    api.provider.gate = anyio.Event()
    answers = []

    async def start():
        answers.append(await api.start())

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(start)
        await api.provider.started.wait()
        row = await api.until("select id::text from interview_sessions")
        await end(api, {"sessionId": row["id"]}, api.access_token())
        api.provider.gate.set()
    assert (answers[0].status, answers[0].code) == (410, "SESSION_ENDED")
    await api.until_status(row["id"], "ended")
    await api.until("select 1 where not exists (select from machines where state <> 'gone')")
    assert not api.provider.alive


async def test_a_machine_that_is_unknown_has_no_say(api, session):
    machine = machine_of(api, session)
    answer = await api.call(
        "POST",
        f"/internal/v1/machines/{uuid4()}/reports",
        {"reports": [exited()]},
        token=machine.claims[0].machine_token,
    )
    assert answer.code == "NOT_FOUND"
    assert (await api.session(session["sessionId"]))["status"] == "ready"


async def test_what_a_session_takes_is_bounded(api, monkeypatch):
    monkeypatch.setattr("vivavoce.control.room.MAX_EVENTS", 2)
    monkeypatch.setattr("vivavoce.control.room.MAX_CALLS", 2)
    session = await api.started({"architecture": "direct"})
    path, token = f"/v1/sessions/{session['sessionId']}", session["sessionToken"]
    for number in range(3):
        call_ = await api.call("POST", f"{path}/call", {"callId": f"rtc_{number}"}, token=token)
        event = await api.call("POST", f"{path}/events", {"type": "pause"}, token=token)
    assert (call_.status, call_.code) == (409, "CONFLICT")
    assert (event.status, event.code) == (409, "CONFLICT")
    assert len(await api.sql("select 1 from session_calls")) == 2


async def test_a_job_that_cannot_be_done_does_not_stop_the_others(api, session):
    api.voice.hang_up_status = 500
    await api.sql(
        "insert into cleanup_jobs (kind, session_id, payload) values"
        " ('hang_up', $1, '{\"callId\": \"rtc_1\"}'), ('unheard_of', null, '{}')",
        session["sessionId"],
    )
    await api.until("select 1 from cleanup_jobs where last_error is not null")
    await report(api, machine_of(api, session), exited())
    await api.until_status(session["sessionId"], "ended")
