"""A machine is gone while its session lives: another one takes over, audio goes on meanwhile.

The other machine learns what is stored and attaches to the running call; what neither knows, it
asks the candidate's client for.
"""

from typing import Final

import anyio
import structlog

from vivavoce.control import configuration
from vivavoce.control.bring_up import book_machine, claim_machine
from vivavoce.control.end import end_session
from vivavoce.control.plane import ControlPlane
from vivavoce.control.pool import Held
from vivavoce.errors import MachineProvisioningFailed, Unavailable, VivavoceError
from vivavoce.logs import bound
from vivavoce.protocol.codec import encode
from vivavoce.protocol.messages import EndReason
from vivavoce.protocol.transcript import TranscriptEntry
from vivavoce.retry import RetryPolicy, delays
from vivavoce.sessions.lifecycle import SessionEvent, SessionStatus
from vivavoce.store import calls, events, jobs
from vivavoce.store import machines as machine_rows
from vivavoce.store import sessions as rows
from vivavoce.store.pool import Connection
from vivavoce.store.sessions import SessionRow
from vivavoce.store.transcripts import read_transcript

log = structlog.get_logger(__name__)

MAX_MACHINES: Final = 8
"""For one session: one that loses more has a trouble that another machine will not cure."""
TAKEOVER_SECONDS: Final = 60.0
MAX_KNOWN: Final = 2_000
MAX_KNOWN_BYTES: Final = 2 * 1024 * 1024
"""Of a claim's 4 MiB."""
_RUNNING: Final = (SessionStatus.READY, SessionStatus.ACTIVE, SessionStatus.RECONNECTING)
_PATIENCE: Final = RetryPolicy(max_attempts=12, base_delay=0.1, max_delay=5.0)


async def replace_lost(plane: ControlPlane, held: Held) -> None:
    """Give the session of a lost machine another one; end it (`call_lost`) if none is to be had.

    Whoever notes the loss first does it; for all others there is nothing to do.

    Raises:
        Unavailable: If the database did not answer for `TAKEOVER_SECONDS`; the reaper goes on.
    """
    if held.session_id is not None:
        await replace_machine(plane, held.session_id, held.machine_id)


async def replace_machine(plane: ControlPlane, session_id: str, machine_id: str | None) -> None:
    """See `replace_lost`; for a machine that this process never held, or that is unknown."""
    with bound(session_id=session_id):
        log.warning("machine lost", machine_id=machine_id)
        waits = delays(_PATIENCE)
        deadline = anyio.current_time() + TAKEOVER_SECONDS
        while True:
            try:
                if await _try(plane, session_id, machine_id):
                    return
            except (Unavailable, MachineProvisioningFailed) as error:
                log.warning("takeover failed", code=error.code)
                if anyio.current_time() > deadline:
                    await end_session(plane, session_id, EndReason.CALL_LOST)
                    raise
            await anyio.sleep(next(waits, _PATIENCE.max_delay))


async def _try(plane: ControlPlane, session_id: str, machine_id: str | None) -> bool:
    """One try. True if there is nothing (more) to be done."""
    async with plane.database.as_service() as conn:
        is_noted = machine_id is not None and await machine_rows.note_lost(conn, machine_id)
        session = await rows.find_session(conn, session_id)
        is_running = session is not None and session.status in _RUNNING
        machines = await machine_rows.machines_of(conn, session_id)
        is_served = any(machine.state == "claimed" for machine in machines)
        if is_noted or not is_running:  # nothing of it may stay
            await jobs.add_job(conn, jobs.SETTLE, session_id=session_id)
        if is_running and not is_served:
            await rows.move_session(conn, session_id, SessionEvent.LOST)
    if is_noted or not is_running:
        plane.cleanup.ring()
    if session is None or not is_running or is_served:
        return True
    if len(machines) >= MAX_MACHINES:
        await end_session(plane, session_id, EndReason.CALL_LOST)
        return True
    held = await plane.machines.take(session.region)
    try:
        async with plane.database.as_service() as conn:
            session, known, call_id = await _what_is_known(conn, session)
            revoked = await events.revoked_tokens(conn, session_id)
            paused = await events.is_paused(conn, session_id)
        await book_machine(plane, session, held)
        if not await _still_runs(plane, session_id):
            # It ended before the machine was in the books, so that its end did not see the machine.
            await _give_up(plane, held)
            return False
        claim = configuration.make_claim(
            plane,
            session,
            held.machine_id,
            call_id=call_id,
            known=known,
            revoked=revoked,
            paused=paused,
        )
        await claim_machine(held, claim)
    except BaseException:
        await _give_up(plane, held)
        raise
    log.info("session taken over", machine_id=held.machine_id, known=len(known))
    return True


async def _still_runs(plane: ControlPlane, session_id: str) -> bool:
    async with plane.database.as_service() as conn:
        return (await rows.get_session(conn, session_id)).status in _RUNNING


async def _what_is_known(
    conn: Connection, session: SessionRow
) -> tuple[SessionRow, list[TranscriptEntry], str | None]:
    """The row, the stored entries in order, and the call that may still be running."""
    fresh = await rows.get_session(conn, session.id)
    stored = await read_transcript(conn, session.id, limit=MAX_KNOWN)
    open_calls = [
        call.call_id for call in await calls.calls_of(conn, session.id) if not call.is_over
    ]
    known = _newest([one.entry for one in stored])
    return fresh, known, open_calls[-1] if open_calls else None


def _newest(entries: list[TranscriptEntry]) -> list[TranscriptEntry]:
    """As many of the last entries as a claim has room for; the older ones are settled."""
    room = MAX_KNOWN_BYTES
    first = len(entries)
    while first > 0 and (room := room - len(encode(entries[first - 1]))) >= 0:
        first -= 1
    return entries[first:]


async def _give_up(plane: ControlPlane, held: Held) -> None:
    """Destroy a machine that did not make it; nothing may be left of it."""
    with anyio.move_on_after(10.0, shield=True):
        held.is_released = True
        try:
            await plane.machines.destroy(held.machine)
        except (VivavoceError, OSError, TimeoutError) as error:
            log.warning("machine left to the reaper", error=type(error).__name__)
