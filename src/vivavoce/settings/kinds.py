"""Kinds of settings: what a value may be, and how it is written in the environment."""

from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr
from pydantic_settings import NoDecode

from vivavoce import turn


def _url(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise ValueError("should be a URL such as http://127.0.0.1:8100/v1")
    return value.rstrip("/")


def _words(value: Any) -> Any:
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


Url = Annotated[str, AfterValidator(_url)]
Names = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_words)]
"""Several words: separated by commas in the environment, a list in the file."""
StunUrls = Annotated[Names, AfterValidator(turn.stun_urls)]
TurnUrls = Annotated[Names, AfterValidator(turn.turn_urls)]
Port = Annotated[int, Field(ge=0, le=65535)]
Seconds = Annotated[float, Field(gt=0, le=86_400)]


def turn_secret(value: SecretStr | None, urls: tuple[str, ...]) -> SecretStr | None:
    """Check the secret of TURN servers.

    Raises:
        ValueError: If it is too short, or there is none and they need one.
    """
    turn.check_secret(None if value is None else value.get_secret_value(), urls)
    return value


def reachable(host: str) -> str:
    """Where somebody on this machine reaches what listens on an address."""
    return "127.0.0.1" if host in ("0.0.0.0", "::", "") else host  # noqa: S104  read, not bound
