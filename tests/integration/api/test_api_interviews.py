"""Interviews and invitations as recruiters keep them; erasure; the way into the console."""

import json

import anyio
import jsonschema

from support.api import add_tenant
from support.invitations import DRAFT, SECRETS_OF_RECRUITERS, invite, plan
from vivavoce import tokens
from vivavoce.store import console_links, invitations

MISSING = "00000000-0000-4000-8000-000000000000"


async def ask(api, method, path, body=None):
    return await api.call(method, path, body, token=api.access_token())


async def test_an_interview_is_kept_changed_and_deleted(api):
    planned = await plan(api)
    path = f"/v1/interviews/{planned['interviewId']}"
    assert {name: planned[name] for name in DRAFT if name not in ("questions", "competencies")} == {
        name: value for name, value in DRAFT.items() if name not in ("questions", "competencies")
    }
    assert planned["questions"][0] == {
        "text": "Why nursing?",
        "mustAsk": True,
        "probe": "What keeps you in it?",
        "clarification": None,
        "weight": 41.7,
        "notes": "RUBRIC-OF-A-QUESTION",
    }
    assert (await ask(api, "GET", path)).json == planned
    changed = {"title": "Changed", "questions": [{"text": "Where?"}]}
    put = await ask(api, "PUT", path, changed)
    assert put.status == 200
    assert (put.json["title"], put.json["role"], len(put.json["questions"])) == ("Changed", "", 1)
    assert put.json["createdAt"] == planned["createdAt"]
    assert put.json["updatedAt"] > planned["updatedAt"]
    assert (await ask(api, "GET", path)).json == put.json
    await invite(api, planned["interviewId"])
    assert (await ask(api, "DELETE", path)).status == 204
    assert (await ask(api, "GET", path)).code == "NOT_FOUND"
    assert (await ask(api, "PUT", path, changed)).code == "NOT_FOUND"
    assert (await ask(api, "DELETE", path)).code == "NOT_FOUND"
    assert await api.sql("select 1 from invitations") == []
    audit = await api.sql("select action from audit_log order by id")
    assert [row["action"] for row in audit] == [
        "interview.create",
        "interview.update",
        "invitation.create",
        "invitation.open",
        "interview.delete",
    ]


async def test_an_interview_that_was_held_is_not_deleted(api):
    guest = await invite(api)
    await guest.agree()
    await guest.started()
    refused = await ask(api, "DELETE", f"/v1/interviews/{guest.interview_id}")
    assert (refused.status, refused.code) == (409, "CONFLICT")


BROKEN = [
    {"title": ""},
    {"title": "  "},
    {"questions": []},
    {"questions": [{"text": " "}]},
    {"questions": [{"text": "Why?"}] * 101},
    {"questions": [{"text": "x" * 1001}]},
    {"questions": [{"text": "x" * 900} for _ in range(30)]},
    {"questions": [{"text": "Why?", "weight": -1}]},
    {"questions": [{"text": "Why?", "colour": "red"}]},
    {"language": "English"},
    {"maxDuration": 59},
    {"maxDuration": 3601},
    {"voice": ""},
    {"guidance": "x" * 4001},
    {"competencies": [{"name": "x"}] * 31},
    {"companyId": MISSING},
    {"companyId": "-" * 36},
    {"colour": "red"},
]


async def test_a_draft_that_breaks_the_contract_is_refused(api):
    for change in BROKEN:
        answer = await ask(api, "POST", "/v1/interviews", {**DRAFT, **change})
        assert (answer.status, answer.code) == (400, "INVALID_REQUEST"), change
    assert await api.sql("select 1 from interviews") == []


async def test_a_foreign_company_has_no_interview_of_ours(api, admin_dsn):
    [company] = await api.sql(
        "insert into companies (tenant_id, name) values ($1, 'Other') returning id::text",
        await add_tenant(admin_dsn),
    )
    foreign = await ask(api, "POST", "/v1/interviews", {**DRAFT, "companyId": company["id"]})
    missing = await ask(api, "POST", "/v1/interviews", {**DRAFT, "companyId": MISSING})
    assert foreign.status == missing.status == 400
    assert foreign.json["detail"] == missing.json["detail"]


