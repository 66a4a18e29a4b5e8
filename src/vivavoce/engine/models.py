"""The models of the engine, shared by all its calls: hearing and speaking in one worker process.

The worker runs below the engine's own priority, so that computing never delays audio. It is started
anew when it dies; the work that it had in hand is tried once more.
"""

import hashlib
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Final

import anyio

from vivavoce.engine import frames
from vivavoce.engine.admission import QueueDelays
from vivavoce.engine.jobs import Job, JobQueue
from vivavoce.engine.link import Link, ModelsMissing, WorkerLost, open_worker
from vivavoce.engine.recent import Recent
from vivavoce.engine.sentences import split_sentences
from vivavoce.engine.stt import BYTES_PER_SECOND, split_at_pauses
from vivavoce.engine.tts import VOICE
from vivavoce.errors import Unavailable

_log: Final = logging.getLogger(__name__)
_ATTEMPTS: Final = 2
_RESTART_DELAYS: Final = (0.0, 0.5, 1.0, 2.0, 5.0)
_TRANSCRIPTION_SECONDS: Final = 30.0
_SYNTHESIS_SECONDS: Final = 20.0
_REMEMBERED_TRANSCRIPTIONS: Final = 1_024  # short texts: a turn's spans, for all calls
_REMEMBERED_AUDIO_BYTES: Final = 16 * 1024 * 1024
_MAX_AUDIO_SECONDS: Final = 900
_DOUBTFUL: Final = -1.0  # average log probability; Whisper itself gives up a decoding there
_MAX_TEXT_CHARACTERS: Final = 20_000


class Priority(IntEnum):
    """What goes first when calls want to be heard at the same time; smaller is first."""

    FINAL = 0
    SPECULATIVE = 1
    PARTIAL = 2


class _Urgency(IntEnum):
    """What is spoken first."""

    FIRST_SENTENCE = 0
    LATER_SENTENCE = 1
    AHEAD_OF_TIME = 2


@dataclass(frozen=True, slots=True)
class Transcription:
    """What was heard.

    Attributes:
        text: The words; empty where nobody spoke.
        no_speech_probability: Of the audio holding no speech, 0-1.
        average_log_probability: Of the words, by token; 0 is certain, below -1 is doubtful.
        seconds: Length of the audio.
        asks_for_time: Whether it sounds like a request for time, although the words are others.
        tokens: The text in the recogniser's pieces, each with its log probability; empty where
            they are not known for all of it.
    """

    text: str
    no_speech_probability: float
    average_log_probability: float
    seconds: float
    asks_for_time: bool = False
    tokens: tuple[tuple[str, float], ...] = ()

    @property
    def is_doubtful(self) -> bool:
        """Whether the words may well be others."""
        return self.average_log_probability < _DOUBTFUL


@dataclass(frozen=True, slots=True)
class ModelSettings:
    """How the models run.

    Attributes:
        whisper: Folder of a Whisper model in CTranslate2 form; None takes the bundled tiny.en.
        threads: Threads of each model. One is as fast as two on a machine with work to do.
        niceness: Added to the worker's niceness; at 10 it leaves audio on time.
        start_timeout: Seconds in which the models must be loaded.
        request_timeout: Seconds after which a request fails, waiting and restarts included.
    """

    whisper: Path | None = None
    threads: int = 1
    niceness: int = 10
    start_timeout: float = 60.0
    request_timeout: float = 60.0


