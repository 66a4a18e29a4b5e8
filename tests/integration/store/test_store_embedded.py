"""The embedded Postgres lives as long as we do, comes back when it dies, and is ours alone."""

# ruff: noqa: ASYNC240  a look at a local file

import os
import pwd
import signal
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import anyio
import asyncpg
import pytest

from support.postgres import open_home
from vivavoce.store.embedded import (
    EmbeddedPostgres,
    EmbeddedPostgresError,
    attach_postgres,
    open_postgres,
)

RUN = """
import signal, sys, anyio
from pathlib import Path
from vivavoce.store.embedded import open_postgres

signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored below a shell's background jobs

async def main():
    async with open_postgres(Path(sys.argv[1])) as server:
        print(server.pid(), server.admin_dsn, flush=True)
        await anyio.sleep_forever()

anyio.run(main)
"""
START_SECONDS = 30.0


@pytest.fixture(scope="module")
def used_home() -> Generator[Path, None, None]:
    """A home whose database exists, so that not every test has to make one."""
    with open_home() as home:
        yield home


async def execute(dsn: str, sql: str):
    connection = await asyncpg.connect(dsn)
    try:
        return await connection.fetchval(sql)
    finally:
        await connection.close()


async def add_row(dsn: str) -> None:
    await execute(dsn, "create table if not exists kept (id int)")
    await execute(dsn, "insert into kept values (1)")


async def rows(dsn: str) -> int:
    return await execute(dsn, "select count(*) from kept")


async def killed(server: EmbeddedPostgres) -> int:
    """Kill the server and wait until there is another."""
    old = server.pid()
    assert old is not None
    os.kill(old, signal.SIGKILL)
    with anyio.fail_after(START_SECONDS):
        while server.pid() in (None, old):
            await anyio.lowlevel.checkpoint()
            await anyio.sleep(0.01)
        while True:
            try:
                await execute(server.dsn, "select 1")
            except (OSError, asyncpg.PostgresError):
                await anyio.sleep(0.01)
            else:
                return old


