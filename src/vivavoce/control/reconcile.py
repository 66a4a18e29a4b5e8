"""Compare what should be with what is: after a crash of ours, and from time to time.

Rows say what should be; the provider says which machines live. Machines without a row, and of
sessions that are over, are destroyed; machines of living sessions are taken back; sessions whose
machine is gone get another one; starts that nobody finishes have failed.
"""

from datetime import timedelta
from typing import Final

import anyio
import structlog

from vivavoce.control.plane import ControlPlane
from vivavoce.control.start import START_SECONDS, note_failure
from vivavoce.control.takeover import replace_machine
from vivavoce.errors import Code, VivavoceError
from vivavoce.machines.provider import Machine, MachineFailure
from vivavoce.protocol.sessions import SessionFailure
from vivavoce.sessions.lifecycle import SessionStatus
from vivavoce.store import calls, jobs
from vivavoce.store import machines as machine_rows
from vivavoce.store import sessions as rows
from vivavoce.store.machines import MachineRow
from vivavoce.store.sessions import SessionRow

log = structlog.get_logger(__name__)

EVERY_SECONDS: Final = 20.0
_SERVED: Final = (SessionStatus.READY, SessionStatus.ACTIVE, SessionStatus.RECONNECTING)


async def run_reconciler(plane: ControlPlane) -> None:
    """Reconcile at once, then every `EVERY_SECONDS`, until cancelled."""
    async with anyio.create_task_group() as tasks:
        while True:
            try:
                for session_id, machine_id in await reconcile(plane):
                    tasks.start_soon(_replace, plane, session_id, machine_id)
            except (VivavoceError, OSError, TimeoutError) as error:
                log.warning("reconciliation postponed", error=type(error).__name__)
                await anyio.sleep(1.0)
                continue
            await anyio.sleep(EVERY_SECONDS)


async def _replace(plane: ControlPlane, session_id: str, machine_id: str | None) -> None:
    try:
        await replace_machine(plane, session_id, machine_id)
    except Exception:
        log.exception("machine not replaced", session_id=session_id)


async def reconcile(plane: ControlPlane) -> list[tuple[str, str | None]]:
    """Put right what can be put right at once.

    Returns:
        Sessions that have lost their machine, with its id if known: to be taken over, or settled.

    Raises:
        VivavoceError: If database or provider do not answer; try again.
    """
    # Machines first: one that starts meanwhile has its row before it can be listed.
    alive = {machine.machine_id: machine for machine in await plane.machines.provider.list()}
    provider = plane.machines.provider.capabilities.provider
    async with plane.database.as_service() as conn:
        booked = {row.id: row for row in await machine_rows.held_machines(conn, provider)}
        unfinished = {row.id: row for row in await rows.unfinished_sessions(conn)}
        for session_id in await calls.sessions_with_forgotten_calls(conn):
            if not await jobs.has_open_job(conn, jobs.SETTLE, session_id):
                await jobs.add_job(conn, jobs.SETTLE, session_id=session_id)
    for machine in alive.values():
        if machine.machine_id not in booked:
            log.warning("orphaned machine destroyed", machine_id=machine.machine_id)
            await plane.machines.provider.destroy(machine.machine_id, machine.endpoint)
    lost: list[tuple[str, str | None]] = []
    for row in booked.values():
        if row.id in plane.machines.held_ids():
            continue
        session = unfinished.get(row.session_id or "")
        is_lost = await _put_right(plane, row, alive.get(row.id), session)
        if is_lost and session is not None:
            lost.append((session.id, row.id))
    lost += [(one, None) for one in await _check_sessions(plane, unfinished, booked)]
    plane.cleanup.ring()
    return lost


async def _put_right(
    plane: ControlPlane, row: MachineRow, machine: Machine | None, session: SessionRow | None
) -> bool:
    """Put one machine right that we do not hold. True if its session has lost it."""
    age = (plane.now() - row.created_at).total_seconds()
    if row.session_id is None or row.state not in ("claimed", "draining"):
        is_starting = row.state in ("requested", "starting", "ready") and (
            machine is not None or age < START_SECONDS
        )
        if not is_starting or row.expires_at <= plane.now():
            await _remove(plane, row)
        return False
    if session is None:
        await _remove(plane, row)
        return False
    if session.status not in _SERVED:
        # Its start, or its end, goes on elsewhere, or is a job; a dead machine has no more to say.
        return session.status == SessionStatus.ENDING and machine is None
    if machine is None:
        return True
    try:
        await plane.machines.adopt(machine, session.id)
    except MachineFailure:
        return True
    log.info("machine taken back", session_id=session.id, machine_id=row.id)
    return False


async def _remove(plane: ControlPlane, row: MachineRow) -> None:
    await plane.machines.provider.destroy(row.id)
    async with plane.database.as_service() as conn:
        await machine_rows.note_state(conn, row.id, "gone")


async def _check_sessions(
    plane: ControlPlane, unfinished: dict[str, SessionRow], booked: dict[str, MachineRow]
) -> list[str]:
    """Have every session looked after that nobody else will look after.

    Returns:
        Living sessions that have no machine, and none that was just lost.
    """
    now = plane.now()
    served = {row.session_id for row in booked.values() if row.state == "claimed"}
    stranded = []
    for session in unfinished.values():
        age = (now - session.created_at).total_seconds()
        if session.status == SessionStatus.PROVISIONING and age > START_SECONDS:
            failure = SessionFailure(
                branch="start",
                code=Code.UNAVAILABLE,
                message="The control plane was interrupted during the start; try again.",
            )
            await note_failure(plane, session.id, failure)
            continue
        is_due = session.status == SessionStatus.ENDING or session.expires_at <= now
        is_stranded = (
            session.architecture == "hybrid"
            and session.status in _SERVED
            and session.id not in served
            and plane.machines.serving(session.id) is None
        )
        if is_due:
            await _settle_later(plane, session.id)
        elif is_stranded:
            stranded.append(session.id)
    return stranded


async def _settle_later(plane: ControlPlane, session_id: str) -> None:
    async with plane.database.as_service() as conn:
        if not await jobs.has_open_job(conn, jobs.SETTLE, session_id):
            await jobs.add_job(
                conn, jobs.SETTLE, session_id=session_id, run_at=plane.now() + timedelta(seconds=1)
            )
