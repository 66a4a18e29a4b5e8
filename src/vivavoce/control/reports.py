"""What a machine tells the control plane. Each report may come any number of times."""

from datetime import UTC, datetime
from typing import Literal, assert_never
from uuid import UUID

import structlog

from vivavoce import tokens
from vivavoce.control.configuration import active_until
from vivavoce.control.end import end_by_machine
from vivavoce.control.plane import ControlPlane
from vivavoce.errors import NotFound
from vivavoce.protocol.codec import clean_json
from vivavoce.protocol.machine import (
    CallEndedReport,
    CallReport,
    EndingReport,
    EventReport,
    ExitedReport,
    MachineReport,
    StatusReport,
)
from vivavoce.sessions.lifecycle import OVER, SessionEvent
from vivavoce.store import calls, events, jobs
from vivavoce.store import machines as machine_rows
from vivavoce.store import sessions as rows
from vivavoce.store.pool import Connection
from vivavoce.store.sessions import SessionRow

log = structlog.get_logger(__name__)
_STALE = ("lost", "gone", "failed")


async def take_reports(
    plane: ControlPlane,
    identity: tokens.Identity,
    machine_id: str,
    reports: list[MachineReport],
) -> None:
    """Take what a machine reports of its session.

    A machine that was given up still tells of calls, so that none is left behind; on the state of
    the session it has no say any more.

    Raises:
        NotFound: If the token is not this machine's, or its session does not exist.
        Unavailable: If the database does not answer; then say all of it again.
    """
    session_id = identity.session_id
    if session_id is None or identity.subject != str(_uuid(machine_id)):
        raise NotFound("There is no such machine.")
    ending: EndingReport | ExitedReport | None = None
    is_over = False
    async with plane.database.as_service() as conn:
        session = await rows.get_session(conn, session_id)
        machine = await machine_rows.find_machine(conn, identity.subject)
        if session.tenant_id != identity.tenant_id or machine is None:
            raise NotFound("There is no such machine.")
        is_over = session.status in OVER
        is_stale = machine.state in _STALE or machine.session_id != session_id
        for report in reports:
            if isinstance(report, EndingReport | ExitedReport):
                ending = None if is_stale else report
            elif not (is_stale and isinstance(report, StatusReport)):
                await _take(conn, session, report, plane.now())
        if is_over:
            await jobs.add_job(conn, jobs.SETTLE, session_id=session_id)
    if ending is not None and not is_over:
        await end_by_machine(
            plane,
            session_id,
            reason=ending.reason,
            item_count=ending.item_count,
            transcript_complete=ending.transcript_complete,
            is_gone=isinstance(ending, ExitedReport),
        )
    if is_over:
        plane.cleanup.ring()


async def _take(
    conn: Connection,
    session: SessionRow,
    report: CallReport | CallEndedReport | StatusReport | EventReport,
    now: datetime,
) -> None:
    match report:
        case CallReport():
            await calls.add_call(
                conn,
                call_id=report.call_id,
                session_id=session.id,
                tenant_id=session.tenant_id,
                created_at=_within(session, report.created_at, now),
            )
        case CallEndedReport():
            await calls.end_call(conn, report.call_id, session.id, hung_up=True)
        case StatusReport():
            await _note_status(conn, session, report.status, _within(session, report.at, now))
        case EventReport():
            await events.add_event_once(
                conn,
                session_id=session.id,
                tenant_id=session.tenant_id,
                kind=report.kind,
                data=clean_json({**report.data, "at": report.at.isoformat()}),
            )
        case _ as never:
            assert_never(never)


def _within(session: SessionRow, at: datetime, now: datetime) -> datetime:
    """A machine's word on time, as far as it can be: since the session began, and not to come."""
    aware = at if at.tzinfo is not None else at.replace(tzinfo=UTC)
    return min(max(aware, session.created_at), now)


async def _note_status(
    conn: Connection, session: SessionRow, status: Literal["active", "reconnecting"], at: datetime
) -> None:
    if status == "reconnecting":
        await rows.move_session(conn, session.id, SessionEvent.LOST)
        return
    active_at = session.active_at or at
    await rows.move_session(
        conn,
        session.id,
        SessionEvent.CONNECTED,
        at=at,
        expires_at=active_until(session, active_at),
    )


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise NotFound("There is no such machine.") from None
