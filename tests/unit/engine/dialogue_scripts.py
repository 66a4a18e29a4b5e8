"""Reads and plays the scripted dialogues of `dialogues.txt`.

A script has a title (`#`), settings (`plan:`, `tools:`), what was said in an earlier call (`ai:`,
`candidate:`), the candidate's turns (`>`) and what the interviewer must say to each, to the letter
(`<`; alone: nothing at all), with the tool call at its end, if any, and a pace other than 1. A `<`
without a turn before it is spoken unasked.

A turn is empty where nothing was understood, `(silence)` for a silence that lasts, `(unclear) ...`
for words that may be misheard, and `(cut off at ...) ...` for words that cut the interviewer off
after it had said the first of them. `seconds left:` holds from where it stands.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from vivavoce.engine.interviewer import Line, Reply, gentle_prompt, next_reply

PLANS = {
    "three questions": """You hold a first interview. Be polite.
Questions:
1. Tell me about your work so far.
2. How many years have you worked in your field?
3. What was the hardest problem that you have solved?
""",
    "labelled": """Questions:
1. What did you like about your last job?
   Clarification: I mean the work itself, not the pay.
   Probe: What was one good day like?
2. Where do you live?
""",
    "asks for more": """At the end, ask whether they have anything to add.
Questions:
1. Tell me about your work.
""",
    "closing": """Closing: We will write to you within a week.
Questions:
1. What do you like to do?
""",
    "product": """You are an AI interviewer. Say that the interview is written down. \
At the end, ask whether the candidate has questions.
Closing: You will hear from us on 1 March.
Questions:
1. Tell me about your work so far.
   Probe (if short): What does one day look like?
   Probe (unless team, colleague, alone): Who did you work with?
   Clarification: I mean paid work, or work that you did for others.
2. Have you led people? (optional)
3. Tell me about a time when you solved a hard problem.
   Probe: What did you do first?
   Probe: How did it end?
   Time: 1 minute
""",
    "consent": """Ask for their consent, and begin with a sound check.
Questions:
1. Where do you live?
""",
    "sound": """Begin with a sound check.
Questions:
1. Where do you live?
""",
    "none": "You are a friendly voice in a museum.",
}


@dataclass
class Turn:
    said: Line | None
    expected: str
    seconds_left: float | None
    cut_off_at: str = ""  # what was heard of our last words
    is_silent: bool = False


@dataclass
class Script:
    title: str
    plan: str = "three questions"
    tools: tuple[str, ...] = ("end_interview",)
    seeded: list[Line] = field(default_factory=list)
    turns: list[Turn] = field(default_factory=list)
    seconds_left: float | None = None  # at the line that is being read

    @property
    def expected(self) -> list[str]:
        return [turn.expected for turn in self.turns]


def read_scripts(path: Path) -> Iterator[Script]:
    for text in re.split(r"^# ", path.read_text(), flags=re.MULTILINE)[1:]:
        title, *lines = text.splitlines()
        script, said = Script(title), None
        for line in filter(None, lines):
            if line.startswith(">"):
                said = line[1:].strip()
            elif line.startswith("<"):
                script.turns.append(read_turn(said, line[1:].strip(), script.seconds_left))
                said = None
            else:
                set_up(script, *line.split(": ", 1))
        yield script


def read_turn(said: str | None, expected: str, seconds_left: float | None) -> Turn:
    if said is None:
        return Turn(None, expected, seconds_left)
    if said == "(silence)":
        return Turn(None, expected, seconds_left, is_silent=True)
    cut_off = re.match(r"\(cut off at ([^)]+)\)\s*", said)
    text = said[cut_off.end() :] if cut_off else said
    line = Line(
        "candidate",
        text.removeprefix("(unclear)").strip(),
        doubtful=text.startswith("(unclear)"),
    )
    return Turn(line, expected, seconds_left, cut_off[1] if cut_off else "")


def set_up(script: Script, name: str, value: str) -> None:
    match name:
        case "plan":
            script.plan = value
        case "tools":
            script.tools = ()
        case "seconds left":
            script.seconds_left = float(value)
        case "ai" | "candidate":
            script.seeded.append(Line(name, value))
        case _:
            raise ValueError(name)


def play(script: Script) -> list[str]:
    """Say the candidate's turns one after another; return what the interviewer says to each."""
    lines = list(script.seeded)
    replies = []
    for turn in script.turns:
        if turn.cut_off_at:
            heard = lines[-1].text.partition(turn.cut_off_at)
            lines[-1] = Line("ai", heard[0] + heard[1], truncated=True)
        if turn.said is not None:
            lines.append(turn.said)
        decide = gentle_prompt if turn.is_silent else next_reply
        reply = decide(PLANS[script.plan], script.tools, lines, seconds_left=turn.seconds_left)
        replies.append(written(reply))
        if reply and reply.sentences:
            lines.append(Line("ai", " ".join(reply.sentences)))
    return replies


def written(reply: Reply | None) -> str:
    if reply is None:
        return ""
    call = f"[{reply.tool.name} {reply.tool.arguments['reason']}]" if reply.tool else ""
    pace = f"[pace {reply.pace}]" if reply.pace != 1 else ""
    return " ".join(filter(None, [*reply.sentences, call, pace]))
