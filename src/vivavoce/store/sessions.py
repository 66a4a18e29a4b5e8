"""Rows of `interview_sessions`.

Every function takes a connection whose role and claims are set already: row-level security decides
what it sees.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import asyncpg
import msgspec

from vivavoce.errors import (
    Conflict,
    InvalidRequest,
    NotFound,
    QuotaExceeded,
    SessionEnded,
    VivavoceError,
)
from vivavoce.protocol.messages import EndReason
from vivavoce.sessions.lifecycle import LIVE, TRANSITIONS, SessionEvent, SessionStatus, sources
from vivavoce.store.invitations import refuse_expired, refuse_revoked
from vivavoce.store.pool import Connection
from vivavoce.store.rows import columns, to_row

_LIVE: Final = sorted(status.value for status in LIVE)
_TARGETS: Final = {
    event: target for moves in TRANSITIONS.values() for event, target in moves.items()
}
QUOTA_RETRY_SECONDS: Final = 30.0


class SessionRow(msgspec.Struct, frozen=True, kw_only=True):
    """One interview session."""

    id: str
    tenant_id: str
    company_id: str | None
    interview_id: str | None
    invitation_id: str | None
    user_id: str
    architecture: str
    status: str
    end_reason: str | None
    transcript_complete: bool | None
    session_data: Any
    config: dict[str, Any]
    candidate: Any
    region: str | None
    isolation: str | None
    failure: Any
    item_count: int | None
    created_at: datetime
    active_at: datetime | None
    ended_at: datetime | None
    expires_at: datetime
    revoked_at: datetime | None
    drain_until: datetime | None


class NewSession(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What a session starts with. `config` holds no secret: the candidate may read it."""

    id: str
    tenant_id: str
    user_id: str
    architecture: str
    config: dict[str, Any]
    created_at: datetime
    expires_at: datetime
    company_id: str | None = None
    session_data: dict[str, Any] | None = None
    candidate: Any = None
    region: str | None = None
    idempotency_key: str | None = None
    interview_id: str | None = None
    invitation_id: str | None = None
    consent_version: str | None = None
    """Of the text that whoever comes with the invitation must have agreed to."""


_COLUMNS: Final = columns(SessionRow)


_REFUSALS: Final[Mapping[str, Callable[[], VivavoceError]]] = {
    "no_invitation": lambda: NotFound("There is no such invitation."),
    "revoked": refuse_revoked,
    "expired": refuse_expired,
    "no_consent": lambda: Conflict(
        "The candidate has not agreed to the text of this invitation yet.", reason="no_consent"
    ),
    "used": lambda: SessionEnded("The interview of this invitation is over."),
}


@dataclass(frozen=True, slots=True)
class Admission:
    """A session that was let in, and whether the machine that was offered is its own."""

    session: SessionRow
    is_booked: bool


