"""The hard cases of turn taking: `hard_cases.txt` read, and the sound of each case made."""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np

from bench.sounds import (
    LONG_SOUNDS,
    OWN_VOICE,
    RATE,
    SHORT_SOUNDS,
    Floats,
    decibels,
    in_a_room,
    silence,
    spoken,
)

FILE: Final = Path(__file__).with_suffix(".txt")
_HELD_OUT: Final = "held out"
_STEP: Final = re.compile(r'"[^"]*"|\S+')
_OTHER_VOICE: Final = "kal16"
_OTHER_DECIBELS: Final = -12.0
_ECHO_SECONDS: Final = 0.18
_OVER_SECONDS: Final = 0.8
_LEAD_SECONDS: Final = 0.6
_TAIL_SECONDS: Final = 6.0


class BadCase(Exception):
    """A line of the file cannot be read."""


@dataclass(frozen=True)
class Case:
    """One line of the file."""

    category: str
    name: str
    voice: str
    seed: int
    steps: tuple[str, ...]
    is_held_out: bool

    @property
    def we_speak(self) -> bool:
        """Whether our own voice is heard in it."""
        return any(step.startswith(("we@", "over@")) for step in self.steps)


def read_cases(path: Path = FILE) -> list[Case]:
    """Read the file.

    Raises:
        BadCase: If a line has too few parts.
    """
    cases, is_held_out = [], False
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.strip() == _HELD_OUT:
            is_held_out = True
        elif line.strip() and not line.startswith("#"):
            match _STEP.findall(line):
                case [name, voice, seed, first, *rest] if seed.isdigit():
                    category = name.partition("/")[0]
                    steps = (first, *rest)
                    cases.append(Case(category, name, voice, int(seed), steps, is_held_out))
                case _:
                    raise BadCase(f"a case has a name, a voice, a seed and sounds: {line}")
    return cases


@dataclass(frozen=True)
class Span:
    """A part of a scene, in samples."""

    start: int
    end: int

    def has(self, sample: float) -> bool:
        """Whether a place is in it."""
        return self.start <= sample < self.end


@dataclass
class Scene:
    """A case as it sounds, and what is right in it. All places are samples.

    Attributes:
        near: What the candidate's microphone hears, but for our own voice.
        ours: What we say, as it is played.
        echo: What of that the microphone hears.
        speaking: Where we speak, the gaps between sentences included.
        words: Where the candidate speaks.
        thinking: Where a turn must not end: from the pause to the end of the words after it.
        done: Where the candidate waits for an answer, up to the next sound of theirs.
    """

    near: Floats
    ours: Floats
    echo: Floats
    speaking: list[Span] = field(default_factory=list)
    words: list[Span] = field(default_factory=list)
    thinking: list[Span] = field(default_factory=list)
    done: list[Span] = field(default_factory=list)

    def silence_us(self, now: int, echo_until: int) -> None:
        """Stop what we say."""
        self.ours[now:] = 0
        self.echo[echo_until:] = 0
        self.speaking = [span for span in self.speaking if span.end <= now]


def make_scene(case: Case) -> Scene:
    """Make the sound of a case.

    Raises:
        BadCase: If a step is unknown.
        NoSuchVoice: If a voice is not installed.
    """
    maker = _Maker(case)
    steps = list(case.steps)
    while steps:
        maker.take(steps)
    return maker.finished()


class _Maker:
    def __init__(self, case: Case) -> None:
        self._case = case
        self._random = np.random.default_rng(case.seed)
        self._gain = decibels(float(self._random.uniform(-6, 4)))
        self._near: list[Floats] = [silence(_LEAD_SECONDS)]
        self._ours: list[tuple[int, Floats, float]] = []
        self._background: list[tuple[str, float]] = []
        self._words: list[Span] = []
        self._thinking: list[Span] = []
        self._is_thinking = False
        self._done: list[int] = []

    @property
    def _now(self) -> int:
        return sum(part.size for part in self._near)

    def take(self, steps: list[str]) -> None:
        """Take the first step of those left, with its arguments."""
        step = steps.pop(0)
        kind, _, value = step.partition("@")
        if step.startswith('"'):
            self._say(step)
        elif step.startswith("~"):
            self._is_thinking = True
            self._near.append(silence(float(step[1:])))
        elif step == "done":
            self._done.append(self._now)
        elif step == "other":
            other = spoken(steps.pop(0).strip('"'), _OTHER_VOICE)
            self._near.append(in_a_room(other, self._random, 0.0) * decibels(_OTHER_DECIBELS))
        elif kind in ("we", "over"):
            self._we_say(steps.pop(0), float(value))
            if kind == "over":
                self._near.append(silence(_OVER_SECONDS))
                self._say(steps.pop(0))
            else:
                self._near.append(silence(self._ours[-1][1].size / RATE))
        elif kind.startswith("+"):
            self._background.append((kind[1:], float(value)))
        else:
            self._near.append(self._sound(step))

    def _say(self, quoted: str) -> None:
        sound = spoken(quoted.strip('"'), self._case.voice) * self._gain
        if self._is_thinking and self._words:
            self._thinking.append(Span(self._words[-1].end, self._now + sound.size))
        self._is_thinking = False
        self._words.append(Span(self._now, self._now + sound.size))
        self._near.append(sound)

    def _we_say(self, quoted: str, below: float) -> None:
        sound = spoken(quoted.strip('"'), OWN_VOICE)
        self._ours.append((self._now, sound, decibels(-below) * self._gain))

    def _sound(self, step: str) -> Floats:
        name, _, seconds = step.partition("*")
        if name in SHORT_SOUNDS:
            return SHORT_SOUNDS[name](self._random)
        if name in LONG_SOUNDS and seconds:
            return LONG_SOUNDS[name](self._random, float(seconds))
        try:
            return silence(float(step))
        except ValueError:
            raise BadCase(f"{self._case.name}: {step} is not known") from None

    def finished(self) -> Scene:
        """Put everything together, with a silence at the end that is long enough for any turn."""
        self._near.append(silence(_TAIL_SECONDS))
        near = np.concatenate(self._near)
        ours, echo = np.zeros(near.size), np.zeros(near.size)
        for start, sound, level in self._ours:
            ours[start:][: sound.size] += sound[: near.size - start]
            heard = in_a_room(sound, self._random, _ECHO_SECONDS) * level
            echo[start:][: heard.size] += heard[: near.size - start]
        for name, below in self._background:
            sound = LONG_SOUNDS[name](self._random, near.size / RATE)
            near = near + sound[: near.size] * decibels(-below) * self._gain
        speaking = [Span(start, start + sound.size) for start, sound, _ in self._ours]
        waiting = self._waiting(near.size)
        return Scene(near, ours, echo, speaking, self._words, self._thinking, waiting)

    def _waiting(self, end: int) -> list[Span]:
        starts = [span.start for span in self._words]
        return [
            Span(at, min((start for start in starts if start >= at), default=end))
            for at in self._done
        ]
