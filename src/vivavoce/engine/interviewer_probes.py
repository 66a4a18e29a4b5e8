"""Whether an answer says enough for its question, and what is asked about it if not."""

import re
from collections.abc import Collection, Sequence
from typing import Final

from vivavoce.engine import interviewer_lines as say
from vivavoce.engine.interviewer_plan import MAX_PROBES, Lack, Probe, Question
from vivavoce.engine.phrases import contains, words

_SHORT_ANSWER_WORDS: Final = 12
_LONG_ANSWER_WORDS: Final = 40
_VAGUE_TERMS: Final = 2
_WORDS_A_SECOND: Final = 2.5  # of speech at an ordinary pace
_STOCK: Final = (
    Probe(say.PROBE_SHORT, frozenset({Lack.LENGTH})),
    Probe(say.PROBE_VAGUE, frozenset({Lack.SUBSTANCE})),
    Probe(say.PROBE_OWN_PART, frozenset({Lack.OWN_PART})),
)
_MAX_STOCK_PROBES: Final = 1

_WANTS_A_FACT: Final = re.compile(
    r"^(?:how (?:many|much|long|old|often)|when|where|which|who|what(?:'s| is| was) your"
    r"|what (?:year|time|date|city|country|languages?))\b"
)
_IS_CLOSED: Final = re.compile(
    r"^(?:do|does|did|are|is|was|were|have|has|had|would you prefer|may|should|will) "
)
_IS_OPEN: Final = re.compile(
    r"\b(?:why|how did|how do|describe|tell|explain|walk|example|reason)\b"
)
_ABOUT_DEEDS: Final = re.compile(
    r"\b(?:did you|have you|you have|you've|a time|your role|you are proud|you're proud"
    r"|you (?:led|built|solved|worked|handled))\b"
)
_FIRST_PERSON: Final = frozenset(words("i i'm i've i'd i'll me my mine myself"))
_VAGUE: Final = frozenset(
    words("stuff things thing various several whatever somehow basically helped etc everything")
)
_CONCRETE: Final = re.compile(
    r"\d|\b(?:for example|for instance|such as|one time|once|last)\b|\S [A-Z]"
)


def next_probe(question: Question, answer: str, asked: Sequence[str]) -> str | None:
    """Choose what to ask about an answer, or None where it says enough or enough was asked.

    Args:
        question: That was answered.
        answer: All that was said to it.
        asked: The probes that were asked about it.
    """
    limit = MAX_PROBES if question.probes else _MAX_STOCK_PROBES
    if len(asked) >= limit or _fills(question, answer):
        return None
    lacks = _lacks(question, answer)
    for probe in question.probes or _STOCK:
        if probe.text not in asked and _applies(probe, answer, lacks):
            return probe.text
    return None


def _fills(question: Question, answer: str) -> bool:
    """Whether an answer took, by its length, all the time that its question should take."""
    return question.seconds is not None and len(words(answer)) / _WORDS_A_SECOND >= question.seconds


def _applies(probe: Probe, answer: str, lacks: Collection[Lack]) -> bool:
    if probe.keywords:
        return not any(contains(answer, keyword) for keyword in probe.keywords)
    return not probe.lacks.isdisjoint(lacks)


def _lacks(question: Question, answer: str) -> set[Lack]:
    """Say what an answer is short of; a question for a fact or a yes is answered by any words."""
    asked, said = " ".join(words(question.text)), words(answer)
    if (_WANTS_A_FACT.match(asked) or _IS_CLOSED.match(asked)) and not _IS_OPEN.search(asked):
        return set()
    if len(said) < _SHORT_ANSWER_WORDS:
        return {Lack.LENGTH}
    if len(said) >= _LONG_ANSWER_WORDS:
        return set()
    lacks = set()
    if sum(word in _VAGUE for word in said) >= _VAGUE_TERMS and not _is_concrete(answer):
        lacks.add(Lack.SUBSTANCE)
    if _ABOUT_DEEDS.search(asked) and not _FIRST_PERSON.intersection(said):
        lacks.add(Lack.OWN_PART)
    return lacks


def _is_concrete(answer: str) -> bool:
    return bool(_CONCRETE.search(re.sub(r"\bI\b", "i", answer)))
