"""Links into a platform: made for what is there, and no unused one is left over."""

import asyncpg
import pytest

from support.postgres import admin_dsn, database, database_name, dsn, postgres
from vivavoce.cli.accent_command import accent_command
from vivavoce.cli.home import INTERVIEW_ID, TENANT_ID
from vivavoce.cli.links import trial_link
from vivavoce.cli.local_tenant import prepare_local_tenant
from vivavoce.errors import InvalidRequest, NotFound
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


async def test_an_accent_is_a_tenants_own_and_is_refused_where_it_could_not_be_read(
    database, admin_dsn, dsn
):
    settings = ServerSettings(organisation="Ours", database_url=dsn)
    await prepare_local_tenant(admin_dsn, settings)

    async def accent():
        async with database.as_service() as conn:
            return (await host_of(conn, tenant_id=TENANT_ID, company_id=None)).accent

    assert await accent_command(settings, TENANT_ID, "#7A1FA2") == "Ours"
    await prepare_local_tenant(admin_dsn, settings)
    assert await accent() == "#7a1fa2", "the next start leaves it alone"
    with pytest.raises(InvalidRequest, match="too pale"):
        await accent_command(settings, TENANT_ID, "#ffd400")
    assert await accent() == "#7a1fa2"
    with pytest.raises(NotFound):
        await accent_command(settings, INTERVIEW_ID, "#7a1fa2")
    await accent_command(settings, TENANT_ID, None)
    assert await accent() is None
