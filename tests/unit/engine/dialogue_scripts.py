"""Reads and plays the scripted dialogues of `dialogues.txt`.

A script has a title (`#`), settings (`plan:`, `tools:`, `seconds left:`), the candidate's turns
(`>`, empty for a turn in which nothing was understood) and what the interviewer must say, to the
letter (`<`; alone: nothing at all), with the tool call at its end, if any.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from vivavoce.engine.interviewer import Line, Reply, next_reply

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
    "none": "You are a friendly voice in a museum.",
}


@dataclass
class Script:
    title: str
    plan: str = "three questions"
    tools: tuple[str, ...] = ("end_interview",)
    seconds_left: float | None = None
    turns: list[tuple[str | None, str]] = field(default_factory=list)  # said, expected


def read_scripts(path: Path) -> Iterator[Script]:
    for text in re.split(r"^# ", path.read_text(), flags=re.MULTILINE)[1:]:
        title, *lines = text.splitlines()
        script, said = Script(title), None
        for line in filter(None, lines):
            if line.startswith(">"):
                said = line[1:].strip()
            elif line.startswith("<"):
                script.turns.append((said, line[1:].strip()))
            else:
                set_up(script, *line.split(": ", 1))
        yield script


def set_up(script: Script, name: str, value: str) -> None:
    match name:
        case "plan":
            script.plan = value
        case "tools":
            script.tools = ()
        case "seconds left":
            script.seconds_left = float(value)
        case _:
            raise ValueError(name)


def play(script: Script) -> list[str]:
    """Say the candidate's turns one after another; return what the interviewer says to each."""
    lines: list[Line] = []
    replies = []
    for said, _ in script.turns:
        if said is not None:
            lines.append(Line("candidate", said))
        reply = next_reply(
            PLANS[script.plan], script.tools, lines, seconds_left=script.seconds_left
        )
        replies.append(written(reply))
        if reply and reply.sentences:
            lines.append(Line("ai", " ".join(reply.sentences)))
    return replies


def written(reply: Reply | None) -> str:
    if reply is None:
        return ""
    call = f"[{reply.tool.name} {reply.tool.arguments['reason']}]" if reply.tool else ""
    return " ".join([*reply.sentences, call]).strip()
