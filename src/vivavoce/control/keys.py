"""The keys that sign our tokens: from a setting, or from a file that only we can read."""

import json
import os
from pathlib import Path
from typing import Final

from vivavoce.tokens import SigningKeys, generate_keys, load_keys

FILE_NAME: Final = "signing-keys.json"


def signing_keys(home: Path, jwks: str | None = None) -> SigningKeys:
    """Load the signing keys; make them, once, where there are none.

    Args:
        home: Folder for state; the file in it has mode 0600.
        jwks: A JWKS with private keys that is used instead (`VIVA_SIGNING_KEYS`).

    Raises:
        ValueError: If the keys cannot be read, or others can read the file.
        OSError: If the file cannot be written.
    """
    if jwks:
        return _parse(jwks, "VIVA_SIGNING_KEYS")
    path = home / FILE_NAME
    try:
        return _read(path)
    except FileNotFoundError:
        return _create(path)


def _read(path: Path) -> SigningKeys:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    with os.fdopen(descriptor, encoding="utf-8") as file:
        if os.fstat(descriptor).st_mode & 0o077:
            raise ValueError(f"{path} can be read by others; run: chmod 600 {path}")
        return _parse(file.read(), str(path))


def _parse(text: str, source: str) -> SigningKeys:
    try:
        return load_keys(json.loads(text))
    except (ValueError, TypeError, RecursionError):
        raise ValueError(f"{source} is not a JWKS with private P-256 keys.") from None


def _create(path: Path) -> SigningKeys:
    """Write new keys whole or not at all; who comes second takes the first one's."""
    keys = generate_keys()
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(keys.private_jwks(), file)
            file.flush()
            os.fsync(descriptor)
        os.link(temporary, path)
    except FileExistsError:
        return _read(path)
    finally:
        temporary.unlink()
    return keys
