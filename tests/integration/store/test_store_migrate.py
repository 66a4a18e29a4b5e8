"""Migrations: applied once, in order, all or nothing, and known to Supabase's own tool."""

from collections.abc import AsyncGenerator
from pathlib import Path

import anyio
import asyncpg
import pytest

from support.postgres import with_database
from vivavoce.errors import Conflict, Unavailable
from vivavoce.store import migrate as module
from vivavoce.store.embedded import EmbeddedPostgres
from vivavoce.store.migrate import migrate, migrations, status


@pytest.fixture
async def empty_dsn(postgres: EmbeddedPostgres) -> AsyncGenerator[str, None]:
    """A database without a schema."""
    control = await asyncpg.connect(with_database(postgres.admin_dsn, "postgres"))
    await control.execute("create database empty")
    yield with_database(postgres.admin_dsn, "empty")
    await control.execute("drop database empty with (force)")
    await control.close()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Migrations of this test's own."""
    monkeypatch.setattr(module, "_folder", lambda: tmp_path)
    (tmp_path / "20260101000001_first.sql").write_text("create table first (id int);")
    (tmp_path / "20260101000002_second.sql").write_text("create table second (id int);")
    return tmp_path


async def fetch(dsn: str, sql: str):
    connection = await asyncpg.connect(dsn)
    try:
        return await connection.fetch(sql)
    finally:
        await connection.close()


async def test_they_are_applied_once(empty_dsn: str):
    names = [f"{one.version}_{one.name}" for one in migrations()]
    assert [one.applied for one in await status(empty_dsn)] == [False] * len(names)
    assert await migrate(empty_dsn) == names
    assert await migrate(empty_dsn) == []
    assert all(one.applied for one in await status(empty_dsn))


async def test_supabase_finds_its_own_history(empty_dsn: str):
    await migrate(empty_dsn)
    rows = await fetch(
        empty_dsn,
        "select version, name, statements from supabase_migrations.schema_migrations"
        " order by version",
    )
    assert [(r["version"], r["name"], r["statements"]) for r in rows] == [
        (one.version, one.name, [one.sql]) for one in migrations()
    ]


async def test_what_supabase_has_applied_is_not_applied_again(empty_dsn: str, folder: Path):
    connection = await asyncpg.connect(empty_dsn)
    await connection.execute(
        "create schema supabase_migrations; create table supabase_migrations.schema_migrations"
        " (version text primary key, statements text[], name text); insert into"
        " supabase_migrations.schema_migrations values ('20260101000001', null, 'first');"
    )
    await connection.close()
    assert await migrate(empty_dsn) == ["20260101000002_second"]


async def test_two_that_start_at_once_take_turns(empty_dsn: str):
    applied = []

    async def run() -> None:
        applied.extend(await migrate(empty_dsn))

    async with anyio.create_task_group() as both:
        both.start_soon(run)
        both.start_soon(run)
    assert len(applied) == len(migrations())


async def test_one_that_fails_leaves_nothing_behind(empty_dsn: str, folder: Path):
    (folder / "20260101000003_third.sql").write_text("create table third (id int); select 1 / 0;")
    with pytest.raises(asyncpg.DivisionByZeroError):
        await migrate(empty_dsn)
    assert [one.applied for one in await status(empty_dsn)] == [True, True, False]
    assert (
        await fetch(empty_dsn, "select to_regclass('third') where to_regclass('third') > 0") == []
    )


async def test_a_file_that_was_changed_afterwards_is_refused(empty_dsn: str, folder: Path):
    await migrate(empty_dsn)
    (folder / "20260101000001_first.sql").write_text("create table other (id int);")
    with pytest.raises(Conflict, match="20260101000001_first"):
        await migrate(empty_dsn)


async def test_no_database_is_unavailable(tmp_path: Path):
    with pytest.raises(Unavailable):
        await migrate(f"postgresql://x:y@/z?host={tmp_path}")
