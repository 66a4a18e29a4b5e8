"""The built-in interviewer: it follows a plan, by rules, and is the same on every run.

A pure function of a call's instructions, its tools and what was said so far. It greets once and
says that it is a machine, asks one question at a time, probes an answer that says little, and never
judges. Whatever the candidate says, it comes to an end: what is no answer is met a limited number
of times, then the next question is asked. With the tool `end_interview` the closing words end with
a call to it.

Instructions without questions make it a plain listener: it says what it is, asks to be told more,
and does not pretend to know or to understand. It is not a language model and gives no answers.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice, takewhile
from typing import Final

from vivavoce.engine import interviewer_lines as say
from vivavoce.engine.interviewer_asides import aside
from vivavoce.engine.interviewer_intents import Intent, agrees, intent_of
from vivavoce.engine.interviewer_lines import Sentences, stock_sentences
from vivavoce.engine.interviewer_moves import (
    END_TOOL,
    NO_TIME_SECONDS,
    TIME_TO_ADD_SECONDS,
    Asking,
    Reply,
    ToolCall,
    Turn,
    ask,
    close,
    close_early,
    go_on,
    greet,
    is_short_of_time,
    pending,
)
from vivavoce.engine.interviewer_opening import after_check
from vivavoce.engine.interviewer_plan import read_plan
from vivavoce.engine.interviewer_probes import next_probe
from vivavoce.engine.interviewer_progress import MAX_ANSWER_CHARACTERS, Line, progress_of
from vivavoce.engine.phrases import contains, words

__all__ = [
    "NO_TIME_SECONDS",
    "Asking",
    "Line",
    "Reply",
    "ToolCall",
    "gentle_prompt",
    "next_reply",
    "planned_sentences",
    "stock_sentences",
    "time_is_up",
]

_SHORT_REPLY_WORDS: Final = 8
_UNCLEAR_WORDS: Final = 12
_MAX_ASIDES: Final = 8
_MAX_INSULTS: Final = 2
_MAX_CANDIDATES_QUESTIONS: Final = 4
_MAX_GIVEN_UP: Final = 1
_MAX_LINES_AT_ONCE: Final = 50
_MAX_PREPARED: Final = 10
_PACES: Final = (1.0, 0.8, 0.65)
_COURTESIES: Final = frozenset(words("okay ok thanks thank you sure good great fine all right yes"))


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
        seconds_left: Until the interview must end, where that is known.
    """
    plan = read_plan(instructions)
    turn = Turn(plan, progress_of(plan, lines), lines, END_TOOL in tool_names, seconds_left)
    if lines and lines[-1].speaker == "candidate":
        reply = _reply_to_candidate(turn)
    else:
        reply = _speak_unasked(turn)
    pace = _PACES[min(turn.progress.slower, len(_PACES) - 1)]
    return replace(reply, pace=pace) if reply else None


def gentle_prompt(
    instructions: str,
    tool_names: Sequence[str],
    lines: Sequence[Line],
    *,
    seconds_left: float | None = None,
) -> Reply | None:
    """Decide what to say to a candidate who stays silent, or None where silence is right.

    The question is asked once more, then some more time is given, then the next question is asked;
    after two questions that were left so the interview is closed.

    Args:
        instructions: As in `next_reply`.
        tool_names: Likewise.
        lines: Likewise.
        seconds_left: Likewise.
    """
    plan = read_plan(instructions)
    progress = progress_of(plan, lines)
    turn = Turn(plan, progress, lines, END_TOOL in tool_names, seconds_left)
    if not progress.last or progress.is_over or progress.is_waiting_for_typing:
        return None
    if plan.questions and turn.has_less_than(NO_TIME_SECONDS):
        return close_early(turn, ())
    match progress.prompts:
        case 0:
            return Reply((*say.AFTER_SILENCE, *pending(turn)))
        case 1:
            return Reply(say.STILL_HERE)
        case _:
            return _give_up_silent(turn)


def time_is_up(instructions: str, tool_names: Sequence[str], lines: Sequence[Line]) -> Reply | None:
    """Close an interview whose time has run out while nobody spoke.

    Returns:
        The closing words; None if there is no plan, it was not begun, or it was closed already.
    """
    plan = read_plan(instructions)
    turn = Turn(plan, progress_of(plan, lines), lines, END_TOOL in tool_names, 0.0)
    is_held = plan.questions and turn.progress.last and not turn.progress.is_over
    return close_early(turn, ()) if is_held else None


