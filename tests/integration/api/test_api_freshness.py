"""Conditional reads: whoever has the latest is told so, and misses nothing that comes after."""

import anyio

from support.invitations import DRAFT, invite, plan

PROCESSOR = "/functions/v1/transcript-processor"


async def read(api, path, tag=None, *, token=None):
    headers = {} if tag is None else {"If-None-Match": tag}
    return await api.call("GET", path, token=token or api.access_token(), headers=headers)


async def say(api, session, number):
    event = {
        "sessionId": session["sessionId"],
        "speaker": "candidate",
        "content": f"Answer {number}.",
        "timestamp": f"2026-11-24T10:00:{number:02d}Z",
        "itemId": f"item_{number}",
    }
    answer = await api.call("POST", PROCESSOR, event, token=session["sessionToken"])
    assert answer.json["accepted"] == 1


async def test_whoever_has_the_latest_is_told_so(api):
    guest = await invite(api)
    session = await api.started({"interviewId": guest.interview_id})
    one = f"/v1/sessions/{session['sessionId']}"
    interview = f"/v1/interviews/{guest.interview_id}"
    for path in (
        "/v1/sessions",
        one,
        f"{one}/transcript",
        f"{one}/events",
        f"{one}/machines",
        "/v1/interviews",
        interview,
        f"{interview}/invitations",
        f"/v1/invitations/{guest.invitation_id}",
        "/v1/organisation",
    ):
        first = await read(api, path)
        tag = first.headers["ETag"]
        for known in (tag, f'"other", W/{tag}', "*"):
            again = await read(api, path, known)
            assert (again.status, again.body, again.headers["ETag"]) == (304, b"", tag), path
            assert again.headers["Cache-Control"] == "no-store"
        assert (await read(api, path, '"other"')).body == first.body


async def save(api, path, title, tag=None):
    headers = {} if tag is None else {"If-Match": tag}
    draft = {**DRAFT, "title": title}
    return await api.call("PUT", path, draft, token=api.access_token(), headers=headers)


async def test_who_saves_what_began_from_an_older_plan_is_told_and_changes_nothing(api):
    path = f"/v1/interviews/{(await plan(api))['interviewId']}"
    tag = (await read(api, path)).headers["ETag"]
    first = await save(api, path, "First", tag)
    assert (first.status, first.json["title"]) == (200, "First")
    assert first.headers["ETag"] == (await read(api, path)).headers["ETag"], "the next begins here"
    for stale in (tag, f"W/{first.headers['ETag']}", f'{tag}, "other"', f"*, {tag}", ""):
        refused = await save(api, path, "Second", stale)
        assert (refused.status, refused.code) == (412, "CONFLICT"), stale
    assert (await read(api, path)).json["title"] == "First"
    audit = await api.sql("select 1 from audit_log where action = 'interview.update'")
    assert len(audit) == 1
    latest = f'"other", {first.headers["ETag"]}'
    for agreed in (latest, "*", None):
        assert (await save(api, path, "Second", agreed)).status == 200, agreed


async def test_of_those_who_save_at_once_one_does(api):
    path = f"/v1/interviews/{(await plan(api))['interviewId']}"
    tag = (await read(api, path)).headers["ETag"]
    answers = []

    async def attempt(number):
        answers.append(await save(api, path, f"Number {number}", tag))

    async with anyio.create_task_group() as tasks:
        for number in range(6):
            tasks.start_soon(attempt, number)
    assert sorted(answer.status for answer in answers) == [200, *[412] * 5]
    (saved,) = [answer.json["title"] for answer in answers if answer.status == 200]
    assert (await read(api, path)).json["title"] == saved


async def test_a_change_is_never_taken_for_known(api):
    session = await api.started({"interviewId": (await plan(api))["interviewId"]})
    one = f"/v1/sessions/{session['sessionId']}"
    tags = {path: (await read(api, path)).headers["ETag"] for path in (one, f"{one}/transcript")}
    await say(api, session, 1)
    spoken = await read(api, f"{one}/transcript", tags[f"{one}/transcript"])
    assert [entry["content"] for entry in spoken.json["entries"]] == ["Answer 1."]
    as_text = await read(api, f"{one}/transcript?format=md", spoken.headers["ETag"])
    assert (as_text.status, b"Answer 1." in as_text.body) == (200, True), "another form"
    await api.call("POST", f"{one}/end", token=api.access_token())
    ended = await read(api, f"{one}/transcript", spoken.headers["ETag"])
    assert (ended.status, ended.json["status"]) == (200, "ending")
    assert (await read(api, one, tags[one])).json["status"] == "ending"


async def test_following_a_transcript_is_audited_once_for_each_who_does(api):
    session = await api.started()
    path = f"/v1/sessions/{session['sessionId']}/transcript"
    tag = None
    for number in range(1, 6):
        await say(api, session, number)
        tag = (await read(api, path, tag)).headers["ETag"]
        assert (await read(api, path, tag)).status == 304
    colleague = "11111111-1111-4111-8111-111111111111"
    await read(api, path, token=api.access_token(subject=colleague))
    actors = await api.sql("select actor from audit_log where action = 'transcript.read'")
    assert sorted(row["actor"] for row in actors) == sorted([api.user_id, colleague])
