"""Nobody reads or writes what is not theirs; and each guard is missed when it is gone."""

from collections.abc import AsyncGenerator, Callable

import asyncpg
import pytest

from support.postgres import fresh_database, postgres, with_database
from support.postgres15 import PROGRAMS, run_postgres_15
from support.rls import RIGHTS, populate, undone, violations
from support.rls_behaviour import broken_promises
from vivavoce.store.embedded import EmbeddedPostgres
from vivavoce.store.migrate import migrate

__all__ = ["postgres"]

MUTANTS = """
    select c.relname, format('drop policy %I on %I', polname, c.relname)
    from pg_policy join pg_class c on c.oid = polrelid
    where c.relnamespace = 'public'::regnamespace
    union all
    select relname, format('alter table %I %s row level security', relname, verb)
    from pg_class, unnest(array['no force', 'disable']) verb
    where relkind = 'r' and relnamespace = 'public'::regnamespace
    union all
    select c.relname, format('alter table %I drop constraint %I cascade', c.relname, conname)
    from pg_constraint join pg_class c on c.oid = conrelid
    where contype in ('f', 'u') and connamespace = 'public'::regnamespace
    order by 1, 2
"""


@pytest.fixture(scope="module")
async def embedded(postgres: EmbeddedPostgres) -> AsyncGenerator[str, None]:
    async with fresh_database(postgres) as name:
        yield with_database(postgres.admin_dsn, name)


@pytest.fixture(scope="module")
async def debian(anyio_backend) -> AsyncGenerator[str, None]:
    if not PROGRAMS.exists():
        pytest.skip("Postgres 15 is not installed (Debian: postgresql-15)")
    with run_postgres_15() as admin_dsn:
        control = await asyncpg.connect(with_database(admin_dsn, "postgres"))
        await control.execute("create database vivavoce")
        await control.close()
        await migrate(admin_dsn)
        yield admin_dsn


@pytest.fixture(scope="module", params=["embedded", "debian"])
def admin_dsn(request: pytest.FixtureRequest) -> str:
    return request.getfixturevalue(request.param)


@pytest.fixture(scope="module")
async def connection(admin_dsn: str) -> AsyncGenerator[asyncpg.Connection, None]:
    await populate(admin_dsn)
    opened = await asyncpg.connect(admin_dsn)
    yield opened
    await opened.close()


async def test_everybody_may_do_what_the_matrix_says_and_no_more(connection: asyncpg.Connection):
    assert [found async for found in violations(connection, list(RIGHTS))] == []


async def test_the_keys_keep_their_promises(connection: asyncpg.Connection):
    assert [found async for found in broken_promises(connection)] == []


async def test_every_table_stands_in_the_matrix_and_has_its_rows_guarded(
    connection: asyncpg.Connection,
):
    tables = await connection.fetch(
        "select relname, relkind, relrowsecurity and relforcerowsecurity as guarded from pg_class"
        " where relnamespace = 'public'::regnamespace and relkind in ('r', 'p', 'v', 'm', 'f')"
    )
    assert {table["relname"] for table in tables} == set(RIGHTS)
    assert all(table["guarded"] for table in tables)


async def test_no_function_of_ours_is_for_everybody(connection: asyncpg.Connection):
    functions = await connection.fetch(
        "select oid::regprocedure::text as name from pg_proc"
        " where pronamespace in ('viva'::regnamespace, 'public'::regnamespace)"
        " and has_function_privilege('public', oid, 'execute')"
    )
    assert functions == []


async def test_each_guard_is_missed_when_it_is_gone(
    connection: asyncpg.Connection, record_property: Callable[[str, object], None]
):
    survivors, lines = [], []
    for table, sql in await connection.fetch(MUTANTS):
        async with undone(connection, sql):
            killer = await first_complaint(connection, table)
        lines.append(f"{'killed' if killer else 'ALIVE'}  {sql}: {killer}")
        if killer is None:
            survivors.append(sql)
    record_property("told", [f"{len(lines)} mutants, {len(survivors)} alive", *lines])
    assert survivors == []


async def first_complaint(connection: asyncpg.Connection, table: str) -> str | None:
    async for found in violations(connection, [table]):
        return found
    async for found in broken_promises(connection):
        return found
    return None
