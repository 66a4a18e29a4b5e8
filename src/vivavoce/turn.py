"""Addresses of STUN and TURN servers, and time-limited credentials for TURN.

A TURN server that shares a secret with us lets in whoever has a name that we have signed, until
the time that stands in the name: coturn's `use-auth-secret`.
Source: draft-uberti-behave-turn-rest-00; RFC 7064 and RFC 7065 (addresses).
"""

import re
from base64 import b64encode
from collections.abc import Sequence
from hashlib import sha1
from hmac import new as new_hmac
from typing import Final

MIN_SECRET_CHARACTERS: Final = 16
_HOST: Final = r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+)(:\d{1,5})?"
_STUN: Final = re.compile(rf"stuns?:{_HOST}")
_TURN: Final = re.compile(rf"turns?:{_HOST}(\?transport=(udp|tcp))?")


def credentials(secret: str, *, name: str, expires_at: int) -> tuple[str, str]:
    """Make a username and its password.

    Args:
        secret: Shared with the TURN server.
        name: Stands in the server's log, such as a session's id.
        expires_at: Seconds since the epoch; nothing is allotted or prolonged after.
    """
    username = f"{expires_at}:{name}"
    # SHA-1 is the protocol's; in an HMAC nothing is known against it.
    digest = new_hmac(secret.encode(), username.encode(), sha1).digest()
    return username, b64encode(digest).decode()


def stun_urls(urls: tuple[str, ...]) -> tuple[str, ...]:
    """Refuse what a browser would not take.

    Raises:
        ValueError: If one is no address of a STUN server.
    """
    if not all(_STUN.fullmatch(url) for url in urls):
        raise ValueError("should be addresses such as stun:stun.example.org:3478")
    return urls


def turn_urls(urls: tuple[str, ...]) -> tuple[str, ...]:
    """Refuse what a browser would not take.

    Raises:
        ValueError: If one is no address of a TURN server.
    """
    if not all(_TURN.fullmatch(url) for url in urls):
        raise ValueError("should be addresses such as turn:turn.example.org:3478?transport=udp")
    return urls


def check_secret(secret: str | None, urls: Sequence[str]) -> None:
    """Refuse TURN servers without a secret: browsers take none without credentials.

    Raises:
        ValueError: If it is missing or too short.
    """
    if urls and (secret is None or len(secret) < MIN_SECRET_CHARACTERS):
        raise ValueError(
            f"should be the TURN servers' static-auth-secret, {MIN_SECRET_CHARACTERS} characters"
            " or more"
        )
