"""Transcript entries: one shape from the sideband to the screen (design: "Transcripts")."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

import msgspec

MAX_CONTENT_CHARACTERS = 16_384
MAX_EVENTS_PER_BATCH = 500


class Speaker(StrEnum):
    """Who said it."""

    AI = "ai"
    CANDIDATE = "candidate"


class Witness(StrEnum):
    """Who saw it: the machine over the sideband, or the candidate's own client."""

    SIDEBAND = "sideband"
    CLIENT = "client"


ItemId = Annotated[str, msgspec.Meta(min_length=1, max_length=128)]
Content = Annotated[str, msgspec.Meta(max_length=MAX_CONTENT_CHARACTERS)]
Revision = Annotated[int, msgspec.Meta(ge=0, le=2_147_483_647)]
Confidence = Annotated[float, msgspec.Meta(ge=0, le=1)]


class EntryMetadata(msgspec.Struct, rename="camel", frozen=True, kw_only=True, omit_defaults=True):
    """Measurements beside an entry."""

    audio_level: Annotated[float, msgspec.Meta(ge=0, le=1)] | None = None
    processing_latency: Annotated[float, msgspec.Meta(ge=0)] | None = None
    """Seconds from the end of the speech to its text."""


class TranscriptEntry(msgspec.Struct, rename="camel", frozen=True, kw_only=True):
    """One turn of either side, in one revision.

    `revision` grows with each change of the same item; a reader keeps the greatest.
    `previous_item_id` is the item before it in the conversation, None for the first.
    """

    item_id: ItemId
    revision: Revision
    previous_item_id: ItemId | None
    speaker: Speaker
    content: Content
    timestamp: datetime
    final: bool
    truncated: bool = False
    witness: Witness = Witness.SIDEBAND
    confidence: Confidence | None = None
    metadata: EntryMetadata | None = None


class TranscriptEvent(msgspec.Struct, rename="camel", frozen=True, kw_only=True):
    """What the transcript processor takes: the requirements' shape and ours beside it.

    `item_id` may be missing in the plain form; the processor then gives the event an id of its own,
    derived from the content, so that sending it twice stores it once.
    """

    session_id: Annotated[str, msgspec.Meta(max_length=64)]
    speaker: Speaker
    content: Content
    timestamp: datetime
    confidence: Confidence | None = None
    metadata: EntryMetadata | None = None
    item_id: ItemId | None = None
    revision: Revision = 0
    previous_item_id: ItemId | None = None
    final: bool = True
    truncated: bool = False


def event_of(session_id: str, entry: TranscriptEntry) -> TranscriptEvent:
    """An entry in the form that the transcript processor takes."""
    return TranscriptEvent(
        session_id=session_id,
        speaker=entry.speaker,
        content=entry.content,
        timestamp=entry.timestamp,
        confidence=entry.confidence,
        metadata=entry.metadata,
        item_id=entry.item_id,
        revision=entry.revision,
        previous_item_id=entry.previous_item_id,
        final=entry.final,
        truncated=entry.truncated,
    )


class TranscriptBatch(msgspec.Struct, rename="camel", frozen=True, kw_only=True):
    """Several events of one or more sessions that the credential covers."""

    events: Annotated[list[TranscriptEvent], msgspec.Meta(max_length=MAX_EVENTS_PER_BATCH)]


class RejectedEvent(msgspec.Struct, rename="camel", frozen=True, kw_only=True):
    """An event that can never be stored, and why. It must not be sent again."""

    item_id: str
    code: str
    message: str


class TranscriptReceipt(msgspec.Struct, rename="camel", frozen=True, kw_only=True):
    """Answer of the transcript processor, given after commit."""

    accepted: int
    duplicates: int
    rejected: list[RejectedEvent] = []


JsonObject = dict[str, Any]