async def admit_session(
    conn: Connection,
    claims: Mapping[str, Any],
    new: NewSession,
    *,
    machine_id: str | None,
    request_id: str | None,
) -> Admission | None:
    """Insert a session in `provisioning`, if the tenant may have one more, and note who asked.

    One statement under the given claims, for a connection without a role (`Database.as_nobody`).
    It is durable once `note_ready` is, or any other commit that follows it.

    Args:
        conn: The connection.
        claims: Of whoever asks.
        new: The session.
        machine_id: A machine that stands ready, to be booked for it.
        request_id: For the audit log.

    Returns:
        None if the caller has a session with this idempotency key already; nothing is booked then.

    Raises:
        QuotaExceeded: If the tenant has all the live sessions that it may have.
        NotFound: If there is no such tenant or invitation.
        Forbidden: If the invitation was revoked, or has expired (`reason`).
        Conflict: If the consent is missing (`reason`).
        SessionEnded: If the invitation has had its sessions.
        InvalidRequest: If there is no such company, or something is too large.
    """
    try:
        record = await conn.fetchrow(
            "select outcome, allowed, booked from viva.admit_and_book($1, $2, $3, $4, $5)",
            msgspec.json.encode(claims).decode(),
            new,
            _LIVE,
            request_id,
            machine_id,
        )
    except asyncpg.ForeignKeyViolationError as error:
        if error.constraint_name == "interview_sessions_interview_fkey":
            raise NotFound("There is no such interview.") from None
        raise InvalidRequest("companyId: there is no such company.") from None
    except asyncpg.CheckViolationError as error:
        raise InvalidRequest(f"The request is too large ({error.constraint_name}).") from None
    if record is None or record["outcome"] == "no_tenant":
        raise NotFound("This token's tenant does not exist here.")
    if record["outcome"] == "full":
        raise QuotaExceeded(
            f"All {record['allowed']} sessions that this tenant may have at once are in use.",
            retry_after=QUOTA_RETRY_SECONDS,
        )
    if refuse := _REFUSALS.get(record["outcome"]):
        raise refuse()
    if record["outcome"] == "known":
        return None
    return Admission(as_admitted(new), is_booked=record["booked"])


def as_admitted(new: NewSession) -> SessionRow:
    """The row as it stands once the session is let in."""
    return SessionRow(
        id=new.id,
        tenant_id=new.tenant_id,
        company_id=new.company_id,
        interview_id=new.interview_id,
        invitation_id=new.invitation_id,
        user_id=new.user_id,
        architecture=new.architecture,
        status=SessionStatus.PROVISIONING,
        end_reason=None,
        transcript_complete=None,
        session_data=new.session_data,
        config=new.config,
        candidate=new.candidate,
        region=new.region,
        isolation=None,
        failure=None,
        item_count=None,
        created_at=new.created_at,
        active_at=None,
        ended_at=None,
        expires_at=new.expires_at,
        revoked_at=None,
        drain_until=None,
    )


async def note_ready(
    conn: Connection,
    claims: Mapping[str, Any],
    session: SessionRow,
    *,
    region: str | None,
    isolation: str | None,
) -> SessionRow | None:
    """Move a session from `provisioning` to `ready`.

    One statement under the given claims, for a connection without a role (`Database.as_nobody`).

    Returns:
        The row; None if the session was ended meanwhile.
    """
    is_ready = await conn.fetchval(
        "select viva.note_ready($1, $2, $3, $4)",
        msgspec.json.encode(claims).decode(),
        session.id,
        region,
        isolation,
    )
    if not is_ready:
        return None
    return msgspec.structs.replace(
        session, status=SessionStatus.READY, region=region or session.region, isolation=isolation
    )


async def session_of_key(
    conn: Connection, *, tenant_id: str, user_id: str, idempotency_key: str
) -> SessionRow | None:
    """The session that this caller has started with this key."""
    record = await conn.fetchrow(
        f"""
        select {_COLUMNS} from interview_sessions
        where tenant_id = $1 and user_id = $2 and idempotency_key = $3
        """,  # noqa: S608
        tenant_id,
        user_id,
        idempotency_key,
    )
    return None if record is None else to_row(record, SessionRow)


async def find_session(conn: Connection, session_id: str) -> SessionRow | None:
    """One session, if there is one that this connection may see."""
    record = await conn.fetchrow(
        f"select {_COLUMNS} from interview_sessions where id = $1",  # noqa: S608
        session_id,
    )
    return None if record is None else to_row(record, SessionRow)


async def get_session(conn: Connection, session_id: str) -> SessionRow:
    """One session.

    Raises:
        NotFound: If there is none that this connection may see.
    """
    session = await find_session(conn, session_id)
    if session is None:
        raise NotFound("There is no such session.")
    return session


