"""Erase a session with all that was said in it; what is kept says that it was, and not what.

For the service role only.
"""

from collections.abc import Mapping
from hashlib import sha256

from vivavoce.store.jobs import SETTLE
from vivavoce.store.pool import Connection
from vivavoce.store.rows import columns, to_row
from vivavoce.store.sessions import SessionRow


async def overdue_sessions(conn: Connection, *, limit: int) -> list[SessionRow]:
    """Sessions that are over for longer than their tenant keeps them, locked until they are gone.

    Those of which something is still to be cleaned up, or that another process has taken, are left
    for the next time.
    """
    records = await conn.fetch(
        f"""
        select {columns(SessionRow)} from interview_sessions
        where status in ('ended', 'failed')
          and coalesce(ended_at, created_at) < now() - make_interval(days => (
            select retention_days from tenants where tenants.id = interview_sessions.tenant_id))
          and not exists (
            select from cleanup_jobs
            where session_id = interview_sessions.id and kind = $1 and done_at is null)
        order by created_at limit $2 for update skip locked
        """,  # noqa: S608
        SETTLE,
        limit,
    )
    return [to_row(record, SessionRow) for record in records]


async def erase_session(conn: Connection, session: SessionRow, *, by: str) -> Mapping[str, int]:
    """Delete a session; its transcript, events, calls and revocations go with it.

    Args:
        conn: Of the service role.
        session: Which one.
        by: Who wants it.

    Returns:
        How many rows there were, by table.
    """
    counts = dict(
        await conn.fetchrow(
            """
            select
              (select count(*) from transcript_entries where session_id = $1) as entries,
              (select count(*) from session_events where session_id = $1) as events,
              (select count(*) from session_calls where session_id = $1) as calls
            """,
            session.id,
        )
    )
    await conn.execute("delete from interview_sessions where id = $1", session.id)
    await conn.execute(
        """
        insert into erasures (tenant_id, subject_hash, by, counts) values ($1, $2, $3, $4::jsonb)
        """,
        session.tenant_id,
        sha256(session.id.encode()).hexdigest(),
        by,
        counts,
    )
    return counts
