"""What the two architectures have in common: how an offer becomes a call, and who is told of it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from anyio.abc import TaskStatus

from vivavoce.client.call import Answer, Call
from vivavoce.client.connection import SignallingHealth
from vivavoce.client.session import Ending
from vivavoce.errors import VivavoceError
from vivavoce.protocol.realtime import ServerEvent
from vivavoce.protocol.transcript import TranscriptEntry


@dataclass(frozen=True)
class Hooks:
    """What a way tells the interview. None of them waits.

    Attributes:
        on_end: The interview is over.
        on_call_lost: The other side says that the call is gone.
        on_error: Something failed; the interview goes on.
        on_failure: The way is lost for good.
        on_signalling: How the way to the control plane does.
    """

    on_end: Callable[[Ending], None]
    on_call_lost: Callable[[], None]
    on_error: Callable[[VivavoceError], None]
    on_failure: Callable[[VivavoceError], None]
    on_signalling: Callable[[SignallingHealth], None]


class Way(Protocol):
    """One architecture's way from an offer to a call."""

    async def run(self, *, task_status: TaskStatus[None]) -> None:
        """Keep the way open until cancelled; `started` once offers can be made.

        Raises:
            VivavoceError: If it cannot be opened at first.
        """

    async def offer(self, sdp: str, *, replaces: str | None) -> Answer:
        """Exchange an offer for an answer.

        Raises:
            VivavoceError: If there is none.
        """

    async def begin(self, call: Call, *, replaces: str | None) -> None:
        """Do what a call needs once it stands."""

    def hear(self, event: ServerEvent, changed: list[TranscriptEntry]) -> None:
        """Take an event of the data channel, and what it changed in the transcript."""

    async def present_token(self) -> None:
        """Show the session's renewed token to whoever needs it."""

    async def leave(self) -> None:
        """End the session for good: the candidate leaves."""
