"""The server itself: bad requests, slow senders, what it says of itself, how it ends."""

import json
import re
import socket
from urllib.parse import urlsplit

import anyio
import jsonschema
import pytest

from support.scripted_api import open_scripted_api
from vivavoce.api.app import EDGES
from vivavoce.api.openapi import document


async def raw(api, *pieces, until_closed=True):
    """Send bytes as they are and read until the server closes."""
    parts = urlsplit(api.url)
    async with await anyio.connect_tcp(parts.hostname, parts.port) as stream:
        for piece in pieces:
            await stream.send(piece)
        received = b""
        with anyio.fail_after(20):
            while until_closed or b"\r\n\r\n" not in received:
                try:
                    received += await stream.receive()
                except (anyio.EndOfStream, anyio.BrokenResourceError):
                    break
        return received


@pytest.fixture
async def impatient(database, admin_dsn):
    async with open_scripted_api(database, admin_dsn, receive_seconds=0.3) as server:
        yield server


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nowhere", 404, "NOT_FOUND"),
        ("GET", "/v1/sessions/x/y/z", 404, "NOT_FOUND"),
        ("DELETE", "/v1/sessions", 405, "INVALID_REQUEST"),
        ("GET", "/functions/v1/interview-start", 405, "INVALID_REQUEST"),
        ("PUT", "/functions/v1/transcript-processor", 405, "INVALID_REQUEST"),
    ],
)
async def test_what_does_not_exist_is_a_problem_too(api, method, path, status, code):
    answer = await api.call(method, path)
    assert (answer.status, answer.code) == (status, code)


async def test_too_large_a_body_is_refused(api):
    answer = await api.call(
        "POST", "/functions/v1/interview-start", b"x" * 70_000, token=api.access_token()
    )
    assert (answer.status, answer.code) == (413, "INVALID_REQUEST")


@pytest.mark.parametrize(
    "bytes_", [b"nonsense\r\n\r\n", b"GET / HTTP/9\r\n\r\n", b"GET /" + b"x" * 40_000]
)
async def test_what_is_not_http_is_refused_and_closed(api, bytes_):
    received = await raw(api, bytes_)
    head, _, body = received.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400")
    assert json.loads(body)["code"] == "INVALID_REQUEST"


async def test_a_head_that_never_ends_is_closed(impatient):
    assert await raw(impatient, b"GET /healthz HTTP/1.1\r\nHost: x\r\n") == b""


async def test_a_body_that_never_ends_is_closed(impatient):
    head = (
        "POST /functions/v1/transcript-processor HTTP/1.1\r\nHost: x\r\n"
        f"Authorization: Bearer {impatient.access_token()}\r\nContent-Length: 1000\r\n\r\n{{"
    )
    received = await raw(impatient, head.encode())
    assert b"200" not in received.partition(b"\r\n")[0]
    # The server is well, and other requests are answered.
    assert (await impatient.call("GET", "/healthz")).status == 200


async def test_somebody_who_connects_and_says_nothing_is_closed(impatient):
    assert await raw(impatient) == b""


async def test_a_slow_answer_is_not_cut_off(impatient):
    impatient.voice.gate = anyio.Event()

    async def answer_late():
        await impatient.voice.asked.wait()
        await raw(impatient)  # takes as long as the server has patience with senders
        impatient.voice.gate.set()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(answer_late)
        assert (await impatient.start({"architecture": "direct"})).status == 200


async def test_a_callers_request_id_is_kept_if_it_is_decent(api):
    kept = await api.call("GET", "/v1/sessions", headers={"X-Request-Id": "abcdefgh-1"})
    assert kept.json["requestId"] == "abcdefgh-1"
    replaced = await api.call("GET", "/v1/sessions", headers={"X-Request-Id": "a b"})
    assert re.fullmatch(r"[0-9a-f-]{36}", replaced.json["requestId"])


async def test_pages_of_allowed_origins_may_ask(database, admin_dsn):
    async with open_scripted_api(
        database, admin_dsn, allowed_origins=("https://jobs.example",)
    ) as api:
        for origin, allowed in (
            ("https://jobs.example", True),
            (api.url, True),
            ("https://evil.example", False),
        ):
            answer = await api.call(
                "OPTIONS",
                "/functions/v1/interview-start",
                headers={
                    "Origin": origin,
                    "Access-Control-Request-Method": "POST",
                    "Access-Control-Request-Headers": "authorization,idempotency-key",
                },
            )
            granted = answer.headers.get("Access-Control-Allow-Origin")
            assert (granted == origin) is allowed
        refused = await api.call("GET", "/v1/sessions", headers={"Origin": "https://jobs.example"})
        assert refused.headers["Access-Control-Allow-Origin"] == "https://jobs.example"


