"""What is left running of an interview or of a platform: counted from outside, not believed."""

import os
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass

import asyncpg
import psutil

from vivavoce.cli.outcome import LeftRunning

_UNFINISHED_ROWS = """
select
  (select count(*) from interview_sessions
    where status not in ('ended', 'failed') and ($1::uuid is null or id = $1))
  + (select count(*) from machines
    where state not in ('gone', 'failed', 'lost') and ($1::uuid is null or session_id = $1))
  + (select count(*) from cleanup_jobs
    where done_at is null and ($1::uuid is null or session_id = $1)) as rows,
  (select count(*) from session_calls
    where hung_up_at is null and ended_at is null and ($1::uuid is null or session_id = $1))
    as calls
"""


@dataclass(frozen=True)
class Rows:
    """Rows that are not at their end."""

    rows: int
    calls: int


async def count_rows(admin_dsn: str, session_id: str | None = None) -> Rows:
    """Count what the database says is not over: of one session, or of all."""
    connection = await asyncpg.connect(admin_dsn, timeout=10)
    try:
        record = await connection.fetchrow(_UNFINISHED_ROWS, session_id)
    finally:
        await connection.close(timeout=5)
    return Rows(record["rows"], record["calls"])


def our_processes() -> frozenset[psutil.Process]:
    """Every process below this one."""
    return frozenset(psutil.Process(os.getpid()).children(recursive=True))


def count_remains(processes: Iterable[psutil.Process], rows: Rows) -> LeftRunning:
    """Count which of these processes still run, and the network sockets of theirs and ours."""
    left = [process for process in processes if _is_alive(process)]
    sockets = 0
    for process in [*left, psutil.Process(os.getpid())]:
        with suppress(psutil.Error):
            sockets += sum(
                connection.status not in (psutil.CONN_TIME_WAIT, psutil.CONN_CLOSE)
                for connection in process.net_connections(kind="inet")
            )
    return LeftRunning(processes=len(left), sockets=sockets, calls=rows.calls, rows=rows.rows)


def _is_alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
