"""Lists in pages: the newest first, each page from where the one before it ended."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Final, Protocol, TypeVar
from uuid import UUID

from vivavoce.api.context import AnyRequest
from vivavoce.errors import InvalidRequest
from vivavoce.protocol.sessions import MAX_PAGE

DEFAULT_PAGE: Final = 50
Place = tuple[datetime, str]
"""Of a row in its list: when it was made, and its id."""


class Listed(Protocol):
    """A row that has a place in a list."""

    @property
    def id(self) -> str:
        """A uuid."""

    @property
    def created_at(self) -> datetime:
        """When it was made."""


Row = TypeVar("Row", bound=Listed)


async def read_page(
    request: AnyRequest, read: Callable[[int, Place | None], Awaitable[list[Row]]]
) -> tuple[list[Row], str | None]:
    """Read the page that a request's `limit` and `cursor` ask for.

    Args:
        request: Its query is read.
        read: Reads so many rows from the one before a place on.

    Returns:
        The rows, and the cursor of the next page or None.

    Raises:
        InvalidRequest: If `limit` or `cursor` is none.
    """
    limit = _limit(request.query_params.get("limit"))
    cursor = request.query_params.get("cursor")
    rows = await read(limit + 1, _read_cursor(cursor) if cursor else None)
    page = rows[:limit]
    return page, _cursor(page[-1]) if len(rows) > limit else None


def _limit(text: str | None) -> int:
    try:
        limit = DEFAULT_PAGE if text is None else int(text)
    except ValueError:
        limit = 0
    if not 1 <= limit <= MAX_PAGE:
        raise InvalidRequest(f"limit: 1 to {MAX_PAGE}.")
    return limit


def _cursor(row: Listed) -> str:
    text = f"{row.created_at.isoformat()} {row.id}"
    return urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _read_cursor(cursor: str) -> Place:
    try:
        text = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
        created_at, _, row_id = text.partition(" ")
        instant = datetime.fromisoformat(created_at)
        if instant.tzinfo is None:
            raise ValueError(cursor)  # noqa: TRY301  one way out for all that is no cursor
        return instant, str(UUID(row_id))
    except ValueError:
        raise InvalidRequest("cursor: take the one of the page before.") from None
