"""The plan of an interview, read from the instructions of a call.

Instructions are free text, then a line `Questions:` and numbered lines:

    You hold a first interview for the role of a nurse. Begin with a sound check.
    Time limit: 20 minutes
    Questions:
    1. Why did you choose this profession?
       Probe (if short): What keeps you in it?
       Probe (unless training, school): Where did you learn it?
       Clarification: I mean the first moment you thought of it.
       Time: 3 minutes
    2. Tell me about a hard day. (optional)

What stands below a question is optional. A probe without a condition follows any thin answer;
`short`, `vague` and `own part` name what is missing, `unless` lists words of which one must have
been said. Optional questions may also be named before the list: "you may leave out these by their
numbers: 2, 5". Without the heading, numbered lines count that ask something. Other text has no
effect, but for wishes ("ask whether they have questions", "sound check", "ask for their consent",
that the interview is written down) and a line `Closing: ...`, spoken before the goodbye.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from enum import Enum
from functools import lru_cache
from typing import Final

from vivavoce.engine.phrases import normalised, words

MAX_QUESTIONS: Final = 100
MAX_PROBES: Final = 2
"""Of one question in one interview, however many its plan lists."""

_HEADING: Final = re.compile(
    r"^[#*\s]*(?:the |your |interview )*questions[*\s]*:?[*\s]*", re.IGNORECASE
)
_NUMBERED: Final = re.compile(
    r"^\s*(?:\d{1,3}[.):]|(?:q|question)\s*\d{1,3}[.):])\s+(?P<text>\S.*)$", re.IGNORECASE
)
_BULLET: Final = re.compile(r"^\s*[-*\N{BULLET}]\s+(?P<text>\S.*)$")
_LABEL: Final = re.compile(
    r"^\s*[-*]?\s*(?P<label>probe|follow[- ]?up|clarification|clarify|time|optional|competency)"
    r"\s*(?:\((?P<condition>[^)]*)\))?\s*:\s*(?P<text>\S.*)$",
    re.IGNORECASE,
)
_OPTIONAL: Final = re.compile(r"\s*\(optional\)\s*(?P<end>[.?!]?)\s*$", re.IGNORECASE)
_IN_LINE: Final = re.compile(r"\s+(?=\d{1,3}[.)]\s+\S)")
_CLOSING: Final = re.compile(r"^\s*closing\s*:\s*(?P<text>\S.*)$", re.IGNORECASE | re.MULTILINE)
_LIMIT: Final = re.compile(r"^\s*time limit\s*:\s*(?P<text>\S.*)$", re.IGNORECASE | re.MULTILINE)
_DURATION: Final = re.compile(
    r"(?P<number>\d{1,5}(?:\.\d{1,3})?)\s*(?P<unit>s|m)[a-z]*\b", re.IGNORECASE
)
_ASK_FOR_MORE: Final = re.compile(
    r"\bask\b[^.\n]*\b(?:if|whether)\b[^.\n]*\b(?:questions?|add|ask)\b", re.IGNORECASE
)
_MAY_LEAVE_OUT: Final = re.compile(
    r"\bmay leave out\b[^:\n]*\bnumbers?: (?P<numbers>\d{1,3}(?:, \d{1,3})*)", re.IGNORECASE
)
_SOUND_CHECK: Final = re.compile(r"\bsound[- ]check\b", re.IGNORECASE)
_CONSENT: Final = re.compile(
    r"\bask\b[^.\n]*\b(?:for (?:their |the candidate's |his or her )?consent"
    r"|(?:if|whether) (?:they|the candidate) (?:agrees?|consents?))\b",
    re.IGNORECASE,
)
_NOTICE: Final = re.compile(r"\b(?:written down|transcribed|transcript)\b", re.IGNORECASE)
_ASKING_VERBS: Final = frozenset(
    words(
        "tell describe explain walk talk share give name introduce imagine think say list outline"
        " please what why how when where which who do does did have has is are can could would"
    )
)


class Lack(Enum):
    """What an answer is short of."""

    LENGTH = "short"
    SUBSTANCE = "vague"
    OWN_PART = "own part"


@dataclass(frozen=True, slots=True)
class Probe:
    """What is asked once more about an answer.

    Attributes:
        text: As it is asked.
        lacks: What an answer must be short of; any of them.
        keywords: If there are any, the answer must have named none of them, and `lacks` is moot.
    """

    text: str
    lacks: frozenset[Lack] = frozenset(Lack)
    keywords: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Question:
    """One question of a plan, with what may be said around it.

    Attributes:
        text: As it is asked.
        probes: In their order; at most `MAX_PROBES` are asked. Empty takes the stock probes.
        clarification: Said when the question was not understood.
        is_optional: Whether it is left out when time is short.
        seconds: What it should take, or None.
    """

    text: str
    probes: tuple[Probe, ...] = ()
    clarification: str | None = None
    is_optional: bool = False
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """What an interviewer has to do.

    Attributes:
        questions: In their order; empty where the instructions hold none.
        gives_notice: Whether the candidate is told that the interview is written down.
        asks_consent: Whether the candidate must agree before the first question.
        checks_sound: Whether the candidate is asked whether the sound is good.
        asks_for_more: Whether the candidate is asked for questions or anything to add at the end.
        closing: Words before the goodbye, or None.
        seconds: Length of the whole interview, or None.
    """

    questions: tuple[Question, ...] = ()
    gives_notice: bool = False
    asks_consent: bool = False
    checks_sound: bool = False
    asks_for_more: bool = False
    closing: str | None = field(default=None)
    seconds: float | None = None


@lru_cache(maxsize=256)
def read_plan(instructions: str) -> Plan:
    """Find the questions in instructions; at most 100, each once."""
    free, listed = _parted(instructions)
    items = _items(listed, bullets=True) if listed else _items(free.splitlines(), bullets=False)
    questions: dict[str, Question] = {}
    spare = _MAY_LEAVE_OUT.search(free)
    optional = spare["numbers"].split(", ") if spare else ()
    for number, question in enumerate(items, 1):
        if listed or _asks(question.text):
            is_optional = question.is_optional or str(number) in optional
            marked = replace(question, is_optional=is_optional)
            questions.setdefault(normalised(question.text), marked)
    closing, limit = _CLOSING.search(instructions), _LIMIT.search(free)
    return Plan(
        questions=tuple(questions.values())[:MAX_QUESTIONS],
        gives_notice=bool(_NOTICE.search(free)),
        asks_consent=bool(_CONSENT.search(free)),
        checks_sound=bool(_SOUND_CHECK.search(free)),
        asks_for_more=bool(_ASK_FOR_MORE.search(_CONSENT.sub("", free))),
        closing=closing["text"].strip() if closing else None,
        seconds=_seconds(limit["text"]) if limit else None,
    )


def _parted(instructions: str) -> tuple[str, list[str]]:
    """Part the text at its heading; a list that stands in the heading's line is broken up."""
    lines = instructions.splitlines()
    for number, line in enumerate(lines):
        found = _HEADING.match(line)
        rest = line[found.end() :] if found else ""
        if found and (not rest or _NUMBERED.match(rest)):
            listed = [*_IN_LINE.split(rest), *lines[number + 1 :]]
            after = [line for line in listed if not (_NUMBERED.match(line) or _LABEL.match(line))]
            return "\n".join([*lines[:number], *after]), listed
    return instructions, []


