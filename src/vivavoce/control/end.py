"""End an interview: the row first, then the machine; what is left is a durable job."""

from contextlib import suppress
from datetime import timedelta
from typing import Final

import anyio
import structlog

from vivavoce import tokens
from vivavoce.control.access import visible_session
from vivavoce.control.configuration import issued_config
from vivavoce.control.plane import ControlPlane
from vivavoce.control.pool import Held
from vivavoce.errors import Conflict, VivavoceError
from vivavoce.protocol.messages import EndReason
from vivavoce.sessions.lifecycle import LIVE, SessionEvent, SessionStatus
from vivavoce.store import events, jobs
from vivavoce.store import machines as machine_rows
from vivavoce.store import sessions as rows
from vivavoce.store.sessions import SessionRow

log = structlog.get_logger(__name__)

DRAIN_SLACK_SECONDS: Final = 5.0
"""Beyond the machine's own limits for last words and draining."""
FAREWELL_SECONDS: Final = 5.0
"""For a machine that has told how the interview ended: it says goodbye, and exits."""


async def end_by_caller(
    plane: ControlPlane,
    identity: tokens.Identity,
    session_id: str,
    *,
    is_completed: bool = False,
    request_id: str | None = None,
) -> SessionRow:
    """End a session for somebody: the candidate leaves, or a recruiter ends it.

    Ending a session that is over changes nothing.

    Args:
        plane: The control plane.
        identity: Who asks.
        session_id: Which session.
        is_completed: The client says that the interview was brought to its end. It is believed
            where no machine could hear it: in the direct architecture.
        request_id: For the audit.

    Returns:
        The session's row: `ending` while last words are spoken and stored, then `ended`.

    Raises:
        NotFound: If the caller sees no such session.
        Forbidden: If the token does not permit it.
        Unavailable: If the database does not answer.
    """
    if identity.kind == tokens.SESSION:
        identity.require(tokens.END_SESSION)
    session = await visible_session(plane, identity, session_id)
    if session.status not in LIVE:
        return session
    if identity.kind != tokens.SESSION:
        reason = EndReason.ENDED_BY_RECRUITER
    elif is_completed and session.architecture == "direct":
        reason = EndReason.COMPLETED
    else:
        reason = EndReason.CANDIDATE_LEFT
    ended = await end_session(
        plane, session_id, reason, actor=identity.subject, request_id=request_id
    )
    return ended or session


async def end_session(
    plane: ControlPlane,
    session_id: str,
    reason: EndReason,
    *,
    actor: str = "control",
    request_id: str | None = None,
) -> SessionRow | None:
    """End a session, whoever wants it.

    The machine lets the last words play, stores what it has and reports; if it does not, the
    job that is written here does without it.

    Returns:
        The row; None if it was ending or over already.

    Raises:
        Unavailable: If the database does not answer; nothing has happened then.
    """
    async with plane.database.as_service() as conn:
        session = await rows.move_session(conn, session_id, SessionEvent.END, end_reason=reason)
        if session is None:
            return None
        await events.add_audit(
            conn,
            tenant_id=session.tenant_id,
            actor=actor,
            action="session.end",
            object_id=session_id,
            request_id=request_id,
        )
        held = plane.machines.serving(session_id)
        is_served = any(
            machine.state == "claimed"
            for machine in await machine_rows.machines_of(conn, session_id)
        )
        until = plane.now() + timedelta(seconds=_drain_seconds(session))
        if is_served:
            await rows.drain(conn, session_id, until=until)
            await jobs.add_job(conn, jobs.SETTLE, session_id=session_id, run_at=until)
        if not is_served or held is None:
            await jobs.add_job(conn, jobs.SETTLE, session_id=session_id)
    log.info("session ends", session_id=session_id, reason=reason)
    if held is not None:
        await _tell_machine(held, reason)
    plane.cleanup.ring()
    return session


async def _tell_machine(held: Held, reason: EndReason) -> None:
    """Ask the machine to end; if it cannot hear, the loss of its channel hastens the clean-up."""
    with anyio.move_on_after(5.0, shield=True), suppress(VivavoceError):
        await held.channel.end(reason)


async def end_by_machine(
    plane: ControlPlane,
    session_id: str,
    *,
    reason: EndReason,
    item_count: int,
    transcript_complete: bool,
    is_gone: bool,
) -> None:
    """Take a machine's word that the interview is over, and check it.

    A machine that is gone is cleaned up after at once; one that still says goodbye is left alone
    for `FAREWELL_SECONDS`, unless it dies before. Saying it again changes nothing.

    Raises:
        Unavailable: If the database does not answer; the machine says it again.
    """
    async with plane.database.as_service() as conn:
        session = await rows.move_session(conn, session_id, SessionEvent.END, end_reason=reason)
        if session is not None:
            await events.add_audit(
                conn,
                tenant_id=session.tenant_id,
                actor="machine",
                action="session.end",
                object_id=session_id,
                request_id=None,
            )
        await rows.note_result(
            conn, session_id, item_count=item_count, transcript_complete=transcript_complete
        )
        until = None if is_gone else plane.now() + timedelta(seconds=FAREWELL_SECONDS)
        await rows.drain(conn, session_id, until=until)
        await jobs.add_job(conn, jobs.SETTLE, session_id=session_id, run_at=until)
    if is_gone:
        plane.machines.release(session_id)
        plane.cleanup.ring()


async def end_all(plane: ControlPlane, reason: EndReason, *, seconds: float = 25.0) -> None:
    """End every live session, and wait until nothing is left of them, at most so long.

    Raises:
        Unavailable: If the database does not answer.
    """
    async with plane.database.as_service() as conn:
        live = [one for one in await rows.unfinished_sessions(conn) if one.status in LIVE]
    for session in live:
        await end_session(plane, session.id, reason)
    with anyio.move_on_after(seconds):
        while True:
            async with plane.database.as_service() as conn:
                if not await rows.unfinished_sessions(conn):
                    return
            await anyio.sleep(0.1)


def require_live(session: SessionRow) -> None:
    """Refuse what only a living session can do.

    Raises:
        Conflict: If the session is over or ending.
    """
    if session.status not in LIVE:
        raise Conflict(f"The session is {SessionStatus(session.status).value}.")


def _drain_seconds(session: SessionRow) -> float:
    limits = issued_config(session).limits
    return limits.last_words + limits.drain + DRAIN_SLACK_SECONDS
