"""What a candidate is told before anything begins: to an invitation, and to a plan as a preview."""

from datetime import timedelta
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit
from uuid import UUID

import msgspec

from vivavoce import tokens
from vivavoce.control.occasion import plan_of_draft
from vivavoce.control.plane import ControlPlane
from vivavoce.control.theme import theme_of
from vivavoce.protocol.interview_start import CandidateInfo
from vivavoce.protocol.interviews import (
    DEFAULT_INVITATION_SECONDS,
    ConsentStatement,
    ConsentText,
    InterviewDraft,
    InterviewPreview,
    InvitationState,
    InvitationWelcome,
    InvitedSession,
)
from vivavoce.sessions import consent
from vivavoce.sessions.interview import instructions
from vivavoce.sessions.invitations import InvitationFacts, state_of
from vivavoce.store.interviews import InterviewRow
from vivavoce.store.invitations import Host, InvitationRow, host_of

_NO_INVITATION: Final = str(UUID(int=0))


async def preview(
    plane: ControlPlane, identity: tokens.Identity, draft: InterviewDraft
) -> InterviewPreview:
    """What a candidate would see and could read, if a plan were kept as it is.

    Raises:
        NotFound: If the caller's tenant does not exist.
        Unavailable: If the database does not answer.
    """
    async with plane.database.as_tenant(identity.claims) as conn:
        host = await host_of(conn, tenant_id=identity.tenant_id, company_id=draft.company_id)
    return InterviewPreview(
        welcome=welcome_to(plane, draft, host, None),
        instructions=instructions(plan_of_draft(draft)),
    )


def welcome_to(
    plane: ControlPlane,
    interview: InterviewRow | InterviewDraft,
    host: Host,
    invitation: InvitationRow | None,
) -> InvitationWelcome:
    """The welcome to an interview; without an invitation, as one made now would have it."""
    candidate = None if invitation is None else candidate_of(invitation)
    expires_at = plane.now() + timedelta(seconds=DEFAULT_INVITATION_SECONDS)
    has_agreed = invitation is not None and invitation.consent_version == consent.VERSION
    return InvitationWelcome(
        invitation_id=_NO_INVITATION if invitation is None else invitation.id,
        state="pending" if invitation is None else invitation_state(plane, invitation),
        organisation=host.organisation,
        theme=None if host.accent is None else theme_of(host.accent),
        title=interview.title,
        role=interview.role,
        language=interview.language,
        candidate_name=None if candidate is None else candidate.name,
        max_duration=interview.max_duration,
        question_count=len(interview.questions),
        voice_processor=_voice_processor(plane),
        retention_days=host.retention_days,
        expires_at=expires_at if invitation is None else invitation.expires_at,
        consent=ConsentText(
            version=consent.VERSION,
            statements=[
                ConsentStatement(id=one.id, text=one.text) for one in statements_of(plane, host)
            ],
            agreed_at=invitation.agreed_at if invitation is not None and has_agreed else None,
        ),
        session=None if invitation is None else _session_of(invitation),
    )


def invitation_state(plane: ControlPlane, invitation: InvitationRow) -> InvitationState:
    """Where an invitation stands."""
    facts = InvitationFacts(
        max_uses=invitation.max_uses,
        uses=invitation.uses,
        session_status=invitation.session_status,
        expires_at=invitation.expires_at,
        opened_at=invitation.opened_at,
        revoked_at=invitation.revoked_at,
    )
    return state_of(facts, plane.now())


def candidate_of(invitation: InvitationRow) -> CandidateInfo | None:
    """Who was invited, as far as the recruiter has said."""
    if invitation.candidate is None:
        return None
    return msgspec.convert(invitation.candidate, CandidateInfo)


def statements_of(plane: ControlPlane, host: Host) -> tuple[consent.Statement, ...]:
    """What must be agreed to, in its words."""
    return consent.statements(
        host.organisation,
        voice_processor=_voice_processor(plane),
        retention_days=host.retention_days,
    )


def _voice_processor(plane: ControlPlane) -> str | None:
    """Host of a voice model that is somebody else's; None for one on this machine."""
    host = urlsplit(plane.voice.access.base_url).hostname or ""
    try:
        is_here = ip_address(host).is_loopback
    except ValueError:
        is_here = host == "localhost"
    return None if is_here else host


def _session_of(invitation: InvitationRow) -> InvitedSession | None:
    if invitation.session_id is None or invitation.session_status is None:
        return None
    return InvitedSession(
        session_id=invitation.session_id,
        status=invitation.session_status,
        end_reason=invitation.session_end_reason,
    )
