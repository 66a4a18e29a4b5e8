"""A Postgres 15 of Debian's, the oldest that we support, beside the embedded one."""

import os
import pwd
import subprocess
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

PROGRAMS = Path("/usr/lib/postgresql/15/bin")
PASSWORD = "only-for-tests"


@contextmanager
def run_postgres_15() -> Generator[str, None, None]:
    """Run one until the block ends; yields its administrator's DSN, to the database `vivavoce`."""
    user = pwd.getpwnam("nobody") if os.geteuid() == 0 else None
    identity = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []} if user else {}
    with tempfile.TemporaryDirectory(prefix="viva-pg15-") as name:
        folder = Path(name)
        if user:
            os.chown(folder, user.pw_uid, user.pw_gid)
        password_file = folder / "password"
        password_file.write_text(PASSWORD)
        password_file.chmod(0o644)

        def run(program: str, *arguments: str) -> None:
            subprocess.run(  # noqa: S603  a fixed program
                [PROGRAMS / program, *arguments],
                cwd=folder,
                check=True,
                timeout=60,
                stdout=subprocess.DEVNULL,
                **identity,
            )

        data = f"--pgdata={folder / 'data'}"
        run(
            "initdb",
            data,
            "--username=postgres",
            "--auth=scram-sha-256",
            f"--pwfile={password_file}",
            "--encoding=UTF8",
            "--locale=C.UTF-8",
            "--no-sync",
        )
        options = f"-c listen_addresses= -c unix_socket_directories={folder} -c fsync=off"
        run("pg_ctl", data, "start", "--wait", f"--options={options}", f"--log={folder / 'log'}")
        try:
            yield f"postgresql://postgres:{PASSWORD}@/vivavoce?host={folder}"
        finally:
            run("pg_ctl", data, "stop", "--wait", "--mode=immediate")
