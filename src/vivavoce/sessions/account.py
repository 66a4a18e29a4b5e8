"""What one witness knows of one item of the conversation."""

from dataclasses import dataclass, field
from datetime import datetime
from math import exp

from vivavoce.protocol.codec import clean_text
from vivavoce.protocol.realtime import LogProbability
from vivavoce.protocol.transcript import (
    MAX_CONTENT_CHARACTERS,
    EntryMetadata,
    Speaker,
    TranscriptEntry,
)


@dataclass(frozen=True, slots=True)
class Placed:
    """Where the witness saw the item: after another one, or first (None)."""

    previous_item_id: str | None


@dataclass(slots=True)
class Account:
    """One witness's knowledge of an item; it only ever grows.

    Attributes:
        timestamp: When the item began.
        placed: Its place, once known.
        speaker: The interviewer only where a response made the item.
        hidden: Whether it is no message at all (a function call).
        pieces: Text by content index; `whole` are the indexes whose text is complete.
        heard_characters: How much of the text was played, if the interviewer was cut off.
        played: Whether the interviewer's words were played to their end.
        live: Whether it comes, or goes on, from events rather than from an entry alone.
    """

    timestamp: datetime
    placed: Placed | None = None
    speaker: Speaker = Speaker.CANDIDATE
    hidden: bool = False
    pieces: dict[int, str] = field(default_factory=dict)
    whole: set[int] = field(default_factory=set)
    final: bool = False
    truncated: bool = False
    heard_characters: int | None = None
    stopped_at: datetime | None = None
    confidence: float | None = None
    metadata: EntryMetadata | None = None
    revision: int = 0
    played: bool = False
    live: bool = False

    @property
    def content(self) -> str:
        """What was said, and heard; empty for silence and for noise."""
        text = " ".join(self.pieces[index].strip() for index in sorted(self.pieces)).strip()
        if self.heard_characters is not None:
            text = _heard(text, self.heard_characters)
        if self.speaker is Speaker.CANDIDATE and not any(map(str.isalnum, text)):
            return ""
        return text

    @property
    def silent(self) -> bool:
        """Whether nothing was said, for certain."""
        return self.final and not self.content

    def add(self, index: int, text: str) -> None:
        """Append a piece of text as it is spoken."""
        if not self.final and index not in self.whole:
            self.pieces[index] = _fitted(self.pieces.get(index, "") + text)

    def complete(self, index: int, text: str) -> None:
        """Set the whole text of a part. A witness says so once: later tellings change nothing."""
        if not self.final and index not in self.whole:
            self.pieces[index] = _fitted(text)
            self.whole.add(index)

    def settle(self) -> None:
        """Nothing more will be said in this item."""
        self.final = True

    def fail(self) -> None:
        """The text is lost; what came of it so far is not to be trusted."""
        if not self.final:
            self.pieces.clear()
            self.final = True

    def cut(self, heard_characters: int, *, exact: bool) -> None:
        """The interviewer was cut off after this much. The voice model's word beats an estimate."""
        if not exact and (self.truncated or self.played):
            return
        self.truncated = True
        self.heard_characters = max(0, heard_characters)

    def rate(self, logprobs: list[LogProbability] | None) -> None:
        """Derive the confidence: the geometric mean of the tokens' probabilities."""
        if logprobs:
            mean = sum(token.logprob for token in logprobs) / len(logprobs)
            self.confidence = round(min(1.0, exp(min(mean, 0.0))), 4)

    def time_to_text(self, now: datetime) -> None:
        """Note how long the text took to come after the speech."""
        if self.stopped_at is not None and self.metadata is None:
            seconds = max(0.0, (now - self.stopped_at).total_seconds())
            self.metadata = EntryMetadata(processing_latency=round(seconds, 3))


_Precedence = tuple[int, bool, bool, str, str, bool, datetime]


def precedence(entry: TranscriptEntry) -> _Precedence:
    """Of two tellings of the same witness the greater one is kept, in whatever order they come."""
    return (
        entry.revision,
        entry.final,
        entry.truncated,
        entry.content,
        entry.previous_item_id or "",
        entry.speaker is Speaker.AI,
        entry.timestamp,
    )


def account_of(entry: TranscriptEntry) -> Account:
    """Rebuild an account from an entry."""
    return Account(
        timestamp=entry.timestamp,
        placed=Placed(entry.previous_item_id),
        speaker=entry.speaker,
        pieces={0: entry.content} if entry.content else {},
        final=entry.final,
        truncated=entry.truncated,
        confidence=entry.confidence,
        metadata=entry.metadata,
        revision=entry.revision,
    )


def _fitted(text: str) -> str:
    return clean_text(text)[:MAX_CONTENT_CHARACTERS]


def _heard(text: str, characters: int) -> str:
    """Cut a text to the words that were spoken whole."""
    if characters >= len(text):
        return text
    if not text[characters].isspace():
        characters = max(text.rfind(" ", 0, characters), 0)
    return text[:characters].rstrip()
