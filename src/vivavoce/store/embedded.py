"""The embedded Postgres: real, private, and supervised by us.

The server listens on a unix socket in a folder that only its user enters, and asks for a password
there too. It stops when this process dies, whatever the cause, and is started again when it dies
itself. Nothing is written outside the home's own folder.
"""

import fcntl
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import AsyncGenerator, Callable, Generator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final
from urllib.parse import quote

import anyio
import asyncpg

from vivavoce.processes import die_with, until_exited
from vivavoce.store.postgres_files import (
    MAJOR,
    Account,
    EmbeddedPostgresError,
    Places,
    choose_account,
    choose_creator,
    find_programs,
    forget_far_sockets,
    prepare_places,
    read_passwords,
)

__all__ = ["EmbeddedPostgres", "EmbeddedPostgresError", "attach_postgres", "open_postgres"]

DATABASE: Final = "vivavoce"
START_SECONDS: Final = 30.0
STOP_SECONDS: Final = 10.0
INITDB_SECONDS: Final = 120
_RESTART_DELAYS: Final = (0.0, 0.2, 0.5, 1.0, 2.0, 5.0)
_POLL_SECONDS: Final = 0.02
# What a server says that finds another one, or what is left of one, at its folder.
_HELD: Final = ("postmaster.pid", "shared memory block")
_NO_SETTINGS: Final[Mapping[str, str]] = MappingProxyType({})

# Errors are logged without their detail, which quotes rows: what people said stays in the tables.
_SETTINGS: Final = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "shared_buffers": "128MB",
    "synchronous_commit": "on",
    "jit": "off",
    "autovacuum_naptime": "10s",  # a fresh database soon learns how its tables fill
    "log_error_verbosity": "terse",
    "log_min_error_statement": "panic",
    "log_statement": "none",
    "timezone": "UTC",
}


@dataclass(frozen=True, slots=True)
class EmbeddedPostgres:
    """A running server.

    Attributes:
        dsn: Logs in as `authenticator`: for `store.pool.open_database`.
        admin_dsn: Logs in as the owner: for `store.migrate` and nothing else.
        programs: Folder of `psql`, `pg_dump` and the others, of the server's own version.
        log: The server's log.
        pid: Of the server, as of now.
    """

    dsn: str
    admin_dsn: str
    programs: Path
    log: Path
    pid: Callable[[], int | None]


@asynccontextmanager
async def open_postgres(
    home: Path,
    *,
    settings: Mapping[str, str] = _NO_SETTINGS,
    on_progress: Callable[[str], None] = lambda _: None,
) -> AsyncGenerator[EmbeddedPostgres, None]:
    """Run the embedded Postgres of a home for the length of the `async with` block.

    Must be entered on the process's main thread: the kernel ties the server's life to the thread
    that started it.

    Args:
        home: Folder of everything that we keep; the server's part is `postgres/` in it.
        settings: Of Postgres, before ours.
        on_progress: Told in words what takes long.

    Raises:
        EmbeddedPostgresError: If it cannot run here, with what to do about it.
    """
    account = choose_account(home)
    places = prepare_places(home, account)
    with _lock(places):
        programs = find_programs(places.root, account)
        passwords = read_passwords(places)
        _refuse_other_major(places)
        if not (places.data / "PG_VERSION").exists():
            on_progress("Creating the database…")
            await anyio.to_thread.run_sync(_create, programs, places, account, passwords)
        server = _Server(programs, places, account, {**_SETTINGS, **settings})
        running = _describe(places, programs, passwords, server.pid)
        try:
            await server.start(_postgres_dsn(places, passwords))
            await _create_database(_postgres_dsn(places, passwords), passwords)
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(server.keep_running, _postgres_dsn(places, passwords))
                yield running
                tasks.cancel_scope.cancel()
        finally:
            with anyio.move_on_after(3 * STOP_SECONDS, shield=True):
                await server.stop()
            forget_far_sockets(places)


async def attach_postgres(home: Path) -> EmbeddedPostgres | None:
    """Find the server of a home that another process runs, or None if none answers.

    Raises:
        EmbeddedPostgresError: If the home is another user's.
    """
    if not (home / "postgres" / "passwords.json").exists():
        return None
    account = choose_account(home)
    places = prepare_places(home, account)
    passwords = read_passwords(places)
    if not await _answers(_postgres_dsn(places, passwords)):
        return None
    programs = find_programs(places.root, account)
    return _describe(places, programs, passwords, lambda: _postmaster_pid(places))


