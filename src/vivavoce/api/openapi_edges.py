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
from vivavoce.protocol.interviews import (
    AccessTokenResponse,
    ConsentRequest,
    ConsentView,
    InterviewDraft,
    InterviewPage,
    InterviewView,
    InvitationCreated,
    InvitationPage,
    InvitationRequest,
    InvitationView,
    InvitationWelcome,
    SecretRequest,
)
from vivavoce.protocol.machine import MachineReports
from vivavoce.protocol.sessions import (
    CallRequest,
    EventList,
    EventReceipt,
    EventRequest,
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


def _query(name: str, schema: Mapping[str, Any], text: str) -> dict[str, Any]:
    return {"name": name, "in": "query", "required": False, "schema": schema, "description": text}


_SESSION_ID: Final = {
    "name": "sessionId",
    "in": "path",
    "required": True,
    "schema": {"type": "string", "format": "uuid"},
}
_MACHINE_ID: Final = {**_SESSION_ID, "name": "machineId"}
_INTERVIEW_ID: Final = {**_SESSION_ID, "name": "interviewId"}
_INVITATION_ID: Final = {**_SESSION_ID, "name": "invitationId"}
_LIMIT: Final = _query(
    "limit", {"type": "integer", "minimum": 1, "maximum": 200, "default": 50}, "Rows in a page."
)
_CURSOR: Final = _query("cursor", {"type": "string"}, "`nextCursor` of the page before.")
_KEY: Final = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "schema": {"type": "string", "minLength": 1, "maxLength": 255},
    "description": "The same key of the same caller gives the same session.",
}
_USER, _SESSION, _MACHINE = "accessToken", "sessionToken", "machineToken"
_INVITED: Final = "invitationToken"
KINDS: Final = (_USER, _INVITED, _SESSION, _MACHINE)
"""Of tokens."""
_PEOPLE: Final = (_USER, _SESSION)

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
        security=(_USER, _INVITED),
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
        security=(*_PEOPLE, _INVITED),
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
            _LIMIT,
            _CURSOR,
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
        security=(_USER,),
    ),
    Edge(
        "get",
        "/v1/sessions/{sessionId}",
        "showSession",
        "Show a session",
        (401, 404, 405, 500, 503),
        answer=SessionView,
        parameters=(_SESSION_ID,),
        security=_PEOPLE,
    ),
    Edge(
        "delete",
        "/v1/sessions/{sessionId}",
        "eraseSession",
        "Erase a session that is over, with its transcript",
        (401, 404, 405, 409, 500, 503),
        status=204,
        parameters=(_SESSION_ID,),
        security=(_USER,),
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
            _SESSION_ID,
            _query("format", {"type": "string", "enum": sorted(FORMATS)}, "Comes before `Accept`."),
        ),
        security=_PEOPLE,
    ),
    Edge(
        "post",
        "/v1/sessions/{sessionId}/end",
        "endSession",
        "End an interview",
        (401, 403, 404, 405, 413, 500, 503),
        answer=SessionView,
        parameters=(_SESSION_ID,),
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
        parameters=(_SESSION_ID,),
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
        parameters=(_SESSION_ID,),
        security=_PEOPLE,
    ),
    Edge(
        "post",
        "/functions/v1/invitation-token",
        "openInvitation",
        "Exchange the secret of an invitation's link for a token",
        (400, 403, 404, 405, 413, 500, 503),
        body=(SecretRequest,),
        answer=AccessTokenResponse,
    ),
    Edge(
        "post",
        "/functions/v1/console-token",
        "enterConsole",
        "Exchange the secret of a console link, once, for an access token",
        (400, 404, 405, 413, 500, 503),
        body=(SecretRequest,),
        answer=AccessTokenResponse,
    ),
    Edge(
        "get",
        "/v1/invitation",
        "showWelcome",
        "What a candidate is told before anything begins",
        (401, 403, 404, 405, 500, 503),
        answer=InvitationWelcome,
        security=(_INVITED,),
    ),
    Edge(
        "post",
        "/v1/consents",
        "giveConsent",
        "Agree to the text of an invitation",
        (400, 401, 403, 404, 405, 409, 413, 500, 503),
        status=201,
        body=(ConsentRequest,),
        answer=ConsentView,
        security=(_INVITED,),
    ),
    Edge(
        "get",
        "/v1/sessions/{sessionId}/events",
        "listEvents",
        "What happened in a session besides speech",
        (401, 404, 405, 500, 503),
        answer=EventList,
        parameters=(_SESSION_ID,),
        security=_PEOPLE,
    ),
    Edge(
        "get",
        "/v1/interviews",
        "listInterviews",
        "List the tenant's interviews, the newest first",
        (400, 401, 405, 500, 503),
        answer=InterviewPage,
        parameters=(_LIMIT, _CURSOR),
        security=(_USER,),
    ),
    Edge(
        "post",
        "/v1/interviews",
        "createInterview",
        "Plan an interview",
        (400, 401, 405, 413, 500, 503),
        status=201,
        body=(InterviewDraft,),
        answer=InterviewView,
        security=(_USER,),
    ),
    Edge(
        "get",
        "/v1/interviews/{interviewId}",
        "showInterview",
        "Show an interview",
        (401, 404, 405, 500, 503),
        answer=InterviewView,
        parameters=(_INTERVIEW_ID,),
        security=(_USER,),
    ),
    Edge(
        "put",
        "/v1/interviews/{interviewId}",
        "replaceInterview",
        "Plan an interview anew; sessions keep what they began with",
        (400, 401, 404, 405, 413, 500, 503),
        body=(InterviewDraft,),
        answer=InterviewView,
        parameters=(_INTERVIEW_ID,),
        security=(_USER,),
    ),
    Edge(
        "delete",
        "/v1/interviews/{interviewId}",
        "deleteInterview",
        "Delete an interview that was never held, with its invitations",
        (401, 404, 405, 409, 500, 503),
        status=204,
        parameters=(_INTERVIEW_ID,),
        security=(_USER,),
    ),
    Edge(
        "post",
        "/v1/interviews/{interviewId}/invitations",
        "createInvitation",
        "Invite a candidate; the link is shown this once",
        (400, 401, 404, 405, 413, 500, 503),
        status=201,
        body=(InvitationRequest,),
        body_is_required=False,
        answer=InvitationCreated,
        parameters=(_INTERVIEW_ID,),
        security=(_USER,),
    ),
    Edge(
        "get",
        "/v1/interviews/{interviewId}/invitations",
        "listInvitations",
        "List the invitations of an interview, the newest first",
        (400, 401, 404, 405, 500, 503),
        answer=InvitationPage,
        parameters=(_INTERVIEW_ID, _LIMIT, _CURSOR),
        security=(_USER,),
    ),
    Edge(
        "get",
        "/v1/invitations/{invitationId}",
        "showInvitation",
        "Show an invitation",
        (401, 404, 405, 500, 503),
        answer=InvitationView,
        parameters=(_INVITATION_ID,),
        security=(_USER,),
    ),
    Edge(
        "post",
        "/v1/invitations/{invitationId}/revoke",
        "revokeInvitation",
        "Take an invitation back, and end the session that goes on with it",
        (401, 404, 405, 413, 500, 503),
        answer=InvitationView,
        parameters=(_INVITATION_ID,),
        security=(_USER,),
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
