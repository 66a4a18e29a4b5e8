"""Rows of `invitations` and `consents`: who may come, and what they agreed to.

A secret is never stored, only its SHA-256: 256 random bits need no slow hash. Under a recruiter's
claims row-level security decides what is seen; looking a secret up, and writing for a candidate, is
for the service role.
"""

import secrets
from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any, Final

import asyncpg
import msgspec

from vivavoce.errors import Forbidden, NotFound
from vivavoce.protocol.interview_start import CandidateInfo
from vivavoce.sessions.consent import Statement
from vivavoce.store.pool import Connection
from vivavoce.store.rows import to_row

SECRET_BYTES: Final = 32


class InvitationRow(msgspec.Struct, frozen=True, kw_only=True):
    """One invitation, with what came of it."""

    id: str
    tenant_id: str
    interview_id: str
    candidate: Any
    max_uses: int
    created_at: datetime
    expires_at: datetime
    opened_at: datetime | None
    revoked_at: datetime | None
    uses: int
    """Sessions, without those that failed to start."""
    session_id: str | None
    """Of the latest of them."""
    session_status: str | None
    session_end_reason: str | None
    consent_version: str | None
    """Of the text that was agreed to last."""
    agreed_at: datetime | None


class Host(msgspec.Struct, frozen=True, kw_only=True):
    """Who holds an interview: the company if it names one, else the tenant."""

    organisation: str
    retention_days: int | None
    accent: str | None
    """Of the tenant's pages."""


_SELECT: Final = """
    select i.id::text, i.tenant_id::text, i.interview_id::text, i.candidate, i.max_uses,
      i.created_at, i.expires_at, i.opened_at, i.revoked_at,
      (
        select count(*)::integer from interview_sessions s
        where s.invitation_id = i.id and s.tenant_id = i.tenant_id and s.status <> 'failed'
      ) as uses,
      latest.id::text as session_id, latest.status as session_status,
      latest.end_reason as session_end_reason,
      agreed.text_version as consent_version, agreed.created_at as agreed_at
    from invitations i
    left join lateral (
      select s.id, s.status, s.end_reason from interview_sessions s
      where s.invitation_id = i.id and s.tenant_id = i.tenant_id and s.status <> 'failed'
      order by s.created_at desc limit 1
    ) latest on true
    left join lateral (
      select c.text_version, c.created_at from consents c
      where c.invitation_id = i.id and c.tenant_id = i.tenant_id
      order by c.created_at desc limit 1
    ) agreed on true
"""


async def lock_invitation(conn: Connection, invitation_id: str) -> None:
    """Let nobody else change the invitation, or count with it, until this transaction ends."""
    await conn.execute("select from invitations where id = $1 for update", invitation_id)


def refuse_revoked() -> Forbidden:
    """What is said to whoever comes with an invitation that was taken back."""
    return Forbidden(
        "This invitation was taken back. Ask whoever sent it for another.", reason="revoked"
    )


def refuse_expired() -> Forbidden:
    """What is said to whoever comes too late."""
    return Forbidden(
        "This invitation has expired. Ask whoever sent it for another.", reason="expired"
    )


def new_secret() -> tuple[str, bytes]:
    """Make the secret of a link: it, and what is stored of it."""
    secret = secrets.token_urlsafe(SECRET_BYTES)
    return secret, hash_of(secret)


def hash_of(secret: str) -> bytes:
    """What is stored of a secret."""
    return sha256(secret.encode("utf-8", "surrogatepass")).digest()


async def insert_invitation(
    conn: Connection,
    *,
    tenant_id: str,
    interview_id: str,
    author_id: str,
    token_hash: bytes,
    candidate: CandidateInfo | None,
    max_uses: int,
    expires_at: datetime,
) -> str:
    """Keep an invitation; gives its id.

    Raises:
        NotFound: If the tenant has no such interview.
    """
    try:
        return str(
            await conn.fetchval(
                """
                insert into invitations (
                  tenant_id, interview_id, author_id, token_hash, candidate, max_uses, expires_at
                ) values ($1, $2, $3, $4, $5::jsonb, $6, $7) returning id::text
                """,
                tenant_id,
                interview_id,
                author_id,
                token_hash,
                None if candidate is None else msgspec.to_builtins(candidate),
                max_uses,
                expires_at,
            )
        )
    except asyncpg.ForeignKeyViolationError:
        raise NotFound("There is no such interview.") from None


