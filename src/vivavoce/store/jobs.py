"""Rows of `cleanup_jobs`: what is left to be done survives whoever was doing it.

For the service role only. Several processes may take jobs: each job is one's at a time, for the
length of its lock, and another's after it.
"""

from datetime import datetime
from typing import Any, Final

import msgspec

from vivavoce.store.pool import Connection
from vivavoce.store.rows import columns, to_row

SETTLE: Final = "settle_session"
"""Do what is left to be done for a session."""
HANG_UP: Final = "hang_up"
"""Hang up a call that outlived its session, or that of a sound check when its time is over."""


class JobRow(msgspec.Struct, frozen=True, kw_only=True):
    """A job and how often it was tried."""

    id: str
    kind: str
    session_id: str | None
    payload: dict[str, Any]
    attempts: int


_COLUMNS: Final = columns(JobRow)


async def add_job(
    conn: Connection,
    kind: str,
    *,
    session_id: str | None = None,
    payload: dict[str, Any] | None = None,
    run_at: datetime | None = None,
) -> None:
    """Write a job down, in the transaction of what makes it necessary."""
    await conn.execute(
        """
        insert into cleanup_jobs (kind, session_id, payload, run_at)
        values ($1, $2, $3::jsonb, coalesce($4, now()))
        """,
        kind,
        session_id,
        payload or {},
        run_at,
    )


async def take_jobs(conn: Connection, *, limit: int, lock_seconds: float) -> list[JobRow]:
    """Take jobs that are due; they are this caller's for `lock_seconds`."""
    records = await conn.fetch(
        f"""
        update cleanup_jobs set attempts = attempts + 1,
          locked_until = now() + make_interval(secs => $2)
        where id in (
          select id from cleanup_jobs
          where done_at is null and run_at <= now()
            and (locked_until is null or locked_until < now())
          order by run_at limit $1 for update skip locked)
        returning {_COLUMNS}
        """,  # noqa: S608
        limit,
        lock_seconds,
    )
    return [to_row(record, JobRow) for record in records]


async def finish_job(conn: Connection, job_id: str) -> None:
    """A job is done."""
    await conn.execute("update cleanup_jobs set done_at = now() where id = $1", job_id)


async def finish_jobs_of(conn: Connection, kind: str, session_id: str) -> None:
    """All jobs of a kind for a session are done."""
    await conn.execute(
        """
        update cleanup_jobs set done_at = now()
        where kind = $1 and session_id = $2 and done_at is null
        """,
        kind,
        session_id,
    )


async def postpone_job(conn: Connection, job_id: str, *, seconds: float, error: str | None) -> None:
    """A job is to be tried again later."""
    await conn.execute(
        """
        update cleanup_jobs set run_at = now() + make_interval(secs => $2), locked_until = null,
          last_error = $3
        where id = $1 and done_at is null
        """,
        job_id,
        seconds,
        error,
    )


async def seconds_to_next_job(conn: Connection) -> float | None:
    """Seconds until a job is due; None if there is none."""
    seconds: float | None = await conn.fetchval(
        """
        select extract(epoch from min(greatest(run_at, coalesce(locked_until, run_at))) - now())
          ::double precision
        from cleanup_jobs where done_at is null
        """
    )
    return seconds


async def has_open_job(conn: Connection, kind: str, session_id: str) -> bool:
    """Whether such a job is waiting for the session."""
    return bool(
        await conn.fetchval(
            """
            select exists (select from cleanup_jobs
              where kind = $1 and session_id = $2 and done_at is null)
            """,
            kind,
            session_id,
        )
    )
