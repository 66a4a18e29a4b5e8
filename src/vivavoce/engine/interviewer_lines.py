"""What the interviewer says beside its questions: short, neutral, never a judgement of an answer.

An acknowledgement stands alone as the first sentence, so that it can be spoken at once.
"""

from typing import Final

Sentences = tuple[str, ...]

ACKNOWLEDGEMENTS: Final[Sentences] = (
    "Thanks.",
    "Okay, thank you.",
    "Thank you.",
    "All right, thanks.",
)
END_MARK: Final = "This is the end of the interview."
GOODBYE: Final[Sentences] = (END_MARK, "Goodbye.")
LAST_WAS_ASKED: Final = "That was my last question."
OUT_OF_TIME: Final = "Our time is up."
ONE_MINUTE_LEFT: Final = "We have about a minute left."
ANYTHING_TO_ADD: Final = "Is there anything that you would like to ask or add?"
ANYTHING_ELSE: Final = "Is there anything else?"
GO_AHEAD: Final = "Please go ahead."
PASSED_ON: Final[Sentences] = (
    "I can't answer that myself.",
    "Your question is written down for the people who invited you.",
)
TAKE_YOUR_TIME: Final = "Take your time."

PROBE_SHORT: Final = "Could you tell me a little more about that?"
PROBE_VAGUE: Final = "Could you give me a concrete example?"
PROBE_OWN_PART: Final = "What was your own part in that?"
PROBES: Final[Sentences] = (PROBE_SHORT, PROBE_VAGUE, PROBE_OWN_PART)

REPEATING: Final[Sentences] = ("Of course.",)
ASKING_AGAIN: Final[Sentences] = ("Let me ask that again.",)
CLARIFYING: Final[Sentences] = ("Sure.", "Answer in your own words, as it comes to mind.")
WAITING: Final[Sentences] = ("Of course.", TAKE_YOUR_TIME)
SKIPPING: Final[Sentences] = ("That's fine.",)
GOING_ON: Final[Sentences] = ("Let's go on.",)
LEAVING: Final[Sentences] = ("Of course.", "Thank you for your time.", *GOODBYE)
CONFIRM_END: Final = "Would you like to end the interview here?"
STAYING: Final[Sentences] = ("All right.", "Let's go on.")
A_MACHINE: Final[Sentences] = ("I'm an AI interviewer, not a person.",)
HEARING: Final[Sentences] = ("Yes, I can hear you.",)
TROUBLE: Final[Sentences] = ("I'm sorry about that.", "Let me say it again.")
SLOWER: Final[Sentences] = ("Of course.", "I will speak more slowly.")
TYPE_IT: Final = "Please type your answer, I will wait."
TYPING: Final[Sentences] = ("Of course.", TYPE_IT)
ACCOMMODATING: Final[Sentences] = (
    "Thank you for telling me.",
    "Take all the time you need, type your answers, or ask me to repeat a question.",
    "If you need anything else, the people who invited you can arrange it.",
)
NO_PERSON: Final[Sentences] = (
    "I can't pass you on to a person.",
    "You can stop at any time, and ask the people who invited you.",
)
ENGLISH_ONLY: Final[Sentences] = ("I'm sorry, I only speak English.",)
WRITTEN_DOWN: Final[Sentences] = (
    "What we say is written down.",
    "The people who invited you can tell you more about it.",
)
NOT_MEDDLING: Final[Sentences] = ("I can't do that.", "Let's go on with the interview.")
NO_JUDGEMENT: Final[Sentences] = ("I don't judge answers.", "Let's go on with the interview.")
HOSTILITY: Final[Sentences] = (
    "I'm sorry about that.",
    "You can skip a question, or stop at any time.",
)
NO_ANSWERS: Final[Sentences] = ("I can't answer that.", "The people who invited you can.")
NOT_CAUGHT: Final = "I didn't catch that."
UNCLEAR: Final[Sentences] = ("I'm sorry.", NOT_CAUGHT, "Could you say it again?")
AFTER_SILENCE: Final[Sentences] = ("There's no hurry.", "This is what I asked.")
STILL_HERE: Final[Sentences] = ("I'm still here.", TAKE_YOUR_TIME)
NOBODY_THERE: Final[Sentences] = ("I can't hear you.", "I will end the interview here.", *GOODBYE)
HELLO: Final[Sentences] = ("Hello.",)
INTRODUCTION: Final = "I'm an AI interviewer, and I have {count} for you."
NOTICE: Final = "What we say is written down."
MAY_REPEAT: Final = "You can ask me to repeat a question."

