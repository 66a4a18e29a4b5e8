"""The lines of the check, and what came of each."""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import aiohttp
import websockets


class Missed(Exception):
    """The server did not do what a line says; the message tells what it did."""


class CallLost(Exception):
    """A call ended that nobody had ended."""


class Verdict(StrEnum):
    """What came of a line."""

    GREEN = "green"
    RED = "red"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that clients rely on.

    Attributes:
        name: A stable name.
        says: What a server does.
    """

    name: str
    says: str


@dataclass(frozen=True, slots=True)
class Result:
    """A line and what came of it; `why` says what was seen instead, or why it was skipped."""

    line: Line
    verdict: Verdict
    why: str = ""


LINES: Final = (
    Line("client-secret", "a client secret comes with its value, its end and its session"),
    Line("single-use", "a client secret opens one call"),
    Line("errors", "errors are an object `error` with message, type, code and param"),
    Line("limits", "what is too large or out of range is refused"),
    Line("cors", "pages of other origins may call, and may read Location"),
    Line("offer", "an SDP offer without candidates is answered with 201, in time"),
    Line("form", "an offer and a session are taken as a form"),
    Line("location", "Location names the call"),
    Line("answer", "the answer has all candidates, one transport, Opus and room for large events"),
    Line("connects", "audio and the data channel connect"),
    Line("lasts", "a call goes on until somebody ends it"),
    Line("unknown-call", "a call that does not exist is not found, before any upgrade"),
    Line("sideband-key", "a sideband needs the API key, before the upgrade"),
    Line("sideband", "a sideband attaches before audio connects, and begins with session.created"),
    Line("sideband-stays", "a sideband stays as long as its call"),
    Line("same-events", "channel and sideband tell the same events and ids, whichever asked"),
    Line("session-created", "the channel begins with session.created, whole"),
    Line("session-update", "an update of the session is confirmed"),
    Line("names", "events have the names of the released API, each with an id of its own"),
    Line("items", "items are created, retrieved and deleted"),
    Line("unknown-event", "an unknown event is an error with its event_id, and no more"),
    Line("response", "a response brings every event with every id, in order"),
    Line("busy", "a second response at once is refused"),
    Line("cancel", "a response is cancelled, and what is being said is cleared"),
    Line("playout", "output_audio_buffer tells when audio plays, and there is audio"),
    Line("truncate", "an item is cut to what was heard, but not beyond its end"),
    Line("no-reply", "a turn in which nobody spoke gets no reply"),
    Line("turn", "speech brings the events of a turn, in order"),
    Line("user-item", "the item of what was heard has the key transcript, null at first"),
    Line("transcript", "a transcript follows each turn, in time, with its usage"),
    Line("heard", "the transcript holds what was said, and so does the item afterwards"),
    Line("reply", "a spoken turn gets one reply"),
    Line("barge-in", "speech stops the reply, which is cut to what was heard"),
    Line("hang-up", "a hang-up closes the channel, and the sideband with 1000"),
    Line("leaving", "a client that leaves ends its call"),
)
_NOT_REACHED: Final = "not reached: something before it failed"


class Report:
    """What came of the lines so far."""

    def __init__(self) -> None:
        self._failures: dict[str, str] = {}
        self._done: set[str] = set()

    @contextmanager
    def line(self, name: str) -> Generator[None, None, None]:
        """Judge a line by its block: red where it raises `Missed`, or the connection fails.

        A line that is judged more than once is green only if it always was.

        Raises:
            CallLost: If the call ended meanwhile; the line stays undecided.
        """
        try:
            yield
        except Missed as missed:
            self.fail(name, str(missed))
        except TimeoutError:
            self.fail(name, "no answer in time")
        except (aiohttp.ClientError, websockets.WebSocketException, OSError) as error:
            self.fail(name, f"the connection failed: {type(error).__name__}")
        else:
            self._done.add(name)

    def fail(self, name: str, why: str) -> None:
        """Call a line red; the first reason stays."""
        self._failures.setdefault(name, why)

    def is_green(self, name: str) -> bool:
        """Whether a line was judged, and never red."""
        return name in self._done and name not in self._failures

    @property
    def results(self) -> list[Result]:
        """All lines, in order."""
        return [self._result(line) for line in LINES]

    @property
    def holds(self) -> bool:
        """Whether no line is red."""
        return not self._failures

    def _result(self, line: Line) -> Result:
        if line.name in self._failures:
            return Result(line, Verdict.RED, self._failures[line.name])
        if line.name in self._done:
            return Result(line, Verdict.GREEN)
        return Result(line, Verdict.SKIPPED, _NOT_REACHED)


def expect(condition: object, otherwise: str) -> None:
    """Miss the line unless a condition holds.

    Raises:
        Missed: With the reason.
    """
    if not condition:
        raise Missed(otherwise)
