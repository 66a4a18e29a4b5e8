"""How well the engine hears: wrong words over real WebRTC, with loss, noise and terms of the trade.

Sentences that nothing was tuned on are read by four voices, sent by one aiortc peer and received by
another as the engine does, cut into turns and transcribed as in a call. `VIVA_ENGINE_WHISPER` is
the folder of another model, as for the engine.
"""

import math
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import anyio
import jiwer
import numpy as np

from bench.lossy_path import drop_rtp
from bench.rounds import tell
from bench.sounds import LONG_SOUNDS, RATE, Floats, decibels, silence, spoken
from bench.verdicts import Report, aligned
from vivavoce.client.audio import Mouth, MouthTrack, Samples
from vivavoce.engine.listening import Listener
from vivavoce.engine.models import Models, ModelSettings, open_models
from vivavoce.engine.phrases import words
from vivavoce.engine.turn import Speculate, SpeechStopped, TurnPolicy
from vivavoce.engine.vad import SpeechDetector
from vivavoce.engine.vocabulary import expected_words
from vivavoce.webrtc import open_peer_connection, receive_pcm, set_local_description

VOICES: Final = ("hibari", "slt", "rms", "espeak-gb")
DELIVERED_AT_3_PERCENT: Final = 0.93
_FOLDER: Final = Path(__file__).parent
_LINE_SECONDS: Final = 1.6  # of silence after a sentence: the turn ends in it
_AT_ONCE: Final = 6
_HEADINGS: Final = ("what is heard", "words", "wrong", "delivered", "")


@dataclass(frozen=True)
class Condition:
    """Under which circumstances one set of sentences is heard.

    Attributes:
        name: In the table.
        sentences: Name of the set.
        loss: Fraction of the packets that is lost.
        noise_below: Decibels of white noise below the voice, or None.
        instructions: Of the call; the vocabulary comes from them.
    """

    name: str
    sentences: str
    loss: float = 0.0
    noise_below: float | None = None
    instructions: str = ""


@dataclass
class Outcome:
    """What came of a condition: said and heard, a pair for each voice."""

    condition: Condition
    said: list[str]
    heard: list[str]
    delivered: list[float]

    @property
    def wrong(self) -> float:
        """Word error rate over all voices."""
        return float(jiwer.wer(self.said, self.heard))

    @property
    def holds(self) -> bool:
        """Whether as much of the audio came through as promised."""
        return self.condition.loss != 0.03 or min(self.delivered) >= DELIVERED_AT_3_PERCENT


def conditions() -> list[Condition]:
    trade = (_FOLDER / "hearing_instructions.txt").read_text(encoding="utf-8")
    return [
        Condition("plain", "plain"),
        Condition("plain, 3 % of packets lost", "plain", loss=0.03),
        Condition("plain, 10 % of packets lost", "plain", loss=0.10),
        Condition("plain, noise 10 dB below", "plain", noise_below=10),
        Condition("plain, noise 5 dB below", "plain", noise_below=5),
        Condition("plain, vocabulary of the trade", "plain", instructions=trade),
        Condition("jargon, no vocabulary", "jargon"),
        Condition("jargon, vocabulary", "jargon", instructions=trade),
    ]


async def measure() -> Report:
    """Hear everything under every condition."""
    folder = os.environ.get("VIVA_ENGINE_WHISPER")
    settings = ModelSettings(whisper=Path(folder) if folder else None)
    received: dict[tuple[Any, ...], tuple[bytes, float]] = {}
    limiter = anyio.CapacityLimiter(_AT_ONCE)
    sets = read_sentences()
    async with anyio.create_task_group() as tasks:
        for condition in conditions():
            for voice in VOICES:
                if _key(condition, voice) not in received:
                    received[_key(condition, voice)] = (b"", 0.0)
                    lines = sets[condition.sentences]
                    tasks.start_soon(_carry, condition, voice, lines, received, limiter)
    outcomes = []
    async with open_models(settings) as models:
        await models.ready()
        for condition in conditions():
            outcome = Outcome(condition, [], [], [])
            for voice in VOICES:
                pcm, delivered = received[_key(condition, voice)]
                texts = await hear(models, pcm, expected_words(condition.instructions))
                outcome.said.append(comparable(sets[condition.sentences]))
                outcome.heard.append(comparable(texts))
                outcome.delivered.append(delivered)
            outcomes.append(outcome)
    without, with_ = (outcome.wrong for outcome in outcomes[-2:])
    name = Path(folder).name if folder else "tiny.en"
    text = f"Whisper {name}, {len(VOICES)} voices\n{table(outcomes)}"
    return Report(text, all(outcome.holds for outcome in outcomes) and with_ < without)


def _key(condition: Condition, voice: str) -> tuple[Any, ...]:
    return (condition.sentences, condition.loss, condition.noise_below, voice)


def read_sentences() -> dict[str, list[str]]:
    """Read the sentences by the name of their set."""
    sets: dict[str, list[str]] = {}
    name = ""
    for line in (_FOLDER / "hearing_sentences.txt").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            if " " in line:
                sets[name].append(line)
            else:
                name = line
                sets[name] = []
    return sets


