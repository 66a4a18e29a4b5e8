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
ANYTHING_TO_ADD: Final = "Is there anything that you would like to add?"
TAKE_YOUR_TIME: Final = "Take your time."

PROBE_SHORT: Final = "Could you tell me a little more about that?"
PROBE_VAGUE: Final = "Could you give me a concrete example?"
PROBE_OWN_PART: Final = "What was your own part in that?"
PROBES: Final[Sentences] = (PROBE_SHORT, PROBE_VAGUE, PROBE_OWN_PART)

REPEATING: Final[Sentences] = ("Of course.",)
ASKING_AGAIN: Final[Sentences] = ("Let me ask that again.",)
AFTER_SILENCE: Final[Sentences] = ("There's no hurry.", "This is what I asked.")
CLARIFYING: Final[Sentences] = ("Sure.", "Answer in your own words, as it comes to mind.")
WAITING: Final[Sentences] = ("Of course.", TAKE_YOUR_TIME)
SKIPPING: Final[Sentences] = ("That's fine.",)
LEAVING: Final[Sentences] = ("Of course.", "Thank you for your time.", *GOODBYE)
A_MACHINE: Final[Sentences] = ("I'm an AI interviewer, not a person.",)
HEARING: Final[Sentences] = ("Yes, I can hear you.",)
TROUBLE: Final[Sentences] = ("I'm sorry about that.", "Let me say it again.")
TYPING: Final[Sentences] = ("Of course.", "Please type your answer, I will wait.")
NOT_MEDDLING: Final[Sentences] = ("I can't do that.", "Let's go on with the interview.")
HOSTILITY: Final[Sentences] = (
    "I'm sorry about that.",
    "You can skip a question, or stop at any time.",
)
NO_ANSWERS: Final[Sentences] = ("I can't answer that.", "The people who invited you can.")
HELLO: Final[Sentences] = ("Hello.",)
INTRODUCTION: Final = "I'm an AI interviewer, and I have {count} for you."
MAY_REPEAT: Final = "You can ask me to repeat a question."

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


def introduction(questions: int) -> Sentences:
    """Greet, and say once that a machine speaks and how many questions it has."""
    if questions > len(_COUNTS):
        count = "some questions"
    else:
        count = f"{_COUNTS[questions - 1]} question{'s' if questions > 1 else ''}"
    return (*HELLO, INTRODUCTION.format(count=count), MAY_REPEAT)


def stock_sentences() -> Sentences:
    """Give what can be spoken ahead of time: everything that stands in no plan."""
    spoken = (
        *ACKNOWLEDGEMENTS, LAST_WAS_ASKED, *GOODBYE, OUT_OF_TIME, ONE_MINUTE_LEFT, ANYTHING_TO_ADD,
        *PROBES, *REPEATING, *ASKING_AGAIN, *AFTER_SILENCE, *CLARIFYING, *WAITING, *SKIPPING,
        *LEAVING, *A_MACHINE, *HEARING, *TROUBLE, *TYPING, *NOT_MEDDLING, *HOSTILITY, *NO_ANSWERS,
        *OPEN_GREETING, *OPEN_NO_ANSWERS, *introduction(3),
        *(line for lines in OPEN_ROUNDS for line in lines),
    )  # fmt: skip
    return tuple(dict.fromkeys(spoken))
