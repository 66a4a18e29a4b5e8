"""Connections are somebody for the length of a transaction, and nobody after it."""

from contextlib import suppress
from uuid import uuid4

import asyncpg
import pytest

from vivavoce.errors import Unavailable
from vivavoce.store.pool import Database, open_database

TENANT = str(uuid4())
CLAIMS = {"sub": str(uuid4()), "role": "authenticated", "tenant_id": TENANT}


async def test_a_transaction_has_its_role_and_claims(database: Database):
    async with database.as_tenant(CLAIMS) as connection:
        assert await connection.fetchval("select current_user") == "authenticated"
        assert await connection.fetchval("select auth.jwt() ->> 'tenant_id'") == TENANT
        assert str(await connection.fetchval("select auth.uid()")) == CLAIMS["sub"]


@pytest.mark.parametrize("statement", ["select 1", "select 1 / 0"])
async def test_nothing_of_it_is_left_for_the_next(dsn: str, statement: str):
    async with open_database(dsn, min_size=1, max_size=1) as database:
        with suppress(asyncpg.DivisionByZeroError):
            async with database.as_tenant(CLAIMS) as connection:
                await connection.execute(statement)
        async with database.as_nobody() as connection:
            assert await connection.fetchval("select current_user") == "authenticator"
            assert not await connection.fetchval(
                "select current_setting('request.jwt.claims', true)"
            )


async def test_what_fails_is_undone(database: Database):
    async def fail() -> None:
        async with database.as_service() as connection:
            await connection.execute("insert into tenants (id, name) values ($1, 'x')", TENANT)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    async with database.as_service() as connection:
        assert await connection.fetchval("select count(*) from tenants") == 0


async def test_the_login_itself_may_read_nothing(database: Database):
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with database.as_nobody() as connection:
            await connection.execute("select * from interview_sessions")


async def test_a_lost_connection_is_a_passing_trouble(database: Database, admin_dsn: str):
    async def be_cut_off() -> None:
        async with database.as_service() as connection:
            pid = await connection.fetchval("select pg_backend_pid()")
            await admin.execute("select pg_terminate_backend($1, 5000)", pid)
            await connection.execute("select 1")

    admin = await asyncpg.connect(admin_dsn)
    with pytest.raises(Unavailable):
        await be_cut_off()
    await admin.close()
    async with database.as_service() as connection:
        assert await connection.fetchval("select 1") == 1


async def test_no_server_is_unavailable(tmp_path):
    with pytest.raises(Unavailable):
        async with open_database(f"postgresql://x:y@/z?host={tmp_path}"):
            pass
