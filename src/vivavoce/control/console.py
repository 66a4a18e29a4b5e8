"""Let a recruiter into the console by a link that is good for one use."""

from datetime import UTC, datetime
from typing import Final

from vivavoce import tokens
from vivavoce.control.plane import ControlPlane
from vivavoce.errors import NotFound
from vivavoce.protocol.interviews import AccessTokenResponse
from vivavoce.store import events
from vivavoce.store.console_links import use_link

TOKEN_SECONDS: Final = 12 * 3600
"""A working day: the console has nothing to renew its token with."""


async def enter_console(
    plane: ControlPlane, secret: str, *, request_id: str | None = None
) -> AccessTokenResponse:
    """Exchange the secret of a link for an access token of the recruiter it was made for.

    Raises:
        NotFound: If there is no such link, or it was used or has expired: nobody is told which.
        Unavailable: If the database does not answer; the link is not used up then.
    """
    async with plane.database.as_service() as conn:
        link = await use_link(conn, secret)
        if link is None:
            raise NotFound("This link is used up or too old. Get another one with: viva console")
        await events.add_audit(
            conn,
            tenant_id=link.tenant_id,
            actor=link.user_id,
            action="console.enter",
            object_id=link.id,
            request_id=request_id,
        )
    now = int(plane.now().timestamp())
    token = tokens.issue(
        plane.keys,
        audience=tokens.ACCESS,
        subject=link.user_id,
        tenant_id=link.tenant_id,
        ttl=TOKEN_SECONDS,
        now=now,
        iss=plane.settings.token_issuer,
    )
    return AccessTokenResponse(
        access_token=token, expires_at=datetime.fromtimestamp(now + TOKEN_SECONDS, tz=UTC)
    )
