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
_MAX_QUESTION_WORDS: Final = 25

_QUESTION: Final = r"(?:the |that |this |your |last )*(?:question|one|part)"
_BEING: Final = (
    r"(?:machine|robot|(?:chat)?bot|computer|ai|a i|human|person|real|recording|program|artificial)"
)
_MAY_I: Final = r"(?:let me|(?:can|could|may) i|i will|i'll|i'd like to|i would like to|i want to)"
_BAD_SOUND: Final = r"(?:breaking|cutting|bad|broken|gone|terrible|stuttering|choppy|echoing)"
_INSULT: Final = r"(?:stupid|idiot|idiotic|useless|ridiculous|garbage|rubbish|moron|dumb|nonsense)"
_ENDS_IT: Final = (
    r"(?:withdraw|stop|quit|leave|end)"
    r"(?: (?:the|this|my) (?:interview|call|conversation|application)| here| now)*$"
)
_TONGUE: Final = (
    r"(?:spanish|german|french|italian|portuguese|polish|turkish|arabic|hindi|urdu|chinese|mandarin"
    r"|japanese|korean|russian|ukrainian|dutch|vietnamese|another language|my language)"
)
_ORDERS: Final = (
    (
        r"(?:^|please |now |just |so |and |then |you should |you must |system |(?:can|could) you )"
        r"(?:ignore|forget|disregard|override|bypass)"
        r" (?:\w+ ){0,4}(?:instructions?|prompts?|rules|guidelines)"
    ),
    r"(?:system|developer|admin|debug) (?:prompt|mode|message|override)",
    (
        r"(?:reveal|show|print|read|tell me|repeat|output) (?:\w+ ){0,3}"
        r"(?:your (?:\w+ )?(?:instructions|prompt|rules)|system prompt|rubric|scoring|plan)"
    ),
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
    Intent.MAY_WITHDRAW: (
        (
            r"^(?:yes |please |okay )*(?:stop|quit|enough|abort|cancel|end)"
            r"(?: (?:it|this|please|now|here|already))*$"
        ),
        (
            r"^(?:okay )?(?:i quit|i give up|i'm leaving|i am leaving|i have to go|i need to go)"
            r"(?: now| sorry)*$"
        ),
        r"^(?:okay |ok |thank you |thanks )*(?:goodbye|good bye|bye|bye bye)$",
    ),
    Intent.MEDDLES: (
        *_ORDERS,
        r"your (?:instructions|prompt|rules)",
        r"(?:give|tell) me (?:\w+ ){0,3}(?:right answers?|correct answers?|next questions?)",
        r"(?:give|tell|show) me (?:the )?(?:answers?|all (?:the |your )?questions)$",
        r"what(?:'s| is| are) (?:the |your )?(?:next questions?|(?:right|correct|best) answers?)",
        r"you are now",
        r"(?:^|please |now |you should |you must )(?:pretend (?:to be|that|you)|act as)",
    ),
    Intent.ASKS_JUDGEMENT: (
        r"(?:give me|what is|what's|what was) my (?:score|grade|rating|result)",
        r"(?:mark|score|rate|grade) (?:me|my)|how (?:am i doing|did i do|was my answer|was that)$",
        r"(?:did|do|have|will) i (?:pass|passed|fail|failed|get the job)",
        (
            r"(?:was|is) (?:that|it|this|my answer) (?:a )?"
            r"(?:right|correct|okay|ok|good|wrong|enough|good answer)$"
        ),
    ),
    Intent.ASKS_FOR_PERSON: (
        (
            r"(?:(?:can|could|may) i|i (?:want|need|would like|prefer) to|i'd (?:like|rather)"
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
        r"^(?:and )?who (?:else )?(?:will |can )?(?:hears?|reads?|sees?)",
        r"what happens (?:to|with) (?:my|the|this) (?:\w+ )?(?:data|answers?|recording|transcript)",
    ),
    Intent.ASKS_HOW_MANY: (
        r"^(?:\w+ ){0,2}how many (?:more )?questions",
        (
            r"^(?:\w+ )?how (?:long|much longer|much more|much time)"
            r" (?:\w+ ){0,3}(?:take|left|last|is this|is there|do we have|interview)"
        ),
        r"^how much (?:longer|more)$|^(?:is|was) (?:this|that) the last (?:one|question)",
        r"^are we (?:almost |nearly )?(?:done|finished|there)",
    ),
    Intent.ASKS_LANGUAGE: (
        rf"(?:do|can|could) (?:you|we) (?:please )?(?:\w+ ){{0,4}}{_TONGUE}",
        rf"(?:can|could|may) i (?:answer|speak|talk|do (?:it|this|that)) (?:in )?{_TONGUE}",
    ),
    Intent.NEEDS_ACCOMMODATION: (
        r"(?:need|like|request|require|have|ask for) (?:\w+ ){0,3}accommodations?",
        r"i(?:'m| am)(?: \w+)? (?:deaf|hard of hearing|dyslexic|autistic|blind|disabled)",
        (
            r"i (?:have|live with) (?:\w+ ){0,3}(?:disability|impairment|stutter|stammer|dyslexia"
            r"|autism|adhd|hearing (?:loss|aid|aids|problem))"
        ),
        r"i (?:stutter|stammer)",
        r"i (?:will )?need (?:\w+ ){0,3}(?:sign language|interpreter|extra time)",
    ),
    Intent.WANTS_TO_TYPE: (
        rf"{_MAY_I} (?:type|write) (?:it|that|this|my|the|down|instead|here)",
        rf"{_MAY_I} (?:type|write)$|i(?:'d| would) (?:rather|prefer to) (?:type|write)",
    ),
    Intent.WANTS_SLOWER: (
        r"(?:speak|talk|go|say (?:it|that)) (?:a )?(?:little |bit )*(?:more )?slow(?:er|ly)",
        r"(?:please |can you |could you |^)slow down|you(?:'re| are) (?:\w+ ){0,2}too fast",
        r"(?:that's|that is|that was|it's|it is) too fast(?: for me)?$",
    ),
    Intent.HAS_TROUBLE: (
        r"(?:can't|cannot|can not|couldn't|didn't|don't|hardly|barely) hear (?:you|anything)",
        r"you(?:'re| are) (?:breaking up|cutting out|too quiet|very quiet|muted)",
        rf"(?:your voice|the (?:sound|audio|connection|line)) (?:\w+ ){{0,3}}{_BAD_SOUND}",
        r"(?:there(?:'s| is)|i hear|i have) (?:\w+ ){0,3}(?:echo|no sound|noise on the line)",
        (
            r"my (?:\w+ )?(?:microphone|mic|headset|headphones|internet|connection) (?:\w+ ){0,4}"
            r"(?:working|broken|down|off|slow|bad|problem|problems)$"
        ),
    ),
    Intent.ASKS_IF_HEARD: (
        r"(?:can|do|could|did) you hear me|are you (?:still )?there",
        r"(?:is anyone|is anybody|anybody|anyone) there|am i (?:audible|muted|on mute)",
    ),
    Intent.CLARIFY: (
        r"what (?:do|did|exactly do) you mean|what does (?:that|this|it) mean",
        r"what (?:exactly )?do you want (?:me )?to (?:know|hear|say)",
        r"(?:can|could|would) you (?:please )?(?:clarify|explain|rephrase|be more specific)",
        r"(?:can|could|would) you (?:please )?put (?:it|that) differently",
        r"^(?:please )?(?:clarify|rephrase)",
        rf"(?:don't|do not|didn't|did not) (?:really |quite )?understand {_QUESTION}",
        r"^(?:sorry )?i (?:don't|do not|didn't|did not) (?:really |quite )?understand$",
        rf"i'm not sure (?:what you mean|i understand(?: {_QUESTION})?)",
        r"^(?:i'm |i am )?(?:not sure|unsure) what you(?:'re| are) asking$",
        r"in what (?:sense|way|respect)$|^(?:do|did) you mean .{1,60}$",
    ),
    Intent.REPEAT: (
        rf"(?:repeat|say|ask|read) (?:{_QUESTION}|that|it|me that)(?: (?:once )?again| please)",
        rf"repeat (?:{_QUESTION}|that|it|yourself)|repeat$|^repeat|one more time",
        r"(?:say|come|what was that|what) again|pardon(?: me)?$|^(?:sorry|excuse me|what)$",
        rf"i beg your pardon|sorry what|what did you (?:say|ask)|what (?:was|is) {_QUESTION}$",
        r"(?:didn't|did not|couldn't|could not) (?:\w+ )?(?:catch|get|hear)$",
        rf"(?:didn't|did not|couldn't) (?:\w+ )?(?:catch|get|hear) (?:that|it|{_QUESTION})$",
        rf"i forgot (?:{_QUESTION}|what you asked)",
    ),
    Intent.SKIP: (
        rf"(?:skip|pass on|leave out) (?:{_QUESTION}|that|it|this)|^(?:skip|pass)(?: please)?$",
        r"(?:can|could) we (?:skip|move on|go on)|(?:let's|please) (?:skip|move on)",
        r"next (?:question|one)(?: please)?$|(?:i'd|i would) rather not",
        r"i (?:would |will )?prefer not to|i'd prefer not to|no comment",
        r"^(?:\w+ ){0,2}i (?:don't|do not) know(?: (?:that|it|the answer|sorry))?$",
        r"i (?:don't|do not) want to (?:answer|talk about) (?:that|this|it|the question)$",
        r"^(?:i have )?no idea$|^i can't (?:answer|think of)(?: \w+){0,4}$",
        r"(?:that's|that is|this is|it's) (?:too )?(?:personal|private)(?: question)?$",
        r"none of your business",
    ),
    Intent.IS_HOSTILE: (
        rf"(?:you(?:'re| are)|(?:this|that)(?: \w+)? is) (?:\w+ ){{0,3}}{_INSULT}",
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
    (Intent.WITHDRAW, Intent.REPEAT, Intent.CLARIFY, Intent.HAS_TROUBLE, Intent.ASKS_IF_MACHINE)
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
    """Say what a candidate wants by these words."""
    spoken = words(utterance)
    line = " ".join(spoken)
    if asks_for_time(spoken):
        return Intent.WAIT
    if len(spoken) <= _MAX_WORDS:
        if intent := _rule(line):
            return intent
    elif _ORDER.search(line):  # in a speech of any length
        return Intent.MEDDLES
    elif (intent := _rule(_last_sentence(utterance))) and intent in _AFTER_ALL:
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
