"""The demo's candidate: a synthesised voice that answers when the interviewer has asked."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Final

import anyio
import anyio.to_thread

from vivavoce.client import Flag, Sound
from vivavoce.engine.sentences import split_sentences
from vivavoce.engine.tts import SAMPLE_RATE, Voice
from vivavoce.protocol.realtime import (
    FunctionCallArgumentsDone,
    OutputAudioStarted,
    OutputAudioStopped,
    ServerEvent,
)
from vivavoce.sessions.interview import END_INTERVIEW

SILENT_ANSWER_SECONDS: Final = 6.0
LAST_WORD: Final = "No, thank you, that is everything from me."
"""What is said to anything that is asked after the last answer."""
MAX_LAST_WORDS: Final = 3
_SENTENCE_PAUSE_SECONDS: Final = 0.25


@dataclass(frozen=True)
class Answer:
    """One answer, and its sound; both empty for a silent one."""

    text: str
    sound: Sound

    @property
    def is_silent(self) -> bool:
        """Whether nothing is said."""
        return not self.sound.pcm


async def prepare_answers(texts: Sequence[str]) -> list[Answer]:
    """Speak all answers before the interview, so that synthesis takes no time from the call."""
    return await anyio.to_thread.run_sync(_prepare, texts)


def _prepare(texts: Sequence[str]) -> list[Answer]:
    voice = Voice()
    pause = bytes(2 * int(SAMPLE_RATE * _SENTENCE_PAUSE_SECONDS))
    answers = []
    for text in texts:
        spoken = [voice.speak(sentence) for sentence in split_sentences(text)]
        answers.append(Answer(text, Sound(pause.join(filter(None, spoken)), SAMPLE_RATE)))
    return answers


class Candidate:
    """An audio source that listens: give it to the client as `audio`, and events to `hear`.

    Attributes:
        said: The answers so far, in order; a silent one is an empty text.
    """

    def __init__(self, answers: Sequence[Answer], last_word: Answer) -> None:
        self.said: list[str] = []
        self._answers = [*answers, *[last_word] * MAX_LAST_WORDS]
        self._is_asked = Flag()
        self._is_dismissed = False
        self._is_spoken_to = Flag()

    def hear(self, event: ServerEvent) -> None:
        """Note when the interviewer begins and ends to speak."""
        match event:
            case OutputAudioStarted():
                self._is_asked.lower()
                self._is_spoken_to.raise_()
            case OutputAudioStopped() if not self._is_dismissed:
                self._is_asked.raise_()
            case FunctionCallArgumentsDone(name=name) if name == END_INTERVIEW:
                self._is_dismissed = True
            case _:
                pass

    async def __aiter__(self) -> AsyncIterator[Sound]:
        """Give each answer in its turn, and a last word to whatever is asked after them."""
        for answer in self._answers:
            await self._is_asked.until_up()
            self._is_spoken_to.lower()
            if answer.is_silent:
                await self._keep_silent()
            else:
                self._is_asked.lower()
                yield answer.sound
            self.said.append(answer.text)

    async def _keep_silent(self) -> None:
        """Say nothing for a while; asked again meanwhile, the next answer waits for its end."""
        with anyio.move_on_after(SILENT_ANSWER_SECONDS):
            await self._is_spoken_to.until_up()
