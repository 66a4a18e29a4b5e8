"""Rows of `machines`: written before a provider is called, so that nothing runs unaccounted for.

For the service role only.
"""

from datetime import datetime
from typing import Any, Final

import msgspec

from vivavoce.store.pool import Connection
from vivavoce.store.rows import columns, to_row

HELD: Final = ("requested", "starting", "ready", "claimed", "draining", "lost", "failed")
"""States in which something may be left to be destroyed."""


class MachineRow(msgspec.Struct, frozen=True, kw_only=True):
    """A machine and where it stands; it only moves forward."""

    id: str
    tenant_id: str | None
    session_id: str | None
    provider: str
    isolation: str | None
    region: str | None
    state: str
    endpoint: dict[str, Any]
    created_at: datetime
    claimed_at: datetime | None
    expires_at: datetime
    gone_at: datetime | None


_COLUMNS: Final = columns(MachineRow)


async def insert_machine(
    conn: Connection,
    *,
    machine_id: str,
    provider: str,
    isolation: str,
    region: str,
    expires_at: datetime,
    session_id: str | None = None,
    tenant_id: str | None = None,
) -> None:
    """Note that a machine is about to be asked for."""
    await conn.execute(
        """
        insert into machines (id, provider, isolation, region, expires_at, session_id, tenant_id)
        values ($1, $2, $3, $4, $5, $6, $7)
        """,
        machine_id,
        provider,
        isolation,
        region,
        expires_at,
        session_id,
        tenant_id,
    )


async def note_ready(
    conn: Connection, machine_id: str, *, endpoint: dict[str, Any], isolation: str
) -> bool:
    """Note that a machine answers, and where. False if it was given up meanwhile."""
    return bool(
        await conn.fetchval(
            """
            update machines set state = 'ready', endpoint = $2::jsonb, isolation = $3
            where id = $1 and state in ('requested', 'starting') returning true
            """,
            machine_id,
            endpoint,
            isolation,
        )
    )


async def note_claimed(
    conn: Connection, machine_id: str, *, session_id: str, tenant_id: str
) -> bool:
    """Give a machine to a session, once and for all.

    One statement that takes its own role, for a connection without one (`Database.as_nobody`).

    Returns:
        False if it is not to be had, or the session has a machine: it serves, or served, another
        session, or is gone.
    """
    return bool(
        await conn.fetchval(
            "select viva.book_machine($1, $2, $3)", machine_id, session_id, tenant_id
        )
    )


async def note_state(conn: Connection, machine_id: str, state: str) -> None:
    """Move a machine forward to `draining`, `gone`, `failed` or `lost`."""
    await conn.execute(
        """
        update machines set state = $2,
          gone_at = case when $2 = 'gone' then coalesce(gone_at, now()) else gone_at end
        where id = $1 and state <> 'gone'
        """,
        machine_id,
        state,
    )


async def note_lost(conn: Connection, machine_id: str) -> bool:
    """Note that a serving machine went away. False if somebody else has noted it."""
    return bool(
        await conn.fetchval(
            "update machines set state = 'lost' where id = $1 and state = 'claimed' returning true",
            machine_id,
        )
    )


async def machines_of(conn: Connection, session_id: str) -> list[MachineRow]:
    """All machines that a session has had, the oldest first."""
    records = await conn.fetch(
        f"select {_COLUMNS} from machines where session_id = $1 order by created_at, id",  # noqa: S608
        session_id,
    )
    return [to_row(record, MachineRow) for record in records]


async def find_machine(conn: Connection, machine_id: str) -> MachineRow | None:
    """One machine."""
    record = await conn.fetchrow(
        f"select {_COLUMNS} from machines where id = $1",  # noqa: S608
        machine_id,
    )
    return None if record is None else to_row(record, MachineRow)


async def held_machines(conn: Connection, provider: str) -> list[MachineRow]:
    """Every machine of a provider that may still be there."""
    records = await conn.fetch(
        f"""
        select {_COLUMNS} from machines where provider = $1 and state = any($2)
        order by created_at, id
        """,  # noqa: S608
        provider,
        list(HELD),
    )
    return [to_row(record, MachineRow) for record in records]
