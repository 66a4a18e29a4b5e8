"""What short spoken phrases mean: rules over the recognised text, shared by listening and asking.

English only, because the bundled models hear English only. Every rule looks at words without case
and punctuation (`words`), as a recogniser may write "Let me think..." or "let me think".
"""

import re
from collections.abc import Sequence
from enum import Enum, auto
from typing import Final

_WORD: Final = re.compile(r"[a-z0-9]+(?:'[a-z]+)*")


def words(text: str) -> list[str]:
    """Split into lower-case words without punctuation; apostrophes inside a word stay."""
    return _WORD.findall(text.lower().replace("\N{RIGHT SINGLE QUOTATION MARK}", "'"))


def normalised(text: str) -> str:
    """Give the words of a text in one line, for comparison."""
    return " ".join(words(text))


def contains(text: str, part: str) -> bool:
    """Whether all words of `part` stand in `text`, in order and together."""
    return f" {normalised(part)} " in f" {normalised(text)} "


class Ending(Enum):
    """How finished an utterance sounds, by its words alone."""

    CLOSED = auto()  # a short answer or command that needs no more: "yes", "repeat please"
    PLAIN = auto()
    HANGING = auto()  # ends in a filler or a connective, or says too little to be all
    THINKING = auto()  # the speaker asks for time


_FILLERS: Final = frozenset(words("um uh uhm umm erm er eh hmm hm mm ah"))
_CONNECTIVES: Final = frozenset(
    words(
        """and but or so because cause the a an of to in on at with for from by about as if when
        while which that who where then than my our their his her is are was were i we they also
        plus like although though including into between without"""
    )
)
_CLOSED: Final = frozenset(
    normalised(phrase)
    for phrase in """
    yes/yeah/yep/yup/no/nope/nah/sure/okay/ok/correct/right/exactly/absolutely/definitely/thanks
    hello/hi/pass/skip/next/repeat/pardon/sorry/never/none/nothing/goodbye/bye/done/finished/ready
    of course/thank you/no thanks/no thank you/not really/not yet/no idea/go ahead
    i do/i don't/i have/i haven't/i am/i'm not/i can/i can't/i did/i didn't/yes i do/no i don't
    yes i have/no i haven't/yes i am/no i'm not/yes i can/no i can't/yes i did/no i didn't
    i think so/i guess so/i hope so/i don't think so/i don't know/i do not know/that's it
    that's all/that is it/that is all/i'm done/i'm ready/i am ready/yes i'm ready
    repeat that/repeat the question/say that again/say again/come again
    next question/skip it/skip this question
    """.replace("\n", "/").split("/")
)
_THINKING: Final = re.compile(
    r"\b(?:let me (?:just )?(?:think|see|consider)"
    r"|(?:give|let) me (?:have )?(?:just )?(?:a|one|some) (?:moment|second|sec|minute|time|bit)"
    r"|just (?:a|one) (?:moment|second|sec|minute)(?: please)?$"
    r"|(?:a|one) (?:moment|second|sec|minute) please$"
    r"|(?<!after )(?<!in )(?<!for )one moment$"
    r"|^(?:(?:okay|well|so|yes|sorry|right|sure|good question) )*"
    r"(?:(?:a|one) (?:moment|second|sec|minute)$|i (?:have|need) to think)"
    r"|wait (?:a|one) (?:moment|second|sec|minute)"
    r"|bear with me"
    r"|i need (?:a|some|one) (?:moment|second|minute|time|bit)"
    r"|(?:hold|hang) on"
    r"|(?:i'm|i am) (?:still )?thinking"
    r"|(?:can|could|may) i (?:have|take|get) (?:a|some|one) (?:moment|second|minute|time))"
)
_GOES_WITH_THINKING: Final = frozenset(
    words(
        """about that it this for a one second moment minute bit please to think the question here
        over on my answer just real quick first again"""
    )
)
_THINKING_AT_MOST: Final = 14
_CLOSED_AT_MOST: Final = 6
_TOO_FEW_WORDS: Final = 4
_NUMBER: Final = re.compile(
    r"\b(?:\d\w*|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|\w+teen|twenty"
    r"|thirty|forty|fifty|hundred|thousand|million|once|twice|half)\b"
)


def ending(text: str) -> Ending:
    """Judge by its words whether the speaker of `text` is done."""
    spoken = words(text)
    meant = [word for word in spoken if word not in _FILLERS and word != "please"]
    if asks_for_time(spoken):
        return Ending.THINKING
    if not spoken:
        return Ending.PLAIN
    if _is_closed(meant) and spoken[-1] not in _FILLERS:
        return Ending.CLOSED
    if text.rstrip().endswith("?"):
        return Ending.PLAIN
    says_little = len(spoken) < _TOO_FEW_WORDS and not _NUMBER.search(text.lower())
    if (
        spoken[-1] in _FILLERS | _CONNECTIVES
        or says_little
        or text.rstrip().endswith(("...", "\N{HORIZONTAL ELLIPSIS}"))
    ):
        return Ending.HANGING
    return Ending.PLAIN


def _is_closed(spoken: Sequence[str]) -> bool:
    """Whether the words are one closed phrase, or a few of them: "yes, of course"."""
    if not spoken or len(spoken) > _CLOSED_AT_MOST:
        return False
    return any(
        " ".join(spoken[:end]) in _CLOSED and (end == len(spoken) or _is_closed(spoken[end:]))
        for end in range(1, len(spoken) + 1)
    )


def asks_for_time(spoken: Sequence[str]) -> bool:
    """Whether the end of what was said asks for time to think.

    Only the last words count: "I said let me think and then built it" is an answer.
    """
    meant = [word for word in spoken if word not in _FILLERS]
    line = " ".join(meant[-_THINKING_AT_MOST:])
    last = max((match.end() for match in _THINKING.finditer(line)), default=None)
    return last is not None and all(word in _GOES_WITH_THINKING for word in line[last:].split())


def continues(text: str) -> bool:
    """Whether an utterance starts as the rest of another: "and then we ..."."""
    return words(text)[:1] in (["and"], ["but"], ["because"], ["also"], ["so"], ["or"], ["which"])
