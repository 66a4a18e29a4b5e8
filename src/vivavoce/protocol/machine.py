"""Between the control plane and a session's machine.

Down the machine's private channel go commands; up to the control plane's HTTP edge, with the
machine's own token, go reports. Secrets travel in the claim, and only there.
"""

from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec

from vivavoce.protocol.interview_start import TurnServerConfig
from vivavoce.protocol.messages import EndReason
from vivavoce.protocol.transcript import TranscriptEntry

MAX_COMMAND_BYTES = 4 * 1024 * 1024


class VoiceAccess(msgspec.Struct, rename="camel", frozen=True, kw_only=True):
    """Where the voice model is, and the key for it."""

    base_url: str
    """Up to and including `/v1`."""
    api_key: str
    dialect: Literal["realtime"] = "realtime"

    def __repr__(self) -> str:
        return f"VoiceAccess(base_url={self.base_url!r}, api_key=…)"


class SessionLimits(msgspec.Struct, rename="camel", frozen=True, kw_only=True):
    """What the machine enforces by itself. All in seconds."""

    max_duration: float = 3600.0
    """From the first connected call; at most one hour."""
    idle_timeout: float = 120.0
    """Without speech of either side, while not paused."""
    heartbeat_timeout: float = 60.0
    """Without the candidate's connection."""
    call_lifetime: float = 3540.0
    """Of one call; OpenAI ends calls at 3600 s."""
    last_words: float = 5.0
    drain: float = 10.0


class Claim(msgspec.Struct, rename="camel", frozen=True, kw_only=True):
    """Everything that makes an anonymous machine the machine of one session. Taken once, ever."""

    session_id: str
    tenant_id: str
    machine_id: str
    user_id: str
    """`sub` of the candidate's tokens; a connection with another `sub` is refused."""
    expires_at: datetime
    jwks: dict[str, Any]
    """Public keys only (RFC 7517)."""
    issuer: str
    audience: str
    machine_token: str
    control_url: str
    voice: VoiceAccess
    call_config: dict[str, Any]
    """The `session` object of the call (OpenAI API reference, "Create call")."""
    ice_servers: list[TurnServerConfig] = []
    limits: SessionLimits = SessionLimits()
    origins: list[str | None] = msgspec.field(default_factory=lambda: [None])
    """Allowed `Origin` headers; None stands for clients that send none."""
    active_at: datetime | None = None
    """When the first call connected, if this machine takes a session over."""
    call_id: str | None = None
    """The call to attach to, if this machine takes a session over."""
    known: list[TranscriptEntry] = []
    """What is already stored, in order."""
    revoked: list[str] = []
    """`jti` of revoked session tokens."""
    paused: bool = False

    def __repr__(self) -> str:
        return f"Claim(session_id={self.session_id!r}, machine_id={self.machine_id!r}, …)"


class ClaimCommand(msgspec.Struct, frozen=True, kw_only=True, tag="claim", tag_field="type"):
    """Become this session's machine."""

    id: int
    claim: Claim


class RevokeCommand(msgspec.Struct, frozen=True, kw_only=True, tag="revoke", tag_field="type"):
    """Refuse these tokens from now on. None revokes every token: the session ends."""

    id: int
    jti: list[str] | None


class EndCommand(msgspec.Struct, frozen=True, kw_only=True, tag="end", tag_field="type"):
    """End the interview."""

    id: int
    reason: EndReason


class PauseCommand(msgspec.Struct, frozen=True, kw_only=True, tag="pause", tag_field="type"):
    """Stop the idle clock."""

    id: int


class ResumeCommand(msgspec.Struct, frozen=True, kw_only=True, tag="resume", tag_field="type"):
    """Start the idle clock again."""

    id: int


class DrainCommand(msgspec.Struct, frozen=True, kw_only=True, tag="drain", tag_field="type"):
    """Refuse new offers; end when the session does."""

    id: int


class HealthCommand(msgspec.Struct, frozen=True, kw_only=True, tag="health", tag_field="type"):
    """Tell how it stands."""

    id: int


MachineCommand = (
    ClaimCommand
    | RevokeCommand
    | EndCommand
    | PauseCommand
    | ResumeCommand
    | DrainCommand
    | HealthCommand
)


class CommandReply(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Answer to the command with the same id. A refusal carries an error code."""

    id: int
    ok: bool
    code: str | None = None
    message: str | None = None
    status: str | None = None
    """`unclaimed`, `claimed` or `ending`."""
    session_id: str | None = None
    call_id: str | None = None
    unacknowledged: int = 0
    """Entries that the processor has not acknowledged."""


class CallReport(
    msgspec.Struct, frozen=True, kw_only=True, rename="camel", tag="call", tag_field="type"
):
    """A call exists; the control plane hangs it up if the machine no longer can."""

    call_id: str
    created_at: datetime
    replaces: str | None = None


class CallEndedReport(
    msgspec.Struct, frozen=True, kw_only=True, rename="camel", tag="call_ended", tag_field="type"
):
    """The machine has hung this call up."""

    call_id: str


class StatusReport(
    msgspec.Struct, frozen=True, kw_only=True, rename="camel", tag="status", tag_field="type"
):
    """The session became `active` or `reconnecting`."""

    status: Literal["active", "reconnecting"]
    at: datetime


class EventReport(
    msgspec.Struct, frozen=True, kw_only=True, rename="camel", tag="event", tag_field="type"
):
    """Something worth keeping, such as a configuration that the candidate tampered with."""

    kind: Annotated[str, msgspec.Meta(max_length=64)]
    at: datetime
    data: dict[str, Any] = {}


class EndingReport(
    msgspec.Struct, frozen=True, kw_only=True, rename="camel", tag="ending", tag_field="type"
):
    """The interview is over, and the candidate is about to be told."""

    reason: EndReason
    item_count: int
    transcript_complete: bool
    at: datetime


class ExitedReport(
    msgspec.Struct, frozen=True, kw_only=True, rename="camel", tag="exited", tag_field="type"
):
    """The interview is over on this machine, and nobody needs it any more."""

    reason: EndReason
    item_count: int
    transcript_complete: bool
    at: datetime


MachineReport = (
    CallReport | CallEndedReport | StatusReport | EventReport | EndingReport | ExitedReport
)


class MachineReports(msgspec.Struct, frozen=True, kw_only=True):
    """Body of `POST /internal/v1/machines/{machineId}/reports`; each report is idempotent."""

    reports: Annotated[list[MachineReport], msgspec.Meta(max_length=100)]
