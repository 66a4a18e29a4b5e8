"""What becomes of an entrance when the session's machine, or its answer, is no good."""

import json
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from aiohttp import web
from websockets.asyncio.server import ServerConnection, serve

from vivavoce.client import InterviewClient, WebRTCConnectionError
from vivavoce.errors import SdpExchangeFailed, SessionEnded, VivavoceError
from vivavoce.protocol.codec import encode
from vivavoce.protocol.interview_start import (
    InterviewStartResponse,
    OpenAIConfig,
    SessionMetadata,
    WebRTCConfig,
)
from vivavoce.protocol.messages import (
    SUBPROTOCOL,
    ErrorMessage,
    SessionDescription,
    SessionReadyData,
    SessionReadyMessage,
)
from vivavoce.protocol.problem import error_data
from vivavoce.retry import RetryPolicy

Reply = Callable[[dict], bytes]
AT_ONCE = RetryPolicy(max_attempts=2, base_delay=0.0, max_delay=0.0)
NOW = datetime.now(UTC)


def ready(*, answer: str | None = None) -> bytes:
    return encode(
        SessionReadyMessage(
            data=SessionReadyData(
                status="ready",
                resumed=False,
                answer=None if answer is None else SessionDescription(answer),
                call_id=None if answer is None else f"rtc_{uuid4()}",
                ice_servers=[],
                expires_at=NOW,
                missing=[],
            ),
            timestamp=NOW,
        )
    )


def refusal(error: VivavoceError) -> bytes:
    return encode(ErrorMessage(data=error_data(error), timestamp=NOW))


@asynccontextmanager
async def platform(act: Callable[[ServerConnection], Awaitable[None]]) -> AsyncGenerator[tuple]:
    """A control plane that starts sessions, and a proxy that behaves to order."""
    ended: list[str] = []
    started: list[str] = []

    async def end(request: web.Request) -> web.Response:
        ended.append(request.match_info["id"])
        return web.json_response({})

    async with serve(act, "127.0.0.1", 0, subprotocols=[SUBPROTOCOL]) as proxy:
        proxy_port = next(iter(proxy.sockets)).getsockname()[1]

        async def start(_request: web.Request) -> web.Response:
            started.append(str(uuid4()))
            response = InterviewStartResponse(
                session_id=started[-1],
                session_token="a.b.c",
                webrtc_config=WebRTCConfig(
                    sdp_proxy_url=f"ws://127.0.0.1:{proxy_port}/",
                    openai_config=OpenAIConfig(url="", model="", voice="", instructions=""),
                    stun_servers=[],
                ),
                metadata=SessionMetadata(tenant_id="", user_id="", created_at=NOW, expires_at=NOW),
            )
            return web.Response(body=encode(response), content_type="application/json")

        app = web.Application()
        app.router.add_post("/functions/v1/interview-start", start)
        app.router.add_post("/v1/sessions/{id}/end", end)
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        try:
            port = site._server.sockets[0].getsockname()[1]
            yield f"http://127.0.0.1:{port}", started, ended
        finally:
            await runner.cleanup()


async def refused_entrance(act: Callable) -> tuple[WebRTCConnectionError, int, int]:
    """The error of an entrance, and how many sessions were started and ended by it."""
    async with platform(act) as (url, started, ended):
        with pytest.raises(WebRTCConnectionError) as refused:
            async with InterviewClient(url, token="t", retry=AT_ONCE):
                pass
        return refused.value, len(started), len(ended)


def answering(reply: Reply) -> Callable[[ServerConnection], Awaitable[None]]:
    """A proxy that is ready, and answers offers in one way."""

    async def act(connection: ServerConnection) -> None:
        async for text in connection:
            message = json.loads(text)
            await connection.send(ready() if message["type"] == "session" else reply(message))

    return act


async def test_a_machine_that_hangs_up_at_once_is_tried_again_and_then_told():
    attempts = []

    async def act(connection: ServerConnection) -> None:
        attempts.append(1)
        await connection.close(1011)

    error, started, _ = await refused_entrance(act)
    assert error.code == "SDP_EXCHANGE_FAILED"
    assert error.retryable
    assert len(attempts) == 1 + AT_ONCE.max_attempts
    assert started == 1, "another try is no other session"


async def test_a_refused_offer_is_tried_again_and_then_told():
    offers = []

    def refuse(message: dict) -> bytes:
        offers.append(message["data"]["sdp"])
        return refusal(SdpExchangeFailed("busy"))

    error, started, _ = await refused_entrance(answering(refuse))
    assert (error.code, error.message) == ("SDP_EXCHANGE_FAILED", "busy")
    assert len(set(offers)) == 1 + AT_ONCE.max_attempts, "each try is an offer of its own"
    assert started == 1


@pytest.mark.parametrize("answer", ["v=0", "nonsense", "v=0\r\nm=audio"])
async def test_an_answer_that_cannot_be_used_is_told(answer: str):
    error, _, _ = await refused_entrance(answering(lambda _: ready(answer=answer)))
    assert error.code == "SDP_EXCHANGE_FAILED"


async def test_a_session_that_is_over_is_not_tried_again():
    async def act(connection: ServerConnection) -> None:
        await connection.recv()
        await connection.send(refusal(SessionEnded("over")))
        await connection.wait_closed()

    error, started, _ = await refused_entrance(act)
    assert error.code == "SESSION_ENDED"
    assert not error.retryable
    assert started == 1
