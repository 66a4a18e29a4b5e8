"""Sending what a client witnessed to the transcript processor."""

from collections.abc import Sequence
from typing import Final

from vivavoce.client.edge import Edge
from vivavoce.client.session import Session
from vivavoce.protocol.transcript import MAX_EVENTS_PER_BATCH, TranscriptEntry, event_of
from vivavoce.retry import RetryPolicy, retrying

STORING: Final = RetryPolicy(max_attempts=6, base_delay=0.5, max_delay=10.0)


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
