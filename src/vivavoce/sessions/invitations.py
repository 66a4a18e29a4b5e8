"""Where an invitation stands."""

from dataclasses import dataclass
from datetime import datetime

from vivavoce.protocol.interviews import InvitationState
from vivavoce.sessions.lifecycle import SessionStatus

_OVER = frozenset({SessionStatus.ENDED, SessionStatus.FAILED})


@dataclass(frozen=True, slots=True)
class InvitationFacts:
    """What is known of an invitation.

    Attributes:
        max_uses: Sessions that it allows.
        uses: Sessions that it has had, without those that failed to start.
        session_status: Of the latest of them.
        expires_at: Until when a session may be started.
        opened_at: When the candidate first followed the link.
        revoked_at: When it was taken back.
    """

    max_uses: int
    uses: int
    session_status: str | None
    expires_at: datetime
    opened_at: datetime | None
    revoked_at: datetime | None


def state_of(facts: InvitationFacts, now: datetime) -> InvitationState:
    """Say where an invitation stands. A session that goes on outlives the invitation's expiry."""
    if facts.revoked_at is not None:
        return "revoked"
    if facts.session_status is not None and facts.session_status not in _OVER:
        return "in_progress"
    if facts.uses >= facts.max_uses:
        return "completed"
    if facts.expires_at <= now:
        return "expired"
    return "pending" if facts.opened_at is None else "opened"
