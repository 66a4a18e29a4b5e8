"""Cutting text into sentences, the unit in which it is spoken."""

import re
from typing import Final

_END: Final = re.compile(
    r"[.!?\N{HORIZONTAL ELLIPSIS}]+[\"'\N{RIGHT DOUBLE QUOTATION MARK})\]]*\s+"
)
_ABBREVIATIONS: Final = frozenset(
    ("mr", "mrs", "ms", "dr", "prof", "st", "jr", "sr", "vs", "e.g", "i.e", "approx", "fig", "dept")
)
_CLAUSE: Final = re.compile(r"(?<=[,;:\N{EM DASH}])\s+")
MAX_SENTENCE_CHARACTERS: Final = 240


def split_sentences(text: str) -> list[str]:
    """Cut text at the ends of its sentences and at line breaks.

    A full stop after a title, an abbreviation or an initial does not end a sentence. A sentence of
    more than 240 characters is cut at clauses, so that its first words are ready early.
    """
    sentences = []
    for line in text.splitlines():
        start = 0
        for mark in _END.finditer(line):
            if _ends_sentence(line[start : mark.start() + 1], line[mark.end() :]):
                sentences.append(line[start : mark.end()].strip())
                start = mark.end()
        sentences.append(line[start:].strip())
    return [part for sentence in sentences if sentence for part in _shortened(sentence)]


def _ends_sentence(so_far: str, after: str) -> bool:
    if after[:1].islower():
        return False
    if not so_far.endswith("."):
        return True
    last = so_far[:-1].rsplit(maxsplit=1)[-1:]
    word = last[0].lstrip("(\"'") if last else ""
    is_initial = len(word) == 1 and word.isalpha() and word.isupper() and word != "I"
    return not (word.lower() in _ABBREVIATIONS or is_initial)


def _shortened(sentence: str) -> list[str]:
    if len(sentence) <= MAX_SENTENCE_CHARACTERS:
        return [sentence]
    parts: list[str] = []
    for clause in _CLAUSE.split(sentence):
        if parts and len(parts[-1]) + len(clause) < MAX_SENTENCE_CHARACTERS:
            parts[-1] = f"{parts[-1]} {clause}"
        else:
            parts.append(clause)
    return parts