CONSENT: Final = "Is that all right with you?"
NO_CONSENT: Final[Sentences] = (
    "That's fine.",
    "Then we can't hold the interview.",
    "Thank you for your time.",
    *GOODBYE,
)
SOUND: Final = "Can you hear me well?"
SOUND_HELP: Final[Sentences] = (
    "I'm sorry about that.",
    "Please check the volume and your headphones.",
)

OPEN_GREETING: Final[Sentences] = (
    "Hello.",
    "I'm an AI interviewer.",
    "What would you like to talk about?",
)
OPEN_NO_ANSWERS: Final[Sentences] = ("I can't answer that.", "I only ask and listen.")
OPEN_ROUNDS: Final[tuple[Sentences, ...]] = (
    ("I see.", "Could you tell me more about that?"),
    ("Thanks.", "What was the most important part of it for you?"),
    ("Okay.", "How did that come about?"),
    ("Thank you.", "What would you do differently next time?"),
    ("All right.", "What else would you like to tell me?"),
)

_COUNTS: Final = "one two three four five six seven eight nine ten eleven twelve".split()  # noqa: SIM905  reads better


def introduction(questions: int, *, notice: bool = False) -> Sentences:
    """Greet, and say once that a machine speaks and how many questions it has.

    Args:
        questions: How many.
        notice: Whether to say that the interview is written down.
    """
    count = f"{_count(questions)} question{'s' if questions > 1 else ''}"
    told = (NOTICE,) if notice else ()
    return (*HELLO, INTRODUCTION.format(count=count), MAY_REPEAT, *told)


def questions_left(number: int) -> Sentences:
    """Say how many questions come after the one that is being answered."""
    if not number:
        return ("This is my last question.",)
    if number == 1:
        return ("One more question comes after this one.",)
    return (f"{_count(number).capitalize()} more questions come after this one.",)


def _count(number: int) -> str:
    return _COUNTS[number - 1] if number <= len(_COUNTS) else "some"


def stock_sentences() -> Sentences:
    """Give what can be spoken ahead of time: everything that stands in no plan."""
    spoken = (
        *ACKNOWLEDGEMENTS, LAST_WAS_ASKED, *GOODBYE, OUT_OF_TIME, ONE_MINUTE_LEFT, ANYTHING_TO_ADD,
        *PROBES, *REPEATING, *ASKING_AGAIN, *CLARIFYING, *WAITING, *SKIPPING, *LEAVING, *A_MACHINE,
        *HEARING, *TROUBLE, *TYPING, *NOT_MEDDLING, *HOSTILITY, *NO_ANSWERS, *AFTER_SILENCE,
        *STILL_HERE, *UNCLEAR, *GOING_ON, *STAYING, CONFIRM_END, *PASSED_ON, ANYTHING_ELSE,
        GO_AHEAD, *SLOWER, *NO_JUDGEMENT,
        *ACCOMMODATING, *NO_PERSON, *ENGLISH_ONLY, *WRITTEN_DOWN, *NOBODY_THERE, CONSENT, SOUND,
        *NO_CONSENT, *SOUND_HELP, *questions_left(0), *questions_left(1), *questions_left(2),
        *OPEN_GREETING, *OPEN_NO_ANSWERS, *introduction(3, notice=True),
        *(line for lines in OPEN_ROUNDS for line in lines),
    )  # fmt: skip
    return tuple(dict.fromkeys(spoken))
