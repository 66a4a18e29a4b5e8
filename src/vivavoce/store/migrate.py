"""Migrations: plain SQL files, applied in order, recorded as Supabase's own tool records them.

`supabase db push` and `viva db migrate` can therefore take turns on the same database.
"""

import hashlib
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Final

import asyncpg

from vivavoce.errors import Conflict, Unavailable
from vivavoce.store.pool import tls_for

_LOCK: Final = 0x76697661  # "viva": one migrator at a time
_HISTORY: Final = """
create schema if not exists supabase_migrations;
create table if not exists supabase_migrations.schema_migrations (
  version text primary key, statements text[], name text
);
create table if not exists supabase_migrations.viva_checksums (
  version text primary key references supabase_migrations.schema_migrations on delete cascade,
  sha256 text not null
);
"""


@dataclass(frozen=True, slots=True)
class Migration:
    """One file. `version` is its fourteen digits."""

    version: str
    name: str
    sql: str

    @property
    def sha256(self) -> str:
        """Fingerprint of the text, to notice a file that was changed after it was applied."""
        return hashlib.sha256(self.sql.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class MigrationStatus:
    """Whether a migration is applied here."""

    version: str
    name: str
    applied: bool


def migrations() -> list[Migration]:
    """Read the migrations that this version brings, oldest first."""
    found = []
    for path in sorted(_folder().glob("*.sql")):
        version, _, name = path.stem.partition("_")
        found.append(Migration(version, name, path.read_text(encoding="utf-8")))
    return found


async def migrate(admin_dsn: str) -> list[str]:
    """Bring the schema up to date: each file in a transaction of its own.

    Returns:
        The names of the migrations that were applied, oldest first.

    Raises:
        Conflict: If a file was changed after it was applied here.
        Unavailable: If the database cannot be reached.
    """
    connection = await _connect(admin_dsn)
    try:
        await connection.execute("select pg_advisory_lock($1)", _LOCK)
        await connection.execute(_HISTORY)
        applied = await _applied(connection)
        fresh = []
        for migration in migrations():
            if migration.version in applied:
                _refuse_changed(migration, applied[migration.version])
                continue
            async with connection.transaction():
                await connection.execute(migration.sql)
                await _record(connection, migration)
            fresh.append(f"{migration.version}_{migration.name}")
        return fresh
    finally:
        await connection.close(timeout=5)


async def status(admin_dsn: str) -> list[MigrationStatus]:
    """List all migrations of this version, oldest first, without changing anything.

    Raises:
        Unavailable: If the database cannot be reached.
    """
    connection = await _connect(admin_dsn)
    try:
        known = await connection.fetchval(
            "select to_regclass('supabase_migrations.schema_migrations') is not null"
        )
        rows = (
            await connection.fetch("select version from supabase_migrations.schema_migrations")
            if known
            else []
        )
        applied = {row["version"] for row in rows}
    finally:
        await connection.close(timeout=5)
    return [
        MigrationStatus(migration.version, migration.name, migration.version in applied)
        for migration in migrations()
    ]


def _folder() -> Path:
    """The wheel carries the files; a checkout has them where Supabase's tool looks."""
    packaged = Path(str(files("vivavoce.store"))) / "migrations"
    return packaged if packaged.is_dir() else Path(__file__).parents[3] / "supabase" / "migrations"


async def _connect(dsn: str) -> asyncpg.Connection:
    try:
        return await asyncpg.connect(dsn, timeout=10, ssl=tls_for(dsn))
    except (OSError, TimeoutError, asyncpg.PostgresError) as error:
        raise Unavailable(
            "The database cannot be reached with the administrator's address."
        ) from error


async def _applied(connection: asyncpg.Connection) -> dict[str, str | None]:
    rows = await connection.fetch(
        "select version, sha256 from supabase_migrations.schema_migrations"
        " left join supabase_migrations.viva_checksums using (version)"
    )
    return {row["version"]: row["sha256"] for row in rows}


def _refuse_changed(migration: Migration, sha256: str | None) -> None:
    if sha256 is not None and sha256 != migration.sha256:
        raise Conflict(
            f"The migration {migration.version}_{migration.name} was changed after it was applied"
            " here. Add a new file instead of changing an old one."
        )


async def _record(connection: asyncpg.Connection, migration: Migration) -> None:
    await connection.execute(
        "insert into supabase_migrations.schema_migrations (version, statements, name)"
        " values ($1, $2, $3)",
        migration.version,
        [migration.sql],
        migration.name,
    )
    await connection.execute(
        "insert into supabase_migrations.viva_checksums (version, sha256) values ($1, $2)",
        migration.version,
        migration.sha256,
    )
