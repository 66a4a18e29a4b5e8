"""A call before the interview that only listens: who may make one, how often, and that it ends."""

import anyio

from support.invitations import agreed, invite
from support.scripted_api import open_scripted_api
from vivavoce.control.sound_check import CHECK_SECONDS, MAX_AT_ONCE

PATH = "/v1/sound-check"
OFFER = {"offer": "v=0\r\n"}


async def check(guest, body=OFFER):
    return await guest.api.call("POST", PATH, body, token=guest.token)


async def test_a_check_listens_as_the_interview_does_and_answers_nothing(api):
    guest = await agreed(api)
    answer = await check(guest)
    assert answer.status == 201
    assert answer.json["answer"] == "v=0\r\n"
    [(offer, session)] = api.voice.offers
    assert offer == "v=0\r\n"
    await guest.started()
    [interview] = api.voice.configurations
    assert session["audio"]["input"]["turn_detection"]["create_response"] is False
    heard, asked = session["audio"]["input"], interview["audio"]["input"]
    assert heard["transcription"] == asked["transcription"]
    assert (session["tools"], session["tool_choice"]) == ([], "none")
    assert "Why nursing?" not in session["instructions"]


async def test_its_call_is_hung_up_when_its_time_is_over_whatever_the_page_does(api):
    guest = await agreed(api)
    call_id = (await check(guest)).json["callId"]
    [job] = await api.sql("select *, run_at - created_at as wait from cleanup_jobs")
    assert 0 < job["wait"].total_seconds() <= CHECK_SECONDS + 1
    await api.sql("update cleanup_jobs set run_at = now() where id = $1", job["id"])
    await api.until("select from cleanup_jobs where id = $1 and done_at is not null", job["id"])
    assert api.voice.hung_up == [call_id]


async def test_nothing_is_heard_before_the_candidate_has_agreed(api):
    guest = await invite(api)
    servers = await api.call("GET", PATH, token=guest.token)
    for refused in (await check(guest), servers):
        assert (refused.status, refused.code) == (409, "CONFLICT")
        assert refused.json["reason"] == "no_consent"
    assert api.voice.offers == []


async def test_an_invitation_cannot_check_without_end(api):
    guest, other = await agreed(api), await agreed(api)
    answers = []

    async def check_once():
        answers.append(await check(guest))

    async with anyio.create_task_group() as tasks:
        for _ in range(MAX_AT_ONCE + 2):
            tasks.start_soon(check_once)
    made = [answer for answer in answers if answer.status == 201]
    refused = [answer for answer in answers if answer.status != 201]
    assert len(made) == len(api.voice.offers) == MAX_AT_ONCE
    assert {(one.status, one.code) for one in refused} == {(429, "RATE_LIMITED")}
    assert (await check(other)).status == 201, "it is counted for each invitation"
    await api.sql("update audit_log set at = at - make_interval(secs => $1)", CHECK_SECONDS)
    assert (await check(guest)).status == 201


async def test_an_invitation_that_was_taken_back_or_used_up_checks_nothing(api):
    guest = await agreed(api)
    path = f"/v1/invitations/{guest.invitation_id}/revoke"
    await api.call("POST", path, token=api.access_token())
    refused = await check(guest)
    assert (refused.status, refused.json["reason"]) == (403, "revoked")
    used = await agreed(api)
    session_id = (await used.started())["sessionId"]
    await api.sql("update interview_sessions set status = 'ended' where id = $1", session_id)
    refused = await check(used)
    assert (refused.status, refused.code) == (410, "SESSION_ENDED")
    assert api.voice.offers == []


async def test_a_voice_model_without_room_is_said_to_be_so(api):
    guest = await agreed(api)
    api.voice.status = 503
    refused = await check(guest)
    assert (refused.status, refused.code) == (502, "SDP_EXCHANGE_FAILED")
    assert await api.sql("select from cleanup_jobs") == []


async def test_what_is_no_offer_is_refused(api):
    guest = await agreed(api)
    for body in ({}, {"offer": ""}, {"offer": "v=0" + "x" * 65_536}, {"offer": 1}):
        refused = await check(guest, body)
        assert (refused.status, refused.code) == (400, "INVALID_REQUEST")
    assert api.voice.offers == []


async def test_the_check_goes_by_the_way_of_the_interview(database, admin_dsn):
    async with open_scripted_api(
        database,
        admin_dsn,
        stun_servers=("stun:stun.example",),
        turn_servers=("turn:turn.example",),
        turn_secret="a-secret-shared-with-the-turn-server",
    ) as api:
        guest = await agreed(api)
        told = (await api.call("GET", PATH, token=guest.token)).json
    assert told["stunServers"] == ["stun:stun.example"]
    [server] = told["turnServers"]
    assert server["username"].endswith(f":{guest.invitation_id}")
