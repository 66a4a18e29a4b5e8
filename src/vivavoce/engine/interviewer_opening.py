"""What comes before the first question: the greeting, consent and a sound check, as planned."""

from vivavoce.engine import interviewer_lines as say
from vivavoce.engine.interviewer_intents import Intent, agrees, intent_of
from vivavoce.engine.interviewer_lines import Sentences
from vivavoce.engine.interviewer_plan import Plan
from vivavoce.engine.interviewer_progress import Progress

_MAX_CHECKS = 3


def greeting(plan: Plan) -> Sentences:
    """Greet and introduce; what is asked first comes after it."""
    return say.introduction(len(plan.questions), notice=plan.gives_notice or plan.asks_consent)


def first_check(plan: Plan) -> str | None:
    """Give what is asked before the first question, if anything."""
    if plan.asks_consent:
        return say.CONSENT
    return say.SOUND if plan.checks_sound else None


def after_check(plan: Plan, progress: Progress, said: str) -> tuple[Sentences, str | None] | None:
    """Decide what follows the reply to a check.

    Returns:
        What is said, and the check that is put after it; None for the check says that the first
        question is next. None alone: there is no consent, and no interview without it.
    """
    check, yes = progress.check, agrees(said)
    if check == say.CONSENT:
        if yes is False or (yes is None and progress.checks[check] >= _MAX_CHECKS):
            return None
        if yes is None:
            return say.ASKING_AGAIN, say.CONSENT
        return ("Thank you.",), say.SOUND if plan.checks_sound else None
    hears_badly = yes is False or intent_of(said) is Intent.HAS_TROUBLE
    if hears_badly and progress.checks[say.SOUND] < _MAX_CHECKS:
        return say.SOUND_HELP, say.SOUND
    return ("Thanks.",), None
