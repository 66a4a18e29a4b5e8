"""The description of the edges: OpenAPI 3.1, the same bytes every time.

Schemas come from the structs that the edges decode and encode, so they say what is checked.
"""

from collections.abc import Mapping
from functools import cache
from importlib.metadata import version
from typing import Any, Final

import msgspec

from vivavoce.api import openapi_interviews
from vivavoce.api.openapi_edges import EDGES, IF_NONE_MATCH, JSON, KINDS, Edge
from vivavoce.protocol.problem import MEDIA_TYPE, Problem

_TITLES: Final = {
    400: "The request breaks the contract (`INVALID_REQUEST`).",
    401: "The token is missing or not good (`AUTHENTICATION_FAILED`).",
    403: "The token does not permit this (`FORBIDDEN`).",
    404: "There is nothing by that name that this caller may see (`NOT_FOUND`).",
    405: "This address does not take that method.",
    409: "The state of the thing does not allow this (`CONFLICT`).",
    410: "The interview is over (`SESSION_ENDED`).",
    412: "It is not the latest any more that `If-Match` names (`CONFLICT`).",
    413: "The body is too large.",
    429: "Too many sessions or requests (`QUOTA_EXCEEDED`, `RATE_LIMITED`).",
    500: "A fault of ours.",
    502: "The voice model does not take the call (`SDP_EXCHANGE_FAILED`).",
    503: "A part that we depend on does not answer (`UNAVAILABLE`, `VM_PROVISIONING_FAILED`,"
    " `TRANSCRIPT_PROCESSING_FAILED`); `Retry-After` says when to try again.",
}
_ALL: Final = (*EDGES, *openapi_interviews.EDGES)


@cache
def document() -> Mapping[str, Any]:
    """The whole document."""
    shapes = [shape for edge in _ALL for shape in (*edge.body, edge.answer)]
    types = [Problem, *(shape for shape in shapes if shape is not None)]
    schemas, components = msgspec.json.schema_components(
        types, ref_template="#/components/schemas/{name}"
    )
    by_type = {str(shape): schema for shape, schema in zip(types, schemas, strict=True)}
    paths: dict[str, dict[str, Any]] = {}
    for edge in _ALL:
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
                name: {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"} for name in KINDS
            },
        },
    }


def _operation(edge: Edge, by_type: Mapping[str, Any]) -> dict[str, Any]:
    operation: dict[str, Any] = {"operationId": edge.name, "summary": edge.summary}
    if parameters := [*edge.parameters, *([IF_NONE_MATCH] if edge.is_tagged else [])]:
        operation["parameters"] = parameters
    if edge.body:
        bodies = [by_type[str(shape)] for shape in edge.body]
        operation["requestBody"] = {
            "required": edge.body_is_required,
            "content": {JSON: {"schema": bodies[0] if len(bodies) == 1 else {"anyOf": bodies}}},
        }
    good: dict[str, Any] = {"description": "Done."}
    if edge.answer is not None:
        good["content"] = {
            media_type: {
                "schema": by_type[str(edge.answer)] if media_type == JSON else {"type": "string"}
            }
            for media_type in edge.media_types
        }
    refused = {MEDIA_TYPE: {"schema": by_type[str(Problem)]}}
    operation["responses"] = {
        str(edge.status): good,
        **({"304": {"description": "The caller has the latest."}} if edge.is_tagged else {}),
        **{
            str(status): {"description": _TITLES[status], "content": refused}
            for status in edge.refusals
        },
    }
    operation["security"] = [{name: []} for name in edge.security]
    return operation
