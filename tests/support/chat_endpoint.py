"""A chat endpoint on loopback that holds its callers to OpenAI's published types."""

import json
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from openai.types.chat import ChatCompletion
from openai.types.chat.completion_create_params import CompletionCreateParamsNonStreaming
from pydantic import TypeAdapter

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
_PARAMETERS = TypeAdapter(CompletionCreateParamsNonStreaming)


@dataclass
class ChatServer:
    """A running endpoint.

    Attributes:
        url: Up to `/v1`.
        handler: Answers the next requests.
        requests: What was asked, in order.
        authorization: The header of each request.
    """

    url: str
    handler: Handler
    requests: list[dict[str, Any]] = field(default_factory=list)
    authorization: list[str | None] = field(default_factory=list)

    @property
    def asked(self) -> list[dict[str, str]]:
        """What was to be worded, in order."""
        return [json.loads(request["messages"][-1]["content"]) for request in self.requests]

    async def take(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        assert set(body) <= set(CompletionCreateParamsNonStreaming.__annotations__) | {"stream"}
        _PARAMETERS.validate_python(body)
        self.requests.append(body)
        self.authorization.append(request.headers.get("Authorization"))
        return await self.handler(request)


def completion(text: str | None, *, finish_reason: str = "stop") -> dict[str, Any]:
    """An answer of the API's form."""
    answer = ChatCompletion.model_validate(
        {
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "created": 1,
            "model": "small",
            "choices": [
                {
                    "index": 0,
                    "finish_reason": finish_reason,
                    "logprobs": None,
                    "message": {"role": "assistant", "content": text, "refusal": None},
                }
            ],
        }
    )
    return answer.model_dump()


def saying(text: str | None, **options: Any) -> Handler:
    """Answer every request with the same words."""

    async def handle(_: web.Request) -> web.StreamResponse:
        return web.json_response(completion(text, **options))

    return handle


def answering(body: bytes, *, status: int = 200, headers: dict[str, str] | None = None) -> Handler:
    """Answer every request with the same bytes."""

    async def handle(_: web.Request) -> web.StreamResponse:
        return web.Response(body=body, status=status, headers=headers)

    return handle


@asynccontextmanager
async def open_chat_server(handler: Handler) -> AsyncGenerator[ChatServer, None]:
    """Serve on a free port of loopback for the length of the block."""
    server = ChatServer("", handler)
    app = web.Application()
    app.router.add_post("/v1/chat/completions", server.take)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port = runner.addresses[0][:2]
        server.url = f"http://{host}:{port}/v1"
        yield server
    finally:
        await runner.cleanup()
