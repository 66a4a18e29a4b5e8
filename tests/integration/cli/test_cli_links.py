"""Links into a platform: made for what is there, and no unused one is left over."""

import asyncpg

from support.postgres import admin_dsn, database, database_name, dsn, postgres
from vivavoce.cli.home import INTERVIEW_ID, TENANT_ID
from vivavoce.cli.links import trial_link
from vivavoce.cli.local_tenant import prepare_local_tenant
from vivavoce.settings import ServerSettings
from vivavoce.store.interviews import get_interview
from vivavoce.store.invitations import find_by_secret, host_of

__all__ = ["admin_dsn", "database", "database_name", "dsn", "postgres"]


async def test_the_interview_to_try_is_made_once(database, admin_dsn):
    await prepare_local_tenant(admin_dsn, ServerSettings(organisation="First"))
    await prepare_local_tenant(admin_dsn, ServerSettings(organisation="Second"))
    async with database.as_tenant({"tenant_id": TENANT_ID}) as conn:
        assert len((await get_interview(conn, INTERVIEW_ID)).questions) == 3
        host = await host_of(conn, tenant_id=TENANT_ID, company_id=None)
        assert host.organisation == "Second"
    connection = await asyncpg.connect(admin_dsn)
    await connection.execute("delete from interviews")
    await connection.close()
    await prepare_local_tenant(admin_dsn, ServerSettings())
    assert await trial_link(database, "http://localhost") is None


async def test_a_trial_that_nobody_came_to_is_replaced_and_any_other_stays(database, admin_dsn):
    await prepare_local_tenant(admin_dsn, ServerSettings())
    secrets = []
    for _ in range(3):
        link = await trial_link(database, "http://localhost")
        assert link is not None
        secrets.append(link.partition("#")[2])
        if len(secrets) == 1:
            async with database.as_service() as conn:
                first = await find_by_secret(conn, secrets[0])
                await conn.execute(
                    "insert into interview_sessions (tenant_id, user_id, invitation_id)"
                    " values ($1, $2, $2)",
                    TENANT_ID,
                    first.id,
                )
    async with database.as_service() as conn:
        found = [await find_by_secret(conn, secret) for secret in secrets]
    assert [one is not None for one in found] == [True, False, True]
