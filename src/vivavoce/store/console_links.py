"""Rows of `console_links`: each lets one recruiter into the console, once.

For the service role only. As with invitations, only the secret's hash is stored.
"""

from datetime import datetime

import msgspec

from vivavoce.store.invitations import hash_of
from vivavoce.store.pool import Connection
from vivavoce.store.rows import columns, to_row


class ConsoleLinkRow(msgspec.Struct, frozen=True, kw_only=True):
    """One link."""

    id: str
    tenant_id: str
    user_id: str
    expires_at: datetime
    used_at: datetime | None


_COLUMNS = columns(ConsoleLinkRow)


async def insert_link(
    conn: Connection, *, tenant_id: str, user_id: str, token_hash: bytes, expires_at: datetime
) -> None:
    """Keep a link, and forget those that are of no use any more."""
    await conn.execute("delete from console_links where expires_at < now()")
    await conn.execute(
        """
        insert into console_links (tenant_id, user_id, token_hash, expires_at)
        values ($1, $2, $3, $4)
        """,
        tenant_id,
        user_id,
        token_hash,
        expires_at,
    )


async def use_link(conn: Connection, secret: str) -> ConsoleLinkRow | None:
    """Use a link up, in one atomic step; None if there is none that may be used."""
    record = await conn.fetchrow(
        f"""
        update console_links set used_at = now()
        where token_hash = $1 and used_at is null and expires_at > now()
        returning {_COLUMNS}
        """,  # noqa: S608
        hash_of(secret),
    )
    return None if record is None else to_row(record, ConsoleLinkRow)
