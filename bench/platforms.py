"""What several benches need: a platform in a temporary folder, and sessions on it."""

from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from time import perf_counter
from typing import Any, Final
from uuid import uuid4

import anyio
import asyncpg
import msgspec

from bench.running import Platform, run_platform, temporary_home
from vivavoce.client.edge import Edge, open_edge
from vivavoce.client.signalling import Signalling, open_signalling
from vivavoce.protocol.interview_start import (
    InterviewStartRequest,
    InterviewStartResponse,
    SessionConfig,
)
from vivavoce.protocol.messages import ProxyMessage, SessionReadyMessage
from vivavoce.store.embedded import attach_postgres

_WAIT_SECONDS: Final = 10.0
_POLL_SECONDS: Final = 0.005


@dataclass(frozen=True)
class Held:
    """A session with its client's connection to the machine."""

    session_id: str
    signalling: Signalling
    messages: AsyncIterator[ProxyMessage]

    async def exchange(self, offer: str) -> float:
        """Send an offer; give the seconds until its answer is here."""
        started = perf_counter()
        await self.signalling.send_offer(offer, replaces=None)
        await self._ready(with_answer=True)
        return perf_counter() - started

    async def bind(self) -> None:
        """Say who we are, and wait until the machine knows."""
        await self.signalling.send_session(known={})
        await self._ready(with_answer=False)

    async def _ready(self, *, with_answer: bool) -> None:
        with anyio.fail_after(_WAIT_SECONDS):
            async for message in self.messages:
                if isinstance(message, SessionReadyMessage) and (
                    message.data.answer is not None or not with_answer
                ):
                    return


@dataclass(frozen=True)
class Bench:
    """A platform to measure, a user of it, and its database as its owner sees it."""

    platform: Platform
    token: str
    edge: Edge
    database: asyncpg.Connection
    admin_dsn: str

    async def start(self, instructions: str | None = None) -> InterviewStartResponse:
        """Start a hybrid session."""
        request = InterviewStartRequest(session_config=SessionConfig(instructions=instructions))
        return await self.edge.start(request, idempotency_key=str(uuid4()))

    async def end(self, session: InterviewStartResponse) -> None:
        """End a session, and wait until its machine is gone: nothing runs into the next sample."""
        await self.edge.end(session.session_id, session.session_token)
        await self._until(
            "select count(*) = 0 from machines where session_id = $1 and gone_at is null",
            session.session_id,
        )

    @asynccontextmanager
    async def hold(self, instructions: str | None = None) -> AsyncGenerator[Held, None]:
        """Hold a session and its client's connection, for the length of the block."""
        session = await self.start(instructions)
        url = session.webrtc_config.sdp_proxy_url
        assert url is not None
        token = session.session_token
        async with open_signalling(url, session_id=session.session_id, token=token) as signalling:
            held = Held(session.session_id, signalling, signalling.messages())
            await held.bind()
            yield held
        await self.end(session)

    async def until_warm(self) -> None:
        """Wait until a machine stands ready that nobody has claimed."""
        await self._until("select count(*) > 0 from machines where state = 'ready'")

    async def endpoint(self, session_id: str) -> dict[str, Any]:
        """Where a session's machine is."""
        found: str = await self.database.fetchval(
            "select endpoint::text from machines where session_id = $1 and gone_at is null",
            session_id,
        )
        return dict(msgspec.json.decode(found))

    async def _until(self, question: str, *arguments: object) -> None:
        with anyio.fail_after(_WAIT_SECONDS):
            while not await self.database.fetchval(question, *arguments):  # noqa: ASYNC110
                await anyio.sleep(_POLL_SECONDS)


@asynccontextmanager
async def open_bench(
    settings: Mapping[str, str] = {}, *, port: int | None = None
) -> AsyncGenerator[Bench, None]:
    """Start a platform in a temporary folder, with a token of a user of it."""
    with temporary_home() as home:
        async with run_platform(home, settings, port=port) as platform:
            postgres = await attach_postgres(platform.home)
            assert postgres is not None
            database = await asyncpg.connect(postgres.admin_dsn)
            try:
                token = await platform.viva("token")
                async with open_edge(platform.url, token) as edge:
                    yield Bench(platform, token, edge, database, postgres.admin_dsn)
            finally:
                await database.close()
