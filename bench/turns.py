"""Hard cases of turn taking: who is cut off, who waits how long, and what gets a reply unasked.

Each case is heard as a call hears it: detector of speech, turn policy and recogniser are the
engine's own. Time is the audio, so that a slow machine changes nothing; a transcription takes
`TRANSCRIPTION_MS` of it, whatever it took.
"""

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from bench.hard_cases import Case, Scene, Span, make_scene, read_cases
from bench.rounds import tell
from bench.running import NotRunning
from bench.sounds import RATE, Floats, to_pcm
from bench.turns_peer import peer_ends
from bench.verdicts import Report, aligned
from vivavoce.engine.listening import OWN_RATE, Listener
from vivavoce.engine.models import Models, Priority, Transcription, open_models
from vivavoce.engine.turn import Speculate, SpeechResumed, SpeechStarted, SpeechStopped, TurnPolicy
from vivavoce.engine.vad import SpeechDetector
from vivavoce.engine.vocabulary import expected_words
from vivavoce.sessions.interview import DEFAULT_PLAN, instructions

TRANSCRIPTION_MS: Final = 400
MEDIAN_WAIT_MS: Final = 1_300
_ENOUGH_WAITS: Final = 3  # for their median to say something
_PIECE: Final = RATE // 50
_SILENCED_AFTER: Final = RATE // 5  # our voice stops that long after we stop it: the way there
_HEADINGS: Final = (
    "category", "cases", "cut off", "thinking", "median wait", "p95 wait", "unanswered", "to noise",
    "",
)  # fmt: skip


@dataclass
class Outcome:
    """What came of one case.

    Attributes:
        case: The case.
        pauses: In how many places it must not end a turn.
        cut_offs: In how many of them one ended.
        waits: Milliseconds from the last sound of a turn to its end.
        unanswered: How often a candidate was done and no turn with words ended.
        to_noise: Turns with words, or interruptions of ours, where the candidate had not spoken.
        texts: What was heard, for those who look into a case.
    """

    case: Case
    pauses: int
    cut_offs: int = 0
    waits: list[float] = field(default_factory=list)
    unanswered: int = 0
    to_noise: int = 0
    texts: list[str] = field(default_factory=list)

    @property
    def is_right(self) -> bool:
        """Whether nothing went wrong."""
        return not (self.cut_offs or self.unanswered or self.to_noise)


@dataclass
class _Ended:
    """A turn that ended with words in it; all in samples."""

    start: int
    end: int
    at: int


async def hear(case: Case, models: Models, policy: TurnPolicy, prompt: str = "") -> Outcome:
    """Play a case to the engine's ears and judge what they make of it."""
    scene = make_scene(case)
    outcome = Outcome(case, len(scene.thinking))
    ears = _Ears(scene, models, policy, prompt)
    await ears.listen()
    outcome.texts = ears.texts
    outcome.to_noise = ears.interruptions
    for ended in ears.ended:
        if any(span.has(ended.at) for span in scene.thinking):
            outcome.cut_offs += 1
        if not any(word.start < ended.end and ended.start < word.end for word in scene.words):
            outcome.to_noise += 1
    for span in scene.done:
        answered = [ended.at for ended in ears.ended if _closes(ended, span)]
        if answered:
            outcome.waits.append((min(answered) - span.start) * 1000 / RATE)
        else:
            outcome.unanswered += 1
    return outcome


def _closes(ended: _Ended, waiting: Span) -> bool:
    return ended.start < waiting.start and waiting.has(ended.at)


