"""The edges of the API, as OpenAPI describes them: one row each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from vivavoce.api.transcript_formats import FORMATS, Transcript
from vivavoce.protocol.interview_start import (
    InterviewStartRequest,
    InterviewStartResponse,
    SessionTokenResponse,
)
from vivavoce.protocol.machine import MachineReports
from vivavoce.protocol.sessions import (
    CallRequest,
    EndRequest,
    EventList,
    EventReceipt,
    EventRequest,
    MachineList,
    SessionPage,
    SessionTokenRequest,
    SessionView,
)
from vivavoce.protocol.transcript import TranscriptBatch, TranscriptEvent, TranscriptReceipt
from vivavoce.sessions.lifecycle import SessionStatus

JSON: Final = "application/json"


@dataclass(frozen=True)
class Edge:
    """One operation."""

    method: str
    path: str
    name: str
    summary: str
    refusals: Sequence[int]
    status: int = 200
    body: Sequence[Any] = ()
    body_is_required: bool = True
    answer: Any = None
    media_types: Sequence[str] = (JSON,)
    parameters: Sequence[Mapping[str, Any]] = ()
    security: Sequence[str] = ()
    is_tagged: bool = False
    """Whether the answer has an `ETag`, and `If-None-Match` gets 304 for what is known."""


def _query(name: str, schema: Mapping[str, Any], text: str) -> dict[str, Any]:
    return {"name": name, "in": "query", "required": False, "schema": schema, "description": text}


SESSION_ID: Final = {
    "name": "sessionId",
    "in": "path",
    "required": True,
    "schema": {"type": "string", "format": "uuid"},
}
_MACHINE_ID: Final = {**SESSION_ID, "name": "machineId"}
LIMIT: Final = _query(
    "limit", {"type": "integer", "minimum": 1, "maximum": 200, "default": 50}, "Rows in a page."
)
CURSOR: Final = _query("cursor", {"type": "string"}, "`nextCursor` of the page before.")
_KEY: Final = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "schema": {"type": "string", "minLength": 1, "maxLength": 255},
    "description": "The same key of the same caller gives the same session.",
}
IF_NONE_MATCH: Final = {
    "name": "If-None-Match",
    "in": "header",
    "required": False,
    "schema": {"type": "string"},
    "description": "`ETag` of what the caller has; 304 if that is the latest.",
}
IF_MATCH: Final = {
    **IF_NONE_MATCH,
    "name": "If-Match",
    "description": "`ETag` of what the change began from; 412 if that is not the latest.",
}
USER, _SESSION, _MACHINE = "accessToken", "sessionToken", "machineToken"
INVITED: Final = "invitationToken"
KINDS: Final = (USER, INVITED, _SESSION, _MACHINE)
"""Of tokens."""
_PEOPLE: Final = (USER, _SESSION)

EDGES: Final = (
    Edge(
        "post",
        "/functions/v1/interview-start",
        "startInterview",
        "Start an interview",
        (400, 401, 403, 404, 405, 409, 410, 413, 429, 500, 503),
        body=(InterviewStartRequest,),
        body_is_required=False,
        answer=InterviewStartResponse,
        parameters=(_KEY,),
        security=(USER, INVITED),
    ),
    Edge(
        "post",
        "/functions/v1/session-token",
        "renewSessionToken",
        "Renew a session token",
        (400, 401, 403, 404, 405, 410, 413, 500, 503),
        body=(SessionTokenRequest,),
        body_is_required=False,
        answer=SessionTokenResponse,
        security=(*_PEOPLE, INVITED),
    ),
    Edge(
        "post",
        "/functions/v1/transcript-processor",
        "storeTranscript",
        "Store transcript entries; answered after commit",
        (400, 401, 403, 404, 405, 413, 500, 503),
        body=(TranscriptEvent, TranscriptBatch),
        answer=TranscriptReceipt,
        security=(*_PEOPLE, _MACHINE),
    ),
    Edge(
        "post",
        "/internal/v1/machines/{machineId}/reports",
        "reportFromMachine",
        "Take what a machine tells of its session",
        (400, 401, 404, 405, 409, 413, 500, 503),
        body=(MachineReports,),
        answer=dict[str, int],
        parameters=(_MACHINE_ID,),
        security=(_MACHINE,),
    ),
    Edge(
        "get",
        "/v1/sessions",
        "listSessions",
        "List the tenant's sessions, the newest first",
        (400, 401, 404, 405, 500, 503),
        answer=SessionPage,
        parameters=(
            LIMIT,
            CURSOR,
            _query(
                "interviewId",
                {"type": "string", "format": "uuid"},
                "Only sessions of this interview.",
            ),
            _query(
                "status",
                {"type": "string", "enum": [status.value for status in SessionStatus]},
                "Only sessions in this status.",
            ),
        ),
        security=(USER,),
        is_tagged=True,
    ),
    Edge(
        "get",
        "/v1/sessions/{sessionId}",
        "showSession",
        "Show a session",
        (401, 404, 405, 500, 503),
        answer=SessionView,
        parameters=(SESSION_ID,),
        security=_PEOPLE,
        is_tagged=True,
    ),
    Edge(
        "delete",
        "/v1/sessions/{sessionId}",
        "eraseSession",
        "Erase a session that is over, with its transcript",
        (401, 404, 405, 409, 500, 503),
        status=204,
        parameters=(SESSION_ID,),
        security=(USER,),
    ),
    Edge(
        "get",
        "/v1/sessions/{sessionId}/transcript",
        "showTranscript",
        "Read a transcript as JSON, Markdown, WebVTT or CSV",
        (400, 401, 403, 404, 405, 500, 503),
        answer=Transcript,
        media_types=tuple(form.media_type.partition(";")[0] for form in FORMATS.values()),
        parameters=(
            SESSION_ID,
            _query("format", {"type": "string", "enum": sorted(FORMATS)}, "Comes before `Accept`."),
        ),
        security=_PEOPLE,
        is_tagged=True,
    ),
    Edge(
        "post",
        "/v1/sessions/{sessionId}/end",
        "endSession",
        "End an interview",
        (400, 401, 403, 404, 405, 413, 500, 503),
        body=(EndRequest,),
        body_is_required=False,
        answer=SessionView,
        parameters=(SESSION_ID,),
        security=_PEOPLE,
    ),
    Edge(
        "post",
        "/v1/sessions/{sessionId}/call",
        "reportCall",
        "Tell which call the client has made (direct architecture)",
        (400, 401, 403, 404, 405, 409, 410, 413, 500, 503),
        status=204,
        body=(CallRequest,),
        parameters=(SESSION_ID,),
        security=_PEOPLE,
    ),
    Edge(
        "post",
        "/v1/sessions/{sessionId}/events",
        "addEvent",
        "Pause, resume, or ask for an accommodation",
        (400, 401, 404, 405, 409, 413, 500, 503),
        status=201,
        body=(EventRequest,),
        answer=EventReceipt,
        parameters=(SESSION_ID,),
        security=_PEOPLE,
    ),
    Edge(
        "get",
        "/v1/sessions/{sessionId}/events",
        "listEvents",
        "What happened in a session besides speech",
        (401, 404, 405, 500, 503),
        answer=EventList,
        parameters=(SESSION_ID,),
        security=_PEOPLE,
        is_tagged=True,
    ),
    Edge(
        "get",
        "/v1/sessions/{sessionId}/machines",
        "listMachines",
        "The machines that a session has had, and how they are",
        (401, 404, 405, 500, 503),
        answer=MachineList,
        parameters=(SESSION_ID,),
        security=(USER,),
        is_tagged=True,
    ),
    Edge("get", "/healthz", "health", "Whether the process answers", (405,), answer=dict[str, Any]),
    Edge(
        "get",
        "/readyz",
        "readiness",
        "Whether sessions can be started (503 if not)",
        (405, 503),
        answer=dict[str, Any],
    ),
    Edge(
        "get",
        "/metrics",
        "metrics",
        "For Prometheus",
        (405,),
        answer=str,
        media_types=("text/plain",),
    ),
    Edge(
        "get",
        "/.well-known/jwks.json",
        "publicKeys",
        "Public keys of our tokens (RFC 7517)",
        (405,),
        answer=dict[str, Any],
    ),
    Edge("get", "/openapi.json", "describe", "This document", (405,), answer=dict[str, Any]),
)
