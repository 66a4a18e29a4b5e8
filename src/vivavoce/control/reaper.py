"""Do what is left to be done, for as long as it is not done.

Jobs are rows, so they outlive whoever wrote them; what to do is derived from the session's rows,
so any control plane can go on where another one stopped.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

import anyio
import structlog

from vivavoce.control.end import end_session
from vivavoce.control.plane import ControlPlane
from vivavoce.errors import Unavailable, VivavoceError
from vivavoce.logs import bound
from vivavoce.machines.provider import Endpoint
from vivavoce.protocol.messages import EndReason
from vivavoce.sessions.cleanup import (
    CallFacts,
    DestroyMachine,
    EndSession,
    FinishSession,
    HangUp,
    MachineFacts,
    SessionFacts,
    Step,
    remaining_steps,
)
from vivavoce.sessions.lifecycle import SessionEvent, SessionStatus
from vivavoce.store import calls, jobs
from vivavoce.store import machines as machine_rows
from vivavoce.store import sessions as rows
from vivavoce.store.calls import CallRow
from vivavoce.store.jobs import JobRow
from vivavoce.store.machines import MachineRow
from vivavoce.store.sessions import SessionRow

log = structlog.get_logger(__name__)

LOCK_SECONDS: Final = 60.0
JOB_SECONDS: Final = 45.0
IDLE_SECONDS: Final = 1.0
JOBS_AT_ONCE: Final = 8
MAX_BACKOFF_SECONDS: Final = 60.0
HANG_UP_TRIES: Final = 75
"""With the backoff above more than an hour: no call lives longer at the voice model."""


async def run_reaper(plane: ControlPlane) -> None:
    """Take jobs that are due, and do them, until cancelled."""
    while True:
        rung = plane.cleanup.next()
        try:
            async with plane.database.as_service() as conn:
                due = await jobs.take_jobs(conn, limit=JOBS_AT_ONCE, lock_seconds=LOCK_SECONDS)
                pause = await jobs.seconds_to_next_job(conn)
        except Unavailable:
            await anyio.sleep(1.0)
            continue
        if due:
            async with anyio.create_task_group() as tasks:
                for same_session in _by_session(due):
                    tasks.start_soon(_run_in_turn, plane, same_session)
        else:
            with anyio.move_on_after(min(max(pause or IDLE_SECONDS, 0.05), IDLE_SECONDS)):
                await rung.wait()


def _by_session(due: Sequence[JobRow]) -> list[list[JobRow]]:
    groups: dict[str, list[JobRow]] = {}
    for job in due:
        groups.setdefault(job.session_id or job.id, []).append(job)
    return list(groups.values())


async def _run_in_turn(plane: ControlPlane, same_session: list[JobRow]) -> None:
    for job in same_session:
        await _run(plane, job)


async def _run(plane: ControlPlane, job: JobRow) -> None:
    """Do one job; a failure postpones it, whatever it is, and never stops the reaper."""
    with bound(session_id=job.session_id, job=job.kind):
        try:
            with anyio.fail_after(JOB_SECONDS):
                wait = await _do(plane, job)
            async with plane.database.as_service() as conn:
                if wait is None:
                    await jobs.finish_job(conn, job.id)
                else:
                    await jobs.postpone_job(conn, job.id, seconds=wait, error=None)
        except Exception as error:  # noqa: BLE001  one bad job must not stop the others
            await _postpone(plane, job, error)


async def _postpone(plane: ControlPlane, job: JobRow, error: Exception) -> None:
    seconds = min(MAX_BACKOFF_SECONDS, 0.5 * 2 ** min(job.attempts, 10))
    reason = f"{type(error).__name__}: {error}"[:500]
    log.warning("cleanup postponed", seconds=seconds, attempts=job.attempts, reason=reason)
    try:
        async with plane.database.as_service() as conn:
            await jobs.postpone_job(conn, job.id, seconds=seconds, error=reason)
    except Unavailable:
        return  # the lock runs out, and the job is taken again


async def _do(plane: ControlPlane, job: JobRow) -> float | None:
    """Returns seconds until it is to be looked at again; None when it is done."""
    if job.kind == jobs.HANG_UP:
        await _hang_up_late(plane, job)
        return None
    if job.kind == jobs.SETTLE and job.session_id is not None:
        return await settle(plane, job.session_id)
    log.error("unknown cleanup job")
    return None


async def settle(plane: ControlPlane, session_id: str) -> float | None:
    """Do what is left to be done for a session now.

    Returns:
        Seconds until more is to be done; None if nothing is.

    Raises:
        VivavoceError: If a step failed; what was done stays done.
    """
    async with plane.database.as_service() as conn:
        session = await rows.find_session(conn, session_id)
        if session is None:
            return None
        all_calls = await calls.calls_of(conn, session_id)
        machines = await machine_rows.machines_of(conn, session_id)
    now = plane.now()
    steps = remaining_steps(
        SessionFacts(SessionStatus(session.status), session.expires_at, session.drain_until),
        _call_facts(all_calls),
        _machine_facts(machines),
        now=now,
    )
    for step in steps:
        await _take_step(plane, session, machines, step)
    is_finished = any(isinstance(step, FinishSession) for step in steps)
    if session.status == SessionStatus.ENDING and not is_finished and session.drain_until:
        await _tell_machines(plane, session, machines)
        return max((session.drain_until - now).total_seconds(), 0.1)
    return None


async def _take_step(
    plane: ControlPlane, session: SessionRow, machines: list[MachineRow], step: Step
) -> None:
    match step:
        case EndSession(reason):
            await end_session(plane, session.id, reason)
        case HangUp(call_id):
            await _hang_up(plane, session, call_id)
        case DestroyMachine(machine_id):
            await _destroy(plane, next(one for one in machines if one.id == machine_id))
        case FinishSession():
            await _finish(plane, session)


async def _hang_up(plane: ControlPlane, session: SessionRow, call_id: str) -> None:
    """Hang up; a voice model that is away does not hold up the rest: that call is its own job."""
    try:
        await plane.voice.hang_up(call_id)
    except VivavoceError as error:
        log.warning("hang-up failed", code=error.code)
        async with plane.database.as_service() as conn:
            await jobs.add_job(
                conn,
                jobs.HANG_UP,
                session_id=session.id,
                payload={"callId": call_id},
                run_at=plane.now() + timedelta(seconds=1),
            )
            await calls.end_call(conn, call_id, session.id, hung_up=False)
        return
    async with plane.database.as_service() as conn:
        await calls.end_call(conn, call_id, session.id, hung_up=True)


async def _hang_up_late(plane: ControlPlane, job: JobRow) -> None:
    call_id = str(job.payload.get("callId", ""))
    if job.attempts >= HANG_UP_TRIES:
        log.error("call given up", call_id=call_id)
        return
    await plane.voice.hang_up(call_id)
    if job.session_id is None:
        return  # the call of a sound check
    async with plane.database.as_service() as conn:
        await calls.end_call(conn, call_id, job.session_id, hung_up=True)


async def _destroy(plane: ControlPlane, machine: MachineRow) -> None:
    if machine.session_id is not None:
        held = plane.machines.serving(machine.session_id)
        if held is not None and held.machine_id == machine.id:
            held.is_released = True
    endpoint = Endpoint.from_json(machine.endpoint) if machine.endpoint else None
    await plane.machines.provider.destroy(machine.id, endpoint)
    async with plane.database.as_service() as conn:
        await machine_rows.note_state(conn, machine.id, "gone")


async def _finish(plane: ControlPlane, session: SessionRow) -> None:
    """Nothing is left. Without a machine's word a hybrid transcript counts as incomplete."""
    async with plane.database.as_service() as conn:
        if session.status != SessionStatus.ENDING:
            await rows.move_session(conn, session.id, SessionEvent.END)
        is_unknown = session.architecture == "hybrid" and session.transcript_complete is None
        await rows.move_session(
            conn,
            session.id,
            SessionEvent.FINISHED,
            end_reason=None if session.end_reason else EndReason.CALL_LOST,
            transcript_complete=False if is_unknown else None,
        )
        await jobs.finish_jobs_of(conn, jobs.SETTLE, session.id)
    log.info("session over", reason=session.end_reason)


async def _tell_machines(
    plane: ControlPlane, session: SessionRow, machines: list[MachineRow]
) -> None:
    """Ask a machine to end that some other control plane holds, or that was just adopted."""
    reason = EndReason(session.end_reason) if session.end_reason else EndReason.CALL_LOST
    for machine in machines:
        if machine.state != "claimed" or not machine.endpoint:
            continue
        try:
            async with plane.machines.provider.connect_control(
                Endpoint.from_json(machine.endpoint)
            ) as channel:
                await channel.end(reason)
        except VivavoceError as error:
            log.info("machine does not hear", code=error.code)


def _call_facts(all_calls: list[CallRow]) -> list[CallFacts]:
    return [CallFacts(call.call_id, call.is_over) for call in all_calls]


def _machine_facts(machines: list[MachineRow]) -> list[MachineFacts]:
    return [MachineFacts(one.id, one.state, one.expires_at) for one in machines]
