"""Database or voice model down, full, slow or refusing: a clear error, and nothing lost."""

import anyio
import asyncpg
import pytest

from support.api import open_api, scripted_provider, scripted_voice
from support.postgres import open_home
from support.scripted_api import open_scripted_api
from vivavoce.store.embedded import open_postgres
from vivavoce.store.migrate import migrate
from vivavoce.store.pool import open_database

PROCESSOR = "/functions/v1/transcript-processor"


def event(session):
    return {
        "sessionId": session["sessionId"],
        "speaker": "ai",
        "content": "Hello.",
        "timestamp": "2026-11-24T10:00:00Z",
        "itemId": "item_1",
    }


async def check_refusals(api, session):
    """Every edge that needs the database says so, and none says that it stored anything."""
    machine = api.provider.of(session["sessionId"])[0]
    for token in (machine.claims[0].machine_token, session["sessionToken"]):
        answer = await api.call("POST", PROCESSOR, event(session), token=token)
        assert (answer.status, answer.code) == (503, "TRANSCRIPT_PROCESSING_FAILED")
        assert answer.json["recovery"] == "continue_session_log_error"
        assert "Retry-After" in answer.headers
    for path in (
        "/functions/v1/interview-start",
        f"/v1/sessions/{session['sessionId']}/end",
    ):
        answer = await api.call("POST", path, token=api.access_token())
        assert (answer.status, answer.code) == (503, "UNAVAILABLE"), path
        assert answer.json["retryable"] is True
    assert (await api.call("GET", "/healthz")).status == 200


async def until_ready(api):
    with anyio.fail_after(20):
        while (await api.call("GET", "/readyz")).status != 200:  # noqa: ASYNC110
            await anyio.sleep(0.05)


class Switch:
    """A Postgres that can be switched off and on, its data kept."""

    def __init__(self, home, tasks):
        self.home = home
        self.tasks = tasks
        self.server = None

    async def on(self):
        self.server = await self.tasks.start(self._run)

    async def off(self):
        self.stop.set()
        await self.stopped.wait()

    async def _run(self, *, task_status):
        self.stop, self.stopped = anyio.Event(), anyio.Event()
        async with open_postgres(self.home, settings={"fsync": "off"}) as server:
            task_status.started(server)
            await self.stop.wait()
        self.stopped.set()


@pytest.mark.timeout(120)
async def test_while_the_database_is_down_and_when_it_is_back():
    with open_home() as home:
        async with anyio.create_task_group() as tasks:
            postgres = Switch(home, tasks)
            await postgres.on()
            admin_dsn = postgres.server.admin_dsn
            await migrate(admin_dsn)
            async with (
                open_database(postgres.server.dsn, min_size=1, max_size=5) as database,
                scripted_provider() as provider,
                scripted_voice() as voice,
                open_api(database, admin_dsn, provider=provider, voice=voice) as api,
            ):
                session = await api.started()
                await postgres.off()
                await check_refusals(api, session)
                renewal = await api.call(
                    "POST", "/functions/v1/session-token", token=session["sessionToken"]
                )
                assert renewal.code == "UNAVAILABLE"
                ready = await api.call("GET", "/readyz")
                assert (ready.status, ready.json["database"]) == (503, False)
                await postgres.on()
                await until_ready(api)
                [machine] = provider.of(session["sessionId"])
                token = machine.claims[0].machine_token
                answer = await api.call("POST", PROCESSOR, event(session), token=token)
                assert answer.json["accepted"] == 1
                assert not machine.lost.is_set()
                await api.started()
            await postgres.off()


async def test_a_database_that_takes_no_more(api, admin_dsn, database_name):
    """What Postgres says when its disk is full or it stands by: every write fails."""
    session = await api.started()
    owner = await asyncpg.connect(admin_dsn)
    try:
        await owner.execute(
            f"alter database {database_name} set default_transaction_read_only = on"
        )
        await owner.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where datname = current_database() and pid <> pg_backend_pid()"
        )
        await check_refusals(api, session)
        await owner.execute("set default_transaction_read_only = off")
        await owner.execute(
            f"alter database {database_name} set default_transaction_read_only = off"
        )
        await owner.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where datname = current_database() and pid <> pg_backend_pid()"
        )
    finally:
        await owner.close()
    token = api.provider.of(session["sessionId"])[0].claims[0].machine_token
    await until_ready(api)
    answer = await api.call("POST", PROCESSOR, event(session), token=token)
    assert answer.json["accepted"] == 1


@pytest.mark.parametrize("architecture", ["hybrid", "direct"])
async def test_a_silent_voice_model_fails_the_start_in_time(database, admin_dsn, architecture):
    async with open_scripted_api(database, admin_dsn, voice_timeout=1.0) as api:
        api.voice.gate = anyio.Event()
        silent = await api.start({"architecture": architecture})
        assert (silent.status, silent.code) == (503, "UNAVAILABLE")
        assert "no answer" in silent.json["detail"]
        api.voice.gate.set()
        assert (await api.start({"architecture": architecture})).status == 200


@pytest.mark.parametrize("architecture", ["hybrid", "direct"])
async def test_without_a_voice_model_nothing_starts_and_nothing_is_left(
    database, admin_dsn, architecture
):
    async with scripted_voice() as gone:
        pass
    async with (
        scripted_provider() as provider,
        open_api(database, admin_dsn, provider=provider, voice=gone) as api,
    ):
        down = await api.start({"architecture": architecture})
        assert (down.status, down.code) == (503, "UNAVAILABLE")
        assert "cannot be reached" in down.json["detail"]
        rows = await api.sql("select status from interview_sessions")
        assert [row["status"] for row in rows] == ["failed"]
        await api.until("select 1 where not exists (select from machines where state <> 'gone')")
        assert not provider.alive
