"""What a session is started with: from a request to its row, and from its row to a claim.

The row holds all that another machine, or another control plane, needs to go on with the session;
it holds no secret.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import uuid4

import msgspec

from vivavoce import tokens, turn
from vivavoce.control.occasion import Occasion, plan_of_row, settled_config
from vivavoce.control.plane import ControlPlane
from vivavoce.errors import InvalidRequest
from vivavoce.protocol.codec import clean_json, clean_text, encode
from vivavoce.protocol.interview_start import (
    MAX_SESSION_DATA_BYTES,
    InterviewStartRequest,
    OpenAIVoiceConfig,
    SessionConfig,
    TurnServerConfig,
)
from vivavoce.protocol.machine import Claim, SessionLimits
from vivavoce.protocol.transcript import TranscriptEntry
from vivavoce.sessions import interview
from vivavoce.store.sessions import NewSession, SessionRow

UNUSED_SECONDS: Final = 900.0
"""In which a candidate must have connected."""
MACHINE_SLACK_SECONDS: Final = 60.0
"""In which a machine ends by itself what its limits demand, before the control plane does."""
MACHINE_TOKEN_SLACK_SECONDS: Final = 300
TURN_SLACK_SECONDS: Final = 60


class IssuedConfig(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The column `interview_sessions.config`."""

    call: dict[str, Any]
    """The `session` object of the call (OpenAI API reference, "Create call")."""
    limits: SessionLimits


def new_session(
    plane: ControlPlane,
    identity: tokens.Identity,
    request: InterviewStartRequest,
    *,
    idempotency_key: str | None,
    occasion: Occasion | None = None,
) -> NewSession:
    """Work out what a session is started with.

    Args:
        plane: The parts.
        identity: Whoever starts it.
        request: What is wanted; of an interview's own settings, what is said here comes first.
        idempotency_key: Names the session for whoever starts it.
        occasion: The interview that it is held for, and the invitation.

    Raises:
        InvalidRequest: If the request asks for what cannot be.
    """
    config = request.session_config or SessionConfig()
    plan = interview.DEFAULT_PLAN
    company_id, language = request.company_id, plan.language
    if occasion is not None:
        config = settled_config(occasion.interview, request.session_config)
        plan = plan_of_row(occasion.interview)
        company_id, language = company_id or occasion.interview.company_id, plan.language
    voice = config.voice_config or OpenAIVoiceConfig(voice=plane.settings.voice_name)
    text = clean_text(config.instructions or "").strip()
    if request.region is not None and request.architecture == "direct":
        raise InvalidRequest("region: the direct architecture has no machine.")
    if request.region is not None and request.region not in plane.settings.regions:
        known = ", ".join(plane.settings.regions)
        raise InvalidRequest(f"region: there is no such region; there is {known}.")
    if (
        request.session_data is not None
        and len(encode(request.session_data)) > MAX_SESSION_DATA_BYTES
    ):
        raise InvalidRequest(f"sessionData: larger than {MAX_SESSION_DATA_BYTES} bytes.")
    issued = IssuedConfig(
        call=interview.call_configuration(
            instructions=text or interview.instructions(plan),
            model=plane.settings.voice_model,
            transcription_model=plane.settings.voice_transcription_model,
            voice=voice.voice,
            speed=voice.speed,
            language=language,
        ),
        limits=SessionLimits(
            max_duration=float(config.max_duration),
            idle_timeout=plane.settings.idle_timeout,
            heartbeat_timeout=plane.settings.heartbeat_timeout,
        ),
    )
    now = plane.now()
    lifetime = UNUSED_SECONDS + config.max_duration + MACHINE_SLACK_SECONDS
    return NewSession(
        id=str(uuid4()),
        tenant_id=identity.tenant_id,
        user_id=identity.subject,
        architecture=request.architecture,
        config=clean_json(msgspec.to_builtins(issued)),
        created_at=now,
        expires_at=now + timedelta(seconds=lifetime),
        company_id=company_id,
        session_data=clean_json(request.session_data),
        candidate=clean_json(msgspec.to_builtins(request.candidate)),
        region=request.region,
        idempotency_key=idempotency_key,
        interview_id=None if occasion is None else occasion.interview.id,
        invitation_id=None if occasion is None else occasion.invitation_id,
        consent_version=None if occasion is None else occasion.consent_version,
    )