class _Server:
    """The server process."""

    def __init__(
        self, programs: Path, places: Places, account: Account, settings: Mapping[str, str]
    ) -> None:
        self._programs = programs
        self._places = places
        self._account = account
        self._settings = {**settings, "unix_socket_directories": str(places.sockets)}
        self._process: subprocess.Popen[bytes] | None = None

    def pid(self) -> int | None:
        """Process id, or None while there is none."""
        return self._process.pid if self._process and self._process.poll() is None else None

    async def start(self, dsn: str) -> None:
        """Start the server and wait until it answers.

        A server that outlived its supervisor for a moment still holds the folder: wait for it.
        """
        with anyio.move_on_after(START_SECONDS):
            while True:
                if self.pid() is None:
                    self._spawn()
                # One that is being stopped may answer too: it must be the one that we started.
                if _postmaster_pid(self._places) == self.pid() and await _answers(dsn):
                    return
                if self.pid() is None:
                    if not any(sign in _last_words(self._places.log) for sign in _HELD):
                        break
                    await anyio.sleep(0.1)
                await anyio.sleep(_POLL_SECONDS)
        await self.stop()
        raise EmbeddedPostgresError(
            f"Postgres did not start. Its last words: {_last_words(self._places.log)}"
        )

    async def keep_running(self, dsn: str) -> None:
        """Start the server again whenever it dies, until cancelled."""
        failures = 0
        while True:
            await until_exited(self._process)
            await anyio.sleep(_RESTART_DELAYS[min(failures, len(_RESTART_DELAYS) - 1)])
            try:
                await self.start(dsn)
                failures = 0
            except EmbeddedPostgresError:
                failures += 1

    async def stop(self) -> None:
        """Stop the server: in order, and if it will not, at once."""
        for polite in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
            process = self._process
            if process is None or process.poll() is not None:
                break
            process.send_signal(polite)
            with anyio.move_on_after(STOP_SECONDS):
                await until_exited(self._process)
        self._process = None

    def _spawn(self) -> None:
        with open(self._places.log, "ab", opener=_private) as log:
            self._process = subprocess.Popen(  # noqa: S603  our own program
                [
                    str(self._programs / "postgres"),
                    "-D",
                    str(self._places.data),
                    *(f"--{name}={value}" for name, value in self._settings.items()),
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self._places.data,
                start_new_session=True,  # Ctrl-C is for us: clients drain before the server stops
                preexec_fn=die_with(os.getpid(), signal.SIGINT),  # noqa: PLW1509  no other thread forks
                user=self._account.uid,
                group=self._account.gid,
                extra_groups=self._account.extra_groups,
            )


@contextmanager
def _lock(places: Places) -> Generator[None, None, None]:
    """Hold the home against a second supervisor."""
    with open(places.lock, "w", opener=_private) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise EmbeddedPostgresError(
                f"Another Vivavoce runs the database in {places.root}. Stop that one, or choose"
                " another folder with VIVA_HOME."
            ) from None
        yield


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _refuse_other_major(places: Places) -> None:
    others = [folder.name for folder in places.root.glob("data-*") if folder != places.data]
    if others and not (places.data / "PG_VERSION").exists():
        raise EmbeddedPostgresError(
            f"{places.root} holds {others[0]}, of another Postgres than the installed {MAJOR}."
            " Export it with the version of Vivavoce that wrote it, and import it here."
        )


def _create(programs: Path, places: Places, account: Account, passwords: dict[str, str]) -> None:
    """Make the data folder under another name first: half of one must not be taken for it."""
    creator = choose_creator()
    for abandoned in places.root.glob("new-*"):
        shutil.rmtree(abandoned)
    fresh = Path(tempfile.mkdtemp(prefix="new-", dir=places.root))
    password_file = fresh / "password"
    descriptor = os.open(password_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(passwords["postgres"])
    creator.give(fresh)
    made = subprocess.run(  # noqa: S603  our own program
        [
            str(programs / "initdb"),
            f"--pgdata={fresh / 'data'}",
            "--username=postgres",
            "--auth=scram-sha-256",
            f"--pwfile={password_file}",
            "--encoding=UTF8",
            "--locale=C.UTF-8",
        ],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        cwd=fresh,
        timeout=INITDB_SECONDS,
        check=False,
        user=creator.uid,
        group=creator.gid,
        extra_groups=creator.extra_groups,
    )
    if made.returncode == 0:
        account.give(fresh / "data")
        (fresh / "data").rename(places.data)
    shutil.rmtree(fresh, ignore_errors=True)
    if made.returncode != 0:
        raise EmbeddedPostgresError(
            f"The database could not be created: {made.stderr.decode(errors='replace')[-600:]}"
        )


async def _create_database(dsn: str, passwords: dict[str, str]) -> None:
    connection = await asyncpg.connect(dsn, timeout=START_SECONDS)
    try:
        if not await connection.fetchval("select to_regrole('authenticator') is not null"):
            # The password is made of URL-safe characters, so that it needs no quoting.
            await connection.execute(
                f"create role authenticator login noinherit password '{passwords['authenticator']}'"
            )
        if not await connection.fetchval(
            "select exists (select from pg_database where datname = $1)", DATABASE
        ):
            await connection.execute(f"create database {DATABASE}")
    finally:
        await connection.close(timeout=5)


async def _answers(dsn: str) -> bool:
    """Whether a server lets us in: the only sign of life that counts."""
    try:
        connection = await asyncpg.connect(dsn, timeout=5)
        await connection.close(timeout=5)
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
        return False
    return True


def _describe(
    places: Places, programs: Path, passwords: dict[str, str], pid: Callable[[], int | None]
) -> EmbeddedPostgres:
    return EmbeddedPostgres(
        dsn=_dsn(places, "authenticator", passwords, DATABASE),
        admin_dsn=_dsn(places, "postgres", passwords, DATABASE),
        programs=programs,
        log=places.log,
        pid=pid,
    )


def _postgres_dsn(places: Places, passwords: dict[str, str]) -> str:
    return _dsn(places, "postgres", passwords, "postgres")


def _dsn(places: Places, role: str, passwords: dict[str, str], database: str) -> str:
    folder = quote(str(places.sockets), safe="")
    return f"postgresql://{role}:{passwords[role]}@/{database}?host={folder}"


def _postmaster_pid(places: Places) -> int | None:
    try:
        return int((places.data / "postmaster.pid").read_text().splitlines()[0])
    except (OSError, ValueError, IndexError):
        return None


def _last_words(log: Path) -> str:
    lines = log.read_text(errors="replace").splitlines() if log.exists() else []
    return " / ".join(lines[-3:]) or "(none)"
