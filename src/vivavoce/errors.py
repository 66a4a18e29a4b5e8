"""Every error code, what to do about it, and the exceptions that carry them.

    VivavoceError
    ├── ConnectionFailed                 the five codes of a connection's life
    │   ├── SdpExchangeFailed            SDP_EXCHANGE_FAILED
    │   ├── WebRTCConnectionFailed       WEBRTC_CONNECTION_FAILED
    │   ├── AuthenticationFailed         AUTHENTICATION_FAILED
    │   ├── MachineProvisioningFailed    VM_PROVISIONING_FAILED
    │   └── TranscriptProcessingFailed   TRANSCRIPT_PROCESSING_FAILED
    ├── InvalidRequest                   INVALID_REQUEST
    ├── Forbidden                        FORBIDDEN
    ├── NotFound                         NOT_FOUND
    ├── Conflict                         CONFLICT
    ├── SessionEnded                     SESSION_ENDED
    ├── RateLimited                      RATE_LIMITED
    ├── QuotaExceeded                    QUOTA_EXCEEDED
    └── Unavailable                      UNAVAILABLE

A message is written for the person who has to act on it, and never holds a token, a secret or
anything that a candidate said.
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Any, ClassVar, Final


class Recovery(StrEnum):
    """What a client does about an error code, by itself."""

    RETRY_WITH_BACKOFF = "retry_with_backoff"
    RETRY_WITH_NEW_SESSION = "retry_with_new_session"
    REFRESH_TOKEN_AND_RETRY = "refresh_token_and_retry"  # noqa: S105  the name of an act, not a secret
    RETRY_WITH_DIFFERENT_REGION = "retry_with_different_region"
    CONTINUE_SESSION_LOG_ERROR = "continue_session_log_error"
    NONE = "none"


class Code(StrEnum):
    """Stable names of everything that can go wrong on a wire."""

    SDP_EXCHANGE_FAILED = "SDP_EXCHANGE_FAILED"
    WEBRTC_CONNECTION_FAILED = "WEBRTC_CONNECTION_FAILED"
    AUTHENTICATION_FAILED = "AUTHENTICATION_FAILED"
    VM_PROVISIONING_FAILED = "VM_PROVISIONING_FAILED"
    TRANSCRIPT_PROCESSING_FAILED = "TRANSCRIPT_PROCESSING_FAILED"
    INVALID_REQUEST = "INVALID_REQUEST"
    FORBIDDEN = "FORBIDDEN"
    NOT_FOUND = "NOT_FOUND"
    CONFLICT = "CONFLICT"
    SESSION_ENDED = "SESSION_ENDED"
    RATE_LIMITED = "RATE_LIMITED"
    QUOTA_EXCEEDED = "QUOTA_EXCEEDED"
    UNAVAILABLE = "UNAVAILABLE"


RECOVERY: Final[Mapping[Code, Recovery]] = MappingProxyType(
    {
        Code.SDP_EXCHANGE_FAILED: Recovery.RETRY_WITH_BACKOFF,
        Code.WEBRTC_CONNECTION_FAILED: Recovery.RETRY_WITH_NEW_SESSION,
        Code.AUTHENTICATION_FAILED: Recovery.REFRESH_TOKEN_AND_RETRY,
        Code.VM_PROVISIONING_FAILED: Recovery.RETRY_WITH_DIFFERENT_REGION,
        Code.TRANSCRIPT_PROCESSING_FAILED: Recovery.CONTINUE_SESSION_LOG_ERROR,
        Code.INVALID_REQUEST: Recovery.NONE,
        Code.FORBIDDEN: Recovery.NONE,
        Code.NOT_FOUND: Recovery.NONE,
        Code.CONFLICT: Recovery.NONE,
        Code.SESSION_ENDED: Recovery.NONE,
        Code.RATE_LIMITED: Recovery.RETRY_WITH_BACKOFF,
        Code.QUOTA_EXCEEDED: Recovery.RETRY_WITH_BACKOFF,
        Code.UNAVAILABLE: Recovery.RETRY_WITH_BACKOFF,
    }
)

HTTP_STATUS: Final[Mapping[Code, int]] = MappingProxyType(
    {
        Code.SDP_EXCHANGE_FAILED: 502,
        Code.WEBRTC_CONNECTION_FAILED: 502,
        Code.AUTHENTICATION_FAILED: 401,
        Code.VM_PROVISIONING_FAILED: 503,
        Code.TRANSCRIPT_PROCESSING_FAILED: 503,
        Code.INVALID_REQUEST: 400,
        Code.FORBIDDEN: 403,
        Code.NOT_FOUND: 404,
        Code.CONFLICT: 409,
        Code.SESSION_ENDED: 410,
        Code.RATE_LIMITED: 429,
        Code.QUOTA_EXCEEDED: 429,
        Code.UNAVAILABLE: 503,
    }
)


class VivavoceError(Exception):
    """The root of the tree. Raise a subclass.

    Attributes:
        message: One or two sentences: what happened, and what to do next.
        details: Further facts that are safe to show, such as `triedRegions`.
        retry_after: Seconds after which a retry makes sense, or None.
    """

    code: ClassVar[Code]

    def __init__(self, message: str, *, retry_after: float | None = None, **details: Any) -> None:
        super().__init__(message)
        self.message = message
        self.details: dict[str, Any] = details
        self.retry_after = retry_after

    @property
    def recovery(self) -> Recovery:
        """What a client does about it."""
        return RECOVERY[self.code]

    @property
    def retryable(self) -> bool:
        """Whether a client may try again by itself."""
        return self.recovery not in (Recovery.NONE, Recovery.CONTINUE_SESSION_LOG_ERROR)

    @property
    def http_status(self) -> int:
        """Status of the HTTP answer that carries this error."""
        return HTTP_STATUS[self.code]


class ConnectionFailed(VivavoceError):
    """One of the requirements' five connection errors."""


