"""What a candidate wants of the interviewer, when the words are no answer.

Rules over short utterances only: "I had to skip a meeting and ..." is an answer that holds the word
skip. What no rule knows is an answer.
"""

import re
from collections.abc import Mapping
from enum import Enum, auto
from typing import Final

from vivavoce.engine.phrases import asks_for_time, words


class Intent(Enum):
    """Why a candidate speaks."""

    ANSWER = auto()
    WITHDRAW = auto()
    REPEAT = auto()
    CLARIFY = auto()
    WAIT = auto()
    SKIP = auto()
    ASKS_IF_MACHINE = auto()
    ASKS_IF_HEARD = auto()
    HAS_TROUBLE = auto()
    WANTS_TO_TYPE = auto()
    MEDDLES = auto()
    IS_HOSTILE = auto()
    ASKS = auto()
    GREETS = auto()


_MAX_WORDS: Final = 16
_MAX_QUESTION_WORDS: Final = 25

_QUESTION: Final = r"(?:the |that |this |your |last )*(?:question|one|part)"
_BEING: Final = (
    r"(?:machine|robot|(?:chat)?bot|computer|ai|a i|human|person|real|recording|program|artificial)"
)
_MAY_I: Final = r"(?:let me|(?:can|could|may) i|i will|i'll|i'd like to|i would like to|i want to)"
_BAD_SOUND: Final = r"(?:breaking|cutting|bad|broken|gone|terrible|stuttering|choppy)"
_INSULT: Final = r"(?:stupid|idiot|idiotic|useless|ridiculous|garbage|rubbish|moron|dumb|nonsense)"
_ENDS_IT: Final = (
    r"(?:withdraw|stop|quit|leave|end)"
    r"(?: (?:the|this|my) (?:interview|call|conversation|application)| here| now)*$"
)
# In this order: "I want to stop, are you a robot?" is a wish to stop.
_PATTERNS: Final[Mapping[Intent, tuple[str, ...]]] = {
    Intent.WITHDRAW: (
        rf"i (?:want|would like|wish|have|need) to {_ENDS_IT}",
        rf"i'd like to {_ENDS_IT}",
        r"i (?:hereby )?withdraw|withdraw my application",
        r"(?:stop|end|quit|abort|terminate|cancel) (?:the|this) (?:interview|call)",
        r"i (?:don't|do not) want to (?:continue|go on|do this)",
        r"let's (?:stop|end it) here",
    ),
    Intent.ASKS_IF_MACHINE: (
        rf"(?:are|is) (?:you|this|that|it) (?:\w+ ){{0,3}}{_BEING}",
        rf"am i (?:talking|speaking) (?:to|with) (?:\w+ ){{0,3}}{_BEING}",
    ),
    Intent.MEDDLES: (
        r"(?:ignore|forget|disregard|override) (?:\w+ ){0,4}(?:instructions?|prompts?|rules)",
        r"system prompt|your (?:instructions|prompt|rules)",
        r"(?:give|tell) me (?:\w+ ){0,3}(?:right answers?|correct answers?|next questions)",
        r"you are now|pretend (?:to be|that|you)",
        r"(?:give me|what is|what's) my score|(?:mark|score|rate) me",
    ),
    Intent.WANTS_TO_TYPE: (
        rf"{_MAY_I} (?:type|write) (?:it|that|this|my|the|down|instead|here)",
        rf"{_MAY_I} (?:type|write)$",
    ),
    Intent.HAS_TROUBLE: (
        r"(?:can't|cannot|can not|couldn't|didn't|don't|hardly) hear (?:you|anything)",
        r"you(?:'re| are) (?:breaking up|cutting out|too quiet|very quiet|muted)",
        rf"(?:your voice|the (?:sound|audio|connection|line)) (?:\w+ ){{0,3}}{_BAD_SOUND}",
    ),
    Intent.ASKS_IF_HEARD: (
        r"(?:can|do|could) you hear me|are you (?:still )?there|(?:is anyone|anybody) there",
    ),
    Intent.CLARIFY: (
        r"what (?:do|did|exactly do) you mean|what does that mean",
        r"what do you want to (?:know|hear)",
        r"(?:can|could|would) you (?:please )?(?:clarify|explain|rephrase|be more specific)",
        r"(?:can|could|would) you (?:please )?put (?:it|that) differently",
        r"^(?:please )?(?:clarify|rephrase)",
        rf"(?:don't|do not|didn't|did not) (?:really |quite )?understand {_QUESTION}",
        r"^(?:sorry )?i (?:don't|do not|didn't|did not) (?:really |quite )?understand$",
        rf"i'm not sure (?:what you mean|i understand(?: {_QUESTION})?)",
    ),
    Intent.REPEAT: (
        rf"(?:repeat|say|ask|read) (?:{_QUESTION}|that|it|me that)(?: (?:once )?again| please)",
        rf"repeat (?:{_QUESTION}|that|it|yourself)|repeat$|^repeat|one more time",
        r"(?:say|come|what was that|what) again|pardon(?: me)?$|^(?:sorry|excuse me|what)$",
        rf"i beg your pardon|sorry what|what did you (?:say|ask)|what (?:was|is) {_QUESTION}$",
        r"(?:didn't|did not|couldn't|could not) (?:\w+ )?(?:catch|get|hear)$",
        rf"(?:didn't|did not|couldn't) (?:\w+ )?(?:catch|get|hear) (?:that|it|{_QUESTION})$",
    ),
    Intent.SKIP: (
        rf"(?:skip|pass on|leave out) (?:{_QUESTION}|that|it|this)|^(?:skip|pass)(?: please)?$",
        r"(?:can|could) we (?:skip|move on|go on)|(?:let's|please) (?:skip|move on)",
        r"next (?:question|one)(?: please)?$|(?:i'd|i would) rather not",
        r"i prefer not to|i would prefer not to|i'd prefer not to|no comment",
        r"^(?:\w+ ){0,2}i (?:don't|do not) know(?: (?:that|it|the answer|sorry))?$",
        r"^(?:i have )?no idea$|^i can't (?:answer|think of)(?: \w+){0,4}$",
    ),
    Intent.IS_HOSTILE: (
        rf"(?:you(?:'re| are)|(?:this|that)(?: \w+)? is) (?:\w+ ){{0,3}}{_INSULT}",
        r"shut up|screw you|fuck (?:you|off|this)|go to hell|waste of my time",
    ),
    Intent.GREETS: (r"^(?:hello|hi|hey|good (?:morning|afternoon|evening))(?: there)?$",),
}
_RULES: Final = {
    intent: re.compile(rf"\b(?:{'|'.join(patterns)})(?!\w)")
    for intent, patterns in _PATTERNS.items()
}
_ASKING: Final = frozenset(
    words("what why how when where which who whose do does did is are can could will would should")
)


def intent_of(utterance: str) -> Intent:
    """Say what a candidate wants by these words."""
    spoken = words(utterance)
    if asks_for_time(spoken):
        return Intent.WAIT
    if len(spoken) <= _MAX_WORDS:
        line = " ".join(spoken)
        for intent, pattern in _RULES.items():
            if pattern.search(line):
                return intent
    if (
        len(spoken) <= _MAX_QUESTION_WORDS
        and utterance.rstrip().endswith("?")
        and any(word in _ASKING for word in spoken[:4])
    ):
        return Intent.ASKS
    return Intent.ANSWER
