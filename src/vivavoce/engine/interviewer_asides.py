"""What the interviewer says to what is no answer, before it asks again."""

from collections.abc import Mapping
from typing import Final

from vivavoce.engine import interviewer_lines as say
from vivavoce.engine.interviewer_intents import Intent
from vivavoce.engine.interviewer_lines import Sentences
from vivavoce.engine.interviewer_plan import Plan
from vivavoce.engine.interviewer_progress import Progress
from vivavoce.engine.sentences import split_sentences

_ASIDES: Final[Mapping[Intent, Sentences]] = {
    Intent.REPEAT: say.REPEATING,
    Intent.ASKS_IF_MACHINE: say.A_MACHINE,
    Intent.ASKS_FOR_PERSON: say.NO_PERSON,
    Intent.ASKS_IF_HEARD: say.HEARING,
    Intent.ASKS_IF_RECORDED: say.WRITTEN_DOWN,
    Intent.ASKS_JUDGEMENT: say.NO_JUDGEMENT,
    Intent.ASKS_LANGUAGE: say.ENGLISH_ONLY,
    Intent.HAS_TROUBLE: say.TROUBLE,
    Intent.WANTS_SLOWER: say.SLOWER,
    Intent.NEEDS_ACCOMMODATION: say.ACCOMMODATING,
    Intent.MEDDLES: say.NOT_MEDDLING,
    Intent.IS_HOSTILE: say.HOSTILITY,
    Intent.GREETS: say.HELLO,
}


def aside(plan: Plan, progress: Progress, intent: Intent) -> Sentences | None:
    """Say what comes before the question is asked again, or None if the words were an answer."""
    match intent:
        case Intent.CLARIFY:
            own = progress.question.clarification if progress.question else None
            return (say.CLARIFYING[0], *split_sentences(own)) if own else say.CLARIFYING
        case Intent.ASKS if not plan.questions:
            return say.OPEN_NO_ANSWERS
        case Intent.ASKS if not progress.asked_for_more:
            return say.NO_ANSWERS
        case Intent.ASKS_HOW_MANY if progress.asked_for_more:
            return (say.LAST_WAS_ASKED,)
        case Intent.ASKS_HOW_MANY:
            return say.questions_left(len(progress.unasked)) if plan.questions else None
        case _:
            return _ASIDES.get(intent)
