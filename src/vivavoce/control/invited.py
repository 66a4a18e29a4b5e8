"""Invitations, from the candidate's side: come in by a link, agree, start, and come back.

A candidate's token writes nothing. What it asks for the control plane does, under claims that reach
the candidate's tenant and no further, after the database has said that the invitation allows it.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final

from vivavoce import tokens
from vivavoce.control.occasion import Occasion
from vivavoce.control.plane import ControlPlane
from vivavoce.control.start import start_interview
from vivavoce.control.welcome import (
    candidate_of,
    invitation_state,
    statements_of,
    welcome_to,
)
from vivavoce.errors import Conflict, InvalidRequest, NotFound, SessionEnded
from vivavoce.protocol.interview_start import (
    InterviewStartRequest,
    InterviewStartResponse,
)
from vivavoce.protocol.interviews import (
    AccessTokenResponse,
    ConsentRequest,
    ConsentView,
    InvitationWelcome,
)
from vivavoce.sessions import consent
from vivavoce.store import events
from vivavoce.store import invitations as rows
from vivavoce.store.interviews import InterviewRow, get_interview
from vivavoce.store.invitations import Host, InvitationRow
from vivavoce.store.pool import Connection

TOKEN_SECONDS: Final = 3600
"""Of an invitation's token; the link gives another one at any time."""


async def come_in(
    plane: ControlPlane, secret: str, *, request_id: str | None = None
) -> AccessTokenResponse:
    """Exchange the secret of a link for a token.

    Raises:
        NotFound: If there is no such link.
        Forbidden: If the invitation was taken back, or expired before a session began (`reason`).
        Unavailable: If the database does not answer.
    """
    async with plane.database.as_service() as conn:
        invitation = await rows.find_by_secret(conn, secret)
        if invitation is None:
            raise NotFound(
                "This link opens nothing. Check that it is whole, or ask whoever sent it."
            )
        _require_open(plane, invitation)
        if invitation.opened_at is None:
            await rows.note_opened(conn, invitation.id)
            await _audit(conn, invitation, "invitation.open", request_id)
    now = int(plane.now().timestamp())
    token = tokens.issue(
        plane.keys,
        audience=tokens.INVITATION,
        subject=invitation.id,
        tenant_id=invitation.tenant_id,
        ttl=TOKEN_SECONDS,
        invitation_id=invitation.id,
        now=now,
        iss=plane.settings.token_issuer,
    )
    expires_at = datetime.fromtimestamp(now + TOKEN_SECONDS, tz=UTC)
    return AccessTokenResponse(access_token=token, expires_at=expires_at)


async def welcome(plane: ControlPlane, identity: tokens.Identity) -> InvitationWelcome:
    """What a candidate is told before anything begins.

    Raises:
        NotFound: If the invitation is gone.
        Forbidden: As in `come_in`.
        Unavailable: If the database does not answer.
    """
    invitation = await own_invitation(plane, identity)
    interview, host = await interview_of(plane, invitation)
    return welcome_to(plane, interview, host, invitation)


async def agree(
    plane: ControlPlane,
    identity: tokens.Identity,
    request: ConsentRequest,
    *,
    request_id: str | None = None,
) -> ConsentView:
    """Keep what a candidate agreed to, in its words. Saying it again changes nothing.

    Raises:
        Conflict: If the text is another one by now (`reason`).
        InvalidRequest: If a statement is missing, or there is no such one.
        NotFound: If the invitation is gone.
        Forbidden: As in `come_in`.
        Unavailable: If the database does not answer.
    """
    invitation = await own_invitation(plane, identity)
    if request.version != consent.VERSION:
        raise Conflict("The text has changed; read it again, and agree to it.", reason="new_text")
    _, host = await interview_of(plane, invitation)
    statements = statements_of(plane, host)
    if {one.id for one in statements} != set(request.agreed):
        wanted = ", ".join(one.id for one in statements)
        raise InvalidRequest(f"agreed: every statement is needed, and no other: {wanted}.")
    async with plane.database.as_service() as conn:
        at = await rows.insert_consent(
            conn,
            tenant_id=invitation.tenant_id,
            invitation_id=invitation.id,
            version=request.version,
            agreed=statements,
        )
        await _audit(conn, invitation, "consent.give", request_id)
    return ConsentView(version=request.version, agreed_at=at)


