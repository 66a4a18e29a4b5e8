"""Keeps a call's configuration as it was issued: the candidate's browser may send changes."""

from collections.abc import Mapping
from typing import Any

from vivavoce.sessions.interview import tampered_fields


class IssuedConfiguration:
    """What one call was made with, and how the voice model spelt it.

    The voice model may not take every field by the letter. What it made of the configuration when
    it first told it is therefore not held against anybody; what changes later is.

    Args:
        issued: The `session` object that the call was made with.
        is_unsure: Whether somebody may have changed it before we listened. Then `session.created`
            proves nothing; the first `session.updated`, the answer to our own restoration, counts
            as the beginning.
    """

    def __init__(self, issued: Mapping[str, Any], *, is_unsure: bool) -> None:
        self._issued = issued
        self._accepted: frozenset[str] | None = None
        self._is_unsure = is_unsure

    def created(self, effective: Mapping[str, Any]) -> list[str]:
        """Take `session.created`; give the fields that were changed behind our back."""
        if self._accepted is None and self._is_unsure:
            return []
        return self._changed(effective)

    def updated(self, effective: Mapping[str, Any]) -> list[str]:
        """Take `session.updated`; give the fields that are not as issued."""
        return self._changed(effective)

    def _changed(self, effective: Mapping[str, Any]) -> list[str]:
        fields = tampered_fields(self._issued, effective)
        if self._accepted is None:
            self._accepted = frozenset(fields)
        return [field for field in fields if field not in self._accepted]
