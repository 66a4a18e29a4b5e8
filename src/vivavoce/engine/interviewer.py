"""The built-in interviewer: it follows a plan, by rules, and is the same on every run.

A pure function of a call's instructions, its tools and what was said so far. It greets once and
says that it is a machine, asks one question at a time, probes an answer that says little at most
once, and never judges. With the tool `end_interview` the closing words end with a call to it.

Instructions without questions make it a plain listener: it says what it is, asks to be told more,
and does not pretend to know or to understand. It is not a language model and gives no answers.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import takewhile
from types import MappingProxyType
from typing import Any, Final

from vivavoce.engine import interviewer_lines as say
from vivavoce.engine.interviewer_intents import Intent, intent_of
from vivavoce.engine.interviewer_lines import Sentences, stock_sentences
from vivavoce.engine.interviewer_plan import Plan, Question, read_plan
from vivavoce.engine.interviewer_progress import Line, Progress, progress_of
from vivavoce.engine.phrases import contains, words
from vivavoce.engine.sentences import split_sentences

__all__ = ["Line", "Reply", "ToolCall", "gentle_prompt", "next_reply", "stock_sentences"]

END_TOOL: Final = "end_interview"
_NO_TIME_SECONDS: Final = 20.0
_LITTLE_TIME_SECONDS: Final = 75.0

_COURTESY_WORDS: Final = 2  # "Okay." "Thank you."
_SHORT_ANSWER_WORDS: Final = 12
_LONG_ANSWER_WORDS: Final = 40
_VAGUE_TERMS: Final = 2


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A function that the interviewer calls after its words."""

    name: str
    arguments: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class Reply:
    """What the interviewer says, a sentence at a time, and then does."""

    sentences: Sentences
    tool: ToolCall | None = None


def next_reply(
    instructions: str,
    tool_names: Sequence[str],
    lines: Sequence[Line],
    *,
    seconds_left: float | None = None,
) -> Reply | None:
    """Decide what to say next, or None where silence is right.

    Args:
        instructions: Of the call; `interviewer_plan` says how questions are found in it.
        tool_names: Functions that the call declares.
        lines: What was said so far, in order, seeded lines included. A candidate's turn in which
            nothing was understood is a line with an empty text.
        seconds_left: Until the call must end, where that is known.
    """
    plan = read_plan(instructions)
    turn = _Turn(plan, progress_of(plan, lines), END_TOOL in tool_names, seconds_left)
    if lines and lines[-1].speaker == "candidate":
        return _reply_to_candidate(turn, lines)
    return _speak_unasked(turn, lines)


def gentle_prompt(instructions: str, lines: Sequence[Line]) -> Reply | None:
    """Decide what to say to a candidate who stays silent, or None where silence is right.

    Args:
        instructions: As in `next_reply`.
        lines: Likewise.
    """
    ours = [line.text for line in lines if line.speaker == "ai"]
    plan = read_plan(instructions)
    turn = _Turn(plan, progress_of(plan, lines), can_end=False, seconds_left=None)
    if not ours or turn.progress.is_over or contains(ours[-1], say.TYPING[-1]):
        return None
    return Reply((*say.AFTER_SILENCE, *_pending(turn, lines)))


@dataclass(frozen=True, slots=True)
class _Turn:
    plan: Plan
    progress: Progress
    can_end: bool
    seconds_left: float | None

    def has_less_than(self, seconds: float) -> bool:
        return self.seconds_left is not None and self.seconds_left < seconds

    def end(self, sentences: Sentences, reason: str) -> Reply:
        return Reply(sentences, ToolCall(END_TOOL, {"reason": reason}) if self.can_end else None)


def _speak_unasked(turn: _Turn, lines: Sequence[Line]) -> Reply:
    """Begin, or go on after our own words: a call taken up from another, or a client's wish."""
    if not lines:
        return _greet(turn)
    if turn.progress.is_over:
        return turn.end((), "completed")
    return Reply((*say.ASKING_AGAIN, *_pending(turn, lines)))


def _greet(turn: _Turn) -> Reply:
    if not turn.plan.questions:
        return Reply(say.OPEN_GREETING)
    opening = say.introduction(len(turn.plan.questions))
    return Reply((*opening, *split_sentences(turn.plan.questions[0].text)))


def _reply_to_candidate(turn: _Turn, lines: Sequence[Line]) -> Reply | None:
    heard = list(takewhile(lambda line: line.speaker != "ai", reversed(lines)))
    said = _said([line.text for line in reversed(heard) if line.text])
    ours = lines[-len(heard) - 1] if len(heard) < len(lines) else None
    if not words(said):
        cut_off = ours is not None and ours.truncated and not turn.progress.is_over
        return Reply((*say.ASKING_AGAIN, *_pending(turn, lines))) if cut_off else None
    if ours is None:
        return _greet(turn)
    if turn.progress.is_over:
        return turn.end(("Goodbye.",), "completed")
    return _act_on(turn, lines, said)


def _said(texts: Sequence[str]) -> str:
    """Join what was said since our last words; earlier wishes for time are settled by it."""
    return " ".join(
        text
        for number, text in enumerate(texts, 1)
        if number == len(texts) or intent_of(text) is not Intent.WAIT
    )


