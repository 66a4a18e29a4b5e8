"""Who is asking: the bearer token of a request (RFC 6750)."""

from collections.abc import Sequence
from typing import Any

from litestar import Request

from vivavoce.errors import AuthenticationFailed
from vivavoce.tokens import Identity, Verifier


def bearer_token(request: Request[Any, Any, Any]) -> str:
    """The token of the `Authorization` header.

    Raises:
        AuthenticationFailed: If there is none.
    """
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise AuthenticationFailed("This needs an Authorization header with a bearer token.")
    return token.strip()


def identify(
    request: Request[Any, Any, Any], verifier: Verifier, audiences: Sequence[str], *, grace: int = 0
) -> Identity:
    """Verify the request's token.

    Args:
        request: The request.
        verifier: Knows the public keys.
        audiences: Which kinds of token are accepted.
        grace: Seconds by which it may have expired.

    Raises:
        AuthenticationFailed: If there is none, or it is not good.
    """
    return verifier.verify(bearer_token(request), audiences=audiences, grace=grace)
