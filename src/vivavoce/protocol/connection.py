"""The seven states of a client's connection. The table is `connection.json`, for every client."""

from collections.abc import Mapping
from enum import StrEnum
from importlib.resources import files
from types import MappingProxyType
from typing import Final

import msgspec


class ConnectionStatus(StrEnum):
    """The status follows the audio call; signalling has a health of its own."""

    IDLE = "idle"
    CONNECTING = "connecting"
    CONNECTED = "connected"
    DISCONNECTING = "disconnecting"
    DISCONNECTED = "disconnected"
    ERROR = "error"
    RECONNECTING = "reconnecting"


class ConnectionEvent(StrEnum):
    """What moves the status."""

    CONNECT = "connect"
    RESUME = "resume"
    CONNECTED = "connected"
    FAILED = "failed"
    LOST = "lost"
    DISCONNECT = "disconnect"
    ENDED = "ended"
    CLOSED = "closed"
    RETRY = "retry"


class InvalidTransition(Exception):
    """The table has no such move. A fault in the program, never in its input."""


class _Table(msgspec.Struct):
    initial: ConnectionStatus
    states: dict[ConnectionStatus, dict[ConnectionEvent, ConnectionStatus]]


_table: Final = msgspec.json.decode(
    files("vivavoce.protocol").joinpath("connection.json").read_bytes(), type=_Table
)
INITIAL: Final = _table.initial
TRANSITIONS: Final[Mapping[ConnectionStatus, Mapping[ConnectionEvent, ConnectionStatus]]] = (
    MappingProxyType({state: MappingProxyType(moves) for state, moves in _table.states.items()})
)


def advance(status: ConnectionStatus, event: ConnectionEvent) -> ConnectionStatus:
    """The state after `event`.

    Raises:
        InvalidTransition: If the table does not allow the event in this state.
    """
    following = TRANSITIONS[status].get(event)
    if following is None:
        raise InvalidTransition(f"{event} is not allowed while {status}")
    return following


def is_allowed(status: ConnectionStatus, event: ConnectionEvent) -> bool:
    """Whether the table has this move."""
    return event in TRANSITIONS[status]
