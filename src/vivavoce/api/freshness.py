"""Conditional requests: nothing is sent twice, and nobody's change is lost in silence.

Whoever has the latest is told so; whoever changes something may name what they began from.

Source: RFC 9110 §8.8.3 (entity tags), §13.1.1 (`If-Match`), §13.1.2 (`If-None-Match`).
"""

from hashlib import sha256
from http import HTTPStatus
from typing import Any, Final

from litestar import Request, Response

from vivavoce.api.problems import JSON, NOBODY_MAY_KEEP, Stale
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


def require_latest(request: Request[Any, Any, Any], content: Any) -> None:
    """Refuse a change that names in `If-Match` what is not the latest; compared strongly.

    Raises:
        Stale: If it does. Without the field, every change is taken.
    """
    named = request.headers.get("if-match")
    if named is None:
        return
    tags = [one.strip() for one in named.split(",")[:MAX_TAGS]]
    if tags != ["*"] and tag_of(encode(content)) not in tags:
        raise Stale("Somebody has changed this since you read it. Read it again, and then decide.")


def unchanged(tag: str) -> Response[bytes]:
    """What is said to whoever has it already."""
    return Response(
        content=b"",
        status_code=HTTPStatus.NOT_MODIFIED,
        media_type=JSON,
        headers={**NOBODY_MAY_KEEP, "etag": tag},
    )


def answer_tagged(content: Any) -> Response[bytes]:
    """A JSON answer that nobody may store, with its tag."""
    body = encode(content)
    return Response(
        content=body, media_type=JSON, headers={**NOBODY_MAY_KEEP, "etag": tag_of(body)}
    )


def answer_if_changed(request: Request[Any, Any, Any], content: Any) -> Response[bytes]:
    """The same, or 304 for a caller who has it."""
    answered = answer_tagged(content)
    tag = answered.headers["etag"]
    return unchanged(tag) if is_known(request, tag) else answered
