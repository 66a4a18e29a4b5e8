"""What a tenant keeps no longer is erased, and nothing else is."""

from datetime import timedelta
from uuid import uuid4

import asyncpg
import pytest

from support.api import add_tenant
from support.scripted_api import open_scripted_api

OLD, FRESH = timedelta(days=31), timedelta(days=29)


@pytest.fixture
async def tenant(admin_dsn):
    """A tenant that keeps sessions for thirty days, and another one that keeps them."""
    connection = await asyncpg.connect(admin_dsn)
    keeps, cares = await add_tenant(admin_dsn), await add_tenant(admin_dsn)
    await connection.execute("update tenants set retention_days = 30 where id = $1", cares)
    made = {}
    for name, owner, status, ended in [
        ("old", cares, "ended", OLD),
        ("failed long ago", cares, "failed", OLD),
        ("fresh", cares, "ended", FRESH),
        ("alive", cares, "active", OLD),
        ("not cleaned up", cares, "ended", OLD),
        ("of a tenant that keeps", keeps, "ended", OLD),
    ]:
        made[name] = str(uuid4())
        await connection.execute(
            "insert into interview_sessions (id, tenant_id, user_id, status, created_at, ended_at)"
            " values ($1, $2, $1, $3, now() - $4::interval,"
            " case when $3 = 'active' then null else now() - $4::interval end)",
            made[name],
            owner,
            status,
            ended,
        )
    await connection.execute(
        "insert into cleanup_jobs (kind, session_id, run_at)"
        " values ('settle_session', $1, now() + interval '1 hour')",
        made["not cleaned up"],
    )
    await connection.execute(
        "insert into transcript_entries (tenant_id, session_id, item_id, position, change_seq,"
        " speaker, content) values ($1, $2, 'one', 1, 1, 'candidate', 'Private.')",
        cares,
        made["old"],
    )
    await connection.close()
    return made


async def test_a_session_is_erased_when_its_time_is_up(database, admin_dsn, tenant):
    async with open_scripted_api(database, admin_dsn) as api:
        await api.until("select 1 from erasures having count(*) = 2")
        left = await api.sql("select id::text from interview_sessions")
        gone = {name for name, id_ in tenant.items() if id_ not in {row["id"] for row in left}}
        assert gone == {"old", "failed long ago"}
        assert await api.sql("select 1 from transcript_entries") == []
        [by] = await api.sql("select distinct by from erasures")
        assert by["by"] == "retention"
        audit = await api.sql("select object from audit_log where action = 'session.erase'")
        assert {row["object"] for row in audit} == {tenant["old"], tenant["failed long ago"]}
