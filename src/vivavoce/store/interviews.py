"""Rows of `interviews`: what recruiters plan.

Every function takes a connection whose role and claims are set already: row-level security decides
what it sees.
"""

from datetime import datetime
from typing import Any, Final

import asyncpg
import msgspec

from vivavoce.errors import Conflict, InvalidRequest, NotFound
from vivavoce.protocol.interviews import InterviewDraft
from vivavoce.store.pool import Connection
from vivavoce.store.rows import columns, to_row


class InterviewRow(msgspec.Struct, frozen=True, kw_only=True):
    """One interview. `questions` and `competencies` are JSON, as they were drafted."""

    id: str
    tenant_id: str
    company_id: str | None
    author_id: str
    title: str
    role: str
    language: str
    questions: list[Any]
    competencies: list[Any]
    max_duration: int
    voice: str | None
    guidance: str
    closing: str
    notes: str
    created_at: datetime
    updated_at: datetime


_COLUMNS: Final = columns(InterviewRow)
_DRAFTED: Final = (
    "company_id",
    "title",
    "role",
    "language",
    "questions",
    "competencies",
    "max_duration",
    "voice",
    "guidance",
    "closing",
    "notes",
)


def _values(draft: InterviewDraft) -> list[Any]:
    return [msgspec.to_builtins(getattr(draft, name)) for name in _DRAFTED]


async def insert_interview(
    conn: Connection, draft: InterviewDraft, *, tenant_id: str, author_id: str
) -> InterviewRow:
    """Keep an interview.

    Raises:
        InvalidRequest: If there is no such company, or something is too large.
    """
    places = ", ".join(f"${number}" for number in range(3, len(_DRAFTED) + 3))
    return await _written(
        conn,
        f"""
        insert into interviews (tenant_id, author_id, {", ".join(_DRAFTED)})
        values ($1, $2, {places}) returning {_COLUMNS}
        """,  # noqa: S608
        tenant_id,
        author_id,
        *_values(draft),
    )


async def replace_interview(
    conn: Connection, interview_id: str, draft: InterviewDraft
) -> InterviewRow:
    """Put another draft in place of what an interview was. Sessions keep what they began with.

    Raises:
        NotFound: If there is none that this connection may see.
        InvalidRequest: If there is no such company, or something is too large.
    """
    settings = ", ".join(f"{name} = ${number}" for number, name in enumerate(_DRAFTED, start=2))
    return await _written(
        conn,
        f"""
        update interviews set {settings}, updated_at = now() where id = $1 returning {_COLUMNS}
        """,  # noqa: S608
        interview_id,
        *_values(draft),
    )


async def _written(conn: Connection, statement: str, *values: Any) -> InterviewRow:
    try:
        record = await conn.fetchrow(statement, *values)
    except asyncpg.ForeignKeyViolationError:
        raise InvalidRequest("companyId: there is no such company.") from None
    except asyncpg.CheckViolationError as error:
        raise InvalidRequest(f"The interview is too large ({error.constraint_name}).") from None
    if record is None:
        raise NotFound("There is no such interview.")
    return to_row(record, InterviewRow)


async def get_interview(conn: Connection, interview_id: str) -> InterviewRow:
    """One interview.

    Raises:
        NotFound: If there is none that this connection may see.
    """
    return await _found(conn, f"select {_COLUMNS} from interviews where id = $1", interview_id)  # noqa: S608


async def hold_interview(conn: Connection, interview_id: str) -> InterviewRow:
    """One interview, which nobody else can change before the transaction's end.

    Raises:
        NotFound: If there is none that this connection may see.
    """
    return await _found(
        conn,
        f"select {_COLUMNS} from interviews where id = $1 for update",  # noqa: S608
        interview_id,
    )


async def _found(conn: Connection, query: str, interview_id: str) -> InterviewRow:
    record = await conn.fetchrow(query, interview_id)
    if record is None:
        raise NotFound("There is no such interview.")
    return to_row(record, InterviewRow)


async def list_interviews(
    conn: Connection, *, limit: int, before: tuple[datetime, str] | None = None
) -> list[InterviewRow]:
    """Interviews, the newest first, from the one before `before` on."""
    created_at, interview_id = before or (None, None)
    records = await conn.fetch(
        f"""
        select {_COLUMNS} from interviews
        where $1::timestamptz is null or (created_at, id) < ($1, $2::uuid)
        order by created_at desc, id desc limit $3
        """,  # noqa: S608
        created_at,
        interview_id,
        limit,
    )
    return [to_row(record, InterviewRow) for record in records]


async def delete_interview(conn: Connection, interview_id: str) -> None:
    """Delete an interview with its invitations.

    Raises:
        NotFound: If there is none that this connection may see.
        Conflict: If sessions were held with it.
    """
    try:
        deleted = await conn.execute("delete from interviews where id = $1", interview_id)
    except asyncpg.ForeignKeyViolationError:
        raise Conflict(
            "Sessions were held with this interview. Erase them first, and then the interview."
        ) from None
    if deleted.endswith(" 0"):
        raise NotFound("There is no such interview.")