async def test_interviews_and_invitations_are_listed_in_pages(api):
    ids = [(await plan(api))["interviewId"] for _ in range(3)]
    first = (await ask(api, "GET", "/v1/interviews?limit=2")).json
    second = (await ask(api, "GET", f"/v1/interviews?cursor={first['nextCursor']}")).json
    assert [one["interviewId"] for one in first["interviews"] + second["interviews"]] == ids[::-1]
    assert second["nextCursor"] is None
    invited = [(await invite(api, ids[0])).invitation_id for _ in range(3)]
    await invite(api, ids[1])
    path = f"/v1/interviews/{ids[0]}/invitations"
    first = (await ask(api, "GET", f"{path}?limit=2")).json
    second = (await ask(api, "GET", f"{path}?cursor={first['nextCursor']}")).json
    listed = first["invitations"] + second["invitations"]
    assert [one["invitationId"] for one in listed] == invited[::-1]
    assert {one["state"] for one in listed} == {"opened"}
    assert "secret" not in json.dumps(listed)


async def test_what_is_asked_for_in_vain(api):
    for method, path in (
        ("GET", f"/v1/interviews/{MISSING}"),
        ("GET", "/v1/interviews/nonsense"),
        ("GET", f"/v1/interviews/{MISSING}/invitations"),
        ("POST", f"/v1/interviews/{MISSING}/invitations"),
        ("GET", f"/v1/invitations/{MISSING}"),
        ("POST", f"/v1/invitations/{MISSING}/revoke"),
        ("POST", "/v1/invitations/nonsense/revoke"),
        ("GET", "/v1/sessions?interviewId=nonsense"),
        ("DELETE", f"/v1/sessions/{MISSING}"),
    ):
        answer = await ask(api, method, path)
        assert (answer.status, answer.code) == (404, "NOT_FOUND"), path


async def test_a_preview_is_what_a_candidate_would_get_and_nothing_is_kept(api):
    previewed = (await ask(api, "POST", "/v1/interviews/preview", DRAFT)).json
    assert (await ask(api, "GET", "/v1/interviews")).json["interviews"] == []
    guest = await invite(api)
    welcome = (await guest.welcome()).json
    own = {"invitationId", "state", "expiresAt"}
    assert {name: value for name, value in previewed["welcome"].items() if name not in own} == {
        name: value for name, value in welcome.items() if name not in own
    }
    kept = (await ask(api, "GET", f"/v1/interviews/{guest.interview_id}")).json
    assert previewed["instructions"] == kept["instructions"]
    for secret in SECRETS_OF_RECRUITERS:
        assert secret not in json.dumps(previewed)


async def test_a_preview_of_a_companys_interview_names_the_company(api):
    [company] = await api.sql(
        "insert into companies (tenant_id, name) values ($1, 'Daughter') returning id::text",
        api.tenant_id,
    )
    body = {**DRAFT, "companyId": company["id"]}
    previewed = (await ask(api, "POST", "/v1/interviews/preview", body)).json
    assert previewed["welcome"]["organisation"] == "Daughter"
    too_long = {"title": "Long", "questions": [{"text": "x" * 1000}] * 70}
    for refused in ({"title": ""}, {"questions": []}, {**DRAFT, "maxDuration": 5}, too_long):
        answer = await ask(api, "POST", "/v1/interviews/preview", refused)
        assert (answer.status, answer.code) == (400, "INVALID_REQUEST")


async def test_answers_about_interviews_are_as_described(api):
    described = (await api.call("GET", "/openapi.json")).json
    guest = await invite(api, candidate={"name": "Ada"})
    invitation_path = f"/v1/interviews/{guest.interview_id}/invitations"
    for name, answer in (
        ("InterviewView", await ask(api, "GET", f"/v1/interviews/{guest.interview_id}")),
        ("InterviewPage", await ask(api, "GET", "/v1/interviews")),
        ("InterviewPreview", await ask(api, "POST", "/v1/interviews/preview", DRAFT)),
        ("InvitationCreated", await ask(api, "POST", invitation_path)),
        ("InvitationPage", await ask(api, "GET", invitation_path)),
        ("InvitationView", await ask(api, "GET", f"/v1/invitations/{guest.invitation_id}")),
        ("AccessTokenResponse", await guest.open()),
        ("ConsentView", await guest.agree()),
        ("InvitationWelcome", await guest.welcome()),
        ("Problem", await guest.agree(version="other")),
    ):
        schema = {"$ref": f"#/components/schemas/{name}", "components": described["components"]}
        jsonschema.validate(answer.json, schema)


