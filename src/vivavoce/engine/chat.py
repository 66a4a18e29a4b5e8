"""Calls to a chat endpoint of OpenAI's form: Ollama, vLLM, llama.cpp, OpenAI and many others.

Source: OpenAI API reference, "Create chat completion" (`POST /chat/completions`).
"""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

import aiohttp
import anyio
import msgspec
from pydantic import SecretStr

MAX_ANSWER_BYTES: Final = 65_536
_MAX_CONNECTIONS: Final = 32


class ChatFailed(Exception):
    """The endpoint gave no usable answer. The message says why, and holds no word of it."""


@dataclass(frozen=True, slots=True)
class ChatEndpoint:
    """Where the language model is.

    Attributes:
        base_url: Up to and with `/v1`, without a slash at its end.
        model: Its name there.
        api_key: Sent as a bearer token; None sends none.
        timeout: Seconds for a whole answer.
    """

    base_url: str
    model: str
    api_key: SecretStr | None = None
    timeout: float = 1.5


class Message(msgspec.Struct, frozen=True):
    """One message of a request."""

    role: str
    content: str


class _Request(msgspec.Struct, frozen=True):
    model: str
    messages: Sequence[Message]
    max_completion_tokens: int
    temperature: float = 0
    stream: bool = False


class _Said(msgspec.Struct):
    content: str | None = None


class _Choice(msgspec.Struct):
    message: _Said
    finish_reason: str | None = None


class _Answer(msgspec.Struct):
    choices: list[_Choice]


class Chat:
    """The endpoint. Made by `open_chat`."""

    def __init__(self, http: aiohttp.ClientSession, endpoint: ChatEndpoint) -> None:
        self._http = http
        self._endpoint = endpoint

    async def complete(self, messages: Sequence[Message], *, max_tokens: int) -> str:
        """Give the answer to some messages.

        Args:
            messages: What is said to the model.
            max_tokens: Of the answer; a longer one counts as none.

        Raises:
            ChatFailed: If there is no whole answer in time, or it is not of the API's form.
        """
        endpoint = self._endpoint
        request = _Request(endpoint.model, messages, max_tokens)
        try:
            with anyio.fail_after(endpoint.timeout):
                body = await self._post(msgspec.json.encode(request))
        except TimeoutError:
            raise ChatFailed("no answer in time") from None
        except (aiohttp.ClientError, OSError) as error:
            raise ChatFailed(f"{type(error).__name__}") from None
        return _content(body)

    async def _post(self, body: bytes) -> bytes:
        # A redirect would carry the key, and what was said, to another place.
        async with self._http.post(
            f"{self._endpoint.base_url}/chat/completions", data=body, allow_redirects=False
        ) as response:
            if response.status != HTTPStatus.OK:
                raise ChatFailed(f"HTTP status {response.status}")
            answer = b""
            async for part in response.content.iter_any():
                answer += part
                if len(answer) > MAX_ANSWER_BYTES:
                    raise ChatFailed("too long an answer")
            return answer


def _content(body: bytes) -> str:
    try:
        answer = msgspec.json.decode(body, type=_Answer)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise ChatFailed("not a chat completion") from None
    for choice in answer.choices[:1]:
        if choice.finish_reason in (None, "stop") and choice.message.content:
            return choice.message.content
    raise ChatFailed("no whole answer")


@asynccontextmanager
async def open_chat(endpoint: ChatEndpoint) -> AsyncGenerator[Chat, None]:
    """Keep connections to a chat endpoint for the length of the block."""
    headers = {"Content-Type": "application/json"}
    if endpoint.api_key is not None:
        headers["Authorization"] = f"Bearer {endpoint.api_key.get_secret_value()}"
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=_MAX_CONNECTIONS),
        cookie_jar=aiohttp.DummyCookieJar(),
        headers=headers,
        timeout=aiohttp.ClientTimeout(total=endpoint.timeout),
    ) as http:
        yield Chat(http, endpoint)