async def start_invited(
    plane: ControlPlane,
    identity: tokens.Identity,
    request: InterviewStartRequest,
    *,
    request_id: str | None = None,
) -> InterviewStartResponse:
    """Start the session of an invitation, or come back to the one that goes on.

    Sessions are numbered by the uses of the invitation: the number is the idempotency key, so that
    however often the link is followed there is one session at a time.

    Raises:
        InvalidRequest: If the request says what only a recruiter may.
        Conflict: If the candidate has not agreed to the text yet (`reason`).
        SessionEnded: If the invitation has had its sessions.
        Forbidden: If it was taken back, or has expired (`reason`).
        VivavoceError: What a start can fail with, as `start_interview`.
    """
    _refuse_what_only_recruiters_say(request)
    invitation = await own_invitation(plane, identity)
    interview, _ = await interview_of(plane, invitation)
    if invitation_state(plane, invitation) == "completed":
        raise SessionEnded("The interview of this invitation is over.")
    is_held = invitation_state(plane, invitation) == "in_progress"
    number = invitation.uses if is_held else invitation.uses + 1
    return await start_interview(
        plane,
        replace(identity, claims=_claims_for(invitation)),
        InterviewStartRequest(
            architecture=request.architecture,
            region=request.region,
            candidate=candidate_of(invitation),
        ),
        idempotency_key=f"invitation {number}",
        request_id=request_id,
        occasion=Occasion(interview, invitation.id, consent.VERSION),
    )


def _require_open(plane: ControlPlane, invitation: InvitationRow) -> None:
    state = invitation_state(plane, invitation)
    if state == "revoked":
        raise rows.refuse_revoked()
    if state == "expired":
        raise rows.refuse_expired()


async def own_invitation(plane: ControlPlane, identity: tokens.Identity) -> InvitationRow:
    """The invitation that a token is of.

    Raises:
        NotFound: If the invitation is gone.
        Forbidden: As in `come_in`.
        Unavailable: If the database does not answer.
    """
    async with plane.database.as_tenant(identity.claims) as conn:
        invitation = await rows.get_invitation(conn, identity.invitation_id or "")
    _require_open(plane, invitation)
    return invitation


async def interview_of(plane: ControlPlane, invitation: InvitationRow) -> tuple[InterviewRow, Host]:
    """The interview and who holds it; both are beyond a candidate's own claims."""
    async with plane.database.as_tenant(_claims_for(invitation)) as conn:
        interview = await get_interview(conn, invitation.interview_id)
        host = await rows.host_of(
            conn, tenant_id=interview.tenant_id, company_id=interview.company_id
        )
        return interview, host


def _claims_for(invitation: InvitationRow) -> Mapping[str, Any]:
    return {
        "role": "authenticated",
        "sub": invitation.id,
        "tenant_id": invitation.tenant_id,
    }


def _refuse_what_only_recruiters_say(request: InterviewStartRequest) -> None:
    given = {
        "sessionConfig": request.session_config,
        "companyId": request.company_id,
        "sessionData": request.session_data,
        "interviewId": request.interview_id,
        "candidate": request.candidate,
    }
    for name, value in given.items():
        if value is not None:
            raise InvalidRequest(f"{name}: the invitation says it.")


async def _audit(
    conn: Connection, invitation: InvitationRow, action: str, request_id: str | None
) -> None:
    await events.add_audit(
        conn,
        tenant_id=invitation.tenant_id,
        actor=invitation.id,
        action=action,
        object_id=invitation.id,
        request_id=request_id,
    )
