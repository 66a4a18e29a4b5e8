"""What the machines were told, written down outside of everything that gets killed.

The observer stands between the machines and the API. It passes every request on and keeps each
transcript entry that the transcript processor acknowledged: from then on the entry must never be
lost, whatever dies. When the API is away, or `is_cut`, the observer breaks the connection, as a
dead API would.
"""

from collections import defaultdict
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

import aiohttp
from aiohttp import web

from bench.history import Entry
from vivavoce.protocol import decode
from vivavoce.protocol.transcript import TranscriptBatch, TranscriptEvent, TranscriptReceipt

PROCESSOR: Final = "/functions/v1/transcript-processor"
MAX_BODY_BYTES: Final = 16 * 2**20
_HOP_BY_HOP: Final = frozenset({"connection", "host", "content-length", "transfer-encoding"})


Meddler = Callable[[bytes, bool], Awaitable[None]]


@dataclass
class Observer:
    """Acknowledged entries by session, as they came.

    Attributes:
        url: Of the observer, for the machines.
        is_cut: Pass nothing on.
        meddler: Told of each body, before it is passed on and (True) before its answer is passed
            back. A `ConnectionError` of it breaks the machine's connection.
        acknowledged: The entries.
    """

    url: str = ""
    is_cut: bool = False
    meddler: Meddler | None = None
    acknowledged: dict[str, list[Entry]] = field(default_factory=lambda: defaultdict(list))

    async def meddle(self, request: bytes, *, is_answered: bool) -> None:
        """Let the meddler do its harm."""
        if self.meddler is not None:
            await self.meddler(request, is_answered)

    def note(self, request: bytes, answer: bytes) -> None:
        """Keep what one acknowledged request held, less what was rejected for good."""
        receipt = decode(answer, TranscriptReceipt, max_bytes=MAX_BODY_BYTES)
        rejected = {event.item_id for event in receipt.rejected}
        for event in _events(request):
            if event.item_id is not None and event.item_id not in rejected:
                self.acknowledged[event.session_id].append(
                    Entry(event.item_id, event.revision, event.content)
                )


def _events(request: bytes) -> list[TranscriptEvent]:
    """The processor takes one event, or several."""
    body = decode(request, dict[str, object], max_bytes=MAX_BODY_BYTES)
    if "events" in body:
        return decode(request, TranscriptBatch, max_bytes=MAX_BODY_BYTES).events
    return [decode(request, TranscriptEvent, max_bytes=MAX_BODY_BYTES)]


@asynccontextmanager
async def observe(api_url: str) -> AsyncGenerator[Observer, None]:
    """Relay HTTP to `api_url` from a port of our own, for the length of the block."""
    observer = Observer()
    async with aiohttp.ClientSession(auto_decompress=False) as onward:

        async def pass_on(request: web.Request) -> web.StreamResponse:
            body = await request.read()
            assert request.transport is not None
            if observer.is_cut:
                request.transport.abort()
                raise web.HTTPBadGateway
            headers = {k: v for k, v in request.headers.items() if k.lower() not in _HOP_BY_HOP}
            try:
                await observer.meddle(body, is_answered=False)
                async with onward.request(
                    request.method,
                    api_url + request.path_qs,
                    data=body,
                    headers=headers,
                    timeout=aiohttp.ClientTimeout(total=30),
                ) as answer:
                    answer_body = await answer.read()
                await observer.meddle(body, is_answered=True)
            except (aiohttp.ClientError, ConnectionError, TimeoutError):
                request.transport.abort()
                raise web.HTTPBadGateway from None
            if request.path == PROCESSOR and answer.ok:
                observer.note(body, answer_body)
            return web.Response(
                status=answer.status,
                body=answer_body,
                headers={k: v for k, v in answer.headers.items() if k.lower() not in _HOP_BY_HOP},
            )

        application = web.Application(client_max_size=MAX_BODY_BYTES)
        application.router.add_route("*", "/{path:.*}", pass_on)
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=1)
        await runner.setup()
        try:
            site = web.TCPSite(runner, "127.0.0.1", 0)
            await site.start()
            port = runner.addresses[0][1]
            observer.url = f"http://127.0.0.1:{port}"
            yield observer
        finally:
            await runner.cleanup()
