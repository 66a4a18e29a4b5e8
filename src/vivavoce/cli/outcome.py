"""What came of a demo interview: counts, comparisons, times."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final

import msgspec

from vivavoce.client import ConnectionState
from vivavoce.protocol.transcript import Speaker, TranscriptEntry

_WORD: Final = re.compile(r"[\w']+")


class Times(msgspec.Struct, frozen=True, kw_only=True):
    """Milliseconds; null for what did not happen.

    Attributes:
        start: The request for a session.
        offer_answer: SDP offer to answer.
        connected: SDP offer to connected call.
        first_audio: SDP offer to the first loud sample of the interviewer.
        voice_to_voice_p50: Last loud sample of an answer to the first loud one of the reply.
    """

    start: float | None
    offer_answer: float | None
    connected: float | None
    first_audio: float | None
    voice_to_voice_p50: float | None


class LeftRunning(msgspec.Struct, frozen=True, kw_only=True):
    """What is left of the interview after its end; all 0 if it was clean.

    Attributes:
        processes: Processes that were started for it.
        sockets: Sockets that listen, or are connected, and belong to it.
        calls: Calls that were not hung up.
        rows: Sessions, machines and jobs that are not at their end.
    """

    processes: int
    sockets: int
    calls: int
    rows: int

    @property
    def is_clean(self) -> bool:
        """Whether nothing is left."""
        return not (self.processes or self.sockets or self.calls or self.rows)


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What `viva demo --json` prints."""

    session_id: str
    reason: str | None
    entries: int
    ordered: bool
    stored_equals_heard: bool
    speakers: dict[str, int]
    word_error_rate: float
    ms: Times
    left_running: LeftRunning

    @property
    def is_good(self) -> bool:
        """Whether the interview was held, kept and cleaned up as promised."""
        return (
            self.entries > 0
            and self.ordered
            and self.stored_equals_heard
            and self.left_running.is_clean
        )


@dataclass(frozen=True)
class Interview:
    """A demo interview that is over, as each side tells of it."""

    session_id: str
    reason: str | None
    stored: Sequence[TranscriptEntry]
    heard: Sequence[TranscriptEntry]
    said: Sequence[str]
    state: ConnectionState
    reply_seconds: Sequence[float]


def judge(interview: Interview, left: LeftRunning) -> Outcome:
    """Compare what was stored with what was heard and said."""
    stored, metrics = interview.stored, interview.state.metrics
    replies = interview.reply_seconds
    candidate = [entry.content for entry in stored if entry.speaker is Speaker.CANDIDATE]
    return Outcome(
        session_id=interview.session_id,
        reason=interview.reason,
        entries=len(stored),
        ordered=_is_ordered(stored),
        stored_equals_heard=_words(stored) == _words(interview.heard),
        speakers={
            speaker.value: sum(entry.speaker is speaker for entry in stored) for speaker in Speaker
        },
        word_error_rate=round(word_error_rate(" ".join(interview.said), " ".join(candidate)), 4),
        ms=Times(
            start=_rounded(metrics.start_ms),
            offer_answer=_rounded(metrics.offer_answer_ms),
            connected=_rounded(metrics.connected_ms),
            first_audio=_rounded(metrics.first_audio_ms),
            voice_to_voice_p50=_rounded(median(replies) * 1000 if replies else None),
        ),
        left_running=left,
    )


def word_error_rate(said: str, written: str) -> float:
    """Substitutions, deletions and insertions for each word that was said; case and marks aside.

    Source: edit distance over words (Levenshtein 1966), by rows.
    """
    reference, hypothesis = (_WORD.findall(text.lower()) for text in (said, written))
    if not reference:
        return float(bool(hypothesis))
    row = list(range(len(hypothesis) + 1))
    for number, word in enumerate(reference, start=1):
        diagonal, row[0] = row[0], number
        for column, other in enumerate(hypothesis, start=1):
            substitution = diagonal + (word != other)
            diagonal = row[column]
            row[column] = min(substitution, row[column] + 1, row[column - 1] + 1)
    return row[-1] / len(reference)


def _is_ordered(entries: Sequence[TranscriptEntry]) -> bool:
    """Whether each entry stands right after the one that it names."""
    places = {entry.item_id: place for place, entry in enumerate(entries)}
    return len(places) == len(entries) and all(
        entry.previous_item_id not in places or places[entry.previous_item_id] == place - 1
        for place, entry in enumerate(entries)
    )


def _words(entries: Sequence[TranscriptEntry]) -> list[tuple[str, str, str]]:
    return [(entry.item_id, entry.speaker.value, entry.content) for entry in entries]


def _rounded(milliseconds: float | None) -> float | None:
    return None if milliseconds is None else round(milliseconds, 1)