class SdpExchangeFailed(ConnectionFailed):
    """The voice model or the proxy refused an SDP offer, or did not answer it."""

    code = Code.SDP_EXCHANGE_FAILED


class WebRTCConnectionFailed(ConnectionFailed):
    """The audio call did not connect, or was lost for good."""

    code = Code.WEBRTC_CONNECTION_FAILED


class AuthenticationFailed(ConnectionFailed):
    """A token is missing, malformed, expired, revoked or not signed by us."""

    code = Code.AUTHENTICATION_FAILED


class MachineProvisioningFailed(ConnectionFailed):
    """No machine could be had for the session. `details["triedRegions"]` names where we looked."""

    code = Code.VM_PROVISIONING_FAILED


class TranscriptProcessingFailed(ConnectionFailed):
    """Transcript entries could not be stored. They are kept and sent again; audio goes on."""

    code = Code.TRANSCRIPT_PROCESSING_FAILED


class InvalidRequest(VivavoceError):
    """The request breaks the contract; the message names the field."""

    code = Code.INVALID_REQUEST


class Forbidden(VivavoceError):
    """The token is good, but does not permit this."""

    code = Code.FORBIDDEN


class NotFound(VivavoceError):
    """There is nothing by that name that this caller may see."""

    code = Code.NOT_FOUND


class Conflict(VivavoceError):
    """The thing is in a state that does not allow this."""

    code = Code.CONFLICT


class SessionEnded(VivavoceError):
    """The interview is over; start a new one."""

    code = Code.SESSION_ENDED


class RateLimited(VivavoceError):
    """Too many requests in a short time."""

    code = Code.RATE_LIMITED


class QuotaExceeded(VivavoceError):
    """The tenant has all the sessions that it may have at once."""

    code = Code.QUOTA_EXCEEDED


class Unavailable(VivavoceError):
    """A part that we depend on (database, voice model) does not answer at the moment."""

    code = Code.UNAVAILABLE


ERRORS: Final[Mapping[Code, type[VivavoceError]]] = MappingProxyType(
    {
        error.code: error
        for error in (
            SdpExchangeFailed,
            WebRTCConnectionFailed,
            AuthenticationFailed,
            MachineProvisioningFailed,
            TranscriptProcessingFailed,
            InvalidRequest,
            Forbidden,
            NotFound,
            Conflict,
            SessionEnded,
            RateLimited,
            QuotaExceeded,
            Unavailable,
        )
    }
)


def from_code(code: str, message: str, **details: Any) -> VivavoceError:
    """Build the exception for a code that came over a wire; an unknown code is `Unavailable`."""
    error = ERRORS.get(Code(code)) if code in Code.__members__ else None
    return (error or Unavailable)(message, **details)
