"""The description of the edges: OpenAPI 3.1, the same bytes every time.

Schemas come from the structs that the edges decode and encode, so they say what is checked.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from typing import Any, Final

import msgspec

from vivavoce.api.transcript_formats import FORMATS, Transcript
from vivavoce.protocol.interview_start import (
    InterviewStartRequest,
    InterviewStartResponse,
    SessionTokenResponse,
)
from vivavoce.protocol.machine import MachineReports
from vivavoce.protocol.problem import MEDIA_TYPE, Problem
from vivavoce.protocol.sessions import (
    CallRequest,
    EventReceipt,
    EventRequest,
    SessionPage,
    SessionTokenRequest,
    SessionView,
)
from vivavoce.protocol.transcript import TranscriptBatch, TranscriptEvent, TranscriptReceipt
from vivavoce.sessions.lifecycle import SessionStatus

_JSON: Final = "application/json"
_TITLES: Final = {
    400: "The request breaks the contract (`INVALID_REQUEST`).",
    401: "The token is missing or not good (`AUTHENTICATION_FAILED`).",
    403: "The token does not permit this (`FORBIDDEN`).",
    404: "There is nothing by that name that this caller may see (`NOT_FOUND`).",
    405: "This address does not take that method.",
    409: "The state of the session does not allow this (`CONFLICT`).",
    410: "The interview is over (`SESSION_ENDED`).",
    413: "The body is too large.",
    429: "Too many sessions or requests (`QUOTA_EXCEEDED`, `RATE_LIMITED`).",
    500: "A fault of ours.",
    503: "A part that we depend on does not answer (`UNAVAILABLE`, `VM_PROVISIONING_FAILED`,"
    " `TRANSCRIPT_PROCESSING_FAILED`); `Retry-After` says when to try again.",
}
_Types = Any


@dataclass(frozen=True)
class _Edge:
    """One operation."""

    method: str
    path: str
    name: str
    summary: str
    refusals: Sequence[int]
    status: int = 200
    body: Sequence[_Types] = ()
    body_is_required: bool = True
    answer: _Types = None
    media_types: Sequence[str] = (_JSON,)
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
_KEY: Final = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "schema": {"type": "string", "minLength": 1, "maxLength": 255},
    "description": "The same key of the same caller gives the same session.",
}
_USER, _SESSION, _MACHINE = "accessToken", "sessionToken", "machineToken"
_PEOPLE: Final = (_USER, _SESSION)

_EDGES: Final = (
    _Edge(
        "post",
        "/functions/v1/interview-start",
        "startInterview",
        "Start an interview",
        (400, 401, 404, 405, 410, 413, 429, 500, 503),
        body=(InterviewStartRequest,),
        body_is_required=False,
        answer=InterviewStartResponse,
        parameters=(_KEY,),
        security=(_USER,),
    ),
    _Edge(
        "post",
        "/functions/v1/session-token",
        "renewSessionToken",
        "Renew a session token",
        (400, 401, 403, 404, 405, 410, 413, 500, 503),
        body=(SessionTokenRequest,),
        body_is_required=False,
        answer=SessionTokenResponse,
        security=_PEOPLE,
    ),
    _Edge(
        "post",
        "/functions/v1/transcript-processor",
        "storeTranscript",
        "Store transcript entries; answered after commit",
        (400, 401, 403, 404, 405, 413, 500, 503),
        body=(TranscriptEvent, TranscriptBatch),
        answer=TranscriptReceipt,
        security=(*_PEOPLE, _MACHINE),
    ),
    _Edge(
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
    _Edge(
        "get",
        "/v1/sessions",
        "listSessions",
        "List the tenant's sessions, the newest first",
        (400, 401, 405, 500, 503),
        answer=SessionPage,
        parameters=(
            _query(
                "limit",
                {"type": "integer", "minimum": 1, "maximum": 200, "default": 50},
                "Sessions in a page.",
            ),
            _query("cursor", {"type": "string"}, "`nextCursor` of the page before."),
            _query(
                "status",
                {"type": "string", "enum": [status.value for status in SessionStatus]},
                "Only sessions in this status.",
            ),
        ),
        security=(_USER,),
    ),
    _Edge(
        "get",
        "/v1/sessions/{sessionId}",
        "showSession",
        "Show a session",
        (401, 404, 405, 500, 503),
        answer=SessionView,
        parameters=(_SESSION_ID,),
        security=_PEOPLE,
    ),
    _Edge(
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
    _Edge(
        "post",
        "/v1/sessions/{sessionId}/end",
        "endSession",
        "End an interview",
        (401, 403, 404, 405, 413, 500, 503),
        answer=SessionView,
        parameters=(_SESSION_ID,),
        security=_PEOPLE,
    ),
    _Edge(
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
    _Edge(
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
    _Edge(
        "get", "/healthz", "health", "Whether the process answers", (405,), answer=dict[str, Any]
    ),
    _Edge(
        "get",
        "/readyz",
        "readiness",
        "Whether sessions can be started (503 if not)",
        (405, 503),
        answer=dict[str, Any],
    ),
    _Edge(
        "get",
        "/metrics",
        "metrics",
        "For Prometheus",
        (405,),
        answer=str,
        media_types=("text/plain",),
    ),
    _Edge(
        "get",
        "/.well-known/jwks.json",
        "publicKeys",
        "Public keys of our tokens (RFC 7517)",
        (405,),
        answer=dict[str, Any],
    ),
    _Edge("get", "/openapi.json", "describe", "This document", (405,), answer=dict[str, Any]),
)


@cache
def document() -> Mapping[str, Any]:
    """The whole document."""
    shapes = [shape for edge in _EDGES for shape in (*edge.body, edge.answer)]
    types = [Problem, *(shape for shape in shapes if shape is not None)]
    schemas, components = msgspec.json.schema_components(
        types, ref_template="#/components/schemas/{name}"
    )
    by_type = {str(shape): schema for shape, schema in zip(types, schemas, strict=True)}
    paths: dict[str, dict[str, Any]] = {}
    for edge in _EDGES:
        paths.setdefault(edge.path, {})[edge.method] = _operation(edge, by_type)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Vivavoce",
            "version": version("vivavoce"),
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": paths,
        "components": {
            "schemas": dict(sorted(components.items())),
            "securitySchemes": {
                name: {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
                for name in (_USER, _SESSION, _MACHINE)
            },
        },
    }


def _operation(edge: _Edge, by_type: Mapping[str, Any]) -> dict[str, Any]:
    operation: dict[str, Any] = {"operationId": edge.name, "summary": edge.summary}
    if edge.parameters:
        operation["parameters"] = list(edge.parameters)
    if edge.body:
        bodies = [by_type[str(shape)] for shape in edge.body]
        operation["requestBody"] = {
            "required": edge.body_is_required,
            "content": {_JSON: {"schema": bodies[0] if len(bodies) == 1 else {"anyOf": bodies}}},
        }
    good: dict[str, Any] = {"description": "Done."}
    if edge.answer is not None:
        good["content"] = {
            media_type: {
                "schema": by_type[str(edge.answer)] if media_type == _JSON else {"type": "string"}
            }
            for media_type in edge.media_types
        }
    refused = {MEDIA_TYPE: {"schema": by_type[str(Problem)]}}
    operation["responses"] = {
        str(edge.status): good,
        **{
            str(status): {"description": _TITLES[status], "content": refused}
            for status in edge.refusals
        },
    }
    operation["security"] = [{name: []} for name in edge.security]
    return operation
