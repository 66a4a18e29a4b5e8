"""A call before the interview, on the very way that the interview's call goes, that only listens.

The control plane makes it, so that it ends by our clock whatever the candidate's browser does, and
so that no key leaves. It belongs to no session: nothing that is said in it is stored.
"""

from datetime import timedelta
from typing import Final

import anyio
import structlog

from vivavoce import tokens
from vivavoce.control.configuration import turn_servers
from vivavoce.control.invited import interview_of, own_invitation
from vivavoce.control.plane import ControlPlane
from vivavoce.control.welcome import invitation_state
from vivavoce.errors import Conflict, RateLimited, SessionEnded, VivavoceError
from vivavoce.protocol.interviews import SoundCheckAnswer, SoundCheckRequest, SoundCheckServers
from vivavoce.sessions import consent
from vivavoce.sessions.interview import check_configuration
from vivavoce.store import events, jobs
from vivavoce.store import invitations as rows
from vivavoce.store.invitations import InvitationRow
from vivavoce.store.pool import Connection

log = structlog.get_logger(__name__)

CHECK_SECONDS: Final = 90
"""After which a check's call is hung up."""
MAX_AT_ONCE: Final = 8
"""Checks of one invitation within `CHECK_SECONDS`: each microphone that is tried is one."""
MAX_IN_AN_HOUR: Final = 30
_HOUR: Final = 3600
_SERVERS_SECONDS: Final = 600
_HANG_UP_SECONDS: Final = 5.0
_ACTION: Final = "sound_check.start"


async def servers_of_check(plane: ControlPlane, identity: tokens.Identity) -> SoundCheckServers:
    """What the call of a check may go by.

    Raises:
        Conflict: If the candidate has not agreed to the text yet (`reason`).
        SessionEnded: If the invitation has had its sessions.
        NotFound: If the invitation is gone.
        Forbidden: If it was taken back, or has expired (`reason`).
        Unavailable: If the database does not answer.
    """
    invitation = await _checkable_invitation(plane, identity)
    until = plane.now() + timedelta(seconds=_SERVERS_SECONDS)
    return SoundCheckServers(
        stun_servers=list(plane.settings.stun_servers),
        turn_servers=turn_servers(plane, invitation.id, until=until),
    )


async def check_sound(
    plane: ControlPlane,
    identity: tokens.Identity,
    request: SoundCheckRequest,
    *,
    request_id: str | None = None,
) -> SoundCheckAnswer:
    """Make a call that writes down what it hears, for `CHECK_SECONDS` at most.

    Raises:
        RateLimited: If this invitation has had too many of them lately.
        SdpExchangeFailed: If the voice model refuses the offer, has no room, or is silent.
        VivavoceError: As in `servers_of_check`.
    """
    invitation = await _checkable_invitation(plane, identity)
    interview, _ = await interview_of(plane, invitation)
    async with plane.database.as_service() as conn:
        await _admit(conn, invitation, request_id)
    call = await plane.voice.create_call(
        request.offer,
        check_configuration(
            model=plane.settings.voice_model,
            transcription_model=plane.settings.voice_transcription_model,
            voice=interview.voice or plane.settings.voice_name,
            language=interview.language,
        ),
    )
    ends_at = plane.now() + timedelta(seconds=CHECK_SECONDS)
    try:
        async with plane.database.as_service() as conn:
            await jobs.add_job(conn, jobs.HANG_UP, payload={"callId": call.call_id}, run_at=ends_at)
    except BaseException:
        with anyio.move_on_after(_HANG_UP_SECONDS, shield=True):
            await _hang_up(plane, call.call_id)
        raise
    return SoundCheckAnswer(answer=call.answer, call_id=call.call_id, ends_at=ends_at)


async def _checkable_invitation(plane: ControlPlane, identity: tokens.Identity) -> InvitationRow:
    invitation = await own_invitation(plane, identity)
    if invitation_state(plane, invitation) == "completed":
        raise SessionEnded("The interview of this invitation is over.")
    if invitation.consent_version != consent.VERSION:
        raise Conflict("Nothing is heard before the candidate has agreed.", reason="no_consent")
    return invitation


async def _admit(conn: Connection, invitation: InvitationRow, request_id: str | None) -> None:
    """Count the check in, under a lock on its invitation, so that none slips in beside another."""
    await rows.lock_invitation(conn, invitation.id)
    for most, seconds in ((MAX_AT_ONCE, CHECK_SECONDS), (MAX_IN_AN_HOUR, _HOUR)):
        made = await events.count_audits(
            conn,
            tenant_id=invitation.tenant_id,
            actor=invitation.id,
            action=_ACTION,
            seconds=seconds,
        )
        if made >= most:
            raise RateLimited("The sound was checked too often; wait a little.", retry_after=30.0)
    await events.add_audit(
        conn,
        tenant_id=invitation.tenant_id,
        actor=invitation.id,
        action=_ACTION,
        object_id=invitation.id,
        request_id=request_id,
    )


async def _hang_up(plane: ControlPlane, call_id: str) -> None:
    try:
        await plane.voice.hang_up(call_id)
    except VivavoceError as error:
        log.warning("check not hung up", code=error.code)