def planned_sentences(instructions: str) -> Sentences:
    """Give what a plan will have said, the greeting first, so that it can be spoken ahead.

    Of a long plan the first ten questions: the memory of sounds is for all calls.
    """
    plan = read_plan(instructions)
    greeted = next_reply(instructions, [], [])
    questions = plan.questions[:_MAX_PREPARED]
    return (
        *(greeted.sentences if greeted else ()),
        *(question.text for question in questions),
        *(probe.text for question in questions for probe in question.probes),
        *(question.clarification for question in questions if question.clarification),
        *((plan.closing,) if plan.closing else ()),
    )


@dataclass(frozen=True, slots=True)
class _Said:
    """What the candidate said since our last words."""

    text: str
    intent: Intent
    length: int  # words
    is_doubtful: bool


def _speak_unasked(turn: Turn) -> Reply:
    """Begin, or go on after our own words: a call taken up from another, or a client's wish."""
    if not turn.lines:
        return greet(turn)
    if turn.progress.is_over:
        return turn.end((), "completed")
    if turn.plan.questions and turn.has_less_than(NO_TIME_SECONDS):
        return close_early(turn, ())
    return Reply((*say.ASKING_AGAIN, *pending(turn)))


def _reply_to_candidate(turn: Turn) -> Reply | None:
    since = takewhile(lambda line: line.speaker != "ai", reversed(turn.lines))
    heard = list(islice(since, _MAX_LINES_AT_ONCE))
    text = _joined([line.text for line in reversed(heard) if line.text])[-MAX_ANSWER_CHARACTERS:]
    said = _Said(
        text, intent_of(text), len(words(text)), next((x.doubtful for x in heard if x.text), False)
    )
    if not turn.progress.last:
        return greet(turn) if said.length else None
    if not said.length:
        ours = next(line for line in reversed(turn.lines) if line.speaker == "ai")
        is_cut_off = ours.truncated and not turn.progress.is_over
        return Reply((*say.ASKING_AGAIN, *pending(turn))) if is_cut_off else None
    if turn.progress.is_over:
        return turn.end(("Goodbye.",), "completed")
    if _needs_no_reply(turn, said):
        return None
    return next(filter(None, (act(turn, said) for act in _ACTS)), None)


def _joined(texts: Sequence[str]) -> str:
    """Join what was said since our last words; earlier wishes for time are settled by it."""
    return " ".join(
        text
        for number, text in enumerate(texts, 1)
        if number == len(texts) or intent_of(text) is not Intent.WAIT
    )


def _give_up_silent(turn: Turn) -> Reply | None:
    if not turn.plan.questions:
        return None
    if turn.progress.question is None or turn.progress.given_up >= _MAX_GIVEN_UP:
        return turn.end(say.NOBODY_THERE, "candidate_left")
    return go_on(turn, say.GOING_ON)


def _needs_no_reply(turn: Turn, said: _Said) -> bool:
    """Whether a candidate who was given time only says so once more."""
    if not turn.progress.is_waiting or turn.has_less_than(NO_TIME_SECONDS):
        return False
    waits_on = said.intent is Intent.WAIT and turn.progress.asides <= _MAX_ASIDES
    return waits_on or _COURTESIES.issuperset(words(said.text))


def _out_of_time(turn: Turn, said: _Said) -> Reply | None:
    """Close, whatever was said: there is no time to ask again."""
    has_time = not turn.has_less_than(NO_TIME_SECONDS)
    if has_time or not turn.plan.questions or said.intent is Intent.WITHDRAW:
        return None
    before = _acknowledgement(turn) if said.intent is Intent.ANSWER else ()
    return (close if turn.progress.asked_for_more else close_early)(turn, before)


def _unclear(turn: Turn, said: _Said) -> Reply | None:
    is_asked = said.is_doubtful and said.length < _UNCLEAR_WORDS and not turn.progress.unclear
    return Reply(say.UNCLEAR) if is_asked else None


def _end_on_wish(turn: Turn, said: _Said) -> Reply | None:
    """End where the candidate wants it, and stay where it was asked about and not meant."""
    if said.intent is Intent.WITHDRAW and not said.is_doubtful:
        return turn.end(say.LEAVING, "candidate_left")
    if not turn.progress.is_confirming_end:
        return None
    is_reply = said.length <= _SHORT_REPLY_WORDS and said.intent in (Intent.ANSWER, Intent.SKIP)
    if said.intent in _WISHES_TO_END or (is_reply and agrees(said.text)):
        return turn.end(say.LEAVING, "candidate_left")
    return Reply((*say.STAYING, *pending(turn, beyond_confirming=True))) if is_reply else None


