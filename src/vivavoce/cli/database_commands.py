"""`viva db`: the database of this home, or the one of the settings."""

# ruff: noqa: PLC0415

import os
import shutil
import subprocess
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

import anyio.to_thread
import click
from rich.table import Table

from vivavoce.cli.running import run


@click.group(
    epilog="""\b
Examples:
  viva db status
  viva db psql -- -c 'select status, count(*) from interview_sessions group by 1'
  VIVA_DATABASE_ADMIN_URL=postgresql://… viva db migrate
"""
)
def db() -> None:
    """The database: schema, state, and a prompt."""


@db.command("migrate")
def migrate_database() -> None:
    """Bring the schema up to date."""
    from vivavoce.cli.console import progress
    from vivavoce.store.migrate import migrate

    async def act() -> list[str]:
        with progress() as on_progress:
            async with _admin_address(on_progress) as address:
                return await migrate(address.dsn)

    applied = run(act)
    for name in applied:
        click.echo(f"applied {name}")
    if not applied:
        click.echo("The schema is up to date.")


@db.command("status")
def show_status() -> None:
    """List the migrations, and which of them are applied."""
    from vivavoce.cli.console import out, progress
    from vivavoce.store.migrate import MigrationStatus, status

    async def act() -> list[MigrationStatus]:
        with progress() as on_progress:
            async with _admin_address(on_progress) as address:
                return await status(address.dsn)

    table = Table("version", "name", "applied", box=None)
    for migration in run(act):
        table.add_row(migration.version, migration.name, "yes" if migration.applied else "no")
    out.print(table)


@db.command("psql", context_settings={"ignore_unknown_options": True})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def psql(arguments: tuple[str, ...]) -> None:
    """Open psql as the owner; further ARGUMENTS go to it, after `--`."""
    from vivavoce.cli.console import progress

    async def act() -> int:
        with progress() as on_progress:
            address = await _running_address()
        if address is not None:
            return await _call_psql(address, arguments)
        async with _admin_address(on_progress) as started:
            return await _call_psql(started, arguments)

    raise SystemExit(run(act))


@dataclass(frozen=True)
class _Address:
    """The owner's way in, and where `psql` is; None takes the one of the system."""

    dsn: str
    programs: Path | None


async def _running_address() -> _Address | None:
    """The database of the settings, or the embedded one that somebody runs already."""
    from vivavoce.settings import ServerSettings, load
    from vivavoce.store.embedded import attach_postgres

    settings = load(ServerSettings)
    if settings.database_url is not None:
        admin = settings.database_admin_url or settings.database_url
        return _Address(admin.get_secret_value(), None)
    postgres = await attach_postgres(settings.home)
    return None if postgres is None else _Address(postgres.admin_dsn, postgres.programs)


@asynccontextmanager
async def _admin_address(on_progress: Callable[[str], None]) -> AsyncGenerator[_Address]:
    """The database that runs, or the embedded one, run for the length of the block."""
    from vivavoce.cli.exits import StackFailed
    from vivavoce.cli.home import hold_home
    from vivavoce.settings import ServerSettings, load
    from vivavoce.store.embedded import EmbeddedPostgresError, open_postgres

    address = await _running_address()
    if address is not None:
        yield address
        return
    settings = load(ServerSettings)
    with hold_home(settings.home):
        async with AsyncExitStack() as stack:
            try:
                postgres = await stack.enter_async_context(
                    open_postgres(settings.home, on_progress=on_progress)
                )
            except EmbeddedPostgresError as error:
                raise StackFailed(str(error)) from error
            yield _Address(postgres.admin_dsn, postgres.programs)


async def _call_psql(address: _Address, arguments: tuple[str, ...]) -> int:
    from vivavoce.cli.exits import StackFailed

    name = shutil.which("psql") if address.programs is None else str(address.programs / "psql")
    if name is None:
        raise StackFailed("There is no psql on this machine; install a Postgres client.")
    command = [name, *arguments]
    # A command line is for everybody to read, so the password goes by the environment.
    environment = {**os.environ, **_libpq_environment(address.dsn)}
    return await anyio.to_thread.run_sync(
        lambda: subprocess.run(command, env=environment, check=False).returncode  # noqa: S603  psql, with the user's own arguments
    )


def _libpq_environment(dsn: str) -> dict[str, str]:
    """The address as libpq's own variables (PostgreSQL documentation, "Environment Variables")."""
    parts = urlsplit(dsn)
    query = dict(parse_qsl(parts.query))
    found = {
        "PGUSER": unquote(parts.username or ""),
        "PGPASSWORD": unquote(parts.password or ""),
        "PGHOST": query.get("host") or parts.hostname or "",
        "PGPORT": str(parts.port or query.get("port") or ""),
        "PGDATABASE": parts.path.lstrip("/"),
        "PGSSLMODE": query.get("sslmode", ""),
        "PGSSLROOTCERT": query.get("sslrootcert", ""),
    }
    return {name: value for name, value in found.items() if value}
