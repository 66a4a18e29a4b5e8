"""What a candidate agrees to before an interview may start."""

from dataclasses import dataclass
from typing import Final

VERSION: Final = "2026-11"
"""Of the text below. A change of the text is another version: whoever agreed is asked again."""


@dataclass(frozen=True, slots=True)
class Statement:
    """One sentence to agree to, named by a stable id."""

    id: str
    text: str


def statements(
    organisation: str, *, voice_processor: str | None, retention_days: int | None
) -> tuple[Statement, ...]:
    """Write the text for one invitation.

    Args:
        organisation: Who invites.
        voice_processor: Host of the voice model that hears the candidate; None: the platform's own.
        retention_days: After which transcripts are deleted; None: when the organisation does.
    """
    hears = voice_processor or f"{organisation}'s own interview service"
    kept = (
        f"for {retention_days} days"
        if retention_days is not None
        else f"until {organisation} deletes it"
    )
    return (
        Statement("machine", "I will be interviewed by a machine, not by a person."),
        Statement(
            "voice",
            f"My voice goes to {hears}, which answers me. No recording of it is kept here.",
        ),
        Statement(
            "transcript",
            f"What I say is written down. People at {organisation} read it, and it is kept {kept}.",
        ),
    )
