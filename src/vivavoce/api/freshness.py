"""Conditional reads: whoever has the latest already is told so, and nothing is sent again.

Source: RFC 9110 §8.8.3 (entity tags), §13.1.2 (`If-None-Match`).
"""

from hashlib import sha256
from http import HTTPStatus
from typing import Any, Final

from litestar import Request, Response

from vivavoce.api.problems import JSON, NOBODY_MAY_KEEP
from vivavoce.protocol.codec import encode

MAX_TAGS: Final = 32


def tag_of(content: bytes) -> str:
    """An entity tag that changes with the content."""
    return f'"{sha256(content).hexdigest()[:32]}"'


def is_known(request: Request[Any, Any, Any], tag: str) -> bool:
    """Whether the caller names this tag in `If-None-Match`, compared weakly."""
    named = request.headers.get("if-none-match", "").split(",")[:MAX_TAGS]
    wanted = tag.removeprefix("W/")
    return any(one.strip().removeprefix("W/") in (wanted, "*") for one in named)


def unchanged(tag: str) -> Response[bytes]:
    """What is said to whoever has it already."""
    return Response(
        content=b"",
        status_code=HTTPStatus.NOT_MODIFIED,
        media_type=JSON,
        headers={**NOBODY_MAY_KEEP, "etag": tag},
    )


def answer_if_changed(request: Request[Any, Any, Any], content: Any) -> Response[bytes]:
    """A JSON answer that nobody may store, or 304 for a caller who has it."""
    body = encode(content)
    tag = tag_of(body)
    if is_known(request, tag):
        return unchanged(tag)
    return Response(content=body, media_type=JSON, headers={**NOBODY_MAY_KEEP, "etag": tag})
