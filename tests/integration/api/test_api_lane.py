"""The lane for spoken words: the same answers as by the server's way, however the bytes come."""

import json
from itertools import pairwise

import anyio
import pytest
from anyio.abc import SocketStream

PROCESSOR = "/functions/v1/transcript-processor"


@pytest.fixture
async def session(api):
    return await api.started()


@pytest.fixture
async def connection(api):
    host, port = api.url.removeprefix("http://").split(":")
    async with await anyio.connect_tcp(host, int(port)) as stream:
        yield stream


def request(api, session, number: int, *fields: str) -> bytes:
    event = {
        "sessionId": session["sessionId"],
        "speaker": "ai",
        "content": f"Line {number}.",
        "timestamp": f"2026-11-24T10:00:{number:02d}Z",
        "itemId": f"item_{number}",
    }
    body = json.dumps(event)
    token = api.provider.of(session["sessionId"])[0].claims[0].machine_token
    head = [
        f"POST {PROCESSOR} HTTP/1.1",
        "Host: viva",
        f"Authorization: Bearer {token}",
        f"Content-Length: {len(body)}",
        *fields,
    ]
    return ("\r\n".join([*head, "", ""]) + body).encode()


async def answers(stream: SocketStream, count: int) -> list[tuple[int, dict]]:
    """Read answers as they come, one after the other."""
    read, found = b"", []
    with anyio.fail_after(10):
        while len(found) < count:
            head, blank, rest = read.partition(b"\r\n\r\n")
            fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
            length = int(fields.get(b"content-length", 0))
            if not blank or len(rest) < length:
                read += await stream.receive()
                continue
            found.append((int(head.split()[1]), json.loads(rest[:length])))
            read = rest[length:]
    assert not read
    return found


async def lines(api, session) -> list[str]:
    stored = "select content from transcript_entries where session_id = $1 order by change_seq"
    return [row["content"] for row in await api.sql(stored, session["sessionId"])]


async def test_one_after_the_other_on_one_connection(api, session, connection):
    for number in range(1, 4):
        await connection.send(request(api, session, number))
        [(status, receipt)] = await answers(connection, 1)
        assert (status, receipt["accepted"]) == (200, 1)
    assert await lines(api, session) == ["Line 1.", "Line 2.", "Line 3."]


@pytest.mark.parametrize("cut", [3, 60, -5])
async def test_a_request_in_pieces(api, session, connection, cut):
    whole = request(api, session, 1)
    await connection.send(whole[:cut])
    await anyio.wait_all_tasks_blocked()
    await connection.send(whole[cut:])
    [(status, receipt)] = await answers(connection, 1)
    assert (status, receipt["accepted"]) == (200, 1)


async def test_requests_that_do_not_wait_for_answers_are_answered_in_order(
    api, session, connection
):
    pieces = [request(api, session, number) for number in range(1, 6)]
    health = b"GET /healthz HTTP/1.1\r\nHost: viva\r\n\r\n"
    await connection.send(pieces[0] + pieces[1])
    await connection.send(pieces[2])
    await connection.send(health + pieces[3])
    await connection.send(pieces[4])
    found = await answers(connection, 6)
    assert [status for status, _ in found] == [200] * 6
    assert ["accepted" in body for _, body in found] == [True, True, True, False, True, True]
    assert await lines(api, session) == [f"Line {number}." for number in range(1, 6)]


async def test_other_requests_of_the_connection_are_answered_too(api, session, connection):
    health = b"GET /healthz HTTP/1.1\r\nHost: viva\r\n\r\n"
    kinds = [request(api, session, 1), health, request(api, session, 2), health]
    for sent in kinds:
        await connection.send(sent)
        [(status, _)] = await answers(connection, 1)
        assert status == 200
    assert len(list(pairwise(await lines(api, session)))) == 1


@pytest.mark.parametrize(
    "field", ["Origin: https://elsewhere.example", "X-Other: 1", "Accept: a", "Content-Type: b"]
)
async def test_unusual_requests_are_answered_all_the_same(api, session, connection, field):
    await connection.send(request(api, session, 1, field))
    [(status, receipt)] = await answers(connection, 1)
    assert (status, receipt["accepted"]) == (200, 1)


async def test_what_the_lane_refuses_is_a_problem_and_counted(api, session, connection):
    wrong = request(api, session, 1).replace(b"Bearer ", b"Bearer x")
    await connection.send(wrong)
    [(status, problem)] = await answers(connection, 1)
    assert (status, problem["code"]) == (401, "AUTHENTICATION_FAILED")
    assert problem["requestId"]
    page = (await api.call("GET", "/metrics")).body.decode()
    assert f'edge="{PROCESSOR}",method="POST",status="401"' in page


def start_request(token: str, *fields: str, body: bytes = b"{}") -> bytes:
    head = [
        "POST /functions/v1/interview-start HTTP/1.1",
        "Host: viva",
        f"Authorization: Bearer {token}",
        f"Content-Length: {len(body)}",
        *fields,
    ]
    return "\r\n".join([*head, "", ""]).encode() + body


async def test_a_session_starts_by_the_lane_as_by_the_servers_way(api, connection):
    key, token = "Idempotency-Key: twice", api.access_token()
    ids = []
    for fields in ([key], [key, "Origin: https://elsewhere.example"]):
        await connection.send(start_request(token, *fields))
        [(status, started)] = await answers(connection, 1)
        assert status == 200
        ids.append(started["sessionId"])
    assert ids[0] == ids[1]


async def test_the_callers_own_request_id_stands_in_the_answer_and_the_audit_log(api, connection):
    await connection.send(start_request(api.access_token(), "X-Request-ID: of-the-caller"))
    with anyio.fail_after(10):
        answer = await connection.receive()
    assert b"\r\nx-request-id: of-the-caller\r\n" in answer
    [row] = await api.sql("select request_id from audit_log where action = 'session.start'")
    assert row["request_id"] == "of-the-caller"


async def test_a_start_that_is_too_large_is_refused_as_by_the_server(api, connection):
    await connection.send(start_request(api.access_token(), body=b" " * 65_537))
    [(status, problem)] = await answers(connection, 1)
    assert (status, problem["code"]) == (413, "INVALID_REQUEST")


@pytest.mark.parametrize(
    ("field", "code"), [("Idempotency-Key: ", "INVALID_REQUEST"), ("X-Other: 1", None)]
)
async def test_a_start_with_fields_of_its_own(api, connection, field, code):
    await connection.send(start_request(api.access_token(), field))
    [(_, answer)] = await answers(connection, 1)
    assert answer.get("code") == code


async def test_a_server_that_stops_answers_what_it_has_taken_and_then_closes(api, connection):
    api.voice.gate = anyio.Event()
    body = json.dumps({"architecture": "direct"}).encode()
    await connection.send(start_request(api.access_token(), body=body))
    with anyio.fail_after(10):
        await api.voice.asked.wait()
        api.stop.set()
        await until_refused(api)
    api.voice.gate.set()
    [(status, started)] = await answers(connection, 1)
    assert (status, len(started["sessionId"])) == (200, 36)
    with anyio.fail_after(10), pytest.raises(anyio.EndOfStream):
        await connection.receive()


async def until_refused(api) -> None:
    """Wait until nobody listens any longer: connections have been told to close by then."""
    host, port = api.url.removeprefix("http://").split(":")
    while True:
        try:
            await (await anyio.connect_tcp(host, int(port))).aclose()
        except OSError:
            return
        await anyio.sleep(0.01)
