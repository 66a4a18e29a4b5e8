"""How long a candidate waits for a reply, over real WebRTC, and how many can be served at once.

Beside it, in the same run and in turns, a Pipecat pipeline with the same models. Both are called by
the same light caller (`voice_caller`); a wait goes from the last loud sample of an answer sent to
the first loud sample of the reply received.
"""

import math
import statistics
import time
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import aiohttp
import anyio
import psutil

from bench.bare_answer import open_offer
from bench.hard_cases import read_cases
from bench.offer import answered_alone, direct_exchange
from bench.rounds import tell
from bench.running import Engine, run_engine
from bench.verdicts import Report, aligned, table
from bench.voice_caller import (
    Caller,
    Exchange,
    NoReply,
    Speech,
    engine_exchange,
    open_caller,
)
from bench.voice_gone import seconds_until_freed
from bench.voice_peer import run_peer
from vivavoce.engine.tts import SAMPLE_RATE, Voice

TURNS: Final = 12
CALLS: Final = 8
TURNS_UNDER_LOAD: Final = 4
FIRST_CALLS: Final = 6
INTERVIEW_P50: Final = 1.3
SHORT_P50: Final = 1.0
TO_PEER: Final = 0.5
P95_TO_P50: Final = 2.0
LOADED_TO_ONE: Final = 1.5
FIRST_WORD_SECONDS: Final = 0.5
CLOSED_SECONDS: Final = 6.0
SILENT_SECONDS: Final = 30.0
_STAGGER_SECONDS: Final = 0.7
_HEADINGS: Final = ("figure", "p50", "p95", "peer p50", "peer p95", "judged", "limit", "")
_ANSWERS: Final = (
    "I have worked with Python for six years.",
    "My last team had four engineers and one designer.",
    "We moved the whole shop to a new database.",
    "It took us about three months to finish.",
    "I wrote most of the tests for it myself.",
    "The hardest part was the old payment code.",
)
_QUESTIONS: Final = (
    "What did you build?", "Who was in the team?", "What went wrong?", "How did you test it?",
    "Who used it?", "What would you change?", "How did it end?", "What came after?",
    "Which tools did you use?", "Who decided?", "What did you learn?", "How big was it?",
)  # fmt: skip
INTERVIEW: Final[Mapping[str, Any]] = {"type": "semantic_vad", "eagerness": "auto"}
SHORT: Final[Mapping[str, Any]] = {"type": "server_vad", "silence_duration_ms": 700}


@dataclass(frozen=True)
class Waits:
    """Seconds from voice to voice, and how often an answer was cut off or got no reply."""

    seconds: Sequence[float]
    failed: int = 0

    @property
    def p50(self) -> float:
        """The median; endless if nothing was answered."""
        return statistics.median(self.seconds) if self.seconds else math.inf

    @property
    def p95(self) -> float:
        """The 95th of a hundred: the longest, of fewer than twenty."""
        ordered = sorted(self.seconds)
        return ordered[math.ceil(0.95 * len(ordered)) - 1] if ordered else math.inf

    @property
    def shown(self) -> tuple[str, str]:
        """Median and 95th percentile for the table."""
        return f"{self.p50:.2f} s", f"{self.p95:.2f} s"


@dataclass(frozen=True)
class Line:
    """A line of the table; without a limit it promises nothing."""

    name: str
    waits: Waits
    judged: float
    unit: str
    limit: float | None = None
    peer: Waits | None = None

    @property
    def holds(self) -> bool:
        """Whether the promise is kept: a reply to every answer, within the limit."""
        return self.limit is None or (not self.waits.failed and self.judged <= self.limit)

    @property
    def cells(self) -> tuple[str, ...]:
        """The line as it is shown."""
        limit = "-" if self.limit is None else f"<= {self.limit:g} {self.unit}"
        verdict = "-" if self.limit is None else "holds" if self.holds else "MISSED"
        theirs = self.peer.shown if self.peer else ("-", "-")
        judged = f"{self.judged:.2f} {self.unit}"
        return (self.name, *self.waits.shown, *theirs, judged, limit, verdict)


