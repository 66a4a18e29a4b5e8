"""One home, one platform: the lock, who holds it, and where it answers."""

import fcntl
import os
import secrets
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec

from vivavoce.cli.exits import StackFailed

TENANT_ID: Final = "10ca1000-0000-4000-8000-000000000001"
COMPANY_ID: Final = "10ca1000-0000-4000-8000-000000000002"
USER_ID: Final = "10ca1000-0000-4000-8000-000000000003"
"""The local tenant, its company, and whom `viva token` speaks for."""
INTERVIEW_ID: Final = "10ca1000-0000-4000-8000-000000000004"
AUTHOR_ID: Final = "10ca1000-0000-4000-8000-000000000005"
"""The interview to try, and who has planned it and invites to it: `viva up` itself."""

_LOCK: Final = "viva.lock"
_RUNNING: Final = "running.json"


class Running(msgspec.Struct, frozen=True):
    """A platform that is up: where its API is, and its supervisor."""

    url: str
    pid: int


def prepare_home(home: Path) -> None:
    """Make the folder, for its owner only; Postgres, another user as root, may pass through it.

    Raises:
        StackFailed: If it cannot be made or written.
    """
    try:
        home.mkdir(mode=0o711 if os.geteuid() == 0 else 0o700, parents=True, exist_ok=True)
        (home / "logs").mkdir(mode=0o700, exist_ok=True)
        probe = home / f".probe-{secrets.token_hex(4)}"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise StackFailed(
            f"{home} cannot be written ({error.strerror}). Choose another folder with VIVA_HOME."
        ) from error


@contextmanager
def hold_home(home: Path) -> Generator[None]:
    """Be the one platform of a home for the length of the block.

    Raises:
        StackFailed: If another one is.
    """
    prepare_home(home)
    with (home / _LOCK).open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StackFailed(
                f"A platform runs from {home} already. Stop it, or choose another folder with"
                " VIVA_HOME."
            ) from None
        try:
            yield
        finally:
            (home / _RUNNING).unlink(missing_ok=True)


def announce(home: Path, url: str) -> None:
    """Say where the platform of a home answers."""
    text = msgspec.json.encode(Running(url, os.getpid()))
    temporary = home / f".{_RUNNING}"
    temporary.write_bytes(text)
    temporary.rename(home / _RUNNING)


def running(home: Path) -> Running | None:
    """The platform that runs from a home, or None. A note left by a killed one does not count."""
    try:
        note = msgspec.json.decode((home / _RUNNING).read_bytes(), type=Running)
        with (home / _LOCK).open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return note
    except (OSError, msgspec.MsgspecError):
        return None
    return None
