"""The server under check, by HTTP and WebSocket, with nothing retried and nothing smoothed over."""

import json
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import aiohttp
import anyio
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from vivavoce.check.event_log import EventLog
from vivavoce.check.lines import expect

_MAX_BODY_BYTES: Final = 1024 * 1024
_ERROR_FIELDS: Final = {"message", "type", "code", "param"}
_PATIENCE_SECONDS: Final = 10.0


@dataclass(frozen=True, slots=True)
class Target:
    """The server to check.

    Attributes:
        url: Such as `http://127.0.0.1:8100`; with or without `/v1`.
        api_key: Its key.
        model: The model to ask for.
    """

    url: str
    api_key: str = field(repr=False)
    model: str = "gpt-realtime-2.1"

    @property
    def api(self) -> str:
        """The address up to `/v1`."""
        return f"{self.url.rstrip('/').removesuffix('/v1')}/v1"


@dataclass(frozen=True, slots=True)
class Reply:
    """A response to an HTTP request, with its body read."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body as JSON; None where it is none."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            return None

    @property
    def call_id(self) -> str | None:
        """The call that `Location` names."""
        return self.headers.get("Location", "").rstrip("/").rpartition("/")[2] or None

    def expect_error(self, *statuses: int) -> None:
        """Miss the line unless this is an error in the API's shape.

        Raises:
            Missed: If the status is none of these, or the body has another shape.
        """
        expect(self.status in statuses, f"status {self.status} in place of {statuses[0]}")
        error = self.json.get("error") if isinstance(self.json, dict) else None
        expect(
            isinstance(error, dict) and error.keys() >= _ERROR_FIELDS,
            f"the body with status {self.status} is not an error of the API",
        )


class Api:
    """Requests to the server. Made by `open_api`."""

    def __init__(self, target: Target, http: aiohttp.ClientSession) -> None:
        self.target = target
        self._http = http

    async def request(
        self,
        method: str,
        path: str,
        *,
        key: str | None = None,
        data: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """Send a request to a path below `/v1`.

        Raises:
            aiohttp.ClientError: If there is no whole response.
            TimeoutError: If it takes more than 10 s.
        """
        bearer = self.target.api_key if key is None else key
        sent = {"Authorization": f"Bearer {bearer}", **(headers or {})}
        async with self._http.request(
            method, f"{self.target.api}{path}", data=data, headers=sent, allow_redirects=False
        ) as response:
            body = await response.content.read(_MAX_BODY_BYTES)
            return Reply(response.status, response.headers, body)

    async def create_secret(self, body: Mapping[str, Any]) -> Reply:
        """Ask for a client secret."""
        headers = {"Content-Type": "application/json"}
        return await self.request(
            "POST", "/realtime/client_secrets", data=json.dumps(body), headers=headers
        )

    async def offer(self, sdp: str, *, key: str | None = None) -> Reply:
        """Send an offer alone."""
        headers = {"Content-Type": "application/sdp"}
        return await self.request("POST", "/realtime/calls", key=key, data=sdp, headers=headers)

    async def offer_form(self, sdp: str, session: Mapping[str, Any]) -> Reply:
        """Send an offer with a session, as a form of plain fields."""
        form = aiohttp.MultipartWriter("form-data")
        for name, text, type_ in (
            ("sdp", sdp, "application/sdp"),
            ("session", json.dumps(session), "application/json"),
        ):
            part = form.append(text, {"Content-Type": type_})
            part.set_content_disposition("form-data", name=name)
        return await self.request("POST", "/realtime/calls", data=form)

    async def hang_up(self, call_id: str) -> Reply:
        """End a call."""
        return await self.request("POST", f"/realtime/calls/{call_id}/hangup", data=b"")

    async def attach(self, call_id: str, *, key: str | None = None) -> ClientConnection:
        """Open a sideband.

        Raises:
            websockets.InvalidStatus: If it is refused before the upgrade.
            OSError: If there is no connection.
        """
        bearer = self.target.api_key if key is None else key
        scheme, _, rest = self.target.api.partition("://")
        return await connect(
            f"{scheme.replace('http', 'ws')}://{rest}/realtime?call_id={call_id}",
            additional_headers={"Authorization": f"Bearer {bearer}"},
            compression=None,
            proxy=None,
            max_size=16 * 1024 * 1024,
        )


@asynccontextmanager
async def open_api(target: Target) -> AsyncGenerator[Api, None]:
    """Keep connections to the server for the length of the block."""
    timeout = aiohttp.ClientTimeout(total=_PATIENCE_SECONDS)
    async with aiohttp.ClientSession(timeout=timeout) as http:
        yield Api(target, http)


async def follow(socket: ClientConnection, log: EventLog) -> None:
    """Write what a sideband tells into a log, until it closes."""
    try:
        while True:
            log.take(await socket.recv())
    except ConnectionClosed:
        return
    finally:
        log.end()
        with anyio.move_on_after(2, shield=True):
            await socket.close()
