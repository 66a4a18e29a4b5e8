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
    MAY_WITHDRAW = auto()  # "Stop." may mean the interview, or our talking
    REPEAT = auto()
    CLARIFY = auto()
    WAIT = auto()
    SKIP = auto()
    ASKS_IF_MACHINE = auto()
    ASKS_FOR_PERSON = auto()
    ASKS_IF_HEARD = auto()
    ASKS_IF_RECORDED = auto()
    ASKS_HOW_MANY = auto()
    ASKS_JUDGEMENT = auto()
    ASKS_LANGUAGE = auto()
    HAS_TROUBLE = auto()
    WANTS_SLOWER = auto()
    WANTS_TO_TYPE = auto()
    NEEDS_ACCOMMODATION = auto()
    MEDDLES = auto()
    IS_HOSTILE = auto()
    ASKS = auto()
    GREETS = auto()


_MAX_WORDS: Final = 16
_MAX_CHARACTERS: Final = 4_000
_MAX_QUESTION_WORDS: Final = 25

_QUESTION: Final = r"(?:the |that |this |your |last )*(?:question|one|part)"
_BEING: Final = (
    r"(?:machine|robot|(?:chat)?bot|computer|ai|a i|human|person|real|recording$|program"
    r"|artificial)"
)
_MAY_I: Final = r"(?:let me|(?:can|could|may) i|i will|i'll|i'd like to|i would like to|i want to)"
_YOU: Final = r"(?:^|please |sorry |(?:can|could|would|will) you (?:please )?|i need you to )"
_LEAD: Final = (
    r"^(?:(?:sorry|okay|ok|well|no|yes|please|actually|um|so|but|thanks|thank you|excuse me|i think"
    r"|i'm sorry|i am sorry) )*"
)
_WISH: Final = (
    r"(?:i (?:want|would like|wish|have|need) to|i'd (?:like|rather|prefer)(?: to)?|i would rather"
    r"|(?:can|could|may) (?:we|i)|let's|let us|please)"
)
_THIS: Final = (
    r"(?: it here| (?:the|this|my|our) (?:interview|call|conversation|application|session)"
    r"| (?:right )?(?:here|now)| please)"
)
_END: Final = r"(?:stop|quit|leave|end|finish|cancel|abort|terminate|hang up)"
_BAD_SOUND: Final = r"(?:breaking|cutting|bad|broken|gone|terrible|stuttering|choppy|echoing)"
_INSULT: Final = r"(?:stupid|idiot|idiotic|useless|ridiculous|garbage|rubbish|moron|dumb|nonsense)"
_TONGUE: Final = (
    r"(?:spanish|german|french|italian|portuguese|polish|turkish|arabic|hindi|urdu|chinese|mandarin"
    r"|japanese|korean|russian|ukrainian|dutch|vietnamese|another language|my language)"
)
_ORDERS: Final = (
    (
        r"(?:^|please |now |just |so |and |then |you should |you must |system |(?:can|could) you )"
        r"(?:ignore|forget|disregard|override|bypass)"
        r" (?:everything|(?:\w+ ){0,4}(?:instructions?|prompts?|rules|guidelines))"
    ),
    r"(?:system|developer|admin|debug) (?:prompt|mode|message|override)",
    (
        r"(?:reveal|show|print|read|tell me|repeat|output) (?:\w+ ){0,3}"
        r"(?:your (?:\w+ )?(?:instructions|prompt|rules)|system prompt|rubric|scoring|plan)"
    ),
)
# A wish to end is taken at its word only where it is all that is said. In this order: a wish to
# end comes before a question, orders before what they may hold.
_PATTERNS: Final[Mapping[Intent, tuple[str, ...]]] = {
    Intent.WITHDRAW: (
        rf"{_LEAD}{_WISH} (?:please )?{_END}{_THIS}+$",
        rf"{_LEAD}(?:{_WISH} |i )?(?:hereby )?withdraw{_THIS}*$",
        rf"{_LEAD}i(?:'m| am) withdrawing{_THIS}*$",
        rf"{_LEAD}{_END} (?:the|this) (?:interview|call|session)(?: now| here| please)*$",
        (
            rf"{_LEAD}i (?:don't|do not) want to (?:continue|go on|do this)"
            rf"(?: anymore| any more| any longer|{_THIS})*$"
        ),
    ),
    Intent.MAY_WITHDRAW: (
        (
            r"^(?:yes |please |okay )*(?:stop|quit|enough|abort|cancel|end)"
            r"(?: (?:it|this|please|now|here|already))*$"
        ),
        rf"{_LEAD}{_WISH} (?:{_END}|go)(?: (?:it|this))?$",
        r"^(?:okay )?(?:i quit|i give up|i'm leaving|i am leaving)(?: now| sorry)*$",
        r"^(?:that's|that is) enough(?: for (?:me|now|today))?$",
        r"^i(?:'m| am) done (?:with this|here)$|withdraw my application",
        r"^(?:okay |ok |thank you |thanks )*(?:goodbye|good bye|bye|bye bye)$",
    ),
    Intent.WAIT: (r"^(?:please )?wait(?: (?:please|a (?:moment|minute|second|sec|bit)))*$",),
    Intent.MEDDLES: (
        *_ORDERS,
        r"your (?:instructions|prompt|rules)",
        r"(?:give|tell) me (?:\w+ ){0,3}(?:right answers?|correct answers?|next questions?)",
        r"(?:give|tell|show) me (?:a |the )?(?:hints?|answers?|all (?:the |your )?questions)$",
        r"what(?:'s| is| are) (?:the |your )?(?:next questions?|(?:right|correct|best) answers?)",
        r"you are now",
        r"(?:^|please |now |you should |you must )(?:pretend (?:to be|that|you)|act as)",
    ),
    Intent.ASKS_JUDGEMENT: (
        r"(?:give me|what is|what's|what was) my (?:score|grade|rating|result)",
        r"^what (?:score|grade|rating) (?:did|do|will) i",
        r"^(?:please |(?:can|could) you )?(?:mark|score|rate|grade) (?:me|my)",
        r"how (?:am i doing|did i do|was my answer|was that)$",
        r"^(?:did|do|have|will) i (?:pass|passed|fail|failed|get the job)",
        (
            r"^(?:was|is) (?:that|it|this|my answer) (?:a )?"
            r"(?:right|correct|okay|ok|good|wrong|enough|good answer)$"
        ),
    ),
    Intent.ASKS_FOR_PERSON: (
        (
            r"(?:(?:can|could|may) i|i (?:want|need|prefer) to|i(?:'d| would) (?:like|rather)"
            r"(?: to)?) (?:talk|speak) (?:to|with) (?:\w+ ){0,2}(?:human|person|recruiter|someone)"
        ),
        r"(?:get|give|transfer|connect|put|pass) me (?:\w+ ){0,3}(?:human|person|recruiter)",
        r"i (?:want|need|would like|prefer) (?:a |an )?(?:real |actual )?(?:human|person)\b",
    ),
    Intent.ASKS_IF_MACHINE: (
        rf"(?:are|is) (?:you|this|that|it) (?:\w+ ){{0,3}}{_BEING}",
        rf"am i (?:talking|speaking) (?:to|with) (?:\w+ ){{0,3}}{_BEING}",
        r"who (?:are you|am i (?:talking|speaking) (?:to|with))|what are you$",
    ),
    Intent.ASKS_IF_RECORDED: (
        r"^(?:is|are|am|will|do) (?:\w+ ){1,4}(?:recorded|recording|written down|stored)",
        r"^are you (?:recording|writing)",
        r"^(?:and )?who (?:else )?(?:will |can )?(?:hears?|reads?|sees?) (?:this|that|it|my|what)",
        r"what happens (?:to|with) (?:my|the|this) (?:\w+ )?(?:data|answers?|recording|transcript)",
    ),
    Intent.ASKS_HOW_MANY: (
        (
            r"^(?:\w+ ){0,2}how many (?:more )?questions"
            r"(?: (?:are|do|have|will|is) (?:there|you|we|i|left)(?: \w+){0,3})?$"
        ),
        (
            r"^(?:\w+ )?how (?:long|much longer|much more|much time)"
            r" (?:\w+ ){0,3}(?:take|left|last|is this|is there|do we have|do i have|interview)"
        ),
        r"^how much (?:longer|more)$|^(?:is|was) (?:this|that) the last (?:one|question)",
        r"^are we (?:almost |nearly )?(?:done|finished|there)",
    ),
    Intent.ASKS_LANGUAGE: (
        rf"(?:do|can|could) (?:you|we) (?:please )?(?:\w+ ){{0,4}}{_TONGUE}",
        rf"(?:can|could|may) i (?:answer|speak|talk|do (?:it|this|that)) (?:in )?{_TONGUE}",
    ),
    Intent.NEEDS_ACCOMMODATION: (
        r"(?:need|like|request|require|ask for) (?:\w+ ){0,3}accommodations?$",
        r"i(?:'m| am)(?: \w+)? (?:deaf|hard of hearing|dyslexic|autistic|blind|disabled|impaired)",
        (
            r"i (?:have|live with) (?:\w+ ){0,3}(?:disability|impairment|stutter|stammer|dyslexia"
            r"|autism|adhd|hearing (?:loss|aid|aids|problem))(?: sorry)?$"
        ),
        r"i (?:stutter|stammer)(?: sorry)?$|english (?:is not|isn't) my (?:first|native)",
        r"i (?:will )?need (?:\w+ ){0,3}(?:sign language|interpreter|extra time)(?: please)?$",
    ),
    Intent.WANTS_TO_TYPE: (
        rf"{_MAY_I} (?:type|write) (?:it|that|this|my|the|down|instead|here)",
        rf"{_MAY_I} (?:type|write)$|i(?:'d| would) (?:rather|prefer to) (?:type|write)",
    ),
    Intent.WANTS_SLOWER: (
        rf"{_YOU}(?:speak|talk|go|say (?:it|that)) (?:a )?(?:little |bit )*(?:more )?slow(?:er|ly)",
        r"(?:please |can you |could you |^)slow down|you(?:'re| are) (?:\w+ ){0,2}too fast",
        r"(?:that's|that is|that was|it's|it is) too fast(?: for me)?$|^slower(?: please)?$",
    ),
    Intent.HAS_TROUBLE: (
        r"(?:can't|cannot|can not|couldn't|didn't|don't|hardly|barely) hear (?:you|anything)",
        r"you(?:'re| are| keep) (?:breaking up|cutting out|too quiet|very quiet|muted)",
        (
            rf"(?:your voice|the (?:sound|audio|connection|line))(?:'s| is| sounds| keeps| seems)"
            rf" (?:\w+ ){{0,2}}{_BAD_SOUND}"
        ),
        r"you sound (?:\w+ )?(?:robotic|strange|distorted|far away)|(?:speak|talk) (?:up|louder)$",
        r"(?:there(?:'s| is)|i hear) (?:\w+ ){0,3}(?:echo|no sound|noise)(?: on the line)?$",
        (
            r"my (?:\w+ )?(?:microphone|mic|headset|headphones|internet|connection) (?:\w+ ){0,4}"
            r"(?:working|broken|down|off|slow|bad|problem|problems)$"
        ),
    ),
    Intent.ASKS_IF_HEARD: (
        r"(?:can|do|could|did) you hear me|are you (?:still )?there",
        r"^did you (?:hear|get|catch) that$",
        r"^is my (?:microphone|mic|sound|audio) (?:on|working|okay)",
        r"(?:is anyone|is anybody|anybody|anyone) there|am i (?:audible|muted|on mute)",
    ),
    Intent.CLARIFY: (
        r"what (?:\w+ ){0,3}(?:do|did|exactly do) you mean|what does (?:that|this|it) mean",
        r"what (?:exactly )?(?:do )?you want (?:me )?to (?:know|hear|say)",
        r"(?:can|could|would) you (?:please )?(?:clarify|explain|rephrase|be more specific)",
        r"(?:can|could|would) you (?:please )?put (?:it|that) differently",
        r"(?:can|could|would) you (?:please )?give (?:me )?an example",
        r"^(?:please )?(?:clarify|rephrase)",
        rf"(?:don't|do not|didn't|did not) (?:really |quite )?understand {_QUESTION}",
        rf"^(?:sorry )?i (?:don't|do not) (?:really |quite )?get (?:it|{_QUESTION})$",
        r"^(?:sorry )?i (?:don't|do not|didn't|did not) (?:really |quite )?understand$",
        r"^(?:sorry )?i (?:don't|do not|can't) (?:really |quite )?follow(?: you)?$",
        rf"i'm not sure (?:what you mean|i understand(?: {_QUESTION})?)",
        r"^(?:i'm |i am )?(?:not sure|unsure) what you(?:'re| are) asking$",
        r"in what (?:sense|way|respect)$|^(?:do|did) you mean .{1,60}$",
        r"^(?:\w+ )?(?:are you asking|do you want (?:me )?to|should i)\b",
        r"^(?:\w+ )?is it (?:okay|ok|fine|all right|alright) (?:if|to)\b",
        r"^(?:\w+ )?(?:can|may) i (?:also )?(?:give|talk|tell|use|start|mention|choose|pick)\b",
    ),
    Intent.REPEAT: (
        rf"{_YOU}(?:repeat|say|ask|read) (?:{_QUESTION}|that|it|me that)\b",
        rf"{_YOU}repeat(?: please| yourself)?$|one more time(?: please)?$|^one more time",
        r"^(?:\w+ )?(?:say|come|what was that|what) again(?: please)?$|^(?:i )?beg your pardon",
        r"^(?:sorry |i'm sorry )*(?:pardon(?: me)?|sorry|excuse me|what|huh|eh)(?: what)?$",
        rf"^(?:\w+ )?what (?:did you (?:just )?(?:say|ask)|(?:was|is) (?:that|{_QUESTION})$)",
        rf"what (?:was|is) {_QUESTION}(?: again)?$|^what did you just ask me$",
        r"^(?:\w+ )?would you mind repeating",
        r"(?:didn't|did not|couldn't|could not) (?:\w+ )?(?:catch|get|hear)$",
        rf"(?:didn't|did not|couldn't) (?:\w+ )?(?:catch|get|hear) (?:that|it|{_QUESTION})$",
        rf"^(?:sorry )?i (?:just )?(?:missed|lost|forgot) (?:that|it|{_QUESTION}|what you)",
    ),
    Intent.SKIP: (
        rf"(?:skip|pass on|leave out) (?:{_QUESTION}|that|it|this)|^(?:skip|pass)(?: please)?$",
        r"(?:can|could) we (?:skip|move on|go on)|(?:let's|please) (?:skip|move on)",
        r"next (?:question|one)(?: please)?$|^next(?: please)?$|^i(?:'d| would) like to pass$",
        r"i(?:'d| would) rather not(?: (?:answer|say|talk about|discuss)(?: \w+){0,3})?$",
        r"i(?:'d| would| will)? prefer not to(?: (?:answer|say|talk about|discuss)(?: \w+){0,3})?$",
        r"^i (?:have no|don't have an|don't have any) answer(?: to that)?$",
        r"^no comment$|^(?:i'm |i am )?not sure$",
        r"^(?:\w+ ){0,2}i (?:don't|do not) know(?: (?:that|it|the answer|sorry))?$",
        r"^i (?:don't|do not|can't) (?:really )?remember(?: (?:that|it|one|any))?$",
        r"i (?:don't|do not) want to (?:answer|talk about)(?: (?:that|this|it|the question))?$",
        r"^(?:i have )?no idea$|^i can't answer(?: (?:that|this|it)(?: one)?| the question)?$",
        r"^i can't think of (?:one|any|anything|anyone|something|an example)(?: \w+){0,3}$",
        r"(?:that's|that is|this is|it's) (?:too )?(?:personal|private)(?: question)?$",
        r"none of your business",
    ),
    Intent.IS_HOSTILE: (
        (
            rf"(?:you(?:'re| are)|(?:this|that)(?: \w+)? is) (?:\w+ ){{0,3}}{_INSULT}"
            r"(?: (?:machine|robot|bot|computer|ai|thing|question|interview))?$"
        ),
        r"shut up|screw you|fuck (?:you|off|this)|go to hell|waste of my time|i hate (?:you|this)$",
    ),
    Intent.GREETS: (r"^(?:hello|hi|hey|good (?:morning|afternoon|evening))(?: there)?$",),
}
_RULES: Final = {
    intent: re.compile(rf"\b(?:{'|'.join(patterns)})(?!\w)")
    for intent, patterns in _PATTERNS.items()
}
_ORDER: Final = re.compile(rf"\b(?:{'|'.join(_ORDERS)})(?!\w)")
_AFTER_ALL: Final = frozenset(
    (
        Intent.WITHDRAW,
        Intent.MAY_WITHDRAW,
        Intent.REPEAT,
        Intent.CLARIFY,
        Intent.HAS_TROUBLE,
        Intent.ASKS_IF_MACHINE,
    )
)
_ASKING: Final = frozenset(
    words("what why how when where which who whose do does did is are can could will would should")
)
_YES: Final = frozenset(
    words("yes yeah yep yup sure okay ok fine correct right absolutely definitely certainly")
)
_AGREEING: Final = re.compile(
    r"^(?:please do|of course|i (?:do|agree|consent|can)|go ahead|that's (?:fine|all right|okay)"
    r"|no problem|all right|alright|loud and clear|perfectly|please)\b"
)
_NO: Final = frozenset(words("no nope nah not never don't continue"))
_DENYING: Final = re.compile(
    r"\b(?:i (?:do not|don't|can't|cannot|disagree)|(?:go|carry|keep) (?:on|going)|not really)\b"
)


