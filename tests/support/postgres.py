"""A real Postgres for tests: one server for the session, one fresh database for each test."""

import secrets
import tempfile
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import asyncpg
import pytest

from vivavoce.store.embedded import EmbeddedPostgres, open_postgres
from vivavoce.store.migrate import migrate
from vivavoce.store.pool import Database, open_database

TEMPLATE = "vivavoce"


def with_database(dsn: str, name: str) -> str:
    """The same login to another database of the same server."""
    return dsn.replace(f"@/{TEMPLATE}?", f"@/{name}?")


@pytest.fixture(scope="session")
async def postgres(anyio_backend) -> AsyncGenerator[EmbeddedPostgres, None]:
    """The embedded server that tests share; its database `vivavoce` is the migrated template."""
    with open_home() as home:
        async with open_postgres(home, settings={"fsync": "off"}) as server:
            await migrate(server.admin_dsn)
            yield server


@contextmanager
def open_home() -> Generator[Path, None, None]:
    """A state folder with a short path that, as root, the server's own user may pass through."""
    with tempfile.TemporaryDirectory(prefix="viva-test-") as folder:
        Path(folder).chmod(0o711)
        yield Path(folder)


@asynccontextmanager
async def fresh_database(postgres: EmbeddedPostgres) -> AsyncGenerator[str, None]:
    """Make a migrated database with nothing in it, and drop it in the end; yields its name."""
    name = f"test_{secrets.token_hex(6)}"
    control = await asyncpg.connect(with_database(postgres.admin_dsn, "postgres"))
    try:
        await control.execute(f"create database {name} template {TEMPLATE}")
        yield name
        await control.execute(f"drop database {name} with (force)")
    finally:
        await control.close()


@pytest.fixture
async def database_name(postgres: EmbeddedPostgres) -> AsyncGenerator[str, None]:
    """Name of a database of this test's own."""
    async with fresh_database(postgres) as name:
        yield name


@pytest.fixture
def dsn(postgres: EmbeddedPostgres, database_name: str) -> str:
    """Logs in to the test's database as the application does (`authenticator`)."""
    return with_database(postgres.dsn, database_name)


@pytest.fixture
def admin_dsn(postgres: EmbeddedPostgres, database_name: str) -> str:
    """Logs in to the test's database as its owner, beyond row-level security."""
    return with_database(postgres.admin_dsn, database_name)


@pytest.fixture
async def database(dsn: str) -> AsyncGenerator[Database, None]:
    """The test's database, opened."""
    async with open_database(dsn, min_size=1, max_size=5) as opened:
        yield opened