async def measure() -> Report:
    speeches, closed_answers = await anyio.to_thread.run_sync(render)
    async with run_engine() as engine, aiohttp.ClientSession() as http:
        tell("voice: an answer to an offer")
        async with open_offer() as offer, direct_exchange(engine, offer) as direct:
            alone = await answered_alone(direct, offer)
        tell("voice: first words")
        first = await first_words(partial(_ours, http, engine))
        async with run_peer() as peer:
            ours, theirs = _ours(http, engine), _theirs(http, peer, None)
            interview, default = await _beside("as by default", ours, theirs, speeches)
            closed, default_closed = await _beside(
                "short closed answers", ours, theirs, closed_answers
            )
            short, equal = await _beside(
                "hold 0.7 s", _ours(http, engine, SHORT), _theirs(http, peer, 0.7), speeches
            )
        tell(f"voice: {CALLS} calls at once")
        loaded, load = await under_load(partial(_ours, http, engine), engine, speeches)
        tell("voice: callers that go without a word")
        hung_up, silent = await seconds_until_freed(engine, http)
    lines = [
        *_promises("interview (hold 1.0 s)", interview, INTERVIEW_P50, default),
        *_promises("short closed answers", closed, SHORT_P50, default_closed),
        *_promises("hold 0.7 s", short, SHORT_P50, equal),
        Line("both at hold 0.7 s", short, short.p50 / equal.p50, "x", peer=equal),
        Line("interview beside defaults", interview, interview.p50 / default.p50, "x", TO_PEER,
             default),
        Line("short closed beside defaults", closed, closed.p50 / default_closed.p50, "x", TO_PEER,
             default_closed),
        Line(f"{CALLS} calls at once", loaded, loaded.p50 / interview.p50, "x", LOADED_TO_ONE),
        Line("first word", first, first.p50, "s", FIRST_WORD_SECONDS),
        Line("freed: socket closed", Waits([hung_up]), hung_up, "s", CLOSED_SECONDS),
        Line("freed: silent", Waits([silent]), silent, "s", SILENT_SECONDS),
    ]  # fmt: skip
    text = [*aligned([_HEADINGS, *(line.cells for line in lines)]), "", *_notes(lines, load)]
    holds = all(line.holds for line in lines) and alone.holds
    return Report("\n".join([*text, "", table([alone])]), holds)


def _promises(name: str, waits: Waits, limit: float, peer: Waits) -> list[Line]:
    return [
        Line(name, waits, waits.p50, "s", limit, peer),
        Line(f"{name}: p95 / p50", waits, waits.p95 / waits.p50, "x", P95_TO_P50),
    ]


def _notes(lines: Sequence[Line], load: str) -> list[str]:
    failures = [
        f"{line.name}: {side} cut off or left without a reply {waits.failed} times"
        for line in lines
        for side, waits in (("ours", line.waits), ("peer", line.peer))
        if waits is not None and waits.failed
    ]
    return [load, *dict.fromkeys(failures)]


def render() -> tuple[list[Speech], list[Speech]]:
    """Make the answers before anything is measured: whole sentences, and short closed ones.

    Which answers are closed is said by the hard cases, and not by what either side makes of them.
    """
    voice = Voice()
    closed = [
        step.strip('"') for case in read_cases() if case.category == "closed" for step in case.steps
    ]
    sentences, short = (
        [Speech.of(voice.speak(text), SAMPLE_RATE) for text in texts]
        for texts in (_ANSWERS, [text for text in closed if text != "done"])
    )
    return sentences, short


def _session(turns: Mapping[str, Any]) -> dict[str, Any]:
    questions = "\n".join(f"{number}. {text}" for number, text in enumerate(_QUESTIONS, 1))
    return {
        "type": "realtime",
        "model": "gpt-realtime-2.1",
        "instructions": f"Questions:\n{questions}",
        "audio": {
            "input": {"transcription": {"model": "gpt-transcribe"}, "turn_detection": dict(turns)}
        },
    }


