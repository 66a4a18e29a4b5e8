"""Rows of `console_links`: each lets one recruiter into the console, once, until they leave.

For the service role only. As with invitations, only the secret's hash is stored.
"""

from datetime import datetime
from typing import Final

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
    left_at: datetime | None


ENTRY_SECONDS: Final = 12 * 3600
"""How long somebody may stay who came in by a link: a working day."""
_COLUMNS = columns(ConsoleLinkRow)


async def insert_link(
    conn: Connection, *, tenant_id: str, user_id: str, token_hash: bytes, expires_at: datetime
) -> None:
    """Keep a link, and forget those that are of no use to anybody who came in by them."""
    await conn.execute(
        "delete from console_links where expires_at < now() - make_interval(secs => $1)",
        ENTRY_SECONDS,
    )
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


async def is_inside(conn: Connection, link_id: str, *, tenant_id: str, user_id: str) -> bool:
    """Whether somebody came in by a link, and has not left."""
    return bool(
        await conn.fetchval(
            """
            select exists (
              select from console_links
              where id = $1 and tenant_id = $2 and user_id = $3
                and used_at is not null and left_at is null
            )
            """,
            link_id,
            tenant_id,
            user_id,
        )
    )


async def leave(conn: Connection, link_id: str) -> None:
    """Note that whoever came in by a link has left."""
    await conn.execute(
        "update console_links set left_at = now() where id = $1 and left_at is null", link_id
    )
