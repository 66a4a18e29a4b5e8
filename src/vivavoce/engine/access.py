"""Who may use the engine: the holder of its API key, and of a client secret for one call."""

import hmac
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from litestar.connection import ASGIConnection
from pydantic import SecretStr

from vivavoce.engine.realtime_session import default_session
from vivavoce.engine.refusals import invalid_key
from vivavoce.engine.secrets import PREFIX, ClientSecrets

_KEY_PROTOCOL: Final = "openai-insecure-api-key."
SUBPROTOCOL: Final = "realtime"


@dataclass(frozen=True, slots=True)
class Access:
    """The engine's key and the client secrets that are alive."""

    api_key: SecretStr | None
    secrets: ClientSecrets = field(default_factory=ClientSecrets)

    def require_key(self, token: str) -> None:
        """Refuse whoever does not send the API key; a client secret is not enough.

        Raises:
            Refused: With 401.
        """
        given = token.encode(errors="replace")
        if self.api_key is None or not hmac.compare_digest(
            given, self.api_key.get_secret_value().encode()
        ):
            raise invalid_key()

    @contextmanager
    def session_for(self, token: str) -> Generator[dict[str, Any], None, None]:
        """Give the session that a key stands for; a client secret is used up by success.

        Raises:
            Refused: With 401.
        """
        if not token.startswith(PREFIX):
            self.require_key(token)
            yield default_session()
            return
        session = self.secrets.redeem(token)
        try:
            yield session
        except BaseException:
            self.secrets.give_back(token)
            raise


def bearer(connection: ASGIConnection[Any, Any, Any, Any]) -> str:
    """Give the key that a request brings; empty where it brings none."""
    scheme, _, token = connection.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def key_of_browser(subprotocols: Sequence[str]) -> str:
    """Give the key among subprotocols, where a browser must put it; empty where there is none."""
    for protocol in subprotocols:
        if protocol.startswith(_KEY_PROTOCOL):
            return protocol.removeprefix(_KEY_PROTOCOL)
    return ""