@contextmanager
def other_process(home: Path, *command: str) -> Generator[tuple[subprocess.Popen, int, str]]:
    """Another process that runs the server; yields it, the server's pid and DSN."""
    with subprocess.Popen(  # noqa: S603  our own interpreter
        [*command, sys.executable, "-c", RUN, str(home)], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        try:
            pid, dsn = process.stdout.readline().split()
            yield process, int(pid), dsn
        finally:
            process.kill()


async def gone(pid: int) -> None:
    """Wait until a process that is not our child has ended."""
    with anyio.fail_after(START_SECONDS):
        while Path(f"/proc/{pid}/stat").exists():
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return
            await anyio.sleep(0.01)


async def test_a_server_that_is_killed_comes_back_with_every_committed_row(used_home: Path):
    async with open_postgres(used_home) as server:
        await execute(server.admin_dsn, "drop table if exists kept")
        await add_row(server.admin_dsn)
        for _ in range(2):
            await killed(server)
        assert await rows(server.admin_dsn) == 1
        pid = server.pid()
    assert pid is not None
    await gone(pid)


async def test_a_server_dies_with_whoever_runs_it_and_is_started_anew(used_home: Path):
    with other_process(used_home) as (process, pid, dsn):
        await execute(dsn, "drop table if exists kept")
        await add_row(dsn)
        process.kill()
        process.wait()
        async with open_postgres(used_home) as server:  # while the old one may still be stopping
            assert server.pid() != pid
            assert await rows(server.admin_dsn) == 1
        await gone(pid)


async def test_a_pid_file_that_names_another_process_is_no_hindrance(used_home: Path):
    async with open_postgres(used_home) as server:
        pass
    (data,) = (used_home / "postgres").glob("data-*")
    stale = data / "postmaster.pid"
    stale.write_text(f"{os.getpid()}\n{data}\n0\n5432\n{data}\n\n0 0\nready\n")
    owner = data.stat()
    os.chown(stale, owner.st_uid, owner.st_gid)
    async with open_postgres(used_home) as server:
        assert await execute(server.dsn, "select 1") == 1


async def test_a_second_supervisor_is_refused_and_may_attach(used_home: Path):
    async with open_postgres(used_home) as server:
        with pytest.raises(EmbeddedPostgresError, match="Another Vivavoce runs"):
            async with open_postgres(used_home):
                pass
        attached = await attach_postgres(used_home)
        assert attached is not None
        assert (attached.pid(), attached.dsn) == (server.pid(), server.dsn)
        assert await execute(attached.dsn, "select current_user") == "authenticator"
    assert await attach_postgres(used_home) is None


async def test_there_is_nothing_to_attach_to_in_an_empty_folder(tmp_path: Path):
    assert await attach_postgres(tmp_path) is None
    assert list(tmp_path.iterdir()) == []


async def test_a_login_needs_its_password(used_home: Path):
    async with open_postgres(used_home) as server:
        for dsn in (server.dsn, server.admin_dsn):
            login, _, rest = dsn.partition("@")
            wrong = login.rpartition(":")[0] + ":guessed@" + rest
            with pytest.raises(asyncpg.InvalidPasswordError):
                await execute(wrong, "select 1")


async def test_what_is_private_stays_private(used_home: Path):
    async with open_postgres(used_home):
        root = used_home / "postgres"
        modes = {path.name: path.stat().st_mode & 0o777 for path in root.iterdir()}
    assert modes["passwords.json"] == 0o600
    assert modes["postgres.log"] == 0o600
    assert modes["run"] == 0o700
    assert modes["data-18"] == 0o700


async def test_a_long_path_gets_its_socket_elsewhere_and_it_is_cleared_away():
    with open_home() as home:
        deep = home / ("d" * 60) / ("e" * 60)
        async with open_postgres(deep) as server:
            assert await execute(server.dsn, "select 1") == 1
            far = Path((deep / "postgres" / "sockets").read_text())
            assert far.stat().st_mode & 0o777 == 0o700
            attached = await attach_postgres(deep)
            assert attached is not None
        assert not far.exists()


async def test_half_a_database_is_not_taken_for_one():
    with open_home() as home:
        half = home / "postgres" / "new-abandoned"
        half.mkdir(parents=True)
        (half / "PG_VERSION").write_text("18\n")
        async with open_postgres(home) as server:
            assert await execute(server.dsn, "select 1") == 1
        assert not half.exists()


async def test_data_of_another_postgres_is_refused_with_what_to_do():
    with open_home() as home:
        (home / "postgres" / "data-17").mkdir(parents=True)
        with pytest.raises(EmbeddedPostgresError, match="data-17"):
            async with open_postgres(home):
                pass


async def test_a_server_that_cannot_start_says_its_last_words(used_home: Path):
    with pytest.raises(EmbeddedPostgresError, match="no_such_setting"):
        async with open_postgres(used_home, settings={"no_such_setting": "1"}):
            pass


def as_user(uid: int) -> tuple[str, ...]:
    return ("setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be several users")
async def test_ordinary_users_run_their_own_and_reach_no_other(used_home: Path):
    ours, theirs = pwd.getpwnam("nobody").pw_uid, pwd.getpwnam("daemon").pw_uid
    with open_home() as home:
        os.chown(home, ours, ours)
        with other_process(home, *as_user(ours)) as (process, pid, dsn):
            assert Path(f"/proc/{pid}").stat().st_uid == ours
            assert await execute(dsn, "select 1") == 1
            for command in ([sys.executable, "-c", RUN, home], ["ls", home / "postgres" / "run"]):
                denied = subprocess.run(  # noqa: S603, ASYNC221  a moment
                    [*as_user(theirs), *command], capture_output=True, text=True, check=False
                )
                assert denied.returncode != 0
                assert "belongs to" in denied.stderr or "Permission denied" in denied.stderr
            process.kill()
            await gone(pid)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be several users")
async def test_as_root_the_server_is_a_user_that_nobody_else_is(used_home: Path):
    async with open_postgres(used_home) as server:
        uid = Path(f"/proc/{server.pid()}").stat().st_uid
        assert uid != 0
        assert uid not in {entry.pw_uid for entry in pwd.getpwall()}
    async with open_postgres(used_home) as server:
        assert Path(f"/proc/{server.pid()}").stat().st_uid == uid


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be a user without a name")
def test_a_user_without_a_name_is_told_what_to_do():
    with open_home() as home:
        home.chmod(0o777)
        refused = subprocess.run(  # noqa: S603  our own interpreter
            [*as_user(64_999), sys.executable, "-c", RUN, home],
            capture_output=True,
            text=True,
            check=False,
        )
    assert "uid 64999 has none on this machine" in refused.stderr


def test_nothing_is_left_outside_the_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    with open_home() as home:
        monkeypatch.setenv("HOME", str(tmp_path))
        monkeypatch.setenv("TMPDIR", str(tmp_path))
        with other_process(home) as (process, _, _):
            process.send_signal(signal.SIGINT)
            process.wait(START_SECONDS)
        assert [path.name for path in home.iterdir()] == ["postgres"]
    assert list(tmp_path.iterdir()) == []