async def test_the_description_holds_every_edge_and_every_refusal(api):
    described = (await api.call("GET", "/openapi.json")).json
    assert described["openapi"].startswith("3.1")
    edges = {
        (method, re.sub(r"\{(\w+):\w+\}", "{}", path))
        for handler in EDGES
        for path in handler.paths
        for method in handler.http_methods
    }
    operations = {
        (method.upper(), re.sub(r"\{\w+\}", "{}", path)): operation
        for path, methods in described["paths"].items()
        for method, operation in methods.items()
    }
    assert set(operations) == edges
    for operation in operations.values():
        if operation["security"]:
            assert "401" in operation["responses"]
        if "requestBody" in operation:
            assert {"400", "413"} <= set(operation["responses"])
        assert "405" in operation["responses"]
    for name, schema in described["components"]["schemas"].items():
        jsonschema.Draft202012Validator.check_schema(schema), name
    text = json.dumps(described)
    references = set(re.findall(r'"#/components/schemas/(\w+)"', text))
    assert references <= set(described["components"]["schemas"])


def test_the_description_is_the_same_every_time():
    document.cache_clear()
    first = json.dumps(document())
    document.cache_clear()
    assert json.dumps(document()) == first


async def test_answers_are_as_described(api):
    described = (await api.call("GET", "/openapi.json")).json
    started = await api.started()
    path = f"/v1/sessions/{started['sessionId']}"
    for name, answer in (
        ("InterviewStartResponse", started),
        ("SessionView", (await api.call("GET", path, token=api.access_token())).json),
        (
            "Transcript",
            (await api.call("GET", f"{path}/transcript", token=api.access_token())).json,
        ),
        ("SessionPage", (await api.call("GET", "/v1/sessions", token=api.access_token())).json),
        ("Problem", (await api.call("GET", "/v1/sessions")).json),
    ):
        schema = {"$ref": f"#/components/schemas/{name}", "components": described["components"]}
        jsonschema.validate(answer, schema)


async def test_sessions_are_listed_in_pages(api):
    ids = [(await api.started({"architecture": "direct"}))["sessionId"] for _ in range(5)]
    token = api.access_token()
    listed, cursor = [], ""
    while cursor is not None:
        page = await api.call("GET", f"/v1/sessions?limit=2&cursor={cursor}", token=token)
        listed += [one["sessionId"] for one in page.json["sessions"]]
        cursor = page.json["nextCursor"]
    assert listed == ids[::-1]
    ended = await api.call("GET", "/v1/sessions?status=ended", token=token)
    assert ended.json["sessions"] == []
    for query in ("limit=0", "limit=201", "limit=x", "cursor=x", "cursor=eA", "status=odd"):
        assert (await api.call("GET", f"/v1/sessions?{query}", token=token)).code == (
            "INVALID_REQUEST"
        )


async def test_keys_metrics_and_health(api):
    keys = (await api.call("GET", "/.well-known/jwks.json")).json["keys"]
    assert keys == api.keys.public()["keys"]
    assert all("d" not in key for key in keys)
    assert (await api.call("GET", "/healthz")).json == {"status": "ok"}
    assert (await api.call("GET", "/readyz")).json["database"] is True
    await api.started()
    await api.call("GET", "/some/unknown/address")
    page = await api.call("GET", "/metrics")
    text = page.body.decode()
    assert page.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert 'viva_session_starts_total{architecture="hybrid",outcome="ready"} 1.0' in text
    assert 'edge="/functions/v1/interview-start",method="POST",status="200"' in text
    assert "/some/unknown/address" not in text
    assert "viva_machines_held 1.0" in text


async def test_a_fault_of_ours_says_nothing_of_its_text(api, monkeypatch):
    def burst(*_):
        raise RuntimeError("the candidate said something private")

    monkeypatch.setattr("vivavoce.api.sessions._view", burst)
    started = await api.started()
    answer = await api.call("GET", f"/v1/sessions/{started['sessionId']}", token=api.access_token())
    assert (answer.status, answer.code) == (500, "UNAVAILABLE")
    assert b"private" not in answer.body


async def test_a_background_task_that_fails_ends_the_api(database, admin_dsn, monkeypatch):
    failing = anyio.Event()

    async def fail(_plane):
        await failing.wait()
        raise RuntimeError("reaper is dead")

    monkeypatch.setattr("vivavoce.api.app.run_reaper", fail)
    address = None
    with pytest.RaisesGroup(pytest.RaisesExc(RuntimeError), flatten_subgroups=True):
        async with open_scripted_api(database, admin_dsn) as api:
            assert (await api.call("GET", "/healthz")).status == 200
            address = urlsplit(api.url)
            failing.set()
            await anyio.sleep_forever()
    with socket.socket() as probe:
        assert probe.connect_ex((address.hostname, address.port)) != 0
