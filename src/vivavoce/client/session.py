"""A session as its client holds it: id, token, where to connect."""

import base64
import time
from dataclasses import dataclass, field
from typing import Final

import msgspec
from aiortc import RTCIceServer

from vivavoce.protocol.interview_start import (
    ClientSecret,
    InterviewStartResponse,
    SessionTokenResponse,
    WebRTCConfig,
)
from vivavoce.protocol.messages import EndReason
from vivavoce.protocol.transcript import TranscriptEntry

RENEW_AT: Final = 0.8
"""Of a token's life."""
_UNKNOWN_LIFE_SECONDS: Final = 600.0


class SavedSession(msgspec.Struct, rename="camel", frozen=True, kw_only=True):
    """What a client needs to come back to an interview after it was closed or has crashed."""

    session_id: str
    session_token: str
    webrtc_config: WebRTCConfig
    call_id: str | None = None
    transcript: list[TranscriptEntry] = []


@dataclass(frozen=True)
class Ending:
    """How an interview ended, as far as the client was told."""

    reason: EndReason | None
    transcript_complete: bool | None


@dataclass
class Session:
    """A session that stands.

    Attributes:
        call_id: Of the call that connected last.
        client_secret: For the next call of the direct architecture; each opens one.
    """

    id: str
    token: str
    config: WebRTCConfig
    call_id: str | None = None
    client_secret: ClientSecret | None = None
    renew_at: float = field(default=0.0)

    @property
    def ice_servers(self) -> list[RTCIceServer]:
        """STUN and TURN, in aiortc's form."""
        stun = [RTCIceServer(urls=list(self.config.stun_servers))]
        turn = [
            RTCIceServer(urls=server.urls, username=server.username, credential=server.credential)
            for server in self.config.turn_servers
        ]
        return (stun if self.config.stun_servers else []) + turn

    def take_token(self, renewed: SessionTokenResponse) -> None:
        """Use a renewed token, and the client secret that may come with it."""
        self.token = renewed.session_token
        self.client_secret = renewed.client_secret or self.client_secret
        self.renew_at = _renewal(renewed.session_token)

    def saved(self, transcript: list[TranscriptEntry]) -> SavedSession:
        """What to keep for coming back."""
        return SavedSession(
            session_id=self.id,
            session_token=self.token,
            webrtc_config=self.config,
            call_id=self.call_id,
            transcript=transcript,
        )


def session_of(started: InterviewStartResponse) -> Session:
    """The session that `interview-start` answered with."""
    return Session(
        id=started.session_id,
        token=started.session_token,
        config=started.webrtc_config,
        client_secret=started.webrtc_config.openai_config.client_secret,
        renew_at=_renewal(started.session_token),
    )


def session_from(saved: SavedSession) -> Session:
    """The session that was saved."""
    return Session(
        id=saved.session_id,
        token=saved.session_token,
        config=saved.webrtc_config,
        call_id=saved.call_id,
        renew_at=_renewal(saved.session_token),
    )


class _Times(msgspec.Struct):
    iat: float
    exp: float


def _renewal(token: str) -> float:
    """When to renew, by `time.monotonic`. The token is for the server: nothing is verified here.

    Counted from now by the token's length of life, because this machine's clock may be wrong.
    """
    try:
        payload = token.split(".")[1]
        times = msgspec.json.decode(
            base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)), type=_Times
        )
        life = times.exp - times.iat
    except (IndexError, ValueError, msgspec.MsgspecError):
        life = _UNKNOWN_LIFE_SECONDS
    return time.monotonic() + RENEW_AT * max(life, 0.0)
