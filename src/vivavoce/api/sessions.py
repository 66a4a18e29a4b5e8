"""`/v1/sessions`: what is shown of sessions, and what is asked of them."""

from typing import Final

import msgspec
from litestar import Response, delete, get, post
from litestar.params import FromPath, RawBody

from vivavoce import tokens
from vivavoce.api.context import (
    PEOPLE,
    AnyRequest,
    Api,
    ApiParts,
    answer,
    id_of,
    session_id_of,
)
from vivavoce.api.freshness import answer_if_changed
from vivavoce.api.paging import Place, read_page
from vivavoce.api.problems import request_id_of
from vivavoce.control import room
from vivavoce.control.access import session_seen_by, visible_session
from vivavoce.control.end import end_by_caller
from vivavoce.control.erase import erase_session as erase
from vivavoce.control.response import machine_info
from vivavoce.errors import InvalidRequest
from vivavoce.protocol.codec import decode
from vivavoce.protocol.sessions import (
    CallRequest,
    EndRequest,
    EventList,
    EventReceipt,
    EventRequest,
    EventView,
    MachineList,
    MachineView,
    SessionFailure,
    SessionPage,
    SessionView,
)
from vivavoce.sessions.lifecycle import SessionStatus
from vivavoce.store import events, machines
from vivavoce.store import sessions as rows
from vivavoce.store.machines import MachineRow
from vivavoce.store.sessions import SessionRow

LIST: Final = "/v1/sessions"
ONE: Final = "/v1/sessions/{session_id:str}"
END: Final = f"{ONE}/end"
CALL: Final = f"{ONE}/call"
EVENTS: Final = f"{ONE}/events"
MACHINES: Final = f"{ONE}/machines"
MAX_BODY_BYTES: Final = 16_384


@get(LIST)
async def list_sessions(request: AnyRequest, api: ApiParts) -> Response[bytes]:
    """The tenant's sessions, the newest first."""
    identity = await api.identify(request, (tokens.ACCESS,))
    status = request.query_params.get("status")
    if status is not None and status not in list(SessionStatus):
        raise InvalidRequest("status: there is no such status.")
    of = request.query_params.get("interviewId")
    interview_id = None if of is None else id_of(of, "interview")

    async def read(limit: int, before: Place | None) -> list[SessionRow]:
        async with api.plane.database.as_tenant(identity.claims) as conn:
            return await rows.list_sessions(
                conn, limit=limit, before=before, status=status, interview_id=interview_id
            )

    page, following = await read_page(request, read)
    view = SessionPage(sessions=[_view(api, one) for one in page], next_cursor=following)
    return answer_if_changed(request, view)


@get(ONE)
async def show_session(
    request: AnyRequest, session_id: FromPath[str], api: ApiParts
) -> Response[bytes]:
    """One session."""
    identity = await api.identify(request, PEOPLE)
    wanted = session_id_of(session_id, identity)
    session = await visible_session(api.plane, identity, wanted)
    return answer_if_changed(request, _view(api, session))


@post(END, status_code=200, request_max_body_size=MAX_BODY_BYTES)
async def end_session(
    request: AnyRequest, session_id: FromPath[str], body: RawBody, api: ApiParts
) -> Response[bytes]:
    """End a session; ending one that is over is fine."""
    identity = await api.identify(request, PEOPLE)
    asked = decode(body or b"{}", EndRequest, max_bytes=MAX_BODY_BYTES)
    session = await end_by_caller(
        api.plane,
        identity,
        session_id_of(session_id, identity),
        is_completed=asked.reason == "completed",
        request_id=request_id_of(request),
    )
    return answer(_view(api, session))


@delete(ONE, status_code=204)
async def erase_session(request: AnyRequest, session_id: FromPath[str], api: ApiParts) -> None:
    """Erase a session that is over, with its transcript."""
    identity = await api.identify(request, (tokens.ACCESS,))
    await erase(
        api.plane,
        identity,
        session_id_of(session_id, identity),
        request_id=request_id_of(request),
    )


@post(CALL, status_code=204, request_max_body_size=MAX_BODY_BYTES)
async def report_call(
    request: AnyRequest, session_id: FromPath[str], body: RawBody, api: ApiParts
) -> None:
    """Take the id of a call that a client of the direct architecture has made."""
    identity = await api.identify(request, PEOPLE)
    wanted = session_id_of(session_id, identity)
    told = decode(body, CallRequest, max_bytes=MAX_BODY_BYTES)
    await room.note_direct_call(api.plane, identity, wanted, told.call_id)


@post(EVENTS, status_code=201, request_max_body_size=MAX_BODY_BYTES)
async def add_event(
    request: AnyRequest, session_id: FromPath[str], body: RawBody, api: ApiParts
) -> Response[bytes]:
    """Take a control of the room."""
    identity = await api.identify(request, PEOPLE)
    wanted = session_id_of(session_id, identity)
    told = decode(body, EventRequest, max_bytes=MAX_BODY_BYTES)
    event = await room.note_event(api.plane, identity, wanted, told)
    return answer(EventReceipt(seq=event.seq, created_at=event.created_at), status=201)


@get(EVENTS)
async def list_events(
    request: AnyRequest, session_id: FromPath[str], api: ApiParts
) -> Response[bytes]:
    """What happened in a session besides speech, such as a wish for an accommodation."""
    identity = await api.identify(request, PEOPLE)
    wanted = session_id_of(session_id, identity)
    async with api.plane.database.as_tenant(identity.claims) as conn:
        await session_seen_by(conn, identity, wanted)
        found = await events.list_events(conn, wanted, limit=room.MAX_EVENTS)
    return answer_if_changed(
        request,
        EventList(
            events=[
                EventView(seq=one.seq, type=one.type, data=one.data, created_at=one.created_at)
                for one in found
            ]
        ),
    )


@get(MACHINES)
async def list_machines(
    request: AnyRequest, session_id: FromPath[str], api: ApiParts
) -> Response[bytes]:
    """The machines that a session has had: the books are ours, so its tenant is asked first."""
    identity = await api.identify(request, (tokens.ACCESS,))
    wanted = session_id_of(session_id, identity)
    await visible_session(api.plane, identity, wanted)
    async with api.plane.database.as_service() as conn:
        found = await machines.machines_of(conn, wanted)
    return answer_if_changed(request, MachineList(machines=[_machine_view(one) for one in found]))


def _machine_view(machine: MachineRow) -> MachineView:
    return msgspec.convert(
        {
            "machineId": machine.id,
            "state": machine.state,
            "provider": machine.provider,
            "isolation": machine.isolation,
            "region": machine.region,
            "createdAt": machine.created_at,
            "claimedAt": machine.claimed_at,
            "goneAt": machine.gone_at,
        },
        MachineView,
    )


def _view(api: Api, session: SessionRow) -> SessionView:
    return SessionView(
        session_id=session.id,
        status=session.status,
        architecture=session.architecture,
        user_id=session.user_id,
        company_id=session.company_id,
        interview_id=session.interview_id,
        invitation_id=session.invitation_id,
        end_reason=session.end_reason,
        transcript_complete=session.transcript_complete,
        item_count=session.item_count,
        failure=None
        if session.failure is None
        else msgspec.convert(session.failure, SessionFailure),
        machine=machine_info(api.plane, session),
        candidate=session.candidate,
        session_data=session.session_data,
        created_at=session.created_at,
        active_at=session.active_at,
        ended_at=session.ended_at,
        expires_at=session.expires_at,
    )
