"""`/v1/sessions`: what is shown of sessions, and what is asked of them."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath, RawBody

from vivavoce import tokens
from vivavoce.api.context import PEOPLE, AnyRequest, Api, ApiParts, answer, session_id_of
from vivavoce.api.problems import request_id_of
from vivavoce.control import room
from vivavoce.control.access import visible_session
from vivavoce.control.end import end_by_caller
from vivavoce.control.response import machine_info
from vivavoce.errors import InvalidRequest
from vivavoce.protocol.codec import decode
from vivavoce.protocol.sessions import (
    MAX_PAGE,
    CallRequest,
    EventReceipt,
    EventRequest,
    SessionFailure,
    SessionPage,
    SessionView,
)
from vivavoce.sessions.lifecycle import SessionStatus
from vivavoce.store import sessions as rows
from vivavoce.store.sessions import SessionRow

LIST: Final = "/v1/sessions"
ONE: Final = "/v1/sessions/{session_id:str}"
END: Final = f"{ONE}/end"
CALL: Final = f"{ONE}/call"
EVENTS: Final = f"{ONE}/events"
DEFAULT_PAGE: Final = 50
MAX_BODY_BYTES: Final = 16_384


@get(LIST)
async def list_sessions(request: AnyRequest, api: ApiParts) -> Response[bytes]:
    """The tenant's sessions, the newest first."""
    identity = api.identify(request, (tokens.ACCESS,))
    limit = _limit(request.query_params.get("limit"))
    cursor = request.query_params.get("cursor")
    status = request.query_params.get("status")
    if status is not None and status not in list(SessionStatus):
        raise InvalidRequest("status: there is no such status.")
    before = _read_cursor(cursor) if cursor else None
    async with api.plane.database.as_tenant(identity.claims) as conn:
        found = await rows.list_sessions(conn, limit=limit + 1, before=before, status=status)
    page = found[:limit]
    following = _cursor(page[-1]) if len(found) > limit else None
    return answer(SessionPage(sessions=[_view(api, one) for one in page], next_cursor=following))


@get(ONE)
async def show_session(
    request: AnyRequest, session_id: FromPath[str], api: ApiParts
) -> Response[bytes]:
    """One session."""
    identity = api.identify(request, PEOPLE)
    wanted = session_id_of(session_id, identity)
    return answer(_view(api, await visible_session(api.plane, identity, wanted)))


@post(END, status_code=200, request_max_body_size=MAX_BODY_BYTES)
async def end_session(
    request: AnyRequest, session_id: FromPath[str], api: ApiParts
) -> Response[bytes]:
    """End a session; ending one that is over is fine."""
    identity = api.identify(request, PEOPLE)
    session = await end_by_caller(
        api.plane,
        identity,
        session_id_of(session_id, identity),
        request_id=request_id_of(request),
    )
    return answer(_view(api, session))


@post(CALL, status_code=204, request_max_body_size=MAX_BODY_BYTES)
async def report_call(
    request: AnyRequest, session_id: FromPath[str], body: RawBody, api: ApiParts
) -> None:
    """Take the id of a call that a client of the direct architecture has made."""
    identity = api.identify(request, PEOPLE)
    wanted = session_id_of(session_id, identity)
    told = decode(body, CallRequest, max_bytes=MAX_BODY_BYTES)
    await room.note_direct_call(api.plane, identity, wanted, told.call_id)


@post(EVENTS, status_code=201, request_max_body_size=MAX_BODY_BYTES)
async def add_event(
    request: AnyRequest, session_id: FromPath[str], body: RawBody, api: ApiParts
) -> Response[bytes]:
    """Take a control of the room."""
    identity = api.identify(request, PEOPLE)
    wanted = session_id_of(session_id, identity)
    told = decode(body, EventRequest, max_bytes=MAX_BODY_BYTES)
    event = await room.note_event(api.plane, identity, wanted, told)
    return answer(EventReceipt(seq=event.seq, created_at=event.created_at), status=201)


def _view(api: Api, session: SessionRow) -> SessionView:
    return SessionView(
        session_id=session.id,
        status=session.status,
        architecture=session.architecture,
        user_id=session.user_id,
        company_id=session.company_id,
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


def _limit(text: str | None) -> int:
    try:
        limit = DEFAULT_PAGE if text is None else int(text)
    except ValueError:
        limit = 0
    if not 1 <= limit <= MAX_PAGE:
        raise InvalidRequest(f"limit: 1 to {MAX_PAGE}.")
    return limit


def _cursor(session: SessionRow) -> str:
    text = f"{session.created_at.isoformat()} {session.id}"
    return urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _read_cursor(cursor: str) -> tuple[datetime, str]:
    try:
        text = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
        created_at, _, session_id = text.partition(" ")
        instant = datetime.fromisoformat(created_at)
        if instant.tzinfo is None:
            raise ValueError(cursor)  # noqa: TRY301  one way out for all that is no cursor
        return instant, str(UUID(session_id))
    except ValueError:
        raise InvalidRequest("cursor: take the one of the page before.") from None
