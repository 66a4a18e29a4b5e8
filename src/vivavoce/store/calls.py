"""Rows of `session_calls`: every call that may have to be hung up."""

from datetime import datetime
from typing import Final

import msgspec

from vivavoce.errors import Conflict
from vivavoce.store.pool import Connection
from vivavoce.store.rows import columns, to_row


class CallRow(msgspec.Struct, frozen=True, kw_only=True):
    """A call of the voice model. Over once it has ended or was hung up."""

    call_id: str
    session_id: str
    created_at: datetime
    ended_at: datetime | None
    hung_up_at: datetime | None

    @property
    def is_over(self) -> bool:
        """Whether nothing is left to hang up."""
        return self.ended_at is not None or self.hung_up_at is not None


_COLUMNS: Final = columns(CallRow)


async def add_call(
    conn: Connection,
    *,
    call_id: str,
    session_id: str,
    tenant_id: str,
    created_at: datetime,
) -> bool:
    """Note a call; twice is once.

    Returns:
        Whether it is a new one.

    Raises:
        Conflict: If the call belongs to another session.
    """
    added = await conn.fetchval(
        """
        insert into session_calls (call_id, session_id, tenant_id, created_at)
        values ($1, $2, $3, $4) on conflict (call_id) do nothing returning true
        """,
        call_id,
        session_id,
        tenant_id,
        created_at,
    )
    if added:
        return True
    if not await conn.fetchval(
        "select true from session_calls where call_id = $1 and session_id = $2", call_id, session_id
    ):
        raise Conflict("This call belongs to another session.")
    return False


async def calls_of(conn: Connection, session_id: str) -> list[CallRow]:
    """A session's calls, in the order in which they were made."""
    records = await conn.fetch(
        f"select {_COLUMNS} from session_calls where session_id = $1 order by created_at, call_id",  # noqa: S608
        session_id,
    )
    return [to_row(record, CallRow) for record in records]


async def end_call(conn: Connection, call_id: str, session_id: str, *, hung_up: bool) -> None:
    """Note that a call is over, by our hanging it up or by itself."""
    column = "hung_up_at" if hung_up else "ended_at"
    await conn.execute(
        f"update session_calls set {column} = coalesce({column}, now())"  # noqa: S608
        " where call_id = $1 and session_id = $2",
        call_id,
        session_id,
    )


async def sessions_with_forgotten_calls(conn: Connection) -> list[str]:
    """Sessions of all tenants that are over, with calls that nobody has hung up."""
    records = await conn.fetch(
        """
        select distinct c.session_id::text as session_id
        from session_calls c join interview_sessions s on s.id = c.session_id
        where c.hung_up_at is null and c.ended_at is null and s.status in ('ended', 'failed')
          and c.created_at > now() - interval '2 hours'
        """
    )
    return [record["session_id"] for record in records]
