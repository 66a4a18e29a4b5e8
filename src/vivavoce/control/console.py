"""Let a recruiter into the console by a link that is good for one use, until they leave."""

from datetime import UTC, datetime

from vivavoce import tokens
from vivavoce.control.plane import ControlPlane
from vivavoce.errors import AuthenticationFailed, Forbidden, NotFound
from vivavoce.protocol.interviews import AccessTokenResponse
from vivavoce.store import events
from vivavoce.store.console_links import ENTRY_SECONDS, is_inside, leave, use_link


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
        ttl=ENTRY_SECONDS,
        console_link=link.id,
        now=now,
        iss=plane.settings.token_issuer,
    )
    return AccessTokenResponse(
        access_token=token, expires_at=datetime.fromtimestamp(now + ENTRY_SECONDS, tz=UTC)
    )


async def require_entry(plane: ControlPlane, identity: tokens.Identity) -> None:
    """Refuse a token from a console that its recruiter has left.

    Raises:
        AuthenticationFailed: If they have.
        Unavailable: If the database does not answer.
    """
    async with plane.database.as_service() as conn:
        if await is_inside(
            conn,
            identity.console_link or "",
            tenant_id=identity.tenant_id,
            user_id=identity.subject,
        ):
            return
    raise AuthenticationFailed("You have signed out. Get another link with: viva console")


async def leave_console(
    plane: ControlPlane, identity: tokens.Identity, *, request_id: str | None = None
) -> None:
    """End what `enter_console` began: its token opens nothing any more.

    Raises:
        Forbidden: If the token is not from the console; only its issuer ends such a one.
        Unavailable: If the database does not answer.
    """
    if identity.console_link is None:
        raise Forbidden("This token was not given by a link into the console.")
    async with plane.database.as_service() as conn:
        await leave(conn, identity.console_link)
        await events.add_audit(
            conn,
            tenant_id=identity.tenant_id,
            actor=identity.subject,
            action="console.leave",
            object_id=identity.console_link,
            request_id=request_id,
        )
