"""Who sees which session: row-level security, and revocation on top of it."""

from vivavoce import tokens
from vivavoce.control.plane import ControlPlane
from vivavoce.errors import AuthenticationFailed
from vivavoce.store import events
from vivavoce.store import sessions as rows
from vivavoce.store.pool import Connection
from vivavoce.store.sessions import SessionRow


async def visible_session(
    plane: ControlPlane, identity: tokens.Identity, session_id: str
) -> SessionRow:
    """A session, for somebody who may see it.

    Raises:
        NotFound: If the caller sees no such session.
        AuthenticationFailed: If the caller's token, or all of the session's, were revoked.
        Unavailable: If the database does not answer.
    """
    async with plane.database.as_tenant(identity.claims) as conn:
        return await session_seen_by(conn, identity, session_id)


async def session_seen_by(
    conn: Connection, identity: tokens.Identity, session_id: str
) -> SessionRow:
    """The same on a connection that has the caller's claims."""
    session = await rows.get_session(conn, session_id)
    if identity.kind == tokens.SESSION and (
        session.revoked_at is not None or await events.is_revoked(conn, identity.token_id)
    ):
        raise AuthenticationFailed("The token was revoked.")
    return session
