"""Half a program never goes on as if all was well."""

import os
import sys
from contextlib import asynccontextmanager

import anyio
import asyncpg

from support.postgres import admin_dsn, database_name, dsn, open_home, postgres

__all__ = ["admin_dsn", "database_name", "dsn", "postgres"]


@asynccontextmanager
async def running(command, environment):
    """A process that is gone after the block, whatever happens in it."""
    async with await anyio.open_process(command, env=environment) as process:
        try:
            yield process
        finally:
            if process.returncode is None:
                process.kill()


async def test_a_background_task_that_fails_ends_the_program_with_its_own_exit_code(dsn, admin_dsn):
    with open_home() as home:
        environment = {
            "PATH": os.environ["PATH"],
            "VIVA_HOME": str(home),
            "VIVA_PORT": "0",
            "VIVA_DATABASE_URL": dsn,
            "VIVA_VOICE_BASE_URL": "http://127.0.0.1:9/v1",
            "VIVA_VOICE_API_KEY": "not-a-key-of-anything",
        }
        command = [sys.executable, "-m", "vivavoce.cli.main", "api"]
        async with running(command, environment) as api:
            with anyio.fail_after(40):
                assert (await api.stdout.receive()).startswith(b"http://")
                connection = await asyncpg.connect(admin_dsn)
                await connection.execute("alter table cleanup_jobs rename to lost_jobs")
                await connection.close()
                # Nobody has stopped it: whoever works jobs off failed, and everything ends with it.
                said = b"".join([chunk async for chunk in api.stderr])
                await api.wait()
    assert api.returncode == 70
    assert b"cleanup_jobs" in said