class _Ears:
    """One case, heard piece by piece."""

    def __init__(self, scene: Scene, models: Models, policy: TurnPolicy, prompt: str) -> None:
        self.ended: list[_Ended] = []
        self.texts: list[str] = []
        self.interruptions = 0
        self._scene = scene
        self._models = models
        self._prompt = prompt
        self._listener = Listener(policy, SpeechDetector())
        self._now = 0
        self._hint: tuple[int, Transcription] | None = (
            None  # what is known of a pause, and from when on
        )

    async def listen(self) -> None:
        scene = self._scene
        for start in range(0, scene.near.size - _PIECE, _PIECE):
            self._now = start + _PIECE
            piece = slice(start, self._now)
            ours = scene.ours[piece]
            self._listener.note_played(_at_own_rate(ours))
            if self._hint and self._hint[0] <= self._now:
                words = self._hint[1]
                self._listener.hint(
                    words.text, asks_for_time=words.asks_for_time, is_doubtful=words.is_doubtful
                )
                self._hint = None
            heard = to_pcm(scene.near[piece] + scene.echo[piece])
            for event in self._listener.feed(heard, interrupting=self._is_speaking):
                await self._take(event)

    @property
    def _is_speaking(self) -> bool:
        return any(span.has(self._now) for span in self._scene.speaking)

    async def _take(self, event: object) -> None:
        match event:
            case SpeechStarted(start_ms):
                self._start(start_ms)
            case Speculate(start_ms, end_ms):
                words = await self._transcribe(start_ms, end_ms, Priority.SPECULATIVE)
                self._hint = (self._now + TRANSCRIPTION_MS * RATE // 1000, words)
            case SpeechResumed():
                self._hint = None
            case SpeechStopped(start_ms, end_ms):
                text = (await self._transcribe(start_ms, end_ms, Priority.FINAL)).text
                self.texts.append(text)
                if text:
                    start, end = (ms * RATE // 1000 for ms in (start_ms, end_ms))
                    self.ended.append(_Ended(start, end, self._now))

    def _start(self, start_ms: int) -> None:
        if not self._is_speaking:
            return
        self._scene.silence_us(self._now, self._now + _SILENCED_AFTER)
        start = start_ms * RATE // 1000
        if not any(w.start < self._now and start < w.end for w in self._scene.words):
            self.interruptions += 1

    async def _transcribe(self, start_ms: int, end_ms: int, priority: Priority) -> Transcription:
        audio = self._listener.audio(start_ms, end_ms)
        return await self._models.transcribe(audio, prompt=self._prompt, priority=priority)


def _at_own_rate(sound: Floats) -> bytes:
    places = np.arange(sound.size * OWN_RATE // RATE) * (RATE / OWN_RATE)
    return to_pcm(np.interp(places, np.arange(sound.size), sound))


async def measure() -> Report:
    """Hear all cases, and judge them together and by category."""
    policy = TurnPolicy.from_turn_detection({"type": "semantic_vad", "eagerness": "auto"})
    prompt = expected_words(instructions(DEFAULT_PLAN))
    outcomes = []
    async with open_models() as models:
        await models.ready()
        for case in read_cases():
            outcome = await hear(case, models, policy, prompt)
            if not outcome.is_right:
                tell(f"turns: {case.name} went wrong: {_faults(outcome)}")
            outcomes.append(outcome)
    holds = all(map(_holds, _parts(outcomes).values()))
    return Report("\n\n".join([table(outcomes), await _beside_a_peer(outcomes)]), holds)


async def _beside_a_peer(outcomes: Sequence[Outcome]) -> str:
    """Compare with Pipecat where we do not speak ourselves: there nothing depends on how it stops.

    What it makes of noise is not compared either: that would need its transcriptions.
    """
    ours = [outcome for outcome in outcomes if not outcome.case.we_speak]
    scenes = {outcome.case.name: make_scene(outcome.case) for outcome in ours}
    try:
        ends = await peer_ends(scenes, TRANSCRIPTION_MS)
    except NotRunning as error:
        return f"Not compared with Pipecat: {error}"
    theirs = [judged(outcome.case, scenes[outcome.case.name], ends) for outcome in ours]
    rows = [_row("ours", ours), _row("Pipecat by default", theirs)]
    kept = slice(0, _HEADINGS.index("to noise"))
    headings = ("the same, where we do not speak", *_HEADINGS[1:])
    return "\n".join(aligned([row[kept] for row in (headings, *rows)]))


def judged(case: Case, scene: Scene, ends: Mapping[str, Sequence[int]]) -> Outcome:
    """Judge where somebody else ends turns, in samples by the name of the case."""
    outcome = Outcome(case, len(scene.thinking))
    outcome.cut_offs = sum(any(map(span.has, ends[case.name])) for span in scene.thinking)
    for span in scene.done:
        answered = [end for end in ends[case.name] if span.has(end)]
        outcome.waits += [(min(answered) - span.start) * 1000 / RATE] if answered else []
        outcome.unanswered += not answered
    return outcome


def table(outcomes: Sequence[Outcome]) -> str:
    """The outcomes by category, the held-out cases apart, and all together."""
    parts = _parts(outcomes)
    rows = [_HEADINGS, *(_row(name, part) for name, part in parts.items())]
    limits = (
        f"Promised: nobody who is still thinking is cut off; median wait <= {MEDIAN_WAIT_MS} ms;"
        " everybody who is done is answered; no turn with words, and no interruption, by noise."
    )
    return "\n".join([*aligned(rows), "", limits])


def _parts(outcomes: Sequence[Outcome]) -> dict[str, list[Outcome]]:
    parts: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        parts.setdefault(outcome.case.category, []).append(outcome)
    parts["held out"] = [outcome for outcome in outcomes if outcome.case.is_held_out]
    parts["all"] = list(outcomes)
    return parts


def _row(name: str, outcomes: Sequence[Outcome]) -> tuple[str, ...]:
    waits = _waits(outcomes)
    return (
        name,
        str(len(outcomes)),
        str(sum(outcome.cut_offs for outcome in outcomes)),
        str(sum(outcome.pauses for outcome in outcomes)),
        f"{statistics.median(waits):.0f} ms" if waits else "-",
        f"{waits[math.ceil(0.95 * len(waits)) - 1]:.0f} ms" if waits else "-",
        str(sum(outcome.unanswered for outcome in outcomes)),
        str(sum(outcome.to_noise for outcome in outcomes)),
        "holds" if _holds(outcomes) else "MISSED",
    )


def _waits(outcomes: Sequence[Outcome]) -> list[float]:
    return sorted(wait for outcome in outcomes for wait in outcome.waits)


def _holds(outcomes: Sequence[Outcome]) -> bool:
    waits = _waits(outcomes)
    few = len(waits) < _ENOUGH_WAITS
    return all(outcome.is_right for outcome in outcomes) and (
        few or statistics.median(waits) <= MEDIAN_WAIT_MS
    )


def _faults(outcome: Outcome) -> str:
    found = {
        "cut off": outcome.cut_offs,
        "unanswered": outcome.unanswered,
        "to noise": outcome.to_noise,
    }
    return ", ".join(f"{count} {name}" for name, count in found.items() if count)
