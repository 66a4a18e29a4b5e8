"""From a link to a held interview: who may start what, how often, and what a candidate learns."""

import json
from datetime import datetime

import anyio

from support.api import add_tenant
from support.invitations import SECRETS_OF_RECRUITERS, agreed, invite, plan
from support.scripted_api import open_scripted_api
from vivavoce import tokens


async def shown(api, guest):
    answer = await api.call(
        "GET", f"/v1/invitations/{guest.invitation_id}", token=api.access_token()
    )
    assert answer.status == 200
    return answer.json


async def end(api, session_id):
    """End a session whose machine has nothing more to say."""
    await api.call("POST", f"/v1/sessions/{session_id}/end", token=api.access_token())
    for machine in api.provider.of(session_id):
        machine.vanish()
    await api.until_status(session_id, "ended")


async def test_what_is_planned_reaches_the_call_but_for_what_is_for_recruiters(api):
    guest = await agreed(api)
    started = await guest.started()
    [configuration] = api.voice.configurations
    [machine] = api.provider.of(started["sessionId"])
    assert "1. Why nursing?" in configuration["instructions"]
    assert "   Probe: What keeps you in it?" in configuration["instructions"]
    assert "by their numbers: 2." in configuration["instructions"]
    assert "this role: Nurse" in configuration["instructions"]
    assert "Be warm." in configuration["instructions"]
    assert configuration["audio"]["output"]["voice"] == "cedar"
    assert machine.claims[0].limits.max_duration == 600.0
    assert machine.claims[0].call_config == configuration
    # Whatever a candidate, or a machine, can lay hands on.
    token = started["sessionToken"]
    path = f"/v1/sessions/{started['sessionId']}"
    seen = [
        json.dumps(configuration),
        json.dumps(started),
        (await guest.welcome()).body.decode(),
        (await api.call("GET", path, token=token)).body.decode(),
        (await api.call("GET", f"{path}/transcript", token=token)).body.decode(),
        str(machine.claims[0].call_config),
    ]
    for text in seen:
        for secret in SECRETS_OF_RECRUITERS:
            assert secret not in text


async def test_a_recruiter_may_start_an_interview_too(api):
    planned = await plan(api)
    started = await api.started(
        {"interviewId": planned["interviewId"], "sessionConfig": {"maxDuration": 120}}
    )
    assert started["webrtcConfig"]["openaiConfig"]["instructions"] == planned["instructions"]
    [machine] = api.provider.of(started["sessionId"])
    assert machine.claims[0].limits.max_duration == 120.0
    row = await api.session(started["sessionId"])
    assert str(row["interview_id"]) == planned["interviewId"]
    assert row["invitation_id"] is None
    own_words = {"interviewId": planned["interviewId"], "sessionConfig": {"instructions": "x"}}
    assert (await api.start(own_words)).code == "INVALID_REQUEST"
    listed = await api.call(
        "GET", f"/v1/sessions?interviewId={planned['interviewId']}", token=api.access_token()
    )
    assert [one["sessionId"] for one in listed.json["sessions"]] == [started["sessionId"]]


async def test_another_tenants_interview_looks_like_none(api, admin_dsn):
    planned = await plan(api)
    theirs = api.access_token(tenant_id=await add_tenant(admin_dsn))
    foreign = await api.start({"interviewId": planned["interviewId"]}, token=theirs)
    assert (foreign.status, foreign.code) == (404, "NOT_FOUND")
    for method, path in (
        ("GET", f"/v1/interviews/{planned['interviewId']}"),
        ("DELETE", f"/v1/interviews/{planned['interviewId']}"),
        ("GET", f"/v1/interviews/{planned['interviewId']}/invitations"),
        ("POST", f"/v1/interviews/{planned['interviewId']}/invitations"),
    ):
        answer = await api.call(method, path, token=theirs)
        assert (answer.status, answer.code) == (404, "NOT_FOUND"), path


async def test_nothing_begins_before_the_candidate_has_agreed(api):
    guest = await invite(api)
    refused = await guest.start()
    assert (refused.status, refused.code, refused.json["reason"]) == (409, "CONFLICT", "no_consent")
    assert await api.sql("select 1 from interview_sessions") == []
    assert (await guest.agree(version="1999-12")).json["reason"] == "new_text"
    assert (await guest.agree(agreed=["machine"])).code == "INVALID_REQUEST"
    assert (await guest.agree(agreed=["machine", "voice", "transcript", "soul"])).status == 400
    assert await api.sql("select 1 from consents") == []
    first = await guest.agree()
    again = await guest.agree()
    assert first.status == again.status == 201
    assert first.json == again.json
    text = (await guest.welcome()).json["consent"]
    assert text["agreedAt"] == first.json["agreedAt"]
    [kept] = await api.sql("select agreed, text_version, created_at from consents")
    assert kept["text_version"] == text["version"]
    assert json.loads(kept["agreed"]) == text["statements"]
    assert kept["created_at"] == datetime.fromisoformat(first.json["agreedAt"])
    assert (await guest.start()).status == 200


