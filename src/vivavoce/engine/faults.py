"""Faults that the engine makes on purpose: what is known to go wrong at real voice models.

All are off by default. `viva engine --fault NAME[=VALUE][*TIMES]` turns one on: with `*2` it
strikes twice and is gone, so that a recovery can be watched; without, it stays. Each changes one
thing that a client sees, and turns one line of `viva engine --check` red.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

import anyio

from vivavoce.engine.refusals import Refused

_MAX_TIMES: Final = 1_000_000


class Fault(StrEnum):
    """The faults by name."""

    REFUSE_SECRETS = "refuse-secrets"
    REUSABLE_SECRETS = "reusable-secrets"
    REFUSE_CALLS = "refuse-calls"
    HANG_CALLS = "hang-calls"
    SLOW_ANSWER = "slow-answer"
    LOST_ANSWER = "lost-answer"
    NO_LOCATION = "no-location"
    SLOW_MEDIA = "slow-media"
    DYING_CALLS = "dying-calls"
    UNNOTICED_LEAVING = "unnoticed-leaving"
    REFUSE_HANG_UPS = "refuse-hang-ups"
    SIDEBAND_404 = "sideband-404"
    SIDEBAND_CLOSE = "sideband-close"
    SIDEBAND_GAPS = "sideband-gaps"
    LOST_UPDATES = "lost-updates"
    BETA_NAMES = "beta-names"
    NO_TRANSCRIPT_KEY = "no-transcript-key"
    LATE_TRANSCRIPTS = "late-transcripts"
    LOST_TRANSCRIPTS = "lost-transcripts"
    FAILED_TRANSCRIPTS = "failed-transcripts"
    REPLY_TO_NOTHING = "reply-to-nothing"


@dataclass(frozen=True, slots=True)
class Range:
    """The values that a fault takes.

    Attributes:
        unit: What the number is.
        default: Where none is given.
        least: The smallest that is taken.
        most: The largest that is taken.
    """

    unit: str
    default: float
    least: float
    most: float


@dataclass(frozen=True, slots=True)
class Effect:
    """What a fault is.

    Attributes:
        does: What goes wrong, for whoever turns it on.
        provokes: What the product does about it.
        breaks: The line of the check that it turns red.
        takes: Its values; None where there is nothing to choose.
    """

    does: str
    provokes: str
    breaks: str
    takes: Range | None = None


def _seconds(default: float) -> Range:
    return Range("seconds", default, 0.0, 3_600.0)


def _status(default: float) -> Range:
    return Range("HTTP status", default, 400, 599)


EFFECTS: Final[Mapping[Fault, Effect]] = MappingProxyType(
    {
        Fault.REFUSE_SECRETS: Effect(
            "client secrets are refused",
            "the start of a direct interview fails with UNAVAILABLE and is tried again",
            "client-secret",
            _status(500),
        ),
        Fault.REUSABLE_SECRETS: Effect(
            "a client secret opens any number of calls until it expires",
            "none: a secret is asked for anew for every attempt",
            "single-use",
        ),
        Fault.REFUSE_CALLS: Effect(
            "offers are refused",
            "SDP_EXCHANGE_FAILED, tried again with backoff and Retry-After",
            "offer",
            _status(429),
        ),
        Fault.HANG_CALLS: Effect(
            "an offer gets no answer, and then the connection is cut",
            "SDP_EXCHANGE_FAILED after the offer's time is over, tried again",
            "offer",
            _seconds(60),
        ),
        Fault.SLOW_ANSWER: Effect(
            "the call is made, the answer to the offer comes late",
            "the candidate waits, or SDP_EXCHANGE_FAILED and a call that is hung up",
            "offer",
            _seconds(5),
        ),
        Fault.LOST_ANSWER: Effect(
            "the call is made, and the connection is cut in place of the answer",
            "SDP_EXCHANGE_FAILED, tried again; the call that nobody knows ends by itself",
            "offer",
        ),
        Fault.NO_LOCATION: Effect(
            "the answer does not name its call",
            "SDP_EXCHANGE_FAILED, tried again",
            "location",
        ),
        Fault.SLOW_MEDIA: Effect(
            "the answer comes, but audio connects late",
            "WEBRTC_CONNECTION_FAILED and a session that is begun anew, if it takes too long",
            "connects",
            _seconds(30),
        ),
        Fault.DYING_CALLS: Effect(
            "a call ends some seconds after it has connected, with 1011 on its sidebands",
            "another call with the conversation so far, and no second greeting",
            "lasts",
            _seconds(5),
        ),
        Fault.UNNOTICED_LEAVING: Effect(
            "a call goes on when its client has left",
            "the proxy's own heartbeat: the call is hung up after the grace period",
            "leaving",
        ),
        Fault.REFUSE_HANG_UPS: Effect(
            "calls cannot be hung up",
            "a cleanup job that hangs up again until it is done",
            "hang-up",
            _status(500),
        ),
        Fault.SIDEBAND_404: Effect(
            "a sideband is refused as if there were no such call",
            "attached again for some seconds; then the client's transcript has to do",
            "sideband",
        ),
        Fault.SIDEBAND_CLOSE: Effect(
            "a sideband is closed at its third event; 1006 cuts it without a close frame",
            "attached again, and asked for the items that were missed",
            "sideband-stays",
            Range("close code", 1011, 1000, 4999),
        ),
        Fault.SIDEBAND_GAPS: Effect(
            "every third event is missing on sidebands",
            "the client's copy of the transcript fills the holes",
            "same-events",
        ),
        Fault.LOST_UPDATES: Effect(
            "a session is updated and nobody is told",
            "none: clients of others wait for it, ours do not",
            "session-update",
        ),
        Fault.BETA_NAMES: Effect(
            "events have the names that they had before the API was released",
            "events of an unknown name are passed over",
            "names",
        ),
        Fault.NO_TRANSCRIPT_KEY: Effect(
            "items of what was heard have no key `transcript`",
            "none: the entry is written when the transcript comes",
            "user-item",
        ),
        Fault.LATE_TRANSCRIPTS: Effect(
            "what was heard is told late, after the reply to it",
            "the entry keeps the place that it was given when the item appeared",
            "transcript",
            _seconds(8),
        ),
        Fault.LOST_TRANSCRIPTS: Effect(
            "what was heard is told to nobody",
            "the item is asked for, or settled without its text",
            "transcript",
        ),
        Fault.FAILED_TRANSCRIPTS: Effect(
            "transcriptions fail",
            "the entry is settled without text; later entries do not wait for it",
            "heard",
        ),
        Fault.REPLY_TO_NOTHING: Effect(
            "a turn in which nothing was said is answered",
            "none: the reply is an entry like any other",
            "no-reply",
        ),
    }
)


@dataclass(slots=True)
class _Armed:
    value: float
    left: int = _MAX_TIMES


class Faults:
    """The faults that are turned on. `parse_faults` reads them; `Faults()` has none."""

    def __init__(self, armed: Mapping[Fault, tuple[float, int]] | None = None) -> None:
        self._armed = {fault: _Armed(*how) for fault, how in (armed or {}).items()}
        self._over = anyio.Event()

    def __bool__(self) -> bool:
        """Whether any is turned on."""
        return bool(self._armed)

    def __str__(self) -> str:
        return ", ".join(self._armed)

    def has(self, fault: Fault) -> bool:
        """Whether a fault is turned on and has strikes left."""
        return fault in self._armed and self._armed[fault].left > 0

    def strike(self, fault: Fault) -> float | None:
        """Use a strike up: its value, or None where nothing is to go wrong."""
        if not self.has(fault):
            return None
        armed = self._armed[fault]
        armed.left -= 1
        return armed.value

    def end(self) -> None:
        """Keep nobody waiting any more: the engine ends, and its server waits for requests."""
        self._over.set()

    async def before_call(self, cut: "Cut") -> None:
        """Refuse an offer, or keep it waiting.

        Raises:
            Refused: If it is to be refused, or the connection was cut.
        """
        self.refuse(Fault.REFUSE_CALLS)
        if (seconds := self.strike(Fault.HANG_CALLS)) is not None:
            with anyio.move_on_after(seconds):
                await self._over.wait()
            raise cut()

    async def after_call(self, cut: "Cut") -> None:
        """Delay an answer, or lose it.

        Raises:
            Refused: If the connection was cut.
        """
        if (seconds := self.strike(Fault.SLOW_ANSWER)) is not None:
            await anyio.sleep(seconds)
        if self.strike(Fault.LOST_ANSWER) is not None:
            raise cut()

    def refuse(self, fault: Fault) -> None:
        """Refuse a request, if this fault strikes.

        Raises:
            Refused: With the status that is the fault's value.
        """
        if (status := self.strike(fault)) is not None:
            raise Refused(
                "This engine was told to refuse it (--fault).",
                status=int(status),
                type="server_error",
                code="fault",
            )


class Cut:
    """Cuts the connection of one request without another word."""

    def __init__(self, state: Mapping[str, object]) -> None:
        self._abort = state.get("abort")

    def __call__(self) -> Refused:
        """Cut it; what is returned reaches nobody, and ends the request."""
        if callable(self._abort):
            self._abort()
        return Refused("The connection was cut (--fault).", status=500, type="server_error")


def parse_faults(specifications: Iterable[str]) -> Faults:
    """Read faults as `NAME`, `NAME=VALUE` or either with `*TIMES`.

    Raises:
        ValueError: If there is no such fault, or it does not take such a value; says what it takes.
    """
    armed = {}
    for specification in specifications:
        rest, _, times = specification.strip().partition("*")
        name, _, value = rest.partition("=")
        if name not in set(Fault):
            raise ValueError(f"there is no fault {name!r}; `viva engine --fault list` has all")
        fault = Fault(name)
        armed[fault] = (_value(fault, value), _times(fault, times))
    return Faults(armed)


def _value(fault: Fault, text: str) -> float:
    takes = EFFECTS[fault].takes
    if takes is None:
        if text:
            raise ValueError(f"the fault {fault} takes no value")
        return 1.0
    if not text:
        return takes.default
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not takes.least <= value <= takes.most:
        raise ValueError(
            f"the fault {fault} takes a {takes.unit} from {takes.least:g} to {takes.most:g}"
        )
    return value


def _times(fault: Fault, text: str) -> int:
    if not text:
        return _MAX_TIMES
    if not text.isdecimal() or not 1 <= int(text) <= _MAX_TIMES:
        raise ValueError(f"the fault {fault} strikes from 1 to {_MAX_TIMES} times")
    return int(text)
