"""Erase what somebody said: when a recruiter wants it, or when its time is up."""

from typing import Final

import anyio
import structlog

from vivavoce import tokens
from vivavoce.control.access import visible_session
from vivavoce.control.plane import ControlPlane
from vivavoce.errors import Conflict, Unavailable
from vivavoce.sessions.lifecycle import SessionStatus
from vivavoce.store import erasure, events, invitations, jobs
from vivavoce.store.pool import Connection
from vivavoce.store.sessions import SessionRow

log = structlog.get_logger(__name__)

SWEEP_SECONDS: Final = 3600.0
"""Between looks for sessions whose tenant keeps them no longer."""
SWEPT_AT_ONCE: Final = 100
_OVER: Final = (SessionStatus.ENDED, SessionStatus.FAILED)


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
        await _erase(conn, session, by=identity.subject, request_id=request_id)


async def run_retention(plane: ControlPlane) -> None:
    """Erase sessions that their tenant keeps no longer, once an hour, until cancelled."""
    while True:
        try:
            while await _sweep(plane) == SWEPT_AT_ONCE:
                pass
        except Unavailable as error:
            log.warning("retention put off", code=error.code)
        await anyio.sleep(SWEEP_SECONDS)


async def _sweep(plane: ControlPlane) -> int:
    """Erase some of the sessions whose time is up; gives how many."""
    async with plane.database.as_service() as conn:
        overdue = await erasure.overdue_sessions(conn, limit=SWEPT_AT_ONCE)
        for session in overdue:
            await _erase(conn, session, by="retention", request_id=None)
    if overdue:
        log.info("sessions erased by retention", sessions=len(overdue))
    return len(overdue)


async def _erase(conn: Connection, session: SessionRow, *, by: str, request_id: str | None) -> None:
    await erasure.erase_session(conn, session, by=by)
    if session.invitation_id is not None:
        await invitations.forget_candidate(conn, session.invitation_id)
    await events.add_audit(
        conn,
        tenant_id=session.tenant_id,
        actor=by,
        action="session.erase",
        object_id=session.id,
        request_id=request_id,
    )
