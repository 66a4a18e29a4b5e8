"""What the acts of the control plane work with; made by the program's main."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from vivavoce.control.bell import Bell
from vivavoce.control.minting import Refusals
from vivavoce.control.pool import MachinePool
from vivavoce.control.voice_model import VoiceModel
from vivavoce.settings import ServerSettings
from vivavoce.store.pool import Database
from vivavoce.tokens import SigningKeys


def utc_now() -> datetime:
    """The time."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class ControlPlane:
    """The parts.

    Attributes:
        settings: Of the program.
        origin: Where browsers reach the API.
        machine_origin: Where machines reach the API.
        database: All state.
        voice: The interviewer.
        keys: Sign tokens.
        machines: Those that this process holds.
        cleanup: Rung when something is left to be done.
        started: Rung when a start has ended, well or not.
        refusals: Starts that came to nothing a moment ago.
        now: The clock.
    """

    settings: ServerSettings
    origin: str
    machine_origin: str
    database: Database
    voice: VoiceModel
    keys: SigningKeys
    machines: MachinePool
    cleanup: Bell = field(default_factory=Bell)
    started: Bell = field(default_factory=Bell)
    refusals: Refusals = field(default_factory=Refusals)
    now: Callable[[], datetime] = utc_now