async def test_the_same_link_comes_back_to_the_same_session(api):
    guest = await agreed(api)
    first = await guest.started()
    await guest.open()
    second = await guest.started(region="local")
    assert first["sessionId"] == second["sessionId"]
    assert len(api.provider.of(first["sessionId"])) == 1
    verify = tokens.Verifier(api.keys.public()).verify
    subjects = {
        verify(one["sessionToken"], audiences=(tokens.SESSION,)).subject for one in (first, second)
    }
    assert subjects == {guest.invitation_id}
    renewed = await api.call(
        "POST",
        "/functions/v1/session-token",
        {"sessionId": first["sessionId"]},
        token=guest.token,
    )
    assert renewed.status == 200
    view = await shown(api, guest)
    assert (view["state"], view["uses"]) == ("in_progress", 1)
    assert view["sessionId"] == first["sessionId"]
    assert (await guest.welcome()).json["session"]["sessionId"] == first["sessionId"]


async def test_many_at_once_with_one_link_get_one_session(api):
    guest = await agreed(api)
    ids = []

    async def start():
        ids.append((await guest.started())["sessionId"])

    async with anyio.create_task_group() as tasks:
        for _ in range(8):
            tasks.start_soon(start)
    assert len(ids) == 8
    assert len(set(ids)) == 1
    assert len(await api.sql("select 1 from interview_sessions")) == 1


async def test_an_invitation_is_used_as_often_as_it_says(api):
    guest = await agreed(api, maxUses=2)
    first = await guest.started()
    await end(api, first["sessionId"])
    assert (await shown(api, guest))["state"] == "opened"
    second = await guest.started()
    assert second["sessionId"] != first["sessionId"]
    await end(api, second["sessionId"])
    assert (await shown(api, guest))["state"] == "completed"
    over = await guest.start()
    assert (over.status, over.code) == (410, "SESSION_ENDED")
    assert (await guest.open()).status == 200, "the end page may be looked at"
    assert (await guest.welcome()).json["session"]["status"] == "ended"
    # The database counts for itself.
    refusal = await api.sql(
        "select viva.invitation_refusal($1, '2026-11') as said", guest.invitation_id
    )
    assert refusal[0]["said"] == "used"


async def test_a_start_that_fails_uses_nothing_up(api):
    guest = await agreed(api)
    api.provider.failing_regions.add("local")
    assert (await guest.start()).code == "VM_PROVISIONING_FAILED"
    assert (await shown(api, guest))["uses"] == 0
    api.provider.failing_regions.clear()
    assert (await guest.start()).status == 200


async def test_an_invitation_that_is_taken_back_opens_nothing_and_ends_its_session(api):
    guest = await agreed(api)
    started = await guest.started()
    path = f"/v1/invitations/{guest.invitation_id}/revoke"
    revoked = await api.call("POST", path, token=api.access_token())
    assert revoked.json["state"] == "revoked"
    [machine] = api.provider.of(started["sessionId"])
    assert "end revoked" in machine.told
    row = await api.session(started["sessionId"])
    assert (row["status"], row["end_reason"]) == ("ending", "revoked")
    for answer in (
        await guest.open(),
        await guest.start(),
        await guest.welcome(),
        await api.call("POST", "/v1/consents", {"version": "x", "agreed": []}, token=guest.token),
    ):
        assert (answer.status, answer.code, answer.json["reason"]) == (403, "FORBIDDEN", "revoked")
    renewal = {"sessionId": started["sessionId"]}
    late = await api.call("POST", "/functions/v1/session-token", renewal, token=guest.token)
    assert late.code == "SESSION_ENDED"
    again = await api.call("POST", path, token=api.access_token())
    assert again.json["revokedAt"] == revoked.json["revokedAt"]


