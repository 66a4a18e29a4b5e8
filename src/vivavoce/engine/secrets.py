"""Client secrets (`ek_…`): keys that open one call each, with a session prepared on the server."""

import hashlib
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from vivavoce.engine.refusals import Refused

PREFIX: Final = "ek_"
MIN_SECONDS: Final = 10
MAX_SECONDS: Final = 7_200
_MAX_SECRETS: Final = 10_000


@dataclass(slots=True)
class _Secret:
    session: dict[str, Any]
    expires_at: float
    is_used: bool = False


class ClientSecrets:
    """The client secrets of one engine, in memory, known by their hashes."""

    def __init__(
        self, now: Callable[[], float] = time.time, *, are_single_use: bool = True
    ) -> None:
        self._now = now
        self._are_single_use = are_single_use
        self._secrets: dict[bytes, _Secret] = {}

    def issue(self, session: dict[str, Any], seconds: int) -> tuple[str, int]:
        """Make a secret for a session.

        Returns:
            The secret and the time at which it expires, in epoch seconds.

        Raises:
            Refused: If it may not live so long or so short, or too many have not expired.
        """
        if not MIN_SECONDS <= seconds <= MAX_SECONDS:
            raise Refused(
                f"expires_after.seconds must be from {MIN_SECONDS} to {MAX_SECONDS}.",
                code="invalid_value",
                param="expires_after.seconds",
            )
        self._forget_expired()
        if len(self._secrets) >= _MAX_SECRETS:
            raise Refused(
                "Too many client secrets are alive.", status=429, code="rate_limit_exceeded"
            )
        value = PREFIX + secrets.token_urlsafe(32)
        expires_at = int(self._now()) + seconds
        self._secrets[_hash(value)] = _Secret(session, expires_at)
        return value, expires_at

    def redeem(self, value: str) -> dict[str, Any]:
        """Use a secret for its one call and return its session.

        Raises:
            Refused: If it is unknown, expired or used.
        """
        secret = self._secrets.get(_hash(value))
        if secret is None:
            raise Refused("Invalid client secret.", status=401, code="invalid_api_key")
        if secret.expires_at <= self._now():
            raise Refused(
                "The client secret has expired.", status=401, code="ephemeral_token_expired"
            )
        if secret.is_used:
            raise Refused(
                "The client secret was used; each opens one call.",
                status=401,
                code="ephemeral_token_already_used",
            )
        secret.is_used = self._are_single_use
        return secret.session

    def give_back(self, value: str) -> None:
        """Undo `redeem` where no call came of it."""
        if secret := self._secrets.get(_hash(value)):
            secret.is_used = False

    def _forget_expired(self) -> None:
        now = self._now()
        for key in [key for key, secret in self._secrets.items() if secret.expires_at <= now]:
            del self._secrets[key]


def _hash(value: str) -> bytes:
    return hashlib.sha256(value.encode(errors="replace")).digest()