class Models:
    """The shared models. Made by `open_models`.

    Attributes:
        delays: How long final transcriptions wait.
        on_heard: Told how many seconds a final transcription took, waiting included.
        restarts: How often another worker had to be started.
        worker_pid: Of the worker that is loaded, or was last.
    """

    def __init__(self, settings: ModelSettings) -> None:
        self._settings = settings
        self._hearing = JobQueue()
        self._speaking = JobQueue()
        self._heard: Recent[frames.Transcribed] = Recent(_REMEMBERED_TRANSCRIPTIONS, lambda _: 1)
        self._spoken: Recent[frames.Synthesised] = Recent(
            _REMEMBERED_AUDIO_BYTES, lambda reply: len(reply.pcm)
        )
        self._loaded = anyio.Event()
        self._failure: Unavailable | None = None
        self.delays = QueueDelays()
        self.on_heard: Callable[[float], None] | None = None
        self.restarts = 0
        self.worker_pid: int | None = None

    @property
    def waiting(self) -> int:
        """Count the transcriptions that wait or run: how busy hearing is."""
        return len(self._hearing)

    async def ready(self) -> None:
        """Wait until the models are loaded (again).

        Raises:
            Unavailable: If they cannot be loaded, or not in time.
        """
        with anyio.move_on_after(self._settings.start_timeout):
            await self._loaded.wait()
        if self._failure:
            raise Unavailable(self._failure.message)
        if not self._loaded.is_set():
            raise Unavailable("The speech models did not load in time.", retry_after=5.0)

    async def transcribe(
        self, pcm: bytes, *, prompt: str = "", priority: Priority = Priority.FINAL
    ) -> Transcription:
        """Hear what was said. Noise and silence give an empty text.

        Cancelling the caller withdraws the request while it waits. The same audio is heard once:
        a final request for what a speculative one has heard costs nothing.

        Args:
            pcm: s16le mono at 16 kHz, at most 15 minutes; long audio is cut at pauses.
            prompt: Words that may be said (names, terms), as plain text.
            priority: Against other calls.

        Raises:
            Unavailable: If the model died over it twice, failed, or did not answer in time.
            ValueError: If `pcm` is not whole samples or too long.
        """
        if len(pcm) % 2 or len(pcm) > _MAX_AUDIO_SECONDS * BYTES_PER_SECOND:
            raise ValueError("audio to transcribe is 16-bit samples, at most 15 minutes of them")
        began = anyio.current_time()
        heard = [await self._hear(span, prompt, priority) for span in split_at_pauses(pcm)]
        if self.on_heard and priority is Priority.FINAL:
            self.on_heard(anyio.current_time() - began)
        said = [reply for reply in heard if reply.text] or heard
        return Transcription(
            text=" ".join(reply.text for reply in said).strip(),
            no_speech_probability=max(reply.no_speech_probability for reply in said),
            average_log_probability=min(reply.average_log_probability for reply in said),
            seconds=len(pcm) / BYTES_PER_SECOND,
            asks_for_time=len(said) == 1 and said[0].asks_for_time,
            tokens=_joined_tokens(said),
        )

    async def synthesise(
        self, text: str, *, voice: str = VOICE, speed: float = 1.0
    ) -> AsyncIterator[bytes]:
        """Speak a text, a sentence at a time, as s16le mono at 24 kHz.

        A sentence is computed when it is asked for: ask ahead of playing. Leaving the iterator
        leaves the rest unspoken. First sentences of all calls go before later ones.

        Args:
            text: At most 20,000 characters, in English.
            voice: Any name; the bundled voice speaks for all.
            speed: 1.0 is the voice's own pace; limited to 0.25-1.5.

        Raises:
            Unavailable: As in `transcribe`.
            ValueError: If the text is too long.
        """
        if len(text) > _MAX_TEXT_CHARACTERS:
            raise ValueError("text to speak is at most 20,000 characters")
        urgency = _Urgency.FIRST_SENTENCE
        for sentence in split_sentences(text):
            audio = await self._speak(sentence, voice, speed, urgency)
            if audio:
                urgency = _Urgency.LATER_SENTENCE
                yield audio

    async def prepare(
        self, sentences: Iterable[str], *, voice: str = VOICE, speed: float = 1.0
    ) -> None:
        """Speak sentences into the memory of recent ones, when there is nothing else to do.

        What was prepared is there at once when `synthesise` comes to it.
        """
        for text in sentences:
            for sentence in split_sentences(text):
                await self._speak(sentence, voice, speed, _Urgency.AHEAD_OF_TIME)

    async def _hear(self, pcm: bytes, prompt: str, priority: Priority) -> frames.Transcribed:
        key = hashlib.blake2b(pcm, key=hashlib.blake2b(prompt.encode()).digest()).digest()
        if known := self._heard.get(key):
            return known
        seconds = _TRANSCRIPTION_SECONDS + len(pcm) / BYTES_PER_SECOND
        job = Job(key, lambda id_: frames.Transcribe(id_, pcm, prompt), seconds, priority)
        is_final = priority is Priority.FINAL
        reply = await self._outcome(self._hearing, job, self.delays if is_final else None)
        if not isinstance(reply, frames.Transcribed):
            raise Unavailable("The speech models could not hear this.")
        self._heard.put(key, reply)
        return reply

    async def _speak(self, sentence: str, voice: str, speed: float, urgency: _Urgency) -> bytes:
        key = (sentence, speed)
        if known := self._spoken.get(key):
            return known.pcm
        job = Job(
            key,
            lambda id_: frames.Synthesise(id_, sentence, voice, speed),
            _SYNTHESIS_SECONDS,
            urgency,
        )
        reply = await self._outcome(self._speaking, job)
        if not isinstance(reply, frames.Synthesised):
            raise Unavailable("The speech models could not speak this.")
        self._spoken.put(key, reply)
        return reply.pcm

    async def _outcome(
        self, jobs: JobQueue, job: Job, delays: QueueDelays | None = None
    ) -> frames.Reply:
        if self._failure:
            raise Unavailable(self._failure.message)
        async with jobs.submitted(job) as shared:
            with (
                delays.measured(shared) if delays else nullcontext(),
                anyio.move_on_after(self._settings.request_timeout),
            ):
                await shared.done.wait()
        match shared.outcome:
            case None:
                raise Unavailable("The speech models are overloaded.", retry_after=5.0)
            case Exception() as error:
                raise Unavailable(str(error), retry_after=5.0) from error
            case reply:
                return reply

    async def run(self) -> None:
        """Keep a worker running and give it the work, until cancelled. For `open_models`."""
        losses = 0
        while not self._failure:
            await anyio.sleep(_RESTART_DELAYS[min(losses, len(_RESTART_DELAYS) - 1)])
            try:
                await self._run_worker()
            except* ModelsMissing as missing:
                self.give_up(str(missing.exceptions[0]))
            except* WorkerLost as lost:
                losses = 0 if self._loaded.is_set() else losses + 1
                _log.warning("%s; starting another", lost.exceptions[0])
                self.restarts += 1
                if self._loaded.is_set():
                    self._loaded = anyio.Event()

    async def _run_worker(self) -> None:
        settings = self._settings
        async with (
            open_worker(
                whisper=settings.whisper,
                threads=settings.threads,
                niceness=settings.niceness,
            ) as (link, process),
            anyio.create_task_group() as tasks,
        ):
            tasks.start_soon(link.run)
            with anyio.move_on_after(settings.start_timeout):
                await link.loaded.wait()
            if not link.loaded.is_set():
                raise WorkerLost("the model worker did not load in time")
            self.worker_pid = process.pid
            self._loaded.set()
            tasks.start_soon(self._feed, self._hearing, link)
            tasks.start_soon(self._feed, self._speaking, link)

    async def _feed(self, jobs: JobQueue, link: Link) -> None:
        """Give one model its jobs, one at a time; one that is not done goes back."""
        while True:
            job = await jobs.take()
            job.attempts += 1
            try:
                with anyio.fail_after(job.seconds):
                    job.settle(await link.ask(job.request))
                jobs.forget(job)
            except TimeoutError:
                raise WorkerLost("the model worker hangs") from None
            finally:
                if not job.done.is_set() and job.attempts < _ATTEMPTS:
                    jobs.give_back(job)
                elif not job.done.is_set():
                    jobs.forget(job)
                    job.settle(Unavailable("The speech models failed twice over this."))

    def give_up(self, reason: str) -> None:
        """Fail whatever waits, and whatever comes, with a reason. For `open_models`."""
        self._failure = Unavailable(reason)
        self._loaded.set()
        for jobs in (self._hearing, self._speaking):
            jobs.fail_all(self._failure)


def _joined_tokens(said: Sequence[frames.Transcribed]) -> tuple[tuple[str, float], ...]:
    if not all(reply.tokens for reply in said):
        return ()
    first, *others = (token for reply in said for token in reply.tokens)
    return ((first[0].lstrip(), first[1]), *others)


@asynccontextmanager
async def open_models(settings: ModelSettings | None = None) -> AsyncGenerator[Models, None]:
    """Start the model worker and keep it alive for the length of the `async with` block.

    Requests may be made at once; they wait for the models to load (`Models.ready`), about 1.5 s.
    """
    models = Models(settings or ModelSettings())
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(models.run)
        try:
            yield models
        finally:
            models.give_up("The speech models are shut down.")
            tasks.cancel_scope.cancel()
