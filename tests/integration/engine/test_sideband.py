"""Sidebands: a server's own view of a call, and its hand in it."""

import json

import aiohttp
import anyio
import pytest
from websockets import InvalidStatus, connect
from websockets.exceptions import ConnectionClosed

from support.engine import run_engine_process
from support.rtc import Microphone, open_call, post_offer
from vivavoce.webrtc import open_peer_connection, set_local_description

QUESTIONS = {"type": "realtime", "instructions": "Questions:\n1. What is your name?"}


def sideband(engine, call_id, key=None):
    url = engine.url.replace("http", "ws") + f"/v1/realtime?call_id={call_id}"
    headers = {"Authorization": f"Bearer {key or engine.key}"}
    return connect(url, additional_headers=headers, compression=None)


async def received(socket, until):
    """Receive up to the first event of a type."""
    events = []
    with anyio.fail_after(20):
        while not events or events[-1]["type"] != until:
            events.append(json.loads(await socket.recv()))
    return events


async def test_a_sideband_sees_what_the_client_sees(engine):
    async with (
        open_call(engine.url, engine.key, QUESTIONS) as call,
        sideband(engine, call.call_id) as one,
        sideband(engine, call.call_id) as other,
    ):
        greeted = {"role": "assistant", "content": [{"type": "output_text", "text": "Hello."}]}
        item = {"type": "message", **greeted}
        await one.send(json.dumps({"type": "conversation.item.create", "item": item}))
        await one.send(json.dumps({"type": "response.create"}))
        seen = await received(one, "output_audio_buffer.stopped")
        assert seen[0]["type"] == "session.created"
        assert seen[0]["session"]["instructions"] == QUESTIONS["instructions"]
        assert await received(other, "output_audio_buffer.stopped")
        await call.until("output_audio_buffer.stopped")
        assert call.events[1:] == seen[1:]


@pytest.mark.parametrize("key", ["ek_something", "wrong"])
async def test_only_the_api_key_opens_a_sideband(engine, key):
    async with open_call(engine.url, engine.key) as call:
        with pytest.raises(InvalidStatus) as refused:
            await sideband(engine, call.call_id, key).__aenter__()
        assert refused.value.response.status_code == 401
        body = json.loads(refused.value.response.body)
        assert body["error"]["code"] == "invalid_api_key"


async def test_an_unknown_call_is_refused_before_the_upgrade(engine):
    with pytest.raises(InvalidStatus) as refused:
        await sideband(engine, "rtc_unknown").__aenter__()
    assert refused.value.response.status_code == 404
    assert json.loads(refused.value.response.body)["error"]["code"] == "call_id_not_found"


async def test_a_hung_up_call_closes_its_sidebands(engine):
    async with (
        open_call(engine.url, engine.key) as call,
        sideband(engine, call.call_id) as socket,
        aiohttp.ClientSession(headers=engine.headers) as http,
    ):
        async with http.post(f"{engine.calls_url}/{call.call_id}/hangup") as response:
            assert response.status == 200
        with anyio.fail_after(5):
            await socket.wait_closed()
        assert socket.close_code == 1000


async def test_a_client_that_leaves_ends_the_call(engine):
    async with open_call(engine.url, engine.key) as call:
        socket = await sideband(engine, call.call_id)
    async with socket:
        with anyio.fail_after(5):
            await socket.wait_closed()
        assert socket.close_code == 1000


async def test_a_call_at_its_limit_expires_as_at_the_real_service():
    with run_engine_process(max_call_seconds="2") as engine:
        async with open_call(engine.url, engine.key) as call:
            created = await call.until("session.created")
            assert created["session"]["expires_at"] > 0
            async with sideband(engine, call.call_id) as socket:
                last = (await received(socket, "error"))[-1]
                assert last["error"]["code"] == "session_expired"
                with pytest.raises(ConnectionClosed):
                    await socket.recv()
                assert socket.close_code == 1001
            await call.until("error")
            with anyio.fail_after(5):
                await call.closed.wait()


async def test_a_call_that_fails_says_so_to_its_sidebands():
    with run_engine_process(faults="dying-calls=0.5", drain_seconds="0") as engine:
        async with (
            open_call(engine.url, engine.key) as call,
            sideband(engine, call.call_id) as socket,
        ):
            with anyio.fail_after(10):
                await socket.wait_closed()
                await call.closed.wait()
            assert socket.close_code == 1011


async def test_an_engine_that_is_stopped_says_so():
    with run_engine_process(drain_seconds="0") as engine:
        async with open_call(engine.url, engine.key) as call:
            socket = await sideband(engine, call.call_id)
            await socket.recv()
            engine.stop()
            with anyio.fail_after(10):
                await socket.wait_closed()
            assert socket.close_code == 1001


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("{", "invalid_json"),
        ("[1]", "invalid_event"),
        ("[" * 10_000, "invalid_json"),
        (b"\xff\xfe", "invalid_json"),
        ('{"type": "response.dance", "event_id": "mine"}', "invalid_value"),
        (
            '{"type": "session.update", "session": {"audio": 3}, "event_id": "mine"}',
            "invalid_value",
        ),
        (
            '{"type": "conversation.item.retrieve", "item_id": "none", "event_id": "mine"}',
            "item_not_found",
        ),
        (
            '{"type": "conversation.item.create", "item": {"type": "magic"}, "event_id": "mine"}',
            "invalid_value",
        ),
        ('{"type": "response.cancel", "event_id": "mine"}', "response_cancel_not_active"),
        (
            '{"type": "input_audio_buffer.append", "audio": "AAAA", "event_id": "mine"}',
            "invalid_value",
        ),
    ],
)
async def test_a_wrong_event_is_answered_and_the_call_goes_on(engine, message, code):
    async with (
        open_call(engine.url, engine.key) as call,
        sideband(engine, call.call_id) as socket,
    ):
        await socket.send(message)
        error = (await received(socket, "error"))[-1]["error"]
        assert error["code"] == code
        assert error["event_id"] == ("mine" if b"mine" in str(message).encode() else None)
        await socket.send('{"type": "session.update", "session": {"tracing": "auto"}}')
        updated = (await received(socket, "session.updated"))[-1]
        assert updated["session"]["tracing"] == "auto"


async def test_a_sideband_attaches_before_the_media_connects(engine):
    async with open_peer_connection() as peer:
        peer.createDataChannel("oai-events")
        peer.addTrack(Microphone())
        offer = await set_local_description(peer, await peer.createOffer(), loopback_only=True)
        _, call_id = await post_offer(engine.url, engine.key, offer.sdp, QUESTIONS)
        async with sideband(engine, call_id) as socket:
            (created,) = await received(socket, "session.created")
            assert created["session"]["instructions"] == QUESTIONS["instructions"]
            await socket.send(json.dumps({"type": "session.update", "session": {}}))
            assert await received(socket, "session.updated")
        async with aiohttp.ClientSession(headers=engine.headers) as http:
            await http.post(f"{engine.calls_url}/{call_id}/hangup")
