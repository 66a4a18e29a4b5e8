"""Whatever is sent to the API, it answers with one clear refusal, and goes on."""

import io
import json

import anyio
import pytest
from websockets.asyncio.client import connect

from support.api import add_tenant
from support.postgres import admin_dsn, database, database_name, dsn, postgres
from support.scripted_api import open_scripted_api
from vivavoce import tokens

__all__ = ["admin_dsn", "database", "database_name", "dsn", "postgres"]

MEGABYTE = 1024 * 1024
DEEP = b"[" * 3000
NOT_UTF8 = b'"\xff"'
LONE_SURROGATE = b'{"a": "\\ud800"}'
HUGE = b'{"a": "' + b"x" * 10 * MEGABYTE + b'"}'
KEY = "dGhlIHNhbXBsZSBub25jZQ=="
NOW = "2026-11-24T03:00:00Z"
EDGES = [
    "/functions/v1/interview-start",
    "/functions/v1/session-token",
    "/functions/v1/transcript-processor",
    "/internal/v1/machines/{machine}/reports",
    "/v1/sessions/{session}/call",
    "/v1/sessions/{session}/events",
    "/functions/v1/invitation-token",
    "/functions/v1/console-token",
    "/v1/interviews",
    "/v1/interviews/{session}/invitations",
    "/v1/consents",
]


@pytest.fixture
async def api(database, admin_dsn):
    async with open_scripted_api(database, admin_dsn) as server:
        yield server


@pytest.fixture
async def session(api):
    """A session that lives, and the machine's own token for it."""
    started = await api.started()
    [machine] = api.provider.of(started["sessionId"])
    return {
        "session": started["sessionId"],
        "machine": machine.machine.machine_id,
        "token": started["sessionToken"],
        "machine_token": machine.claims[0].machine_token,
    }


def token_for(path, api, session):
    if path == "/v1/consents":
        invitation = session["session"]
        return api.access_token(
            audience=tokens.INVITATION, subject=invitation, invitation_id=invitation
        )
    return session["machine_token"] if path.startswith("/internal") else api.access_token()


@pytest.mark.parametrize("path", EDGES)
async def test_a_body_that_breaks_the_contract_is_a_problem_of_the_sender(api, session, path):
    address, token = path.format(**session), token_for(path, api, session)
    for body in (DEEP, NOT_UTF8, LONE_SURROGATE, b"null", b"[]", b"3", b"\x00" * 100):
        answer = await api.call("POST", address, body, token=token)
        assert (answer.status, answer.code) == (400, "INVALID_REQUEST"), body[:20]
    answer = await api.call("POST", address, io.BytesIO(HUGE), token=token)
    assert (answer.status, answer.code) == (413, "INVALID_REQUEST")


