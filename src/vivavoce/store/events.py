"""Rows of `session_events`, `audit_log` and `token_revocations`: what is only ever added."""

from datetime import datetime
from typing import Any, Final

import msgspec

from vivavoce.store.pool import Connection
from vivavoce.store.rows import columns, to_row


class EventRow(msgspec.Struct, frozen=True, kw_only=True):
    """Something that happened in a session besides speech."""

    seq: int
    type: str
    data: dict[str, Any]
    created_at: datetime


_COLUMNS: Final = columns(EventRow)


async def add_event(
    conn: Connection, *, session_id: str, tenant_id: str, kind: str, data: dict[str, Any]
) -> EventRow:
    """Note an event of a session."""
    record = await conn.fetchrow(
        f"""
        insert into session_events (session_id, tenant_id, type, data)
        values ($1, $2, $3, $4::jsonb) returning {_COLUMNS}
        """,  # noqa: S608
        session_id,
        tenant_id,
        kind,
        data,
    )
    assert record is not None  # noqa: S101  an insert that returns
    return to_row(record, EventRow)


async def list_events(conn: Connection, session_id: str, *, limit: int) -> list[EventRow]:
    """A session's events, the oldest first."""
    records = await conn.fetch(
        f"select {_COLUMNS} from session_events where session_id = $1 order by seq limit $2",  # noqa: S608
        session_id,
        limit,
    )
    return [to_row(record, EventRow) for record in records]


async def count_events(conn: Connection, session_id: str) -> int:
    """How many events a session has."""
    return int(
        await conn.fetchval("select count(*) from session_events where session_id = $1", session_id)
    )


async def is_paused(conn: Connection, session_id: str) -> bool:
    """Whether the last word on it was `pause`."""
    last = await conn.fetchval(
        """
        select type from session_events where session_id = $1 and type in ('pause', 'resume')
        order by seq desc limit 1
        """,
        session_id,
    )
    return bool(last == "pause")


async def add_event_once(
    conn: Connection, *, session_id: str, tenant_id: str, kind: str, data: dict[str, Any]
) -> None:
    """Note an event that may be told of several times; the very same one is kept once."""
    await conn.execute(
        """
        insert into session_events (session_id, tenant_id, type, data)
        select $1, $2, $3, $4::jsonb where not exists (select from session_events
          where session_id = $1 and type = $3 and data = $4::jsonb)
        """,
        session_id,
        tenant_id,
        kind,
        data,
    )


async def add_audit(
    conn: Connection,
    *,
    tenant_id: str,
    actor: str,
    action: str,
    object_id: str,
    request_id: str | None,
    once_in: float = 0.0,
) -> None:
    """Write down who did what to what.

    Args:
        conn: Of whoever may add to the log.
        tenant_id: Whose log it is.
        actor: Who did it.
        action: What.
        object_id: To what.
        request_id: By which request.
        once_in: Seconds within which the very same is written once, for what is done all the time.
    """
    await conn.execute(
        """
        insert into audit_log (tenant_id, actor, action, object, request_id)
        select $1, $2, $3, $4, $5 where $6::float8 = 0 or not exists (
          select from audit_log
          where tenant_id = $1 and at > now() - make_interval(secs => $6)
            and actor = $2 and action = $3 and object = $4
        )
        """,
        tenant_id,
        actor,
        action,
        object_id,
        request_id,
        once_in,
    )


async def count_audits(
    conn: Connection, *, tenant_id: str, actor: str, action: str, seconds: float
) -> int:
    """How often somebody did something in the last so many seconds."""
    return int(
        await conn.fetchval(
            """
            select count(*) from audit_log
            where tenant_id = $1 and at > now() - make_interval(secs => $4)
              and actor = $2 and action = $3
            """,
            tenant_id,
            actor,
            action,
            seconds,
        )
    )


async def is_revoked(conn: Connection, token_id: str) -> bool:
    """Whether a token was taken back."""
    return bool(
        await conn.fetchval(
            "select exists (select from token_revocations where jti = $1)", token_id
        )
    )


async def revoked_tokens(conn: Connection, session_id: str) -> list[str]:
    """The `jti` of a session's revoked tokens that have not expired by themselves."""
    records = await conn.fetch(
        "select jti from token_revocations where session_id = $1 and expires_at > now()", session_id
    )
    return [record["jti"] for record in records]
