"""A database that is full or away: every edge says so, and nothing acknowledged is lost."""

import tempfile
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit

import anyio
import anyio.abc
import asyncpg
import pytest

from support.api import open_api, scripted_provider, scripted_voice
from support.postgres import admin_dsn, database, database_name, dsn, postgres
from vivavoce.store.pool import open_database

__all__ = ["admin_dsn", "database", "database_name", "dsn", "postgres"]

FULL = """
create function no_room() returns trigger language plpgsql
  as $$ begin raise exception using errcode = 'disk_full'; end $$;
create trigger full_entries before insert on transcript_entries execute function no_room();
create trigger full_sessions before insert on interview_sessions execute function no_room();
"""
ROOM = "drop function no_room cascade"


@pytest.fixture
async def voice():
    async with scripted_voice() as voice:
        yield voice


@pytest.fixture
async def provider():
    async with scripted_provider() as provider:
        yield provider


async def execute(dsn, script):
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(script)
    finally:
        await connection.close()


def event_of(session_id, item_id):
    return {
        "sessionId": session_id,
        "itemId": item_id,
        "speaker": "candidate",
        "content": "Hello.",
        "timestamp": "2026-11-24T03:00:00Z",
    }


async def send(api, session, item_id):
    return await api.call(
        "POST",
        "/functions/v1/transcript-processor",
        event_of(session["sessionId"], item_id),
        token=session["sessionToken"],
    )


async def stored(api):
    return [row["item_id"] for row in await api.sql("select item_id from transcript_entries")]


async def test_a_database_that_is_full_acknowledges_nothing(database, admin_dsn, provider, voice):
    async with open_api(database, admin_dsn, provider=provider, voice=voice) as api:
        session = await api.started()
        assert (await send(api, session, "before")).status == 200
        await execute(admin_dsn, FULL)
        refused = await send(api, session, "meanwhile")
        assert (refused.status, refused.code) == (503, "TRANSCRIPT_PROCESSING_FAILED")
        assert refused.json["recovery"] == "continue_session_log_error"
        assert "Retry-After" in refused.headers
        start = await api.start()
        assert (start.status, start.code) == (503, "UNAVAILABLE")
        assert "Retry-After" in start.headers
        assert await stored(api) == ["before"]
        await execute(admin_dsn, ROOM)
        assert (await send(api, session, "meanwhile")).json["accepted"] == 1
        assert sorted(await stored(api)) == ["before", "meanwhile"]
        assert (await api.start()).status == 200


class Wire:
    """The way to Postgres, which can be cut."""

    def __init__(self, target: str) -> None:
        self._target = target
        self._is_cut = False
        self._scopes: set[anyio.CancelScope] = set()

    def cut(self) -> None:
        self._is_cut = True
        for scope in self._scopes:
            scope.cancel()

    def mend(self) -> None:
        self._is_cut = False

    async def carry(self, client: anyio.abc.SocketStream) -> None:
        with anyio.CancelScope() as scope:
            self._scopes.add(scope)
            async with client:
                if self._is_cut:
                    return
                server = await anyio.connect_unix(self._target)
                async with server, anyio.create_task_group() as tasks:
                    tasks.start_soon(self._pass_on, client, server, scope)
                    tasks.start_soon(self._pass_on, server, client, scope)
        self._scopes.discard(scope)

    async def _pass_on(self, source, sink, scope) -> None:
        try:
            async for data in source:
                await sink.send(data)
        except (anyio.BrokenResourceError, anyio.ClosedResourceError):
            pass
        scope.cancel()


def _socket_in(folder: str) -> Path:
    [found] = Path(folder).glob(".s.PGSQL.*[0-9]")
    return found


@asynccontextmanager
async def wire_to(dsn: str) -> AsyncGenerator[tuple[Wire, str]]:
    """A way to the server of a DSN, and the DSN that takes it."""
    folder = parse_qs(urlsplit(dsn).query)["host"][0]
    real = _socket_in(folder)
    with tempfile.TemporaryDirectory(prefix="viva-w-") as other:
        wire = Wire(str(real))
        listener = await anyio.create_unix_listener(Path(other) / real.name)
        async with listener, anyio.create_task_group() as tasks:
            tasks.start_soon(listener.serve, wire.carry)
            longer = dsn.replace(quote(folder, safe=""), quote(other, safe=""))
            yield wire, longer.replace(folder, other)
            tasks.cancel_scope.cancel()


async def test_a_database_that_is_away_is_said_and_comes_back(dsn, admin_dsn, provider, voice):
    async with (
        wire_to(dsn) as (wire, its_dsn),
        open_database(its_dsn, min_size=1, max_size=3) as database,
        open_api(database, admin_dsn, provider=provider, voice=voice) as api,
    ):
        session = await api.started()
        path = f"/v1/sessions/{session['sessionId']}"
        wire.cut()
        assert (await api.call("GET", "/healthz")).status == 200
        assert (await api.call("GET", "/readyz")).status == 503
        for answer in (
            await api.start(),
            await api.call("GET", path, token=session["sessionToken"]),
            await api.call("POST", f"{path}/end", token=session["sessionToken"]),
        ):
            assert (answer.status, answer.code) == (503, "UNAVAILABLE")
            assert "Retry-After" in answer.headers
        refused = await send(api, session, "meanwhile")
        assert (refused.status, refused.code) == (503, "TRANSCRIPT_PROCESSING_FAILED")
        wire.mend()
        with anyio.fail_after(20):
            while (await api.call("GET", "/readyz")).status != 200:  # noqa: ASYNC110  over HTTP
                await anyio.sleep(0.05)
        assert (await send(api, session, "meanwhile")).json["accepted"] == 1
        assert await stored(api) == ["meanwhile"]
