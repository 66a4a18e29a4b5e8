"""`/v1/sessions`: what is shown of a session, and what is asked of it."""

from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec

from vivavoce.protocol.interview_start import MachineInfo

MAX_PAGE = 200


class SessionFailure(msgspec.Struct, rename="camel", frozen=True, kw_only=True, omit_defaults=True):
    """Why a session never came to be."""

    branch: Literal["machine", "call", "claim", "start"]
    code: str
    message: str
    tried_regions: list[str] | None = None


class SessionView(msgspec.Struct, rename="camel", frozen=True, kw_only=True):
    """A session, as its tenant and its candidate see it."""

    session_id: str
    status: str
    architecture: str
    user_id: str
    company_id: str | None
    interview_id: str | None
    invitation_id: str | None
    end_reason: str | None
    transcript_complete: bool | None
    """Whether everything that was said is stored; None while the session lives."""
    item_count: int | None
    failure: SessionFailure | None
    machine: MachineInfo | None
    candidate: Any
    session_data: Any
    created_at: datetime
    active_at: datetime | None
    ended_at: datetime | None
    expires_at: datetime


class SessionPage(msgspec.Struct, rename="camel", frozen=True, kw_only=True):
    """Sessions, the newest first. `next_cursor` leads to the next page, None at the end."""

    sessions: list[SessionView]
    next_cursor: str | None


class CallRequest(
    msgspec.Struct, rename="camel", frozen=True, kw_only=True, forbid_unknown_fields=True
):
    """`POST /v1/sessions/{id}/call`: the call that a client of the direct architecture has made."""

    call_id: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_-]{1,128}$")]


class EndRequest(
    msgspec.Struct, rename="camel", frozen=True, kw_only=True, forbid_unknown_fields=True
):
    """`POST /v1/sessions/{id}/end`, whose body may be empty.

    A client of the direct architecture is the only one who hears how the interview ends, so it
    says here that it was brought to its end. Of every other session the plane knows by itself:
    its machine hears the interviewer's goodbye, and a user's token means the recruiter.
    """

    reason: Literal["completed", "candidate_left"] = "candidate_left"


class EventRequest(
    msgspec.Struct, rename="camel", frozen=True, kw_only=True, forbid_unknown_fields=True
):
    """`POST /v1/sessions/{id}/events`: a control of the room."""

    type: Literal["pause", "resume", "accommodation_request"]
    data: dict[str, Any] = {}


class EventReceipt(msgspec.Struct, rename="camel", frozen=True, kw_only=True):
    """The event is stored; `seq` grows with every event of the deployment."""

    seq: int
    created_at: datetime


class EventView(msgspec.Struct, rename="camel", frozen=True, kw_only=True):
    """Something that happened in a session besides speech."""

    seq: int
    type: str
    data: dict[str, Any]
    created_at: datetime


class EventList(msgspec.Struct, rename="camel", frozen=True, kw_only=True):
    """`GET /v1/sessions/{id}/events`: all of them, the oldest first."""

    events: list[EventView]


class MachineView(msgspec.Struct, rename="camel", frozen=True, kw_only=True):
    """A machine of a session, and how it is."""

    machine_id: str
    state: Literal[
        "requested", "starting", "ready", "claimed", "draining", "gone", "failed", "lost"
    ]
    """`claimed`: it serves the session. `lost`: it went away from it, and another took over."""
    provider: str
    isolation: str | None
    region: str | None
    created_at: datetime
    claimed_at: datetime | None
    gone_at: datetime | None


class MachineList(msgspec.Struct, rename="camel", frozen=True, kw_only=True):
    """`GET /v1/sessions/{id}/machines`: the oldest first."""

    machines: list[MachineView]


class SessionTokenRequest(
    msgspec.Struct, rename="camel", frozen=True, kw_only=True, forbid_unknown_fields=True
):
    """`POST /functions/v1/session-token`: with an access token, which session it is about."""

    session_id: Annotated[str, msgspec.Meta(max_length=64)] | None = None