async def test_whoever_starts_while_the_invitation_is_taken_back_is_out(api):
    """Whichever comes first: afterwards no session lives."""
    for _ in range(5):
        guest = await agreed(api)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(guest.start)
            tasks.start_soon(
                lambda guest=guest: api.call(
                    "POST",
                    f"/v1/invitations/{guest.invitation_id}/revoke",
                    token=api.access_token(),
                )
            )
        assert (
            await api.sql(
                "select 1 from interview_sessions where invitation_id = $1"
                " and status in ('provisioning', 'ready', 'active', 'reconnecting')",
                guest.invitation_id,
            )
            == []
        )


async def test_an_expired_invitation_begins_nothing_but_lets_one_come_back(api):
    late = await agreed(api)
    expire = "update invitations set expires_at = now() - interval '1s' where id = $1"
    await api.sql(expire, late.invitation_id)
    for answer in (await late.open(), await late.start(), await late.welcome()):
        assert (answer.status, answer.json["reason"]) == (403, "expired")
    busy = await agreed(api)
    started = await busy.started()
    await api.sql(expire, busy.invitation_id)
    assert (await busy.open()).status == 200
    assert (await busy.started())["sessionId"] == started["sessionId"]


async def test_a_wrong_secret_opens_nothing(api):
    guest = await invite(api)
    hashed = (await api.sql("select encode(token_hash, 'hex') as hash from invitations"))[0]["hash"]
    for secret in ("wrong", guest.secret[:-1], guest.secret.upper(), hashed, guest.invitation_id):
        answer = await api.call("POST", "/functions/v1/invitation-token", {"secret": secret})
        assert (answer.status, answer.code) == (404, "NOT_FOUND")
    assert guest.url == f"{api.url}/i/{guest.invitation_id}#{guest.secret}"
    text = json.dumps(
        [dict(row) for row in await api.sql("select * from invitations")], default=str
    )
    assert guest.secret not in text


FOR_RECRUITERS = {
    "sessionConfig": {"maxDuration": 3600},
    "companyId": "00000000-0000-4000-8000-000000000000",
    "sessionData": {"a": 1},
    "interviewId": "00000000-0000-4000-8000-000000000000",
    "candidate": {"name": "Somebody else"},
}


async def test_a_candidate_does_not_say_what_a_recruiter_says(api):
    guest = await agreed(api)
    for name, value in FOR_RECRUITERS.items():
        answer = await guest.start(**{name: value})
        assert (answer.status, answer.code) == (400, "INVALID_REQUEST")
        assert answer.json["detail"].startswith(f"{name}:")
    assert await api.sql("select 1 from interview_sessions") == []


async def test_who_was_invited_stands_in_the_session(api):
    candidate = {"name": "Ada", "email": "ada@example.org", "externalId": "42"}
    guest = await agreed(api, candidate=candidate)
    started = await guest.started()
    path = f"/v1/sessions/{started['sessionId']}"
    view = (await api.call("GET", path, token=api.access_token())).json
    assert view["candidate"] == candidate
    assert view["invitationId"] == guest.invitation_id
    assert view["interviewId"] == guest.interview_id
    assert (await guest.welcome()).json["candidateName"] == "Ada"


async def test_a_candidate_is_told_what_awaits_them(api, admin_dsn):
    await api.sql("update tenants set retention_days = 30 where id = $1", api.tenant_id)
    guest = await invite(api)
    told = (await guest.welcome()).json
    assert told["organisation"] == "Test"
    assert (told["title"], told["role"]) == ("Nurses, first round", "Nurse")
    assert (told["maxDuration"], told["questionCount"]) == (600, 2)
    assert told["voiceProcessor"] is None
    assert told["retentionDays"] == 30
    texts = {one["id"]: one["text"] for one in told["consent"]["statements"]}
    assert "People at Test read it" in texts["transcript"]
    assert "30 days" in texts["transcript"]
    assert "machine" in texts["machine"]
    [company] = await api.sql(
        "insert into companies (tenant_id, name) values ($1, 'Ward 5') returning id::text",
        api.tenant_id,
    )
    other = await invite(api, (await plan(api, companyId=company["id"]))["interviewId"])
    assert (await other.welcome()).json["organisation"] == "Ward 5"


async def test_the_quota_holds_for_the_invited_too(database, admin_dsn):
    async with open_scripted_api(
        database, admin_dsn, tenant_id=await add_tenant(admin_dsn, sessions=1)
    ) as api:
        first, second = await agreed(api), await agreed(api)
        assert (await first.start()).status == 200
        full = await second.start()
        assert (full.status, full.code) == (429, "QUOTA_EXCEEDED")
        assert (await shown(api, second))["uses"] == 0
