"""Renew a session token while the session lives."""

from uuid import UUID

from vivavoce import tokens
from vivavoce.control import configuration
from vivavoce.control.access import visible_session
from vivavoce.control.plane import ControlPlane
from vivavoce.errors import Forbidden, InvalidRequest, NotFound, SessionEnded
from vivavoce.protocol.interview_start import SessionTokenResponse
from vivavoce.sessions.lifecycle import LIVE


async def renew_token(
    plane: ControlPlane, identity: tokens.Identity, session_id: str | None = None
) -> SessionTokenResponse:
    """Issue another session token; in the direct architecture, another client secret too.

    Args:
        plane: The parts.
        identity: A session token, expired by at most `tokens.RENEWAL_GRACE_SECONDS`, or the
            access token of whoever started the session, or the token of its invitation.
        session_id: Which session, for the latter two.

    Raises:
        InvalidRequest: If it is not said which session.
        AuthenticationFailed: If the token was revoked.
        Forbidden: If somebody else started the session.
        NotFound: If there is no such session.
        SessionEnded: If the session is over or ending.
        Unavailable: If the database or the voice model does not answer.
    """
    session = await visible_session(plane, identity, _which(identity, session_id))
    if session.user_id != identity.subject:
        raise Forbidden("Somebody else started this session.")
    if session.status not in LIVE or session.expires_at <= plane.now():
        raise SessionEnded("The session is over.")
    secret = None
    if session.architecture == "direct":
        call = configuration.issued_config(session).call
        secret = await plane.voice.create_client_secret(call)
    token = configuration.session_token(plane, session)
    return SessionTokenResponse(
        session_token=token.value, expires_at=token.expires_at, client_secret=secret
    )


def _which(identity: tokens.Identity, session_id: str | None) -> str:
    named = session_id or identity.session_id
    if named is None:
        raise InvalidRequest("sessionId: an access token does not say which session.")
    try:
        wanted = UUID(named)
    except ValueError:
        raise NotFound("There is no such session.") from None
    if identity.session_id is not None and UUID(identity.session_id) != wanted:
        raise NotFound("There is no such session.")
    return str(wanted)
