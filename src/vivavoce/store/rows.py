"""Between rows of Postgres and structs: uuids become text."""

from typing import Final, TypeVar

import asyncpg
import msgspec

Row = TypeVar("Row", bound=msgspec.Struct)

_TEXT_IDS: Final = frozenset({"call_id", "item_id", "previous_item_id"})


def columns(shape: type[msgspec.Struct]) -> str:
    """The select list of a shape."""
    return ", ".join(
        f"{name}::text as {name}" if _is_uuid(name) else name for name in shape.__struct_fields__
    )


def to_row(record: asyncpg.Record, shape: type[Row]) -> Row:
    """Build a struct from a record that was selected by `columns`."""
    return shape(**dict(record.items()))


def _is_uuid(name: str) -> bool:
    return name == "id" or (name.endswith("_id") and name not in _TEXT_IDS)