async def list_sessions(
    conn: Connection,
    *,
    limit: int,
    before: tuple[datetime, str] | None = None,
    status: str | None = None,
    interview_id: str | None = None,
) -> list[SessionRow]:
    """Sessions, the newest first, from the one before `before` on."""
    created_at, session_id = before or (None, None)
    records = await conn.fetch(
        f"""
        select {_COLUMNS} from interview_sessions
        where ($1::timestamptz is null or (created_at, id) < ($1, $2::uuid))
          and ($3::text is null or status = $3)
          and ($5::uuid is null or interview_id = $5)
        order by created_at desc, id desc limit $4
        """,  # noqa: S608
        created_at,
        session_id,
        status,
        limit,
        interview_id,
    )
    return [to_row(record, SessionRow) for record in records]


async def move_session(
    conn: Connection,
    session_id: str,
    event: SessionEvent,
    *,
    at: datetime | None = None,
    end_reason: EndReason | None = None,
    failure: dict[str, Any] | None = None,
    transcript_complete: bool | None = None,
    expires_at: datetime | None = None,
) -> SessionRow | None:
    """Move a session on, in one atomic step.

    What is written once (reason, times) stays as it was first written. A session that failed gives
    its idempotency key back, so that the caller's next try is a new one.

    Args:
        conn: Decides by its role which rows it may touch.
        session_id: Which one.
        event: What happened.
        at: When; the database's clock if None.
        end_reason: Why it ends.
        failure: What failed.
        transcript_complete: Whether everything that was said is stored.
        expires_at: When it ends whatever happens; never later than it was.

    Returns:
        The row after the move; None if the session is in no state that allows the event.
    """
    target = _TARGETS[event]
    record = await conn.fetchrow(
        f"""
        update interview_sessions set
          status = $2,
          end_reason = coalesce(end_reason, $5),
          failure = coalesce(failure, $6::jsonb),
          transcript_complete = coalesce($7, transcript_complete),
          expires_at = least($8, expires_at),
          active_at = case when $2 = '{SessionStatus.ACTIVE}'
            then coalesce(active_at, $4, now()) else active_at end,
          ended_at = case when $2 in ('{SessionStatus.ENDED}', '{SessionStatus.FAILED}')
            then coalesce(ended_at, $4, now()) else ended_at end,
          idempotency_key = case when $2 = '{SessionStatus.FAILED}'
            then null else idempotency_key end
        where id = $1 and status = any($3)
        returning {_COLUMNS}
        """,  # noqa: S608
        session_id,
        target.value,
        sorted(status.value for status in sources(event)),
        at,
        end_reason,
        failure,
        transcript_complete,
        expires_at,
    )
    return None if record is None else to_row(record, SessionRow)


async def note_result(
    conn: Connection, session_id: str, *, item_count: int, transcript_complete: bool
) -> None:
    """Write down what the machine says of the transcript, checked against what is stored."""
    await conn.execute(
        """
        update interview_sessions set
          item_count = $2::integer,
          transcript_complete = $3 and $2::integer <= (
            select count(*) from transcript_entries e
            where e.session_id = $1 and e.tenant_id = interview_sessions.tenant_id)
        where id = $1 and status <> 'ended' and status <> 'failed'
        """,
        session_id,
        item_count,
        transcript_complete,
    )


async def drain(conn: Connection, session_id: str, *, until: datetime | None) -> None:
    """Let the machine of a session that is ending deliver what it has, until then; None: no more.

    It is never given more time than it has.
    """
    await conn.execute(
        """
        update interview_sessions set
          drain_until = case when $2::timestamptz is null then null
            else least(drain_until, $2) end
        where id = $1 and status = 'ending'
        """,
        session_id,
        until,
    )


async def unfinished_sessions(conn: Connection) -> list[SessionRow]:
    """All sessions of all tenants that are not over yet."""
    records = await conn.fetch(
        f"""
        select {_COLUMNS} from interview_sessions
        where status not in ('ended', 'failed') order by created_at
        """  # noqa: S608
    )
    return [to_row(record, SessionRow) for record in records]
