"""Connections to Postgres, and the one way to use them: inside a transaction, as somebody.

The pool logs in as `authenticator`, which has no rights of its own. A transaction becomes
`authenticated` with a token's claims, or `service_role`; both end with the transaction. A role set
for longer would outlive asyncpg's reset of the connection and serve the next caller.
"""

import ssl
from collections.abc import AsyncGenerator, Generator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager, suppress
from typing import Any, Final, TypeAlias
from urllib.parse import parse_qs, urlsplit

import anyio
import asyncpg
import msgspec

from vivavoce.errors import Unavailable

Connection: TypeAlias = "asyncpg.pool.PoolConnectionProxy[asyncpg.Record]"
ACQUIRE_SECONDS: Final = 5.0
STATEMENT_SECONDS: Final = 15.0
CLOSE_SECONDS: Final = 3.0
_LOST: Final = (
    OSError,
    TimeoutError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # a connection that was cut in the middle of a statement
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.TooManyConnectionsError,
    asyncpg.InsufficientResourcesError,
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.QueryCanceledError,
    asyncpg.TransactionRollbackError,  # a deadlock: one of the two has to try again
)


class Database:
    """A pool of connections. Made by `open_database`."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    def as_tenant(self, claims: Mapping[str, Any]) -> AbstractAsyncContextManager[Connection]:
        """A transaction under a token's claims: row-level security shows what they may see.

        Args:
            claims: Of a verified token, as `tokens.Identity.claims`.

        Raises:
            Unavailable: If the database does not answer, or is lost on the way. What the
                transaction did is then not known to be stored, and may be done again.
        """
        return self._transaction("authenticated", claims)

    def as_service(self) -> AbstractAsyncContextManager[Connection]:
        """A transaction of the control plane itself, for work that spans tenants.

        Raises:
            Unavailable: As in `as_tenant`.
        """
        return self._transaction("service_role", {"role": "service_role"})

    @asynccontextmanager
    async def as_nobody(self) -> AsyncGenerator[Connection, None]:
        """A connection without a role, for one call of a function that sets its own.

        There is no transaction but the statement's: that saves two round trips.

        Raises:
            Unavailable: As in `as_tenant`.
        """
        with told_plainly():
            async with self._pool.acquire(timeout=ACQUIRE_SECONDS) as connection:
                yield connection

    @asynccontextmanager
    async def _transaction(
        self, role: str, claims: Mapping[str, Any]
    ) -> AsyncGenerator[Connection, None]:
        with told_plainly():
            async with self._pool.acquire(timeout=ACQUIRE_SECONDS) as connection:
                try:
                    await connection.execute(_beginning(role, claims))
                    yield connection
                except BaseException:
                    with anyio.move_on_after(CLOSE_SECONDS, shield=True), suppress(*_LOST):
                        await connection.execute("rollback")
                    raise
                await connection.execute("commit")


def _beginning(role: str, claims: Mapping[str, Any]) -> str:
    """Begin a transaction as somebody, in one round trip.

    Only a statement without parameters can share a trip with others; in hexadecimal the claims
    need no quoting.
    """
    return (
        "begin; select set_config('request.jwt.claims',"
        f" convert_from(decode('{msgspec.json.encode(claims).hex()}', 'hex'), 'utf8'), true),"
        f" set_config('role', '{role}', true)"
    )


@contextmanager
def told_plainly() -> Generator[None, None, None]:
    """Tell of a lost database in our own words, once for all the ways of losing it."""
    try:
        yield
    except _LOST as error:
        raise Unavailable(
            "The database does not answer at the moment; try again shortly.", retry_after=1.0
        ) from error
    except asyncpg.PostgresError as error:
        error.detail = None  # it quotes the row, and would stand in logs: what somebody said
        raise


@asynccontextmanager
async def open_database(
    dsn: str, *, min_size: int = 2, max_size: int = 10
) -> AsyncGenerator[Database, None]:
    """Open a pool for the length of the `async with` block.

    Args:
        dsn: Of a role that may become `authenticated` and `service_role`. A server on another
            machine is reached with verified TLS (`sslmode=verify-full`) unless the DSN says else.
        min_size: Connections kept open.
        max_size: Connections at most; callers wait up to `ACQUIRE_SECONDS` for one.

    Raises:
        Unavailable: If the database cannot be reached.
    """
    try:
        pool = await asyncpg.create_pool(
            dsn,
            min_size=min_size,
            max_size=max_size,
            command_timeout=STATEMENT_SECONDS,
            timeout=ACQUIRE_SECONDS,
            ssl=tls_for(dsn),
            init=_prepare,
            reset=_leave_as_is,
            server_settings={"application_name": "vivavoce"},
        )
    except (*_LOST, asyncpg.InvalidAuthorizationSpecificationError) as error:
        raise Unavailable(
            "The database cannot be reached. Check VIVA_DATABASE_URL, or `viva doctor`."
        ) from error
    try:
        yield Database(pool)
    finally:
        with anyio.move_on_after(CLOSE_SECONDS, shield=True):
            await pool.close()
        pool.terminate()


async def _prepare(connection: asyncpg.Connection) -> None:
    for name in ("json", "jsonb"):
        await connection.set_type_codec(
            name,
            encoder=lambda value: msgspec.json.encode(value).decode(),
            decoder=msgspec.json.decode,
            schema="pg_catalog",
        )


async def _leave_as_is(_: asyncpg.Connection) -> None:
    """Save a round trip: nothing that we do outlives its transaction, which asyncpg undoes."""


def tls_for(dsn: str) -> ssl.SSLContext | None:
    """Choose TLS for a DSN: verified for any other machine, none on this one's socket or loopback.

    None leaves the choice to the DSN's own `sslmode`.
    """
    parts = urlsplit(dsn)
    options = parse_qs(parts.query)
    host = parts.hostname or options.get("host", [""])[0]
    if "sslmode" in options or host in ("", "localhost", "127.0.0.1", "::1") or host[:1] == "/":
        return None
    return ssl.create_default_context()
