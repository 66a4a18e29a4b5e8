"""How far an interview has come, read from what was said so far.

Nothing is kept between turns: a conversation that another engine or another call began is taken up
from its lines alone. Words that a language model gave a question are known by what they share with
it (`rewords`); `interviewer_wording` lets nothing be said that would not be known again.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final, Literal

from vivavoce.engine import interviewer_lines as say
from vivavoce.engine.interviewer_intents import Intent, intent_of
from vivavoce.engine.interviewer_plan import Plan, Question
from vivavoce.engine.phrases import contains, continues, normalised, words
from vivavoce.engine.sentences import split_sentences

_MOSTLY: Final = 0.6
MAX_ANSWER_CHARACTERS: Final = 20_000
_SUBSTANTIAL_WORDS: Final = 5
_LONG_WORD: Final = 4
_STEM: Final = 5  # letters by which "manage", "managed" and "managing" are one word
_FEW: Final = 2
_STOCK: Final = frozenset(say.stock_sentences())
_COMMON: Final = frozenset(
    words(
        """about could would please tell describe explain what when where which have your yours
        that this there with from were more into some they them then than how much many been does
        give share walk talk through"""
    )
)


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that was said.

    Attributes:
        speaker: Who said it.
        text: The words, as far as they were heard; empty where nothing was understood.
        truncated: Whether the speaker was cut off. A truncated line holds what was heard of it.
        doubtful: Whether the words may be misheard.
    """

    speaker: Literal["ai", "candidate"]
    text: str
    truncated: bool = False
    doubtful: bool = False


@dataclass(slots=True)
class Progress:
    """Where an interview stands.

    Attributes:
        unasked: What is still to be asked, in the plan's order.
        question: The question that is being answered, or None before the first.
        probes: What was asked about its answer, in order.
        answer: What the candidate has said to the question, commands left out; 20,000 characters.
        asides: Turns of the candidate, since the words that wait for an answer, that were none.
        insults: Those of them that were hostile.
        prompts: Prompts for silence since the candidate last spoke, or a question was given up.
        given_up: Questions in a row that were given up for silence.
        unclear: How often the candidate was asked to say it again, since those words.
        checks: How often the checks before the first question were put: consent, sound.
        asked_for_more: How often the candidate was asked for anything to ask or add.
        last: Our last words that were heard, or an empty text.
        is_confirming_end: Whether it was asked whether to end the interview, and not yet said.
        is_over: Whether the goodbye was said.
        warned: Whether the candidate knows that time is short.
        slower: How often the candidate asked us to speak more slowly.
    """

    unasked: tuple[Question, ...]
    question: Question | None = None
    probes: list[str] = field(default_factory=list)
    answer: str = ""
    asides: int = 0
    insults: int = 0
    prompts: int = 0
    given_up: int = 0
    unclear: int = 0
    checks: dict[str, int] = field(default_factory=lambda: {say.CONSENT: 0, say.SOUND: 0})
    asked_for_more: int = 0
    last: str = ""
    is_confirming_end: bool = False
    is_over: bool = False
    warned: bool = False
    slower: int = 0

    @property
    def is_waiting(self) -> bool:
        """Whether our last words gave the candidate the time that was asked for."""
        return self.is_waiting_for_typing or self.last == " ".join(say.WAITING)

    @property
    def is_waiting_for_typing(self) -> bool:
        """Whether our last words asked the candidate to type."""
        return contains(self.last, say.TYPE_IT)

    @property
    def check(self) -> str | None:
        """The check before the first question that waits for an answer, or None."""
        if self.question is not None:
            return None
        return next((check for check in (say.SOUND, say.CONSENT) if self.checks[check]), None)


def progress_of(plan: Plan, lines: Sequence[Line]) -> Progress:
    """Read the state of an interview from its lines."""
    progress = Progress(plan.questions)
    for number, line in enumerate(lines):
        if line.speaker == "candidate":
            _take_candidates(progress, line)
        else:
            _take_ours(progress, line, _reply_to(lines, number))
    return progress


def _take_candidates(progress: Progress, line: Line) -> None:
    if not words(line.text):
        return
    progress.prompts = progress.given_up = 0
    intent = intent_of(line.text)
    progress.slower += intent is Intent.WANTS_SLOWER
    if intent is Intent.ANSWER:
        progress.answer = f"{progress.answer} {line.text}".strip()[-MAX_ANSWER_CHARACTERS:]
        return
    progress.asides += 1
    progress.insults += intent is Intent.IS_HOSTILE


def _take_ours(progress: Progress, line: Line, following: str) -> None:
    spoken = normalised(line.text)
    if not spoken:  # cut off before a word of it was heard
        return
    _note_stock(progress, line.text, spoken)
    fresh = [question for question in progress.unasked if _asks(line, spoken, question, following)]
    if fresh:
        _take_question(progress, fresh)
    elif probe := _probe_in(progress, spoken):
        _take_probe(progress, probe)
    elif _holds(spoken, say.ANYTHING_TO_ADD) or _holds(spoken, say.ANYTHING_ELSE):
        if not progress.asked_for_more or _holds(spoken, say.ANYTHING_ELSE):
            _begin_waiting(progress)
        progress.asked_for_more += 1
    elif not line.truncated or _is_answer(following):
        _take_reworded(progress, line.text)


