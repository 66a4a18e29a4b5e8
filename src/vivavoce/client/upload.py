"""Sending what a client witnessed to the transcript processor."""

from collections.abc import Sequence
from typing import Final

from vivavoce.client.edge import Edge
from vivavoce.client.session import Session
from vivavoce.protocol.transcript import MAX_EVENTS_PER_BATCH, TranscriptEntry, TranscriptEvent
from vivavoce.retry import RetryPolicy, retrying

STORING: Final = RetryPolicy(max_attempts=6, base_delay=0.5, max_delay=10.0)


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


async def send_persistently(
    edge: Edge, session: Session, entries: Sequence[TranscriptEntry]
) -> None:
    """Send entries, in batches, again and again until each is acknowledged after commit.

    Raises:
        VivavoceError: If the processor stays out of reach, or refuses us.
    """
    for start in range(0, len(entries), MAX_EVENTS_PER_BATCH):
        events = [
            event_of(session.id, entry) for entry in entries[start : start + MAX_EVENTS_PER_BATCH]
        ]
        await retrying(
            lambda events=events: edge.send_transcript(session.token, events),  # type: ignore[misc]
            policy=STORING,
            timeout=60.0,
        )
