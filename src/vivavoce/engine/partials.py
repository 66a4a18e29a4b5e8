"""What can be told of a turn while it goes on: the words that will stay.

A recogniser that hears a growing turn again and again changes its mind about the last words, seldom
about earlier ones. A word is told when two hearings in a row agree on it, and never taken back: the
transcript begins with what was told, whatever the last hearing makes of it.

Source: Macháček et al., "Turning Whisper into Real-Time Transcription System", 2023.
"""

from difflib import SequenceMatcher
from typing import Final

from vivavoce.engine.phrases import words

_HELD_BACK_WORDS: Final = 1  # the last one may still grow: "know" becomes "knowledge"


class Partial:
    """The transcript of one turn, as far as it was told.

    Attributes:
        told: What was told so far, as one text.
    """

    def __init__(self) -> None:
        self.told = ""
        self._before: list[str] = []

    def hear(self, text: str) -> str:
        """Take what is heard of the turn so far and return what is to be told next, if anything."""
        before, self._before = self._before, text.split()
        told = _spoken(self.told.split())
        agreed = _common(_spoken(before), _spoken(self._before))
        count = min(agreed, len(self._before) - _HELD_BACK_WORDS)
        if count <= len(told) or _spoken(self._before[: len(told)]) != told:
            return ""
        return self._tell(self._before[len(told) : count])

    def finish(self, text: str) -> str:
        """Take what the whole turn was heard as; return what is left to tell of it."""
        pieces, told = text.split(), self.told.split()
        if not told:
            return self._tell(pieces)
        end = _end_of(_spoken(told), _spoken(pieces))
        last = pieces[end - 1] if end <= len(pieces) else ""
        mark = last.removeprefix(
            told[-1]
        )  # such as the comma that the end of a word was told without
        mark = "" if words(mark) else self._add(mark)
        return mark + self._tell(pieces[end:])

    def _tell(self, pieces: list[str]) -> str:
        text = " ".join(pieces)
        return self._add(f" {text}" if self.told and text else text)

    def _add(self, delta: str) -> str:
        self.told += delta
        return delta


def _spoken(pieces: list[str]) -> list[str]:
    return ["".join(words(piece)) for piece in pieces]


def _common(first: list[str], second: list[str]) -> int:
    """Count the words that two hearings begin with alike."""
    pairs = enumerate(zip(first, second, strict=False))
    return next((n for n, (a, b) in pairs if a != b), min(len(first), len(second)))


def _end_of(told: list[str], heard: list[str]) -> int:
    """Find the place in the last hearing that what was told reaches to."""
    if heard[: len(told)] == told:
        return len(told)
    blocks = SequenceMatcher(None, told, heard, autojunk=False).get_matching_blocks()
    matching = [block for block in blocks if block.size]
    if not matching:
        return len(told)
    last = matching[-1]
    return last.b + len(told) - last.a