async def test_a_session_is_erased_with_all_that_was_said(api):
    guest = await invite(api, candidate={"name": "Ada Lovelace"})
    await guest.agree()
    started = await guest.started(architecture="direct")
    session_id = started["sessionId"]
    event = {
        "sessionId": session_id,
        "speaker": "candidate",
        "content": "Something private.",
        "timestamp": "2026-11-24T10:00:00Z",
    }
    token = started["sessionToken"]
    await api.call("POST", "/functions/v1/transcript-processor", event, token=token)
    await api.call("POST", f"/v1/sessions/{session_id}/events", {"type": "pause"}, token=token)
    path = f"/v1/sessions/{session_id}"
    alive = await ask(api, "DELETE", path)
    assert (alive.status, alive.code) == (409, "CONFLICT")
    await ask(api, "POST", f"{path}/end")
    await api.until_status(session_id, "ended")
    with anyio.fail_after(20):
        while (erased := await ask(api, "DELETE", path)).status == 409:  # noqa: ASYNC110
            await anyio.sleep(0.02)
    assert erased.status == 204
    assert (await ask(api, "GET", path)).code == "NOT_FOUND"
    for table in ("transcript_entries", "session_events", "interview_sessions"):
        assert await api.sql(f"select 1 from {table}") == [], table  # noqa: S608
    [note] = await api.sql("select by, counts from erasures")
    assert note["by"] == api.user_id
    assert json.loads(note["counts"]) == {"entries": 1, "events": 1, "calls": 0}
    [audit] = await api.sql("select object from audit_log where action = 'session.erase'")
    assert audit["object"] == session_id
    everything = [
        dict(row)
        for table in ("invitations", "consents", "audit_log", "erasures", "cleanup_jobs")
        for row in await api.sql(f"select * from {table}")  # noqa: S608
    ]
    for words in ("private", "Lovelace"):
        assert words not in json.dumps(everything, default=str)
    assert len(await api.sql("select 1 from consents")) == 1, "that there was consent is kept"
    assert (await guest.start()).json["reason"] == "revoked"


async def test_what_a_candidate_asks_for_reaches_the_recruiter(api):
    guest = await invite(api)
    await guest.agree()
    started = await guest.started()
    path = f"/v1/sessions/{started['sessionId']}/events"
    wish = {"type": "accommodation_request", "data": {"text": "More time, please."}}
    asked = await api.call("POST", path, wish, token=started["sessionToken"])
    for token in (api.access_token(), started["sessionToken"]):
        [event] = (await api.call("GET", path, token=token)).json["events"]
        assert (event["type"], event["data"]) == (wish["type"], wish["data"])
        assert event["seq"] == asked.json["seq"]


async def test_a_recruiter_sees_how_the_machines_are(api):
    started = await api.started()
    path = f"/v1/sessions/{started['sessionId']}/machines"
    [machine] = (await ask(api, "GET", path)).json["machines"]
    [first] = api.provider.of(started["sessionId"])
    assert machine["machineId"] == first.machine.machine_id
    assert (machine["state"], machine["isolation"]) == ("claimed", "process")
    first.vanish()
    await api.until(
        "select 1 from machines where state = 'claimed' and id <> $1", first.machine.machine_id
    )
    states = [one["state"] for one in (await ask(api, "GET", path)).json["machines"]]
    assert states[0] in ("lost", "gone")
    assert states[-1] == "claimed"


async def console_link(api, *, valid_for="1 hour"):
    secret, token_hash = invitations.new_secret()
    async with api.database.as_service() as conn:
        await console_links.insert_link(
            conn,
            tenant_id=api.tenant_id,
            user_id=api.user_id,
            token_hash=token_hash,
            expires_at=await conn.fetchval(f"select now() + interval '{valid_for}'"),
        )
    return secret


async def test_a_console_link_lets_one_recruiter_in_once(api):
    secret = await console_link(api)
    answers = []

    async def enter():
        answers.append(await api.call("POST", "/functions/v1/console-token", {"secret": secret}))

    async with anyio.create_task_group() as tasks:
        for _ in range(4):
            tasks.start_soon(enter)
    assert sorted(answer.status for answer in answers) == [200, 404, 404, 404]
    [entered] = [answer.json for answer in answers if answer.status == 200]
    identity = tokens.Verifier(api.keys.public()).verify(
        entered["accessToken"], audiences=(tokens.ACCESS,)
    )
    assert (identity.subject, identity.tenant_id) == (api.user_id, api.tenant_id)
    assert (await api.call("GET", "/v1/interviews", token=entered["accessToken"])).status == 200
    kept = [dict(row) for row in await api.sql("select * from console_links")]
    assert secret not in json.dumps(kept, default=str)


async def test_an_old_console_link_is_of_no_use(api):
    secret = await console_link(api, valid_for="-1 second")
    for tried in (secret, "wrong", ""):
        answer = await api.call("POST", "/functions/v1/console-token", {"secret": tried})
        assert answer.code in ("NOT_FOUND", "INVALID_REQUEST")
    await console_link(api, valid_for="-13 hours")
    await console_link(api)
    kept = await api.sql("select expires_at < now() as is_old from console_links order by 1")
    assert [row["is_old"] for row in kept] == [False, True], "as long as one may be inside by it"
