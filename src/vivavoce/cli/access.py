"""The local tenant's access: tokens signed with the home's own keys, and where the API is."""

from typing import Final

from vivavoce import tokens
from vivavoce.cli.exits import StackFailed
from vivavoce.cli.home import TENANT_ID, USER_ID, running
from vivavoce.control.keys import signing_keys
from vivavoce.errors import Unavailable
from vivavoce.settings import ServerSettings

TOKEN_SECONDS: Final = 3600


def local_keys(settings: ServerSettings) -> tokens.SigningKeys:
    """The keys that sign: from `VIVA_SIGNING_KEYS`, else from the home, made at first use.

    Raises:
        OSError: If the file cannot be written.
        ValueError: If the keys cannot be read.
    """
    given = settings.signing_keys
    return signing_keys(settings.home, given.get_secret_value() if given else None)


def local_token(
    settings: ServerSettings,
    *,
    tenant_id: str = TENANT_ID,
    user_id: str = USER_ID,
    role: str = "authenticated",
    ttl: int = TOKEN_SECONDS,
) -> str:
    """Sign an access token with the keys of a home or of the settings.

    Raises:
        StackFailed: If the keys cannot be read or made.
    """
    try:
        keys = local_keys(settings)
    except (OSError, ValueError) as error:
        raise StackFailed(f"The signing keys cannot be used: {error}") from error
    return tokens.issue(
        keys, audience=tokens.ACCESS, subject=user_id, tenant_id=tenant_id, ttl=ttl, role=role
    )


def api_url(settings: ServerSettings) -> str:
    """Where the API of this home answers.

    Raises:
        Unavailable: If nothing runs from it.
    """
    place = running(settings.home)
    if place is None:
        raise Unavailable(f"Nothing runs from {settings.home}. Start it with: viva up")
    return place.url