def _note_stock(progress: Progress, text: str, spoken: str) -> None:
    """Note what a line's stock sentences mean."""
    progress.last = text
    progress.is_over |= _holds(spoken, say.END_MARK)
    progress.warned |= _holds(spoken, say.ONE_MINUTE_LEFT)
    progress.unclear += _holds(spoken, say.NOT_CAUGHT)
    if not any(_holds(spoken, kept) for kept in (say.STILL_HERE[0], say.NOT_CAUGHT)):
        progress.is_confirming_end = _holds(spoken, say.CONFIRM_END)
    progress.prompts += _holds(spoken, say.AFTER_SILENCE[0]) or _holds(spoken, say.STILL_HERE[0])
    for check in progress.checks:
        progress.checks[check] += _holds(spoken, check)


def _take_reworded(progress: Progress, text: str) -> None:
    match _reworded(progress, text):
        case Question() as question:
            _take_question(progress, [question])
        case str() as probe:
            _take_probe(progress, probe)
        case None:
            pass


def _take_question(progress: Progress, fresh: Sequence[Question]) -> None:
    progress.unasked = tuple(question for question in progress.unasked if question not in fresh)
    progress.question, progress.probes, progress.answer = fresh[-1], [], ""
    if progress.prompts:
        progress.prompts, progress.given_up = 0, progress.given_up + 1
    _begin_waiting(progress)


def _take_probe(progress: Progress, probe: str) -> None:
    progress.probes.append(probe)
    _begin_waiting(progress)


def _begin_waiting(progress: Progress) -> None:
    progress.asides = progress.insults = progress.unclear = 0


def _open_probes(progress: Progress) -> list[str]:
    if progress.question is None:
        return []
    known = [*(probe.text for probe in progress.question.probes), *say.PROBES]
    return [probe for probe in known if probe not in progress.probes]


def _probe_in(progress: Progress, spoken: str) -> str | None:
    return next((probe for probe in _open_probes(progress) if _holds(spoken, probe)), None)


def _reworded(progress: Progress, text: str) -> Question | str | None:
    """Find the question, or the probe, that a line puts in words of its own."""
    own = " ".join(part for part in split_sentences(text) if part not in _STOCK)
    waiting = [progress.question.text] if progress.question else []
    if not own or any(contains(own, known) for known in [*waiting, *progress.probes]):
        return None
    telling = _telling(own)
    found: list[tuple[float, Question | str]] = [
        (_likeness(question.text, telling), question) for question in progress.unasked
    ]
    found += [(_likeness(probe, telling), probe) for probe in _open_probes(progress)]
    likeness, best = max(found, key=lambda pair: pair[0], default=(0.0, None))
    return best if likeness >= _MOSTLY else None


def can_be_reworded(text: str) -> bool:
    """Whether a question has enough telling words to be known again in others."""
    return len(_telling_of_plan(text)) >= _FEW


def rewords(text: str, said: str) -> bool:
    """Whether `said` asks what `text` asks, as far as their telling words go."""
    return contains(said, text) or _likeness(text, _telling(said)) >= _MOSTLY


def _likeness(text: str, telling: frozenset[str]) -> float:
    """Give the part of the telling words of a plan's text that are among others, 0-1."""
    wanted = _telling_of_plan(text)
    return len(wanted & telling) / len(wanted) if len(wanted) >= _FEW else 0.0


def _telling(text: str) -> frozenset[str]:
    return frozenset(
        word[:_STEM] for word in words(text) if len(word) >= _LONG_WORD and word not in _COMMON
    )


# Of plans and stock sentences alone: what people say is not kept.
_telling_of_plan: Final = lru_cache(maxsize=2_048)(_telling)
_normalised_plan: Final = lru_cache(maxsize=2_048)(normalised)


def _holds(spoken: str, part: str) -> bool:
    """`contains`, for words that are normalised already and a part that is the plan's or ours."""
    return f" {_normalised_plan(part)} " in f" {spoken} "


def _reply_to(lines: Sequence[Line], number: int) -> str:
    """Join what the candidate said right after a line."""
    said = []
    for line in lines[number + 1 :]:
        if line.speaker == "ai":
            break
        said.append(line.text)
    return " ".join(said).strip()


def _asks(line: Line, spoken: str, question: Question, following: str) -> bool:
    """Whether a line asked a question, or was cut off near its end and answered all the same."""
    if _holds(spoken, question.text):
        return True
    if not line.truncated or not _is_answer(following):
        return False
    wanted, heard = words(question.text), spoken.split()
    enough = max(int(len(wanted) * _MOSTLY), 1)
    return any(
        heard[-length:] == wanted[:length]
        for length in range(len(wanted) - 1, enough - 1, -1)
        if length <= len(heard)
    )


def _is_answer(following: str) -> bool:
    """Whether words that cut a question off answer it, and do not go on with another answer."""
    is_long = len(words(following)) >= _SUBSTANTIAL_WORDS
    return is_long and not continues(following) and intent_of(following) is Intent.ANSWER
