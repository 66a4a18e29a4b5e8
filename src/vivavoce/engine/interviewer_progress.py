"""How far an interview has come, read from what was said so far.

Nothing is kept between turns: a conversation that another engine or another call began is taken up
from its lines alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from vivavoce.engine.interviewer_intents import Intent, intent_of
from vivavoce.engine.interviewer_lines import (
    ANYTHING_TO_ADD,
    END_MARK,
    ONE_MINUTE_LEFT,
    PROBES,
    TAKE_YOUR_TIME,
)
from vivavoce.engine.interviewer_plan import Plan, Question
from vivavoce.engine.phrases import contains, continues, words

_MOSTLY: Final = 0.6
_SUBSTANTIAL_WORDS: Final = 5


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that was said.

    Attributes:
        speaker: Who said it.
        text: The words, as far as they were heard; empty where nothing was understood.
        truncated: Whether the speaker was cut off. A truncated line holds what was heard of it.
    """

    speaker: Literal["ai", "candidate"]
    text: str
    truncated: bool = False


@dataclass(frozen=True, slots=True)
class Progress:
    """Where an interview stands.

    Attributes:
        question: The question that is being answered, or None before the first.
        unasked: What is still to be asked, in the plan's order.
        answer: What the candidate has said to the question so far, commands left out.
        probe: The probe that was asked about it, or None.
        asked_for_more: Whether the candidate was asked for anything to add.
        is_over: Whether the goodbye was said.
        is_waiting: Whether our last words gave the candidate time.
        warned: Whether the candidate knows that time is short.
    """

    question: Question | None
    unasked: tuple[Question, ...]
    answer: str = ""
    probe: str | None = None
    asked_for_more: bool = False
    is_over: bool = False
    is_waiting: bool = False
    warned: bool = False


def progress_of(plan: Plan, lines: Sequence[Line]) -> Progress:
    """Read the state of an interview from its lines."""
    asked: list[Question] = []
    answers: list[str] = []
    probe = None
    for number, line in enumerate(lines):
        if line.speaker == "candidate":
            if intent_of(line.text) in (Intent.ANSWER, Intent.ASKS):
                answers.append(line.text)
            continue
        following = _reply_to(lines, number)
        fresh = [q for q in plan.questions if q not in asked and _asks(line, q, following)]
        if fresh:
            asked += fresh
            answers, probe = [], None
        else:
            known = (*PROBES, *([asked[-1].probe] if asked and asked[-1].probe else ()))
            probe = next((p for p in known if p and contains(line.text, p)), probe)
    ours = [line.text for line in lines if line.speaker == "ai"]
    return Progress(
        question=asked[-1] if asked else None,
        unasked=tuple(q for q in plan.questions if q not in asked),
        answer=" ".join(answers),
        probe=probe,
        asked_for_more=any(contains(text, ANYTHING_TO_ADD) for text in ours),
        is_over=any(contains(text, END_MARK) for text in ours),
        is_waiting=bool(ours) and contains(ours[-1], TAKE_YOUR_TIME),
        warned=any(contains(text, ONE_MINUTE_LEFT) for text in ours),
    )


def _reply_to(lines: Sequence[Line], number: int) -> str:
    """Join what the candidate said right after a line."""
    said = []
    for line in lines[number + 1 :]:
        if line.speaker == "ai":
            break
        said.append(line.text)
    return " ".join(said).strip()


def _asks(line: Line, question: Question, following: str) -> bool:
    """Whether a line asked a question, or was cut off near its end and answered all the same."""
    if contains(line.text, question.text):
        return True
    if not line.truncated or continues(following):
        return False
    wanted, heard = words(question.text), words(line.text)
    enough = max(int(len(wanted) * _MOSTLY), 1)
    cut_late = any(
        heard[-length:] == wanted[:length]
        for length in range(len(wanted) - 1, enough - 1, -1)
        if length <= len(heard)
    )
    is_answer = len(words(following)) >= _SUBSTANTIAL_WORDS
    return cut_late and is_answer and intent_of(following) is Intent.ANSWER