def _give_up(turn: Turn, said: _Said) -> Reply | None:
    """Leave what is not answered in so many turns, and go on with what comes next."""
    if turn.progress.asides <= _MAX_ASIDES or not turn.plan.questions:
        return None
    if turn.progress.check == say.CONSENT:
        return turn.end(say.NO_CONSENT, "candidate_left")
    return None if said.intent is Intent.ANSWER else go_on(turn, say.GOING_ON)


def _offer_to_end(turn: Turn, said: _Said) -> Reply | None:
    if said.intent in _WISHES_TO_END:
        return Reply(("All right.", say.CONFIRM_END))
    if said.intent is Intent.IS_HOSTILE and turn.progress.insults > _MAX_INSULTS:
        return Reply((say.HOSTILITY[0], say.CONFIRM_END))
    return None


def _checked(turn: Turn, said: _Said) -> Reply | None:
    if not turn.progress.check or said.intent not in _REPLIES_TO_CHECK:
        return None
    following = after_check(turn.plan, turn.progress, said.text)
    if following is None:
        return turn.end(say.NO_CONSENT, "candidate_left")
    before, check = following
    return Reply((*before, check)) if check else go_on(turn, before)


def _skipped(turn: Turn, said: _Said) -> Reply | None:
    is_wanted = said.intent is Intent.SKIP and turn.plan.questions
    return go_on(turn, say.SKIPPING) if is_wanted else None


def _gave_time(_: Turn, said: _Said) -> Reply | None:
    return Reply(_GIVING_TIME[said.intent]) if said.intent in _GIVING_TIME else None


def _put_aside(turn: Turn, said: _Said) -> Reply | None:
    before = aside(turn.plan, turn.progress, said.intent)
    return Reply((*before, *pending(turn))) if before else None


def _answered(turn: Turn, said: _Said) -> Reply:
    progress, acknowledgement = turn.progress, _acknowledgement(turn)
    if not turn.plan.questions:
        return Reply(say.OPEN_ROUNDS[(_replies(turn) - 1) % len(say.OPEN_ROUNDS)])
    if progress.asked_for_more:
        return _added(turn, said, acknowledgement)
    if progress.question and not said.is_doubtful and not is_short_of_time(turn):
        probe = next_probe(progress.question, progress.answer, progress.probes)
        if probe:
            return ask(acknowledgement, "probe", probe)
    return go_on(turn, acknowledgement)


def _acknowledgement(turn: Turn) -> Sentences:
    return (say.ACKNOWLEDGEMENTS[(_replies(turn) - 1) % len(say.ACKNOWLEDGEMENTS)],)


def _replies(turn: Turn) -> int:
    return sum(line.speaker == "ai" for line in turn.lines)


# The first that has something to say decides; the last one always has.
_ACTS: Final[Sequence[Callable[[Turn, _Said], Reply | None]]] = (
    _out_of_time,
    _unclear,
    _end_on_wish,
    _give_up,
    _offer_to_end,
    _checked,
    _skipped,
    _gave_time,
    _put_aside,
    _answered,
)
_WISHES_TO_END: Final = frozenset((Intent.WITHDRAW, Intent.MAY_WITHDRAW))
_REPLIES_TO_CHECK: Final = frozenset(
    (Intent.ANSWER, Intent.SKIP, Intent.HAS_TROUBLE, Intent.ASKS_IF_HEARD, Intent.GREETS)
)
_GIVING_TIME: Final[Mapping[Intent, Sentences]] = {
    Intent.WAIT: say.WAITING,
    Intent.WANTS_TO_TYPE: say.TYPING,
}


def _added(turn: Turn, said: _Said, acknowledgement: Sentences) -> Reply:
    """Take the candidate's own questions, and whatever else there is, before the end."""
    is_first_word = not contains(turn.progress.last, say.GO_AHEAD)
    if agrees(said.text) and said.length <= _SHORT_REPLY_WORDS and is_first_word:
        return Reply((say.GO_AHEAD,))
    if said.intent is not Intent.ASKS:
        return close(turn, acknowledgement)
    has_room = turn.progress.asked_for_more < _MAX_CANDIDATES_QUESTIONS
    if has_room and not turn.has_less_than(TIME_TO_ADD_SECONDS):
        return Reply((*say.PASSED_ON, say.ANYTHING_ELSE))
    return close(turn, say.PASSED_ON)