def issued_config(session: SessionRow) -> IssuedConfig:
    """What the session's row says of its call and limits."""
    return msgspec.convert(session.config, IssuedConfig)


def active_until(session: SessionRow, active_at: datetime) -> datetime:
    """When a session that became active ends, whatever its machine and its client do."""
    slack = MACHINE_SLACK_SECONDS if session.architecture == "hybrid" else 0.0
    return active_at + timedelta(seconds=issued_config(session).limits.max_duration + slack)


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """A session token and when it expires."""

    value: str
    expires_at: datetime


def session_token(plane: ControlPlane, session: SessionRow) -> IssuedToken:
    """Issue a session token."""
    now = time.time()
    ttl = int(min(tokens.MAX_SESSION_TOKEN_SECONDS, session.expires_at.timestamp() - now))
    token = tokens.issue(
        plane.keys,
        audience=tokens.SESSION,
        subject=session.user_id,
        tenant_id=session.tenant_id,
        ttl=max(ttl, 1),
        session_id=session.id,
        permissions=tokens.CANDIDATE_PERMISSIONS,
        now=now,
        iss=plane.settings.token_issuer,
    )
    expires_at = datetime.fromtimestamp(int(now) + max(ttl, 1), tz=session.created_at.tzinfo)
    return IssuedToken(token, expires_at)


def ice_servers(plane: ControlPlane, session: SessionRow) -> list[TurnServerConfig]:
    """TURN servers with credentials of a session's own, good until it must have ended."""
    return turn_servers(plane, session.id, until=session.expires_at)


def turn_servers(plane: ControlPlane, name: str, *, until: datetime) -> list[TurnServerConfig]:
    """TURN servers with credentials for one name, good a little longer than until then."""
    secret = plane.settings.turn_secret
    if not plane.settings.turn_servers or secret is None:
        return []
    expires_at = int(until.timestamp()) + TURN_SLACK_SECONDS
    username, password = turn.credentials(
        secret.get_secret_value(), name=name, expires_at=expires_at
    )
    return [TurnServerConfig(list(plane.settings.turn_servers), username, password)]


def make_claim(
    plane: ControlPlane,
    session: SessionRow,
    machine_id: str,
    *,
    call_id: str | None = None,
    known: Sequence[TranscriptEntry] = (),
    revoked: Sequence[str] = (),
    paused: bool = False,
) -> Claim:
    """Everything that makes a machine this session's machine."""
    issued = issued_config(session)
    seconds = int((session.expires_at - plane.now()).total_seconds())
    return Claim(
        session_id=session.id,
        tenant_id=session.tenant_id,
        machine_id=machine_id,
        user_id=session.user_id,
        expires_at=session.expires_at,
        jwks=plane.keys.public(),
        issuer=plane.settings.token_issuer,
        audience=tokens.SESSION,
        machine_token=tokens.issue(
            plane.keys,
            audience=tokens.MACHINE,
            subject=machine_id,
            tenant_id=session.tenant_id,
            ttl=max(seconds, 0) + MACHINE_TOKEN_SLACK_SECONDS,
            session_id=session.id,
            permissions=(tokens.WRITE_TRANSCRIPT,),
            iss=plane.settings.token_issuer,
        ),
        control_url=plane.machine_origin,
        voice=plane.voice.access,
        call_config=issued.call,
        ice_servers=_servers_for_machine(plane, session),
        limits=issued.limits,
        origins=[None, *allowed_origins(plane)],
        active_at=session.active_at,
        call_id=call_id,
        known=list(known),
        revoked=list(revoked),
        paused=paused,
    )


def allowed_origins(plane: ControlPlane) -> list[str]:
    """Origins of web pages that may open a session."""
    return list(dict.fromkeys([plane.origin, *plane.settings.allowed_origins]))


def _servers_for_machine(plane: ControlPlane, session: SessionRow) -> list[TurnServerConfig]:
    stun = plane.settings.stun_servers
    return [*([TurnServerConfig(list(stun))] if stun else []), *ice_servers(plane, session)]
