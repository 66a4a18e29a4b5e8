"""`POST /functions/v1/interview-start` and `session-token`: requests and responses."""

from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec

Architecture = Literal["hybrid", "direct"]

MIN_DURATION = 60
MAX_DURATION = 3600
MAX_INSTRUCTIONS = 16_384
MAX_SESSION_DATA_BYTES = 16_384


class OpenAIVoiceConfig(msgspec.Struct, rename="camel", frozen=True, forbid_unknown_fields=True):
    """How the interviewer sounds."""

    voice: Annotated[str, msgspec.Meta(min_length=1, max_length=64)] = "marin"
    speed: Annotated[float, msgspec.Meta(ge=0.25, le=1.5)] | None = None


class SessionConfig(msgspec.Struct, rename="camel", frozen=True, forbid_unknown_fields=True):
    """What the caller may set of a session."""

    max_duration: Annotated[int, msgspec.Meta(ge=MIN_DURATION, le=MAX_DURATION)] = MAX_DURATION
    """Seconds, counted from the first connected call."""
    voice_config: OpenAIVoiceConfig | None = None
    instructions: Annotated[str, msgspec.Meta(max_length=MAX_INSTRUCTIONS)] | None = None


class CandidateInfo(msgspec.Struct, rename="camel", frozen=True, forbid_unknown_fields=True):
    """Who is interviewed, as far as the company wants to say."""

    name: Annotated[str, msgspec.Meta(max_length=200)] | None = None
    email: Annotated[str, msgspec.Meta(max_length=320)] | None = None
    external_id: Annotated[str, msgspec.Meta(max_length=200)] | None = None


Uuid = Annotated[str, msgspec.Meta(pattern="^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$")]


class InterviewStartRequest(
    msgspec.Struct, rename="camel", frozen=True, forbid_unknown_fields=True
):
    """Everything is optional: an empty object starts a hybrid session with the defaults.

    With an invitation's token, only `architecture` and `region` may be given.
    """

    architecture: Architecture = "hybrid"
    session_config: SessionConfig | None = None
    interview_id: Uuid | None = None
    candidate: CandidateInfo | None = None
    company_id: Uuid | None = None
    session_data: dict[str, Any] | None = None
    region: Annotated[str, msgspec.Meta(min_length=1, max_length=64)] | None = None


class ClientSecret(msgspec.Struct, rename="camel", frozen=True):
    """An ephemeral key of the voice model, for one call of the direct architecture."""

    value: str
    expires_at: datetime


class OpenAIConfig(msgspec.Struct, rename="camel", frozen=True, kw_only=True, omit_defaults=True):
    """The voice call. `url` is the full calls URL."""

    url: str
    model: str
    voice: str
    instructions: str
    client_secret: ClientSecret | None = None


class TurnServerConfig(msgspec.Struct, rename="camel", frozen=True, omit_defaults=True):
    """An `RTCIceServer` (W3C WebRTC 1.0, §4.2.4)."""

    urls: list[str]
    username: str | None = None
    credential: str | None = None


class WebRTCConfig(msgspec.Struct, rename="camel", frozen=True, kw_only=True):
    """How to connect. `sdp_proxy_url` is opaque, and null in the direct architecture."""

    sdp_proxy_url: str | None
    openai_config: OpenAIConfig
    stun_servers: list[str]
    turn_servers: list[TurnServerConfig] = []


class MachineInfo(msgspec.Struct, rename="camel", frozen=True):
    """Where the session runs, and how well it is isolated."""

    provider: str
    isolation: str
    region: str


class SessionMetadata(msgspec.Struct, rename="camel", frozen=True, kw_only=True):
    """Facts about the session."""

    tenant_id: str
    user_id: str
    created_at: datetime
    expires_at: datetime
    machine: MachineInfo | None = None


class InterviewStartResponse(msgspec.Struct, rename="camel", frozen=True, kw_only=True):
    """A session that is ready for its client."""

    session_id: str
    session_token: str
    webrtc_config: WebRTCConfig
    metadata: SessionMetadata


class SessionTokenResponse(
    msgspec.Struct, rename="camel", frozen=True, kw_only=True, omit_defaults=True
):
    """A renewed session token; in the direct architecture also a new client secret."""

    session_token: str
    expires_at: datetime
    client_secret: ClientSecret | None = None
