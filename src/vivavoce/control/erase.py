"""Erase what somebody said."""

from vivavoce import tokens
from vivavoce.control.access import visible_session
from vivavoce.control.plane import ControlPlane
from vivavoce.errors import Conflict
from vivavoce.sessions.lifecycle import SessionStatus
from vivavoce.store import events, invitations, jobs
from vivavoce.store.erasure import erase_session as erase_rows

_OVER = (SessionStatus.ENDED, SessionStatus.FAILED)


async def erase_session(
    plane: ControlPlane,
    identity: tokens.Identity,
    session_id: str,
    *,
    request_id: str | None = None,
) -> None:
    """Erase a session that is over, with its transcript and who was interviewed.

    Its invitation is taken back and forgets its candidate. That the candidate agreed, the audit
    log, and a note that something was erased, stay: they hold nothing that was said.

    Raises:
        NotFound: If the caller sees no such session.
        Conflict: If it is not over, or something of it is still to be cleaned up.
        Unavailable: If the database does not answer; nothing is erased then.
    """
    session = await visible_session(plane, identity, session_id)
    if session.status not in _OVER:
        raise Conflict("The session is not over. End it first, and erase it when it has ended.")
    async with plane.database.as_service() as conn:
        # What is left to be hung up or destroyed is found by the session's rows.
        if await jobs.has_open_job(conn, jobs.SETTLE, session_id):
            raise Conflict(
                "The session is being cleaned up; erase it in a moment.", retry_after=1.0
            )
        await erase_rows(conn, session, by=identity.subject)
        if session.invitation_id is not None:
            await invitations.forget_candidate(conn, session.invitation_id)
        await events.add_audit(
            conn,
            tenant_id=session.tenant_id,
            actor=identity.subject,
            action="session.erase",
            object_id=session_id,
            request_id=request_id,
        )
