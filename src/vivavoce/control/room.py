"""What happens in the room besides speech: its controls, and calls of the direct architecture."""

from contextlib import suppress
from typing import Final

import structlog

from vivavoce import tokens
from vivavoce.control.access import visible_session
from vivavoce.control.configuration import active_until
from vivavoce.control.end import require_live
from vivavoce.control.plane import ControlPlane
from vivavoce.errors import Conflict, InvalidRequest, SessionEnded, VivavoceError
from vivavoce.protocol.codec import clean_json, encode
from vivavoce.protocol.sessions import EventRequest
from vivavoce.sessions.lifecycle import LIVE, SessionEvent
from vivavoce.store import calls, events, jobs
from vivavoce.store import sessions as rows
from vivavoce.store.events import EventRow

log = structlog.get_logger(__name__)
MAX_EVENT_BYTES: Final = 8_192
MAX_EVENTS: Final = 1_000
MAX_CALLS: Final = 50
"""Of one session: nobody presses a button, or calls, as often as that."""


async def note_event(
    plane: ControlPlane, identity: tokens.Identity, session_id: str, request: EventRequest
) -> EventRow:
    """Store a control of the room, and pass `pause` and `resume` to the machine.

    Raises:
        NotFound: If the caller sees no such session.
        Conflict: If the session is over, or has too many events.
        InvalidRequest: If the event is too large.
        Unavailable: If the database does not answer.
    """
    data = clean_json(request.data)
    if len(encode(data)) > MAX_EVENT_BYTES:
        raise InvalidRequest(f"data: larger than {MAX_EVENT_BYTES} bytes.")
    session = await visible_session(plane, identity, session_id)
    require_live(session)
    async with plane.database.as_service() as conn:
        if await events.count_events(conn, session_id) >= MAX_EVENTS:
            raise Conflict(f"The session has {MAX_EVENTS} events; it takes no more.")
        event = await events.add_event(
            conn,
            session_id=session_id,
            tenant_id=session.tenant_id,
            kind=request.type,
            data=data,
        )
    held = plane.machines.serving(session_id)
    if held is not None:
        with suppress(VivavoceError):  # another machine would learn it from the row
            if request.type == "pause":
                await held.channel.pause()
            elif request.type == "resume":
                await held.channel.resume()
    return event


async def note_direct_call(
    plane: ControlPlane, identity: tokens.Identity, session_id: str, call_id: str
) -> None:
    """Note the call that a client of the direct architecture has made; the session is active.

    From now on we can hang it up: at its limits, at the end, when its token is revoked. One that
    is told of too late is hung up at once.

    Raises:
        NotFound: If the caller sees no such session.
        Forbidden: If the token does not permit it.
        InvalidRequest: If the session's machine makes the calls.
        Conflict: If the call belongs to another session, or the session has too many.
        SessionEnded: If the session is over.
        Unavailable: If the database does not answer.
    """
    if identity.kind == tokens.SESSION:
        identity.require(tokens.CONNECT)
    session = await visible_session(plane, identity, session_id)
    if session.architecture != "direct":
        raise InvalidRequest("In the hybrid architecture the session's machine makes the calls.")
    now = plane.now()
    is_live = session.status in LIVE
    async with plane.database.as_service() as conn:
        if len(await calls.calls_of(conn, session_id)) >= MAX_CALLS:
            raise Conflict(f"The session has had {MAX_CALLS} calls; it takes no more.")
        await calls.add_call(
            conn,
            call_id=call_id,
            session_id=session_id,
            tenant_id=session.tenant_id,
            created_at=now,
        )
        if is_live:
            until = active_until(session, session.active_at or now)
            await rows.move_session(
                conn, session_id, SessionEvent.CONNECTED, at=now, expires_at=until
            )
            await jobs.add_job(conn, jobs.SETTLE, session_id=session_id, run_at=until)
        else:
            await jobs.add_job(conn, jobs.SETTLE, session_id=session_id)
    plane.cleanup.ring()
    if not is_live:
        raise SessionEnded("The session is over; the call is hung up.")
