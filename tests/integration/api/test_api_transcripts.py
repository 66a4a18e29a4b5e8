"""The transcript processor, and the transcript in every format."""

from io import BytesIO
from uuid import uuid4

import anyio
import pytest

from support.api import add_tenant

PROCESSOR = "/functions/v1/transcript-processor"


@pytest.fixture
async def session(api):
    return await api.started()


def event(session, number=1, **changes):
    return {
        "sessionId": session["sessionId"],
        "speaker": "candidate",
        "content": f"Answer {number}.",
        "timestamp": f"2026-11-24T10:00:{number:02d}Z",
        "itemId": f"item_{number}",
        "revision": 1,
        "previousItemId": f"item_{number - 1}" if number > 1 else None,
        **changes,
    }


async def send(api, body, token):
    return await api.call("POST", PROCESSOR, body, token=token)


def machine_token(api, session):
    return api.provider.of(session["sessionId"])[0].claims[0].machine_token


async def stored(api, session):
    return await api.sql(
        "select item_id, content, witness, source, final from transcript_entries"
        " where session_id = $1 order by position",
        session["sessionId"],
    )


async def test_an_event_is_stored_before_it_is_acknowledged_and_once(api, session):
    token = machine_token(api, session)
    assert (await send(api, event(session), token)).json == {
        "accepted": 1,
        "duplicates": 0,
        "rejected": [],
    }
    assert [tuple(row) for row in await stored(api, session)] == [
        ("item_1", "Answer 1.", "sideband", "hybrid", True)
    ]
    again = await send(api, {"events": [event(session), event(session, 2)]}, token)
    assert (again.json["accepted"], again.json["duplicates"]) == (1, 1)
    assert len(await stored(api, session)) == 2


async def test_a_page_is_answered_like_anybody_else_and_told_that_it_may_read(api, session):
    token = machine_token(api, session)
    plain = await api.call("POST", PROCESSOR, event(session), token=token)
    headers = {"Origin": api.url}
    page = await api.call("POST", PROCESSOR, event(session, 2), token=token, headers=headers)
    assert page.headers["Access-Control-Allow-Origin"] == api.url
    assert (plain.status, plain.json.keys()) == (page.status, page.json.keys())
    for sender in ({}, headers):
        refused = await api.call("POST", PROCESSOR, event(session), token="no", headers=sender)
        assert (refused.status, refused.code) == (401, "AUTHENTICATION_FAILED")
        assert refused.headers["X-Request-Id"] == refused.json["requestId"]
        body = BytesIO(b" " * (8 * 1024 * 1024 + 1))
        large = await api.call("POST", PROCESSOR, body, token=token, headers=sender)
        assert (large.status, large.code) == (413, "INVALID_REQUEST")


async def test_the_plain_shape_of_an_event_gets_an_id_of_its_own(api, session):
    plain = {
        "sessionId": session["sessionId"],
        "speaker": "ai",
        "content": "Hello.",
        "timestamp": "2026-11-24T10:00:00Z",
        "confidence": 0.9,
        "metadata": {"audioLevel": 0.5, "processingLatency": 0.1},
    }
    token = session["sessionToken"]
    assert (await send(api, plain, token)).json["accepted"] == 1
    assert (await send(api, plain, token)).json["duplicates"] == 1
    assert (await send(api, {**plain, "content": "Bye."}, token)).json["accepted"] == 1
    assert len({row["item_id"] for row in await stored(api, session)}) == 2


async def test_who_saw_it_is_told_by_the_credential_alone(api, session):
    told = event(session, witness="sideband")
    assert (await send(api, told, session["sessionToken"])).json["accepted"] == 1
    [row] = await stored(api, session)
    assert row["witness"] == "client"
    # What the machine saw beats what a client says, and is not beaten by it.
    await send(api, event(session, content="Seen."), machine_token(api, session))
    await send(api, event(session, content="Said.", revision=99), session["sessionToken"])
    [row] = await stored(api, session)
    assert (row["content"], row["witness"]) == ("Seen.", "sideband")


async def test_events_of_a_foreign_session_are_refused_and_hold_up_nothing(api, admin_dsn, session):
    other = await api.started()
    theirs = await api.started(
        {"architecture": "direct"}, token=api.access_token(tenant_id=await add_tenant(admin_dsn))
    )
    nobody = {"sessionId": str(uuid4())}
    token = machine_token(api, session)
    for foreign in (other, theirs, nobody, {"sessionId": "nonsense"}):
        answer = await send(api, event(foreign), token)
        assert (answer.status, answer.code) == (404, "NOT_FOUND")
        batch = await send(api, {"events": [event(foreign), event(session)]}, token)
        assert batch.json["accepted"] + batch.json["duplicates"] == 1
        assert [one["code"] for one in batch.json["rejected"]] == ["NOT_FOUND"]
    # A recruiter may write to all sessions of the tenant, and to no other's.
    answer = await send(api, {"events": [event(other), event(theirs)]}, api.access_token())
    assert answer.json["accepted"] == 1
    assert [one["itemId"] for one in answer.json["rejected"]] == ["item_1"]
    assert await stored(api, theirs) == []