async def get_invitation(conn: Connection, invitation_id: str) -> InvitationRow:
    """One invitation.

    Raises:
        NotFound: If there is none that this connection may see.
    """
    record = await conn.fetchrow(f"{_SELECT} where i.id = $1", invitation_id)
    if record is None:
        raise NotFound("There is no such invitation.")
    return to_row(record, InvitationRow)


async def find_by_secret(conn: Connection, secret: str) -> InvitationRow | None:
    """The invitation that a link's secret opens."""
    record = await conn.fetchrow(f"{_SELECT} where i.token_hash = $1", hash_of(secret))
    return None if record is None else to_row(record, InvitationRow)


async def host_of(conn: Connection, *, tenant_id: str, company_id: str | None) -> Host:
    """Who holds the interviews of a tenant, or of one of its companies.

    Raises:
        NotFound: If there is no tenant that this connection may see.
    """
    record = await conn.fetchrow(
        """
        select coalesce(c.name, t.name) as organisation, t.retention_days, t.accent
        from tenants t left join companies c on c.tenant_id = t.id and c.id = $2
        where t.id = $1
        """,
        tenant_id,
        company_id,
    )
    if record is None:
        raise NotFound("This token's tenant does not exist here.")
    return to_row(record, Host)


async def list_invitations(
    conn: Connection,
    interview_id: str,
    *,
    limit: int,
    before: tuple[datetime, str] | None = None,
) -> list[InvitationRow]:
    """Invitations of an interview, the newest first, from the one before `before` on."""
    created_at, invitation_id = before or (None, None)
    records = await conn.fetch(
        f"""
        {_SELECT}
        where i.interview_id = $1
          and ($2::timestamptz is null or (i.created_at, i.id) < ($2, $3::uuid))
        order by i.created_at desc, i.id desc limit $4
        """,
        interview_id,
        created_at,
        invitation_id,
        limit,
    )
    return [to_row(record, InvitationRow) for record in records]


async def note_opened(conn: Connection, invitation_id: str) -> None:
    """Note that the link was followed; the first time stays."""
    await conn.execute(
        "update invitations set opened_at = now() where id = $1 and opened_at is null",
        invitation_id,
    )


async def revoke(conn: Connection, invitation_id: str) -> None:
    """Take an invitation back; the first time stays."""
    await conn.execute(
        "update invitations set revoked_at = coalesce(revoked_at, now()) where id = $1",
        invitation_id,
    )


async def forget_candidate(conn: Connection, invitation_id: str) -> None:
    """Take out who was invited, and the invitation back with it."""
    await revoke(conn, invitation_id)
    await conn.execute("update invitations set candidate = null where id = $1", invitation_id)


async def delete_unused(conn: Connection, interview_id: str, *, author_id: str) -> None:
    """Delete the invitations of an author that nobody has come with."""
    await conn.execute(
        """
        delete from invitations i where interview_id = $1 and author_id = $2
          and not exists (
            select from interview_sessions s
            where s.invitation_id = i.id and s.tenant_id = i.tenant_id
          )
        """,
        interview_id,
        author_id,
    )


async def live_sessions(conn: Connection, invitation_id: str) -> list[str]:
    """Ids of the sessions of an invitation that are not over."""
    records = await conn.fetch(
        """
        select id::text from interview_sessions
        where invitation_id = $1 and status not in ('ended', 'failed')
        """,
        invitation_id,
    )
    return [record["id"] for record in records]


async def insert_consent(
    conn: Connection,
    *,
    tenant_id: str,
    invitation_id: str,
    version: str,
    agreed: Sequence[Statement],
) -> datetime:
    """Keep what was agreed to, in its words; gives when. The same version again changes nothing."""
    await conn.execute(
        """
        insert into consents (tenant_id, invitation_id, text_version, agreed)
        values ($1, $2, $3, $4::jsonb) on conflict (tenant_id, invitation_id, text_version)
        do nothing
        """,
        tenant_id,
        invitation_id,
        version,
        [{"id": one.id, "text": one.text} for one in agreed],
    )
    at: datetime = await conn.fetchval(
        """
        select created_at from consents
        where tenant_id = $1 and invitation_id = $2 and text_version = $3
        """,
        tenant_id,
        invitation_id,
        version,
    )
    return at
