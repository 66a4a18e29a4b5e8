"""The words to expect, from the instructions of a call: names and terms of the trade.

A small recogniser writes what it has read most often: "kuber midis" for Kubernetes. It is told
beforehand what may be said, as text that seems to have gone before. The same text shows it how to
write hesitation down, which turn taking depends on and which it would otherwise tidy away.
"""

import re
from functools import lru_cache
from typing import Final

from vivavoce.engine.interviewer_plan import read_plan

MAX_CHARACTERS: Final = 320  # about 100 tokens, the most that a prompt holds
_HESITATION: Final = "Um, let me think. So, uh, yes."
_WORD: Final = re.compile(r"[A-Za-z][\w+#.'&/-]*[\w+#]|[A-Z]")
_SENTENCE_END: Final = re.compile(r"(?:^|[.!?:;\n]|\b\d{1,3}[.)]|[-*\N{BULLET}])\s*$")
_IS_TECHNICAL: Final = re.compile(r"[a-z][A-Z]|[A-Z]{2}|\d|[+#]|\w[./]\w")
_NO_TERMS: Final = frozenset(
    """
    a i ai i'm i'll i'd ok okay mr mrs ms dr e.g i.e etc q a.m p.m monday tuesday wednesday thursday
    friday saturday sunday january february march april may june july august september october
    november december english probe clarification closing questions end_interview and/or he/she
    his/her they/them 1st 2nd 3rd
    """.split()  # noqa: SIM905  reads better
)


@lru_cache(maxsize=256)
def expected_words(instructions: str) -> str:
    """Give the text that goes before what is heard, at most 320 characters."""
    plan = read_plan(instructions)
    asked = [
        text
        for question in plan.questions
        for text in (
            question.text,
            *(probe.text for probe in question.probes),
            question.clarification,
        )
        if text
    ]
    terms = _terms("\n".join([*asked, instructions]))
    chosen: list[str] = []
    for term in terms:
        if len(", ".join([*chosen, term])) > MAX_CHARACTERS - len(_HESITATION) - 2:
            break
        chosen.append(term)
    return f"{', '.join(chosen)}. {_HESITATION}" if chosen else _HESITATION


def _terms(text: str) -> list[str]:
    """Find names and technical words, each once, in the order of the text."""
    found: dict[str, str] = {}
    for match in _WORD.finditer(text):
        word = match[0].removesuffix("'s")
        if word.lower() in _NO_TERMS:
            continue
        is_name = word[0].isupper() and not _SENTENCE_END.search(text[: match.start()][-12:])
        if is_name or _IS_TECHNICAL.search(word):
            found.setdefault(word.lower(), word)
    return list(found.values())
