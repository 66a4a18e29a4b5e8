"""What an interviewer can do: ask, go on, close; each a reply, for where the interview stands."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final, Literal

from vivavoce.engine import interviewer_lines as say
from vivavoce.engine.interviewer_lines import Sentences
from vivavoce.engine.interviewer_opening import first_check, greeting
from vivavoce.engine.interviewer_plan import Plan, Question
from vivavoce.engine.interviewer_progress import Line, Progress
from vivavoce.engine.sentences import split_sentences

END_TOOL: Final = "end_interview"
NO_TIME_SECONDS: Final = 20.0
"""Below it nothing more is asked: the closing words need as much."""
TIME_TO_ADD_SECONDS: Final = 40.0
"""Below it the candidate is not asked for anything to ask or add."""
_LITTLE_TIME_SECONDS: Final = 75.0
_QUESTION_SECONDS: Final = 45.0  # of one that says no other


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A function that the interviewer calls after its words."""

    name: str
    arguments: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class Asking:
    """What a reply asks for the first time, with its last sentences: a question or a probe."""

    kind: Literal["question", "probe"]
    text: str


@dataclass(frozen=True, slots=True)
class Reply:
    """What the interviewer says, a sentence at a time, and then does.

    Attributes:
        sentences: The words.
        tool: Called after them.
        asking: What the last sentences ask, where they may be put in other words.
        pace: Of speech, against the session's own.
    """

    sentences: Sentences
    tool: ToolCall | None = None
    asking: Asking | None = None
    pace: float = 1.0


@dataclass(frozen=True, slots=True)
class Turn:
    """Where an interview stands when it is our turn to speak.

    Attributes:
        plan: What is to be done.
        progress: What was done of it.
        lines: All that was said.
        can_end: Whether there is a function to end the interview with.
        seconds_left: Until it must end, where that is known.
    """

    plan: Plan
    progress: Progress
    lines: Sequence[Line]
    can_end: bool
    seconds_left: float | None

    def has_less_than(self, seconds: float) -> bool:
        """Whether less time is left."""
        return self.seconds_left is not None and self.seconds_left < seconds

    def end(self, sentences: Sentences, reason: str) -> Reply:
        """Say the last words, and end the interview after them."""
        return Reply(sentences, ToolCall(END_TOOL, {"reason": reason}) if self.can_end else None)


def ask(before: Sentences, kind: Literal["question", "probe"], text: str) -> Reply:
    """Ask for the first time."""
    return Reply((*before, *split_sentences(text)), asking=Asking(kind, text))


def greet(turn: Turn) -> Reply:
    """Begin: greet, and ask what is asked first."""
    if not turn.plan.questions:
        return Reply(say.OPEN_GREETING)
    before = greeting(turn.plan)
    if check := first_check(turn.plan):
        return Reply((*before, check))
    return ask(before, "question", turn.plan.questions[0].text)


def is_short_of_time(turn: Turn) -> bool:
    """Whether a probe would take time that a question needs which must be asked."""
    return turn.has_less_than(max(_LITTLE_TIME_SECONDS, _needed(turn) + _QUESTION_SECONDS / 2))


def _needed(turn: Turn) -> float:
    """Seconds for what must still be asked, and the closing words."""
    unasked = (question for question in turn.progress.unasked if not question.is_optional)
    return NO_TIME_SECONDS + sum(question.seconds or _QUESTION_SECONDS for question in unasked)


def _next_question(turn: Turn) -> Question | None:
    """Give the next question, without optional ones for which there is no time."""
    for question in turn.progress.unasked:
        seconds = question.seconds or _QUESTION_SECONDS
        if not question.is_optional or not turn.has_less_than(_needed(turn) + seconds):
            return question
    return None


def go_on(turn: Turn, before: Sentences) -> Reply:
    """Ask the next question, or close when there is none or no time for it."""
    progress = turn.progress
    if turn.has_less_than(NO_TIME_SECONDS):
        return close_early(turn, before)
    if question := _next_question(turn):
        hurry = turn.has_less_than(_LITTLE_TIME_SECONDS) and not progress.warned
        warning = (say.ONE_MINUTE_LEFT,) if hurry else ()
        return ask((*before, *warning), "question", question.text)
    has_time = not turn.has_less_than(TIME_TO_ADD_SECONDS)
    if turn.plan.asks_for_more and not progress.asked_for_more and has_time:
        return Reply((*before, say.LAST_WAS_ASKED, say.ANYTHING_TO_ADD))
    return close(turn, before)


def close(turn: Turn, before: Sentences) -> Reply:
    """Close an interview that is done."""
    last = () if turn.progress.asked_for_more else (say.LAST_WAS_ASKED,)
    return turn.end((*before, *last, *_own_closing(turn), *say.GOODBYE), "completed")


def close_early(turn: Turn, before: Sentences) -> Reply:
    """Close an interview because its time is up."""
    sentences = (*before, say.OUT_OF_TIME, *_own_closing(turn), *say.GOODBYE)
    return turn.end(sentences, "max_duration")


def _own_closing(turn: Turn) -> Sentences:
    return tuple(split_sentences(turn.plan.closing)) if turn.plan.closing else ()


def pending(turn: Turn, *, beyond_confirming: bool = False) -> Sentences:
    """Give the words that wait for an answer."""
    progress = turn.progress
    if progress.is_confirming_end and not beyond_confirming:
        return (say.CONFIRM_END,)
    if not turn.plan.questions:
        asked = [
            sentence
            for line in turn.lines
            if line.speaker == "ai"
            for sentence in split_sentences(line.text)
            if sentence.endswith("?") and sentence != say.CONFIRM_END
        ]
        return (asked[-1] if asked else say.OPEN_GREETING[-1],)
    if progress.asked_for_more:
        return (say.ANYTHING_TO_ADD,)
    if progress.question is None:
        return tuple(split_sentences(progress.check or turn.plan.questions[0].text))
    return tuple(split_sentences([progress.question.text, *progress.probes][-1]))
