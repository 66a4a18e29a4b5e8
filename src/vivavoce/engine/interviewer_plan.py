"""The plan of an interview, read from the instructions of a call.

Instructions are free text, then a line `Questions:` and numbered lines:

    You hold a first interview for the role of a nurse.
    Questions:
    1. Why did you choose this profession?
       Probe: What keeps you in it?
       Clarification: I mean the first moment you thought of it.
    2. Tell me about a hard day.

`Probe` and `Clarification` are optional. Without the heading, numbered lines count that ask
something. Other text has no effect, but for a wish such as "ask whether they have questions" and a
line `Closing: ...`, which is spoken before the goodbye.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Final

from vivavoce.engine.phrases import normalised, words

MAX_QUESTIONS: Final = 100

_HEADING: Final = re.compile(
    r"^[#*\s]*(?:the |your |interview )*questions[*\s]*:?[*\s]*", re.IGNORECASE
)
_NUMBERED: Final = re.compile(
    r"^\s*(?:\d{1,3}[.):]|(?:q|question)\s*\d{1,3}[.):])\s+(?P<text>\S.*)$", re.IGNORECASE
)
_BULLET: Final = re.compile(r"^\s*[-*\N{BULLET}]\s+(?P<text>\S.*)$")
_LABEL: Final = re.compile(
    r"^\s*[-*]?\s*(?P<label>probe|follow[- ]?up|clarification|clarify)\s*:\s*(?P<text>\S.*)$",
    re.IGNORECASE,
)
_IN_LINE: Final = re.compile(r"\s+(?=\d{1,3}[.)]\s+\S)")
_CLOSING: Final = re.compile(r"^\s*closing\s*:\s*(?P<text>\S.*)$", re.IGNORECASE | re.MULTILINE)
_ASK_FOR_MORE: Final = re.compile(
    r"\bask\b[^.\n]*\b(?:if|whether)\b[^.\n]*\b(?:questions?|add|ask)\b", re.IGNORECASE
)
_ASKING_VERBS: Final = frozenset(
    words(
        "tell describe explain walk talk share give name introduce imagine think say list outline"
        " please what why how when where which who do does did have has is are can could would"
    )
)


@dataclass(frozen=True, slots=True)
class Question:
    """One question of a plan, with what may be said around it."""

    text: str
    probe: str | None = None
    clarification: str | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """What an interviewer has to do.

    Attributes:
        questions: In their order; empty where the instructions hold none.
        asks_for_more: Whether the candidate is asked for anything to add before the end.
        closing: Words before the goodbye, or None.
    """

    questions: tuple[Question, ...] = ()
    asks_for_more: bool = False
    closing: str | None = field(default=None)


@lru_cache(maxsize=256)
def read_plan(instructions: str) -> Plan:
    """Find the questions in instructions; at most 100, each once."""
    free, listed = _parted(instructions)
    items = _items(listed, bullets=True) if listed else _items(free.splitlines(), bullets=False)
    questions: dict[str, Question] = {}
    for question in items:
        if listed or _asks(question.text):
            questions.setdefault(normalised(question.text), question)
    closing = _CLOSING.search(instructions)
    return Plan(
        questions=tuple(questions.values())[:MAX_QUESTIONS],
        asks_for_more=bool(_ASK_FOR_MORE.search(free)),
        closing=closing["text"].strip() if closing else None,
    )


def _parted(instructions: str) -> tuple[str, list[str]]:
    """Part the text at its heading; a list that stands in the heading's line is broken up."""
    lines = instructions.splitlines()
    for number, line in enumerate(lines):
        found = _HEADING.match(line)
        rest = line[found.end() :] if found else ""
        if found and (not rest or _NUMBERED.match(rest)):
            listed = [*_IN_LINE.split(rest), *lines[number + 1 :]]
            after = [line for line in listed if not _NUMBERED.match(line)]
            return "\n".join([*lines[:number], *after]), listed
    return instructions, []


def _items(lines: list[str], *, bullets: bool) -> Iterator[Question]:
    """Collect numbered lines, the labelled lines below them and their continuations."""
    current: Question | None = None
    for line in lines:
        item = _NUMBERED.match(line) or (_BULLET.match(line) if bullets else None)
        label = _LABEL.match(line)
        if label and current:
            field_ = "clarification" if label["label"].lower().startswith("clar") else "probe"
            current = replace(current, **{field_: label["text"].strip()})
        elif item:
            if current:
                yield current
            current = Question(item["text"].strip())
        elif current and line[:1].isspace() and line.strip():
            current = replace(current, text=f"{current.text} {line.strip()}")
        elif current and (line.strip() or not bullets):
            yield current
            current = None
            if bullets and line.strip():
                return
    if current:
        yield current


def _asks(text: str) -> bool:
    return "?" in text or not _ASKING_VERBS.isdisjoint(words(text)[:1])
