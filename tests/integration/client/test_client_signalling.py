"""The client's side of the proxy's WebSocket, against a real one that behaves to order."""

import json
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager

import anyio
import pytest
from websockets.asyncio.server import ServerConnection, serve

from vivavoce.client.signalling import SignallingLost, open_signalling
from vivavoce.errors import (
    AuthenticationFailed,
    Conflict,
    Forbidden,
    InvalidRequest,
    SdpExchangeFailed,
    SessionEnded,
)
from vivavoce.protocol.messages import SUBPROTOCOL, SessionEndedMessage

Act = Callable[[ServerConnection], Awaitable[None]]
TOKEN = "header.payload.signature"


@asynccontextmanager
async def proxy(act: Act, **options) -> AsyncGenerator[str]:
    def choose(connection: ServerConnection, offered: list[str]) -> str:
        connection.offered = offered
        return SUBPROTOCOL

    async with serve(
        act, "127.0.0.1", 0, subprotocols=[SUBPROTOCOL], select_subprotocol=choose, **options
    ) as server:
        host, port = next(iter(server.sockets)).getsockname()[:2]
        yield f"ws://{host}:{port}/s/x/ws"


async def test_the_token_travels_as_a_subprotocol_and_the_session_comes_first():
    seen = {}
    done = anyio.Event()

    async def act(connection: ServerConnection) -> None:
        seen["offered"] = connection.offered
        seen["path"] = connection.request.path
        seen["first"] = json.loads(await connection.recv())
        seen["second"] = json.loads(await connection.recv())
        done.set()

    async with proxy(act) as url, open_signalling(url, session_id="s", token=TOKEN) as signalling:
        await signalling.send_session(known={"a": 3})
        await signalling.send_offer("v=0", replaces="rtc_1")
        await done.wait()
    assert seen["offered"] == [SUBPROTOCOL, f"bearer.{TOKEN}"]
    assert TOKEN not in seen["path"]
    assert seen["first"] == {
        "type": "session",
        "sessionId": "s",
        "data": {"token": None, "known": {"a": 3}},
    }
    assert seen["second"] == {
        "type": "offer",
        "sessionId": "s",
        "data": {"sdp": "v=0", "replaces": "rtc_1"},
    }


@pytest.mark.parametrize(
    ("code", "error"),
    [
        (1000, None),
        (1012, None),
        (4001, Conflict),
        (4401, AuthenticationFailed),
        (4403, Forbidden),
        (4410, SessionEnded),
    ],
)
async def test_a_close_code_says_whether_to_come_back(code: int, error: type | None):
    async def act(connection: ServerConnection) -> None:
        await connection.close(code)

    async with proxy(act) as url, open_signalling(url, session_id="s", token=TOKEN) as signalling:
        with pytest.raises(SignallingLost) as lost:
            await anext(signalling.messages())
    assert (lost.value.error is None) if error is None else isinstance(lost.value.error, error)


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (401, AuthenticationFailed),
        (403, Forbidden),
        (404, SessionEnded),
        (410, SessionEnded),
        (503, SdpExchangeFailed),
    ],
)
async def test_a_refused_handshake_has_its_error(status: int, error: type):
    def refuse(connection: ServerConnection, _request: object):
        return connection.respond(status, "no\n")

    async def act(_connection: ServerConnection) -> None:
        """Never reached."""

    async with proxy(act, process_request=refuse) as url:
        with pytest.raises(error):
            async with open_signalling(url, session_id="s", token=TOKEN):
                pass


async def test_a_proxy_that_is_not_there_can_be_tried_again():
    with pytest.raises(SdpExchangeFailed) as refused:
        async with open_signalling("ws://127.0.0.1:9/", session_id="s", token=TOKEN):
            pass
    assert refused.value.retryable
    assert TOKEN not in str(refused.value)


async def test_messages_are_read_and_nonsense_is_named():
    async def act(connection: ServerConnection) -> None:
        await connection.send(
            '{"type": "session_ended", "timestamp": "2026-01-01T00:00:00Z",'
            ' "data": {"reason": "completed", "transcriptComplete": true}}'
        )
        await connection.send('{"type": "surprise"}')
        await connection.wait_closed()

    async with proxy(act) as url, open_signalling(url, session_id="s", token=TOKEN) as signalling:
        messages = signalling.messages()
        assert isinstance(await anext(messages), SessionEndedMessage)
        with pytest.raises(InvalidRequest):
            await anext(messages)


async def test_leaving_says_so():
    send, codes = anyio.create_memory_object_stream[int](2)

    async def act(connection: ServerConnection) -> None:
        await connection.wait_closed()
        send.send_nowait(connection.close_code)

    with send, codes:
        async with proxy(act) as url:
            async with open_signalling(url, session_id="s", token=TOKEN) as signalling:
                await signalling.leave()
            assert await codes.receive() == 4000
            async with open_signalling(url, session_id="s", token=TOKEN):
                pass
            assert await codes.receive() == 1000