async def _carry(
    condition: Condition,
    voice: str,
    lines: Sequence[str],
    received: dict[tuple[Any, ...], tuple[bytes, float]],
    limiter: anyio.CapacityLimiter,
) -> None:
    """Send the sentences over WebRTC and keep what arrives."""
    sound = _read_aloud(lines, voice, condition.noise_below)
    async with limiter:
        tell(f"hearing: {condition.name}, {voice}")
        pcm, frames = await carry(sound, condition.loss, seed=VOICES.index(voice))
    received[_key(condition, voice)] = (pcm, frames * 0.02 * RATE / sound.size)


def _read_aloud(lines: Iterable[str], voice: str, noise_below: float | None) -> Floats:
    parts = [silence(1.0)]
    for line in lines:
        parts += [spoken(line, voice), silence(_LINE_SECONDS)]
    sound = np.concatenate(parts)
    if noise_below is not None:
        noise = LONG_SOUNDS["noise"](np.random.default_rng(5), sound.size / RATE + 0.1)
        sound = sound + decibels(-noise_below) * noise[: sound.size]
    return sound


class _Counted:
    """A track that counts its frames, and says when the first has come."""

    def __init__(self, track: Any, arrived: anyio.Event) -> None:
        self._track = track
        self._arrived = arrived
        self.frames = 0

    async def recv(self) -> Any:
        frame = await self._track.recv()
        self.frames += 1
        self._arrived.set()
        return frame


async def carry(sound: Floats, loss: float, *, seed: int) -> tuple[bytes, int]:
    """Send a sound from one peer to another; give it as received, and how many frames came."""
    counted: list[_Counted] = []
    got, mouth, arrived = bytearray(), Mouth(), anyio.Event()
    async with (
        open_peer_connection() as sender,
        open_peer_connection() as receiver,
        anyio.create_task_group() as tasks,
    ):
        track = MouthTrack(mouth)
        mouth.give_to(track)
        sender.addTrack(track)

        async def listen(remote: Any) -> None:
            counted.append(_Counted(remote, arrived))
            async for pcm in receive_pcm(counted[0], RATE):
                got.extend(pcm)

        receiver.on("track", lambda remote: tasks.start_soon(listen, remote))
        offer = await set_local_description(sender, await sender.createOffer(), loopback_only=True)
        await receiver.setRemoteDescription(offer)
        answer = await set_local_description(
            receiver, await receiver.createAnswer(), loopback_only=True
        )
        await sender.setRemoteDescription(answer)
        with anyio.fail_after(10):
            await arrived.wait()
        drop_rtp(sender, loss, seed)
        before = counted[0].frames
        with anyio.fail_after(2 * sound.size / RATE + 10):
            await mouth.speak(Samples(sound, RATE))
        frames = counted[0].frames - before
        await anyio.sleep(0.5)
        tasks.cancel_scope.cancel()
    return bytes(got), frames


async def hear(models: Models, pcm: bytes, prompt: str) -> list[str]:
    """Cut what was received into turns and transcribe them, as a call does."""
    policy = TurnPolicy.from_turn_detection({"type": "semantic_vad", "eagerness": "high"})
    listener, texts = Listener(policy, SpeechDetector()), []
    for start in range(0, len(pcm), 640):
        for event in listener.feed(pcm[start : start + 640], interrupting=False):
            match event:
                case Speculate(start_ms, end_ms):
                    audio = listener.audio(start_ms, end_ms)
                    heard = await models.transcribe(audio, prompt=prompt)
                    listener.hint(
                        heard.text, asks_for_time=heard.asks_for_time, is_doubtful=heard.is_doubtful
                    )
                case SpeechStopped(start_ms, end_ms):
                    audio = listener.audio(start_ms, end_ms)
                    texts.append((await models.transcribe(audio, prompt=prompt)).text)
    return texts


_ONES: Final = tuple(
    words(
        """zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen
        fifteen sixteen seventeen eighteen nineteen"""
    )
)
_TENS: Final = tuple(words("twenty thirty forty fifty sixty seventy eighty ninety"))


def comparable(texts: Iterable[str]) -> str:
    """The words of some texts: no case, no punctuation, small numbers in letters."""
    return " ".join(_in_letters(word) for word in words(" ".join(texts)))


def _in_letters(word: str) -> str:
    if not re.fullmatch(r"\d{1,2}", word):
        return word
    number = int(word)
    if number < len(_ONES):
        return _ONES[number]
    ones = f" {_ONES[number % 10]}" if number % 10 else ""
    return _TENS[number // 10 - 2] + ones


def table(outcomes: Sequence[Outcome]) -> str:
    """The outcomes with their verdicts."""
    rows = [
        (
            outcome.condition.name,
            str(sum(len(said.split()) for said in outcome.said)),
            f"{100 * outcome.wrong:.1f} %",
            f"{100 * math.fsum(outcome.delivered) / len(outcome.delivered):.1f} %",
            "holds" if outcome.holds else "MISSED",
        )
        for outcome in outcomes
    ]
    promised = (
        f"Promised: at 3 % loss at least {100 * DELIVERED_AT_3_PERCENT:.0f} % of the audio is"
        " delivered to every listener; a vocabulary makes jargon better."
    )
    return "\n".join([*aligned([_HEADINGS, *rows]), "", promised])