def _act_on(turn: _Turn, lines: Sequence[Line], said: str) -> Reply | None:
    intent = intent_of(said)
    if turn.progress.is_waiting:
        is_courtesy = intent is Intent.ANSWER and len(words(said)) <= _COURTESY_WORDS
        if is_courtesy or intent is Intent.WAIT:
            return None
    if intent is Intent.WITHDRAW:
        return turn.end(say.LEAVING, "candidate_left")
    if intent is Intent.SKIP and turn.plan.questions:
        return _go_on(turn, say.SKIPPING)
    if alone := _ALONE.get(intent):
        return Reply(alone)
    if aside := _aside(turn, intent):
        return Reply((*aside, *_pending(turn, lines)))
    return _answered(turn, lines, intent)


_ALONE: Final[Mapping[Intent, Sentences]] = {
    Intent.WAIT: say.WAITING,
    Intent.WANTS_TO_TYPE: say.TYPING,
}
_ASIDES: Final[Mapping[Intent, Sentences]] = {
    Intent.REPEAT: say.REPEATING,
    Intent.ASKS_IF_MACHINE: say.A_MACHINE,
    Intent.ASKS_IF_HEARD: say.HEARING,
    Intent.HAS_TROUBLE: say.TROUBLE,
    Intent.MEDDLES: say.NOT_MEDDLING,
    Intent.IS_HOSTILE: say.HOSTILITY,
    Intent.GREETS: say.HELLO,
}


def _aside(turn: _Turn, intent: Intent) -> Sentences | None:
    """Say what comes before the question is asked again, or None if the words were an answer."""
    if intent is Intent.CLARIFY:
        own = turn.progress.question.clarification if turn.progress.question else None
        return (say.CLARIFYING[0], *split_sentences(own)) if own else say.CLARIFYING
    if intent is Intent.ASKS and not turn.plan.questions:
        return say.OPEN_NO_ANSWERS
    if intent is Intent.ASKS and not turn.progress.asked_for_more:
        return say.NO_ANSWERS
    return _ASIDES.get(intent)


def _answered(turn: _Turn, lines: Sequence[Line], intent: Intent) -> Reply:
    progress = turn.progress
    replies = sum(line.speaker == "ai" for line in lines)
    if not turn.plan.questions:
        return Reply(say.OPEN_ROUNDS[(replies - 1) % len(say.OPEN_ROUNDS)])
    acknowledgement = (say.ACKNOWLEDGEMENTS[(replies - 1) % len(say.ACKNOWLEDGEMENTS)],)
    if progress.asked_for_more:
        before = say.NO_ANSWERS if intent is Intent.ASKS else acknowledgement
        return _close(turn, before)
    if progress.question and not progress.probe and not turn.has_less_than(_LITTLE_TIME_SECONDS):
        probe = _probe(progress.question, progress.answer)
        if probe:
            return Reply((*acknowledgement, *split_sentences(probe)))
    return _go_on(turn, acknowledgement)


def _go_on(turn: _Turn, before: Sentences) -> Reply:
    """Ask the next question, or close when there is none or no time for it."""
    if turn.has_less_than(_NO_TIME_SECONDS):
        return turn.end((*before, say.OUT_OF_TIME, *say.GOODBYE), "max_duration")
    if turn.progress.unasked:
        hurry = turn.has_less_than(_LITTLE_TIME_SECONDS) and not turn.progress.warned
        warning = (say.ONE_MINUTE_LEFT,) if hurry else ()
        return Reply((*before, *warning, *split_sentences(turn.progress.unasked[0].text)))
    if turn.plan.asks_for_more and not turn.progress.asked_for_more:
        return Reply((*before, say.LAST_WAS_ASKED, say.ANYTHING_TO_ADD))
    return _close(turn, before)


def _close(turn: _Turn, before: Sentences) -> Reply:
    last = () if turn.progress.asked_for_more else (say.LAST_WAS_ASKED,)
    own = split_sentences(turn.plan.closing) if turn.plan.closing else ()
    return turn.end((*before, *last, *own, *say.GOODBYE), "completed")


def _pending(turn: _Turn, lines: Sequence[Line]) -> Sentences:
    """Give the words that wait for an answer."""
    progress = turn.progress
    if not turn.plan.questions:
        asked = [
            sentence
            for line in lines
            if line.speaker == "ai"
            for sentence in split_sentences(line.text)
            if sentence.endswith("?")
        ]
        return (asked[-1] if asked else say.OPEN_GREETING[-1],)
    if progress.asked_for_more:
        return (say.ANYTHING_TO_ADD,)
    if progress.question is None:
        return tuple(split_sentences(turn.plan.questions[0].text))
    return tuple(split_sentences(progress.probe or progress.question.text))


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


def _probe(question: Question, answer: str) -> str | None:
    """Choose a probe where an answer says too little for its question."""
    asked, said = " ".join(words(question.text)), words(answer)
    if (_WANTS_A_FACT.match(asked) or _IS_CLOSED.match(asked)) and not _IS_OPEN.search(asked):
        return None
    if len(said) < _SHORT_ANSWER_WORDS:
        return question.probe or say.PROBE_SHORT
    if len(said) >= _LONG_ANSWER_WORDS:
        return None
    vague = sum(word in _VAGUE for word in said)
    if vague >= _VAGUE_TERMS and not _CONCRETE.search(re.sub(r"\bI\b", "i", answer)):
        return question.probe or say.PROBE_VAGUE
    if _ABOUT_DEEDS.search(asked) and not _FIRST_PERSON.intersection(said):
        return question.probe or say.PROBE_OWN_PART
    return None
