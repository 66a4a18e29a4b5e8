"""Who is asking: the bearer token of a request (RFC 6750)."""

from base64 import urlsafe_b64decode
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from litestar import Request

from vivavoce.errors import AuthenticationFailed, InvalidRequest
from vivavoce.protocol.codec import decode
from vivavoce.tokens import ACCESS, Identity, SupabaseVerifier, Verifier


class _Header(msgspec.Struct):
    alg: str | None = None


@dataclass(frozen=True)
class Authenticator:
    """Verifies tokens of ours, and of users of a Supabase project if its secret is set."""

    verifier: Verifier
    supabase: SupabaseVerifier | None = None

    def verify(self, token: str, audiences: Sequence[str], *, grace: int = 0) -> Identity:
        """Check a token in full.

        Args:
            token: The compact JWT.
            audiences: Which kinds are accepted.
            grace: Seconds by which it may have expired.

        Raises:
            AuthenticationFailed: If it is not good.
        """
        if self.supabase is not None and ACCESS in audiences and _algorithm(token) == "HS256":
            return self.supabase.verify(token)
        return self.verifier.verify(token, audiences=audiences, grace=grace)


def bearer_token(request: Request[Any, Any, Any]) -> str:
    """The token of the `Authorization` header.

    Raises:
        AuthenticationFailed: If there is none.
    """
    return bearer_of(request.headers.get("authorization", ""))


def bearer_of(authorization: str) -> str:
    """The token in the value of an `Authorization` header.

    Raises:
        AuthenticationFailed: If there is none.
    """
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise AuthenticationFailed("This needs an Authorization header with a bearer token.")
    return token.strip()


def _algorithm(token: str) -> str | None:
    """What the header says, to pick who verifies it: each one takes its own algorithm only."""
    try:
        header = urlsafe_b64decode(token.partition(".")[0][:1024] + "==")
        return decode(header, _Header).alg
    except (ValueError, InvalidRequest):
        return None