def _ours(
    http: aiohttp.ClientSession, engine: Engine, turns: Mapping[str, Any] = INTERVIEW
) -> Exchange:
    return engine_exchange(http, engine.base_url, engine.api_key, _session(turns))


def _theirs(http: aiohttp.ClientSession, peer: str, hold: float | None) -> Exchange:
    async def exchange(sdp: str) -> str:
        query = {} if hold is None else {"hold": f"{hold:g}"}
        async with http.post(f"{peer}/offer", data=sdp, params=query) as response:
            response.raise_for_status()
            return await response.text()

    return exchange


async def first_words(ours: Callable[[], Exchange]) -> Waits:
    """Call some times, and wait for the greeting; seconds from connected to its first sample."""
    seconds = []
    for _ in range(FIRST_CALLS):
        async with open_caller(ours(), begins=True) as caller:
            seconds.append(await caller.until_heard() - caller.connected_at)
            await caller.until_quiet()
    return Waits(seconds)


@asynccontextmanager
async def _greeted(exchange: Exchange, *, begins: bool) -> AsyncGenerator[Caller, None]:
    async with open_caller(exchange, begins=begins) as caller:
        await caller.until_heard()
        await caller.until_quiet()
        yield caller


async def _beside(
    name: str, ours: Exchange, theirs: Exchange, speeches: Sequence[Speech]
) -> tuple[Waits, Waits]:
    """One call with each, answers in turns; gives our waits and the peer's."""
    async with (
        _greeted(theirs, begins=False) as their_call,
        _greeted(ours, begins=True) as our_call,
    ):
        taken: dict[Caller, list[float | None]] = {our_call: [], their_call: []}
        for turn in range(-1, TURNS):  # the first of each warms up
            tell(f"voice: {name}, answer {turn + 1} of {TURNS}")
            # Always in this order: after two turns of the peer we would follow up on the silence.
            for call in (our_call, their_call):
                wait = await answered(call, speeches[turn % len(speeches)])
                if turn >= 0:
                    taken[call].append(wait)
    return _waits(taken[our_call]), _waits(taken[their_call])


async def answered(caller: Caller, speech: Speech) -> float | None:
    """Answer and wait for the reply to end; None if it was cut off, or nothing was replied."""
    try:
        return await caller.answer(speech)
    except NoReply as error:
        tell(f"voice: {error}")
        await anyio.sleep(len(speech.packets) / 50)  # until the rest of it is said
        await caller.until_quiet()
        return None


def _waits(taken: Sequence[float | None]) -> Waits:
    seconds = [wait for wait in taken if wait is not None]
    return Waits(seconds, len(taken) - len(seconds))


async def under_load(ours: Any, engine: Engine, speeches: Sequence[Speech]) -> tuple[Waits, str]:
    """Hold some calls at once, each at its own place in the interview; waits of all of them."""
    taken: list[float | None] = []
    everybody = anyio.Event()
    greeted = 0

    async def hold(number: int) -> None:
        nonlocal greeted
        await anyio.sleep(number * _STAGGER_SECONDS)
        async with _greeted(ours(), begins=True) as caller:
            greeted += 1
            if greeted == CALLS:
                everybody.set()
            await everybody.wait()
            await anyio.sleep(number * _STAGGER_SECONDS)
            for turn in range(TURNS_UNDER_LOAD):
                wait = await answered(caller, speeches[(number + turn) % len(speeches)])
                taken.append(wait)

    process = psutil.Process(engine.pid)
    started, own, theirs = time.monotonic(), time.process_time(), _cpu_seconds(process)
    async with anyio.create_task_group() as tasks:
        for number in range(CALLS):
            tasks.start_soon(hold, number)
    wall = time.monotonic() - started
    own, theirs = time.process_time() - own, _cpu_seconds(process) - theirs
    shown = (
        f"{CALLS} calls for {wall:.0f} s: the load took {own / wall:.2f} of a core by itself,"
        f" the engine {theirs / wall:.2f}"
    )
    return _waits(taken), shown


def _cpu_seconds(process: psutil.Process) -> float:
    family = [process, *process.children(recursive=True)]
    return float(sum(sum(member.cpu_times()[:2]) for member in family))
