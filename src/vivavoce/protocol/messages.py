"""The SDP proxy's WebSocket: `{type, sessionId, data}` in, `{type, data, timestamp}` out.

A client message carries its own session id, which must be the token's and the machine's.
"""

from datetime import datetime
from enum import IntEnum, StrEnum
from typing import Annotated, Any, Literal

import msgspec

from vivavoce.protocol.interview_start import TurnServerConfig
from vivavoce.protocol.transcript import ItemId, Revision, TranscriptEntry

MAX_MESSAGE_BYTES = 65_536
MAX_SDP_BYTES = 32_768
MAX_KNOWN_ITEMS = 2_000
SUBPROTOCOL = "viva.v1"
BEARER_SUBPROTOCOL_PREFIX = "bearer."

SessionIdField = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
Sdp = Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_SDP_BYTES)]


class CloseCode(IntEnum):
    """WebSocket close codes that have a meaning of their own (RFC 6455 §7.4)."""

    NORMAL = 1000
    GOING_AWAY = 1001
    POLICY_VIOLATION = 1008
    TOO_LARGE = 1009
    INTERNAL = 1011
    RESTART = 1012
    TRY_AGAIN_LATER = 1013
    LEFT = 4000
    """The candidate leaves for good (sent by the client)."""
    TAKEN_OVER = 4001
    """Another connection of the same candidate took the session over."""
    AUTHENTICATION = 4401
    """The token is missing, wrong, expired or revoked."""
    FORBIDDEN = 4403
    """The session belongs to somebody else."""
    SESSION_ENDED = 4410
    """The interview is over."""


class SessionData(msgspec.Struct, rename="camel", frozen=True, kw_only=True):
    """Binds the connection, renews its token, tells what the client has; the heartbeat (15 s)."""

    token: Annotated[str, msgspec.Meta(max_length=8192)] | None = None
    known: Annotated[dict[ItemId, Revision], msgspec.Meta(max_length=MAX_KNOWN_ITEMS)] | None = None


class OfferData(msgspec.Struct, rename="camel", frozen=True, kw_only=True):
    """An SDP offer. `replaces` names the call that this one takes the place of."""

    sdp: Sdp
    replaces: Annotated[str, msgspec.Meta(max_length=128)] | None = None


class AnswerData(msgspec.Struct, rename="camel", frozen=True, kw_only=True):
    """An SDP answer, where the voice dialect makes the offer."""

    sdp: Sdp


class IceCandidateData(msgspec.Struct, frozen=True, kw_only=True):
    """An `RTCIceCandidateInit`; `candidate: null` ends the list."""

    candidate: Annotated[str, msgspec.Meta(max_length=1024)] | None = None
    sdp_mid: Annotated[str, msgspec.Meta(max_length=64)] | None = msgspec.field(
        default=None, name="sdpMid"
    )
    sdp_m_line_index: Annotated[int, msgspec.Meta(ge=0, le=64)] | None = msgspec.field(
        default=None, name="sdpMLineIndex"
    )


class SessionMessage(
    msgspec.Struct, rename="camel", frozen=True, kw_only=True, tag="session", tag_field="type"
):
    """First message of a connection, and its heartbeat."""

    session_id: SessionIdField
    data: SessionData = SessionData()


class OfferMessage(
    msgspec.Struct, rename="camel", frozen=True, kw_only=True, tag="offer", tag_field="type"
):
    """Asks for a call."""

    session_id: SessionIdField
    data: OfferData


class AnswerMessage(
    msgspec.Struct, rename="camel", frozen=True, kw_only=True, tag="answer", tag_field="type"
):
    """Answers a call that the server offered."""

    session_id: SessionIdField
    data: AnswerData


class IceCandidateMessage(
    msgspec.Struct, rename="camel", frozen=True, kw_only=True, tag="ice_candidate", tag_field="type"
):
    """A candidate path of the client."""

    session_id: SessionIdField
    data: IceCandidateData


ClientMessage = SessionMessage | OfferMessage | AnswerMessage | IceCandidateMessage


class SessionDescription(msgspec.Struct, frozen=True):
    """The voice model's SDP."""

    sdp: str
    type: Literal["answer"] = "answer"


class EndReason(StrEnum):
    """Why an interview is over."""

    COMPLETED = "completed"
    CANDIDATE_LEFT = "candidate_left"
    MAX_DURATION = "max_duration"
    IDLE = "idle"
    ENDED_BY_RECRUITER = "ended_by_recruiter"
    CALL_LOST = "call_lost"
    REVOKED = "revoked"


class SessionReadyData(msgspec.Struct, rename="camel", frozen=True, kw_only=True):
    """The whole state of the session, every time."""

    status: str
    resumed: bool
    answer: SessionDescription | None
    call_id: str | None
    ice_servers: list[TurnServerConfig]
    expires_at: datetime
    missing: list[str]
    """Items whose text the proxy lacks; the client sends its copy to the transcript processor."""


class TranscriptData(msgspec.Struct, rename="camel", frozen=True, kw_only=True):
    """Entries, new or revised, batched for at most 100 ms."""

    entries: list[TranscriptEntry]


class ErrorData(msgspec.Struct, rename="camel", frozen=True, kw_only=True):
    """An error and what to do about it."""

    code: str
    message: str
    retryable: bool
    recovery: str
    request_id: str | None = None
    details: dict[str, Any] = {}


class SessionEndedData(msgspec.Struct, rename="camel", frozen=True, kw_only=True):
    """The last message of a session."""

    reason: EndReason
    transcript_complete: bool


class SessionReadyMessage(
    msgspec.Struct, frozen=True, kw_only=True, tag="session_ready", tag_field="type"
):
    """The session stands."""

    data: SessionReadyData
    timestamp: datetime


class TranscriptMessage(
    msgspec.Struct, frozen=True, kw_only=True, tag="transcript", tag_field="type"
):
    """What was said."""

    data: TranscriptData
    timestamp: datetime


class ErrorMessage(msgspec.Struct, frozen=True, kw_only=True, tag="error", tag_field="type"):
    """Something failed; a close code follows where it is fatal."""

    data: ErrorData
    timestamp: datetime


class SessionEndedMessage(
    msgspec.Struct, frozen=True, kw_only=True, tag="session_ended", tag_field="type"
):
    """The interview is over."""

    data: SessionEndedData
    timestamp: datetime


ProxyMessage = SessionReadyMessage | TranscriptMessage | ErrorMessage | SessionEndedMessage
