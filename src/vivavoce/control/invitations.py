"""Invitations, from the recruiter's side: make one, look at it, take it back."""

from datetime import timedelta

from vivavoce import tokens
from vivavoce.control.end import end_session
from vivavoce.control.plane import ControlPlane
from vivavoce.protocol.codec import clean_text
from vivavoce.protocol.interview_start import CandidateInfo
from vivavoce.protocol.interviews import InvitationRequest
from vivavoce.protocol.messages import EndReason
from vivavoce.store import events
from vivavoce.store import invitations as rows
from vivavoce.store.interviews import get_interview
from vivavoce.store.invitations import InvitationRow


async def invite(
    plane: ControlPlane,
    identity: tokens.Identity,
    interview_id: str,
    request: InvitationRequest,
    *,
    request_id: str | None = None,
) -> tuple[InvitationRow, str]:
    """Invite a candidate: the invitation, and the secret of its link, which is kept nowhere.

    Raises:
        NotFound: If the caller sees no such interview.
        Unavailable: If the database does not answer.
    """
    secret, token_hash = rows.new_secret()
    async with plane.database.as_tenant(identity.claims) as conn:
        await get_interview(conn, interview_id)
        invitation_id = await rows.insert_invitation(
            conn,
            tenant_id=identity.tenant_id,
            interview_id=interview_id,
            author_id=identity.subject,
            token_hash=token_hash,
            candidate=_clean(request.candidate),
            max_uses=request.max_uses,
            expires_at=plane.now() + timedelta(seconds=request.expires_in),
        )
        await events.add_audit(
            conn,
            tenant_id=identity.tenant_id,
            actor=identity.subject,
            action="invitation.create",
            object_id=invitation_id,
            request_id=request_id,
        )
        return await rows.get_invitation(conn, invitation_id), secret


def link_of(plane: ControlPlane, invitation_id: str, secret: str) -> str:
    """The address for the candidate; what stands after `#` is sent to no server."""
    return f"{plane.origin}/i/{invitation_id}#{secret}"


async def take_back(
    plane: ControlPlane,
    identity: tokens.Identity,
    invitation_id: str,
    *,
    request_id: str | None = None,
) -> InvitationRow:
    """Take an invitation back, and end the session that goes on with it.

    Taking it back again changes nothing.

    Raises:
        NotFound: If the caller sees no such invitation.
        Unavailable: If the database does not answer.
    """
    async with plane.database.as_tenant(identity.claims) as conn:
        await rows.get_invitation(conn, invitation_id)
        await rows.revoke(conn, invitation_id)
        await events.add_audit(
            conn,
            tenant_id=identity.tenant_id,
            actor=identity.subject,
            action="invitation.revoke",
            object_id=invitation_id,
            request_id=request_id,
        )
    # Whoever started one meanwhile held the row's lock, and is seen here.
    async with plane.database.as_tenant(identity.claims) as conn:
        live = await rows.live_sessions(conn, invitation_id)
    for session_id in live:
        await end_session(
            plane, session_id, EndReason.REVOKED, actor=identity.subject, request_id=request_id
        )
    async with plane.database.as_tenant(identity.claims) as conn:
        return await rows.get_invitation(conn, invitation_id)


def _clean(candidate: CandidateInfo | None) -> CandidateInfo | None:
    if candidate is None:
        return None

    def cleaned(text: str | None) -> str | None:
        return None if text is None else clean_text(text)

    return CandidateInfo(
        name=cleaned(candidate.name),
        email=cleaned(candidate.email),
        external_id=cleaned(candidate.external_id),
    )