def _items(lines: list[str], *, bullets: bool) -> Iterator[Question]:
    """Collect numbered lines, the labelled lines below them and their continuations."""
    current: Question | None = None
    for line in lines:
        item = _NUMBERED.match(line) or (_BULLET.match(line) if bullets else None)
        label = _LABEL.match(line)
        if label and current:
            current = _labelled(current, label)
        elif item:
            if current:
                yield _settled(current)
            current = Question(item["text"].strip())
        elif current and line[:1].isspace() and line.strip():
            current = replace(current, text=f"{current.text} {line.strip()}")
        elif current and (line.strip() or not bullets):
            yield _settled(current)
            current = None
            if bullets and line.strip():
                return
    if current:
        yield _settled(current)


def _labelled(question: Question, label: re.Match[str]) -> Question:
    text = label["text"].strip()
    match label["label"].lower()[:4]:
        case "clar":
            return replace(question, clarification=text)
        case "time":
            return replace(question, seconds=_seconds(text))
        case "opti":
            return replace(question, is_optional=words(text)[:1] not in (["no"], ["false"]))
        case "comp":  # for people who score
            return question
        case _:
            probe = _probe(text, label["condition"] or "")
            return replace(question, probes=(*question.probes, probe))


def _probe(text: str, condition: str) -> Probe:
    kind, _, rest = condition.strip().lower().partition(" ")
    if kind.rstrip(":") == "unless":
        keywords = tuple(part.strip() for part in rest.split(",") if normalised(part))
        return Probe(text, keywords=keywords)
    lacks = frozenset(lack for lack in Lack if lack.value in condition.lower())
    return Probe(text, lacks or frozenset(Lack))


def _settled(question: Question) -> Question:
    """Take the mark of an optional question out of its text."""
    text = _OPTIONAL.sub(r"\g<end>", question.text)
    if text == question.text or not normalised(text):
        return question
    return replace(question, text=text, is_optional=True)


def _seconds(text: str) -> float | None:
    found = _DURATION.search(text)
    if found is None:
        return None
    return float(found["number"]) * (60 if found["unit"].lower() == "m" else 1)


def _asks(text: str) -> bool:
    return "?" in text or not _ASKING_VERBS.isdisjoint(words(text)[:1])