def intent_of(utterance: str) -> Intent:
    """Say what a candidate wants by these words; of a speech, by the last of them."""
    utterance = utterance[-_MAX_CHARACTERS:]
    spoken = words(utterance)
    line = " ".join(spoken)
    if asks_for_time(spoken):
        return Intent.WAIT
    if len(spoken) <= _MAX_WORDS and (intent := _rule(line)):
        return intent
    if _ORDER.search(line):  # in a speech of any length
        return Intent.MEDDLES
    if (intent := _rule(_last_sentence(utterance))) and intent in _AFTER_ALL:
        return intent
    if (
        len(spoken) <= _MAX_QUESTION_WORDS
        and utterance.rstrip().endswith("?")
        and any(word.partition("'")[0] in _ASKING for word in spoken[:4])
    ):
        return Intent.ASKS
    return Intent.ANSWER


def _rule(line: str) -> Intent | None:
    return next((intent for intent, pattern in _RULES.items() if pattern.search(line)), None)


def _last_sentence(utterance: str) -> str:
    """Give the words of the last sentence after others, or nothing if it is long."""
    before, _, last = utterance.rstrip(" .?!").rpartition(". ")
    spoken = words(last)
    return " ".join(spoken) if before and len(spoken) <= _MAX_WORDS else ""


def agrees(utterance: str) -> bool | None:
    """Read the answer to a question of yes or no; None where it is neither."""
    spoken = words(utterance)
    line = " ".join(spoken)
    if not spoken:
        return None
    if _AGREEING.search(line):
        return True
    if spoken[0] in _NO or _DENYING.search(line):
        return False
    return True if spoken[0] in _YES else None