async def test_a_poisoned_event_never_blocks_a_batch(api, session):
    events = [
        event(session, 1, content="zero\x00byte"),
        event(session, 2, speaker="somebody"),
        event(session, 3, content="x" * 16_385),
        {"nothing": "at all"},
        "not even an object",
        event(session, 4, timestamp="yesterday"),
        event(session, 5),
    ]
    answer = await send(api, {"events": events}, machine_token(api, session))
    assert answer.json["accepted"] == 2
    assert {one["itemId"] for one in answer.json["rejected"]} == {
        "item_2",
        "item_3",
        "item_4",
        "(no itemId)",
    }
    assert {one["code"] for one in answer.json["rejected"]} == {"INVALID_REQUEST"}
    rows = await stored(api, session)
    assert [row["content"] for row in rows] == ["zerobyte", "Answer 5."]


async def test_lone_surrogates_are_taken_out(api, session):
    body = (
        b'{"sessionId":"%b","speaker":"ai","content":"a\\ud800b","timestamp":'
        b'"2026-11-24T10:00:00Z","itemId":"s"}' % session["sessionId"].encode()
    )
    answer = await send(api, body, machine_token(api, session))
    assert answer.status in (200, 400)
    for row in await stored(api, session):
        assert row["content"] == "ab"


@pytest.mark.parametrize(
    "body",
    [b"", b"{}", b"[]", b"nonsense", b'"\xff"', b"[" * 5000, b'{"events":' + b"[" * 5000],
    ids=["empty", "no event", "a list", "no json", "no utf-8", "deep", "deep events"],
)
async def test_garbage_is_one_clear_error(api, session, body):
    answer = await send(api, body, machine_token(api, session))
    assert (answer.status, answer.code) == (400, "INVALID_REQUEST")


async def test_a_batch_has_a_size_limit(api, session):
    events = [event(session, 1)] * 501
    answer = await send(api, {"events": events}, machine_token(api, session))
    assert answer.code == "INVALID_REQUEST"
    huge = await send(api, BytesIO(b" " * (8 * 1024 * 1024 + 1)), machine_token(api, session))
    assert (huge.status, huge.code) == (413, "INVALID_REQUEST")


async def test_many_senders_at_once_lose_and_double_nothing(api, session):
    token = machine_token(api, session)
    receipts = []

    async def one(number):
        receipts.append((await send(api, event(session, number), token)).json)

    async with anyio.create_task_group() as tasks:
        for number in range(1, 41):
            tasks.start_soon(one, number)
            tasks.start_soon(one, number)
    assert sum(receipt["accepted"] for receipt in receipts) == 40
    assert sum(receipt["duplicates"] for receipt in receipts) == 40
    assert len(await stored(api, session)) == 40


async def read(api, session, query="", **headers):
    return await api.call(
        "GET",
        f"/v1/sessions/{session['sessionId']}/transcript{query}",
        token=api.access_token(),
        headers=headers,
    )


@pytest.fixture
async def spoken(api, session):
    events = [
        event(session, 1, speaker="ai", content="Who are you?"),
        event(session, 2, content='=HYPERLINK("http://x","y") <b>&</b> --> *bold*'),
        event(session, 3, speaker="ai", content="I see", truncated=True),
        event(session, 4, content=""),
    ]
    answer = await send(api, {"events": events}, machine_token(api, session))
    assert answer.json["accepted"] == 4
    return session


async def test_the_transcript_as_json_leaves_silence_out(api, spoken):
    answer = await read(api, spoken)
    assert answer.headers["Content-Type"] == "application/json"
    assert [entry["itemId"] for entry in answer.json["entries"]] == ["item_1", "item_2", "item_3"]
    assert answer.json["complete"] is None
    assert answer.json["entries"][2]["truncated"] is True


async def test_the_format_comes_from_the_query_or_from_accept(api, spoken):
    for name, accept, media_type in (
        ("json", "application/json", "application/json"),
        ("md", "text/markdown", "text/markdown; charset=utf-8"),
        ("vtt", "text/html;q=0.3, text/vtt;q=0.9", "text/vtt; charset=utf-8"),
        ("csv", "text/csv, */*;q=0.1", "text/csv; charset=utf-8"),
    ):
        by_query = await read(api, spoken, f"?format={name}", Accept="text/nonsense")
        by_accept = await read(api, spoken, Accept=accept)
        assert by_query.headers["Content-Type"] == media_type
        assert by_query.body == by_accept.body
    assert (await read(api, spoken, "?format=docx")).code == "INVALID_REQUEST"


async def test_no_cell_of_the_csv_is_a_formula(api, spoken):
    answer = await read(api, spoken, "?format=csv")
    [cell] = [line for line in answer.body.decode().splitlines() if "HYPERLINK" in line]
    assert "\"'=HYPERLINK(" in cell


async def test_what_was_said_cannot_break_out_of_captions(api, spoken):
    text = (await read(api, spoken, "?format=vtt")).body.decode()
    assert text.startswith("WEBVTT\n\n00:00:00.000 --> 00:00:01.000\n<v Interviewer>Who are you?")
    assert "&lt;b&gt;&amp;&lt;/b&gt; --&gt; *bold*" in text


async def test_the_candidate_reads_it_too_and_every_reading_is_audited(api, spoken):
    answer = await api.call(
        "GET",
        f"/v1/sessions/{spoken['sessionId']}/transcript",
        token=spoken["sessionToken"],
    )
    assert len(answer.json["entries"]) == 3
    [entry] = await api.sql("select actor, object from audit_log where action = 'transcript.read'")
    assert tuple(entry) == (api.user_id, spoken["sessionId"])