async def handshake(api, path, *headers):
    """Ask for a WebSocket by hand; what is answered up to the first message, or the refusal."""
    host, port = api.url.removeprefix("http://").split(":")
    lines = [f"GET {path} HTTP/1.1", f"Host: {host}", "Connection: Upgrade", "Upgrade: websocket"]
    lines += ["Sec-WebSocket-Version: 13", f"Sec-WebSocket-Key: {KEY}", *headers]
    async with await anyio.connect_tcp(host, int(port)) as stream:
        await stream.send(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"))
        answer = b""
        with anyio.fail_after(10):
            while not any(said in answer for said in (b"machine ", b'"code":"', b"HTTP/1.1 4")):
                try:
                    answer += await stream.receive()
                except anyio.EndOfStream:
                    break
    return answer


@pytest.mark.parametrize(
    "headers",
    [
        ("Origin: https://a.example", "Origin: https://b.example"),
        ("Authorization: Bearer a", "Authorization: Bearer b"),
        ("Authorization: Bearer \xff\xfe",),
        ("Sec-WebSocket-Protocol: bearer.\xff", "Sec-WebSocket-Protocol: ,,,"),
        ("Upgrade: websocket", "Sec-WebSocket-Key: a", "Sec-WebSocket-Key: b"),
        ("Sec-WebSocket-Version: 7", 'Sec-WebSocket-Extensions: ;;;,=,a;b="', "Connection: ,"),
        ("X-Long: " + "x" * 20_000,),
        tuple(f"X-Header-{number}: x" for number in range(300)),
        ("Content-Length: 5",),
        ("Transfer-Encoding: chunked",),
        ("Host: session-.", "Cookie: \xff"),
    ],
    ids=[
        "two-origins",
        "two-tokens",
        "token-not-ascii",
        "odd-subprotocols",
        "two-keys",
        "odd-extensions",
        "long-header",
        "many-headers",
        "length",
        "chunked",
        "two-hosts",
    ],
)
async def test_the_gateway_refuses_odd_handshakes_and_goes_on(api, session, headers):
    path = f"/s/{session['session']}/ws"
    assert b"machine " not in await handshake(api, path, *headers)
    # With a good token the machine may take it or refuse it; neither harms anybody else.
    await handshake(api, f"{path}?token={session['token']}", *headers)
    assert (await api.call("GET", "/healthz")).status == 200
    good = await handshake_with_token(api, session)
    assert good.startswith(f"machine {session['machine']}")


async def test_the_gateway_refuses_a_query_of_a_thousand_tokens(api, session):
    query = "&".join(["token=a"] * 1000)
    answer = await handshake(api, f"/s/{session['session']}/ws?{query}")
    assert b"AUTHENTICATION_FAILED" in answer
    assert (await api.call("GET", "/healthz")).status == 200


async def handshake_with_token(api, session):
    url = f"ws{api.url.removeprefix('http')}/s/{session['session']}/ws"
    async with connect(url, subprotocols=["viva.v1", f"bearer.{session['token']}"]) as socket:
        return await socket.recv()


async def test_methods_that_nobody_knows_do_not_fill_the_metrics(api):
    for number in range(20):
        assert (await api.call(f"ODD{number}", "/healthz")).status in (400, 405, 501)
    page = (await api.call("GET", "/metrics")).body.decode()
    assert "ODD1" not in page


@pytest.mark.parametrize(
    "instant",
    ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00"],
)
async def test_an_entry_of_an_impossible_time_does_not_spoil_the_transcript(api, session, instant):
    def event(item_id, timestamp):
        return {
            "sessionId": session["session"],
            "itemId": item_id,
            "speaker": "candidate",
            "content": "Hello.",
            "timestamp": timestamp,
        }

    answer = await api.call(
        "POST",
        "/functions/v1/transcript-processor",
        {"events": [event("odd", instant), event("plain", "2026-11-24T03:00:00Z")]},
        token=session["token"],
    )
    assert answer.status == 200
    assert "plain" not in [one["itemId"] for one in answer.json["rejected"]]
    for form in ("json", "md", "vtt", "csv"):
        path = f"/v1/sessions/{session['session']}/transcript?format={form}"
        read = await api.call("GET", path, token=session["token"])
        assert read.status == 200
        assert b"Hello." in read.body


async def test_what_postgres_cannot_hold_is_no_fault_of_ours(api, session):
    data = {"reason": "a\x00b", "k\x00": ["\x00"]}
    for answer in (
        await api.start({"sessionData": data, "candidate": {"name": "\x00"}}),
        await api.call(
            "POST",
            f"/v1/sessions/{session['session']}/events",
            {"type": "accommodation_request", "data": data},
            token=session["token"],
        ),
        await api.call(
            "POST",
            f"/internal/v1/machines/{session['machine']}/reports",
            {"reports": [{"type": "event", "kind": "odd", "at": NOW, "data": data}]},
            token=session["machine_token"],
        ),
    ):
        assert answer.status in (200, 201), answer.body
    [kept] = await api.sql("select data from session_events where type = 'accommodation_request'")
    assert json.loads(kept["data"]) == {"reason": "ab", "k": [""]}


async def test_values_that_are_nested_without_end_are_refused(api, session):
    deep = json.loads('{"a":' * 600 + "1" + "}" * 600)
    started = await api.start({"sessionData": deep})
    event = await api.call(
        "POST",
        f"/v1/sessions/{session['session']}/events",
        {"type": "pause", "data": deep},
        token=session["token"],
    )
    assert (started.status, started.code) == (event.status, event.code) == (400, "INVALID_REQUEST")


async def test_a_foreign_company_is_refused_without_telling_that_it_exists(api):
    other = await add_tenant(api.admin_dsn)
    [company] = await api.sql(
        "insert into companies (tenant_id, name) values ($1, 'Other') returning id::text", other
    )
    foreign = await api.start({"companyId": company["id"]})
    missing = await api.start({"companyId": "00000000-0000-4000-8000-000000000000"})
    assert foreign.status == missing.status == 400
    assert foreign.json["detail"] == missing.json["detail"]


async def test_a_machine_cannot_speak_for_another_session(api, session):
    other = await api.started()
    [machine] = api.provider.of(other["sessionId"])
    report = {"reports": [{"type": "call", "callId": "rtc_x", "createdAt": NOW}]}
    path = f"/internal/v1/machines/{machine.machine.machine_id}/reports"
    answer = await api.call("POST", path, report, token=session["machine_token"])
    assert (answer.status, answer.code) == (404, "NOT_FOUND")
    event = {
        "sessionId": other["sessionId"],
        "speaker": "ai",
        "content": "Forged.",
        "timestamp": NOW,
    }
    answer = await api.call(
        "POST", "/functions/v1/transcript-processor", event, token=session["machine_token"]
    )
    assert (answer.status, answer.code) == (404, "NOT_FOUND")
    assert await api.sql("select 1 from transcript_entries") == []
    assert await api.sql("select 1 from session_calls") == []


@pytest.mark.parametrize("at", ["9999-12-31T23:59:59Z", "0001-01-01T00:00:00+14:00", NOW[:-1]])
async def test_a_machine_with_a_broken_clock_does_not_stop_the_api(api, session, at):
    report = {"reports": [{"type": "status", "status": "active", "at": at}]}
    path = f"/internal/v1/machines/{session['machine']}/reports"
    answer = await api.call("POST", path, report, token=session["machine_token"])
    assert answer.status in (200, 400)
    view = await api.call("GET", f"/v1/sessions/{session['session']}", token=session["token"])
    assert view.status == 200
