"""The state of a client's connection: one value, moved only by the table of `protocol`."""

from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from vivavoce.client.recovery import WebRTCConnectionError
from vivavoce.protocol.connection import (
    INITIAL,
    ConnectionEvent,
    ConnectionStatus,
    advance,
    is_allowed,
)

if TYPE_CHECKING:
    from collections.abc import Generator

_OPEN: Final = frozenset(
    {ConnectionStatus.CONNECTING, ConnectionStatus.CONNECTED, ConnectionStatus.RECONNECTING}
)


class SignallingHealth(StrEnum):
    """How the way to the control plane is doing; the audio call does not depend on it."""

    CLOSED = "closed"
    OPEN = "open"
    LOST = "lost"


@dataclass(frozen=True)
class ConnectionMetrics:
    """What was measured so far; None for what has not happened yet.

    Attributes:
        start_ms: From the request for a session to its answer.
        offer_answer_ms: From sending the SDP offer to having the answer.
        connected_ms: From sending the offer to the connected call.
        first_audio_ms: From sending the offer to the first packet of the interviewer's audio.
        round_trip_ms: Of the media path, as the voice model's receiver reports give it.
        loss: Share of the packets lost on the way here, 0 to 1.
        jitter_ms: Of the packets on the way here (RFC 3550 §6.4.1).
    """

    start_ms: float | None = None
    offer_answer_ms: float | None = None
    connected_ms: float | None = None
    first_audio_ms: float | None = None
    round_trip_ms: float | None = None
    loss: float | None = None
    jitter_ms: float | None = None


@dataclass(frozen=True)
class ConnectionState:
    """All that can be said of the connection at one moment.

    Attributes:
        status: Follows the audio call.
        error: Why the status is `error`, or the last error that was recovered from.
        retry_count: Attempts since the call last stood.
        last_connected: When a call last connected.
        metrics: What was measured.
        signalling: The way to the control plane.
        is_recording: Whether the microphone is being sent. Audio is never stored.
    """

    status: ConnectionStatus = INITIAL
    error: WebRTCConnectionError | None = None
    retry_count: int = 0
    last_connected: datetime | None = None
    metrics: ConnectionMetrics = field(default_factory=ConnectionMetrics)
    signalling: SignallingHealth = SignallingHealth.CLOSED
    is_recording: bool = False

    @property
    def is_open(self) -> bool:
        """Whether a call stands or is being tried."""
        return self.status in _OPEN


Observer = Callable[[ConnectionState], None]


class Connection:
    """Holds the state and tells observers of every change."""

    def __init__(self) -> None:
        self._state = ConnectionState()
        self._observers: list[Observer] = []

    @property
    def state(self) -> ConnectionState:
        """The state at this moment."""
        return self._state

    @property
    def status(self) -> ConnectionStatus:
        """Shorthand for `state.status`."""
        return self._state.status

    def observe(self, observer: Observer) -> None:
        """Call `observer` with every state from here on; it may not wait, and may not raise."""
        self._observers.append(observer)

    @contextmanager
    def observed(self, observer: Observer) -> "Generator[None]":
        """Observe for the length of the block."""
        self._observers.append(observer)
        try:
            yield
        finally:
            self._observers.remove(observer)

    def move(self, event: ConnectionEvent, *, error: WebRTCConnectionError | None = None) -> None:
        """Follow the table.

        Raises:
            InvalidTransition: If the table does not have this move; a fault of this program.
        """
        status = advance(self._state.status, event)
        changes: dict[str, Any] = {"status": status}
        if status is ConnectionStatus.CONNECTED:
            changes |= {"last_connected": datetime.now(UTC), "retry_count": 0, "error": None}
        if error is not None:
            changes["error"] = error
        changes["is_recording"] = status is ConnectionStatus.CONNECTED
        self._replace(**changes)

    def move_if_allowed(self, event: ConnectionEvent) -> bool:
        """Follow the table where it has this move; say whether it had."""
        if not is_allowed(self._state.status, event):
            return False
        self.move(event)
        return True

    def count_retry(self, error: WebRTCConnectionError) -> None:
        """Note that another attempt is made because of `error`."""
        self._replace(retry_count=self._state.retry_count + 1, error=error)

    def note_error(self, error: WebRTCConnectionError) -> None:
        """Note an error that ends nothing."""
        self._replace(error=error)

    def note_signalling(self, health: SignallingHealth) -> None:
        """Note how the way to the control plane is doing."""
        if health is not self._state.signalling:
            self._replace(signalling=health)

    def measure(self, **metrics: float | None) -> None:
        """Note measurements, by the names of `ConnectionMetrics`."""
        self._replace(metrics=replace(self._state.metrics, **metrics))

    def _replace(self, **changes: Any) -> None:
        self._state = replace(self._state, **changes)
        for observer in tuple(self._observers):
            observer(self._state)
