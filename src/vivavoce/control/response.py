"""What a client is told of its session."""

from vivavoce.control import configuration
from vivavoce.control.configuration import IssuedToken
from vivavoce.control.plane import ControlPlane
from vivavoce.protocol.interview_start import (
    ClientSecret,
    InterviewStartResponse,
    MachineInfo,
    OpenAIConfig,
    SessionMetadata,
    WebRTCConfig,
)
from vivavoce.store.sessions import SessionRow


def start_response(
    plane: ControlPlane,
    session: SessionRow,
    secret: ClientSecret | None,
    token: IssuedToken,
) -> InterviewStartResponse:
    """The answer to a start. `secret` is handed out in the direct architecture only."""
    call = configuration.issued_config(session).call
    is_hybrid = session.architecture == "hybrid"
    return InterviewStartResponse(
        session_id=session.id,
        session_token=token.value,
        webrtc_config=WebRTCConfig(
            sdp_proxy_url=proxy_url(plane, session.id) if is_hybrid else None,
            openai_config=OpenAIConfig(
                url=plane.voice.calls_url,
                model=call["model"],
                voice=call["audio"]["output"]["voice"],
                instructions=call["instructions"],
                client_secret=None if is_hybrid else secret,
            ),
            stun_servers=list(plane.settings.stun_servers),
            turn_servers=configuration.ice_servers(plane, session),
        ),
        metadata=SessionMetadata(
            tenant_id=session.tenant_id,
            user_id=session.user_id,
            created_at=session.created_at,
            expires_at=token.expires_at,
            machine=machine_info(plane, session),
        ),
    )


def proxy_url(plane: ControlPlane, session_id: str) -> str:
    """Where a client connects; `wss` where the API is reached over TLS."""
    return f"ws{plane.origin.removeprefix('http')}/s/{session_id}/ws"


def machine_info(plane: ControlPlane, session: SessionRow) -> MachineInfo | None:
    """Where a session runs, if it has a machine."""
    if session.architecture != "hybrid" or session.isolation is None or session.region is None:
        return None
    provider = plane.machines.provider.capabilities.provider
    return MachineInfo(provider=provider, isolation=session.isolation, region=session.region)
