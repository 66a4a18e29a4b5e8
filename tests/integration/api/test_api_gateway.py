"""The way to a session's machine: who is let through, what passes, what waits, what is refused."""

import json
import time
from urllib.parse import urlsplit

import anyio
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from support.api import eventually
from support.scripted_api import open_scripted_api
from vivavoce import tokens


@pytest.fixture
async def session(api):
    return await api.started()


def address(session, token=None):
    url = session["webrtcConfig"]["sdpProxyUrl"]
    return url if token is None else f"{url}?token={token}"


async def refused(url, **options):
    """Connect, and return the error message and the close code."""
    async with connect(url, **options) as socket:
        with anyio.fail_after(20):
            message = json.loads(await socket.recv())
            with pytest.raises(ConnectionClosed):
                await socket.recv()
        assert message["type"] == "error"
        assert {"code", "message", "retryable", "recovery", "requestId"} <= set(message["data"])
        assert socket.close_reason == message["data"]["code"]
        return message["data"], socket.close_code


async def test_a_client_reaches_its_own_machine(api, session):
    other = await api.started()
    for one in (session, other):
        [machine] = api.provider.of(one["sessionId"])
        async with connect(address(one, one["sessionToken"])) as socket:
            assert await socket.recv() == f"machine {machine.machine.machine_id}"
            for message in ("text", b"bytes", "x" * 60_000):
                await socket.send(message)
                assert await socket.recv() == message
            await (await socket.ping())
        assert machine.connections == 1


async def test_the_token_may_come_as_a_subprotocol_or_a_header(api, session):
    token = session["sessionToken"]
    async with connect(address(session), subprotocols=["viva.v1", f"bearer.{token}"]) as socket:
        assert socket.subprotocol == "viva.v1"
        await socket.recv()
    async with connect(
        address(session), additional_headers={"Authorization": f"Bearer {token}"}
    ) as socket:
        await socket.recv()
    paths = [path for path, _ in api.provider.of(session["sessionId"])[0].requests]
    assert paths == ["/ws", "/ws"]


async def test_a_host_of_the_sessions_own_is_a_way_too(api, session):
    parts = urlsplit(api.url)
    url = f"ws://session-{session['sessionId']}.localhost:{parts.port}/ws"
    async with connect(
        f"{url}?token={session['sessionToken']}", host=parts.hostname, port=parts.port
    ) as socket:
        assert (await socket.recv()).startswith("machine ")


async def test_close_codes_pass_both_ways(api, session):
    [machine] = api.provider.of(session["sessionId"])
    async with connect(address(session, session["sessionToken"])) as socket:
        await socket.recv()
        machine.stop.set()
        with pytest.raises(ConnectionClosed):
            await socket.recv()
        assert socket.close_code == 1001


async def test_nobody_without_a_good_token_is_let_through(api, session):
    other = await api.started()
    claims = {"audience": tokens.SESSION, "session_id": session["sessionId"]}
    for token, code, close in (
        (None, "AUTHENTICATION_FAILED", 4401),
        ("garbage", "AUTHENTICATION_FAILED", 4401),
        (api.access_token(), "AUTHENTICATION_FAILED", 4401),
        (api.access_token(**claims, now=time.time() - 7200), "AUTHENTICATION_FAILED", 4401),
        (api.access_token(**claims, keys=tokens.generate_keys()), "AUTHENTICATION_FAILED", 4401),
        (api.access_token(**claims), "FORBIDDEN", 4403),
        (other["sessionToken"], "FORBIDDEN", 4403),
    ):
        data, close_code = await refused(address(session, token))
        assert (data["code"], close_code) == (code, close)
    assert api.provider.of(session["sessionId"])[0].connections == 0
    metrics = (await api.call("GET", "/metrics")).body.decode()
    assert 'viva_gateway_connections_total{outcome="FORBIDDEN"} 2.0' in metrics


async def test_only_allowed_pages_may_connect(api, session):
    url = address(session, session["sessionToken"])
    data, close_code = await refused(url, origin="https://evil.example")
    assert (data["code"], close_code) == ("FORBIDDEN", 4403)
    async with connect(url, origin=api.url) as socket:
        await socket.recv()


async def test_the_session_is_over(api, session):
    [machine] = api.provider.of(session["sessionId"])
    await api.call("POST", f"/v1/sessions/{session['sessionId']}/end", token=api.access_token())
    machine.vanish()
    data, close_code = await refused(address(session, session["sessionToken"]))
    assert (data["code"], close_code) == ("SESSION_ENDED", 4410)


async def test_a_direct_session_has_no_machine(api):
    session = await api.started({"architecture": "direct"})
    url = f"ws{api.url.removeprefix('http')}/s/{session['sessionId']}/ws"
    data, _ = await refused(f"{url}?token={session['sessionToken']}")
    assert data["code"] == "NOT_FOUND"


async def test_a_machine_that_cannot_be_reached_is_worth_another_try(api, session):
    [machine] = api.provider.of(session["sessionId"])
    machine.stop.set()  # it does not listen any more, though its private channel stands
    await anyio.wait_all_tasks_blocked()
    data, close_code = await refused(address(session, session["sessionToken"]))
    assert (data["code"], close_code) == ("SDP_EXCHANGE_FAILED", 1013)
    assert data["retryable"] is True


async def test_a_connection_waits_while_the_session_moves(api, session):
    [lost] = api.provider.of(session["sessionId"])
    api.provider.gate = anyio.Event()
    api.provider.started = anyio.Event()
    lost.vanish()
    await api.provider.started.wait()  # another machine is on its way
    received = []

    async def come_back():
        async with connect(address(session, session["sessionToken"])) as socket:
            received.append(await socket.recv())

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(come_back)
        await anyio.wait_all_tasks_blocked()
        assert received == []
        api.provider.gate.set()
    await eventually(lambda: len(api.provider.of(session["sessionId"])) == 2)  # has its claim
    [_, other] = api.provider.of(session["sessionId"])
    assert received == [f"machine {other.machine.machine_id}"]


async def test_without_a_machine_the_wait_is_bounded(api, session, monkeypatch):
    monkeypatch.setattr("vivavoce.api.gateway.WAIT_SECONDS", 0.2)
    api.provider.gate = anyio.Event()
    [lost] = api.provider.of(session["sessionId"])
    lost.vanish()
    data, close_code = await refused(address(session, session["sessionToken"]))
    assert (data["code"], close_code) == ("SDP_EXCHANGE_FAILED", 1013)
    api.provider.gate.set()


async def test_who_does_not_read_is_not_read_for(api, session):
    """A client that stops reading stops its machine, not the memory of the gateway."""
    [machine] = api.provider.of(session["sessionId"])
    echoed = 0
    async with connect(
        address(session, session["sessionToken"]), max_queue=1, compression=None, close_timeout=0.1
    ) as socket:
        await socket.recv()
        with anyio.move_on_after(2):
            while True:  # the echo comes back to us, and we do not take it
                await socket.send(b"x" * 65_536)
                echoed += 1
        assert echoed < 1000
        assert machine.connections == 1
        socket.transport.abort()  # a farewell would wait behind all that is not read


async def test_a_plain_request_to_the_address_is_no_connection(api, session):
    answer = await api.call("GET", f"/s/{session['sessionId']}/ws")
    assert answer.status == 404


async def test_connections_end_with_the_api(database, admin_dsn):
    async with open_scripted_api(database, admin_dsn) as api:
        session = await api.started()
        socket = await connect(address(session, session["sessionToken"]))
        await socket.recv()
        api.stop.set()
        with anyio.fail_after(20), pytest.raises(ConnectionClosed):
            await socket.recv()
