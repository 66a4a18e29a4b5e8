"""Transcripts: stored by one function in one round trip, read in the conversation's order."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final
from uuid import uuid4

import asyncpg
import msgspec

from vivavoce.protocol.codec import clean_text
from vivavoce.protocol.transcript import (
    EntryMetadata,
    RejectedEvent,
    Speaker,
    TranscriptEntry,
    Witness,
)
from vivavoce.store.pool import Connection, Database, told_plainly

MAX_PAGE: Final = 1000
_UNSTORABLE: Final = (
    asyncpg.NoDataFoundError,
    asyncpg.InsufficientPrivilegeError,
    asyncpg.DataError,
    asyncpg.IntegrityConstraintViolationError,
)
"""What `viva.ingest` answers with a rejection."""
_LIMITS: Final = ("tenant_id", "app_metadata", "session_id", "invitation_id")


@dataclass(frozen=True, slots=True)
class IngestBatch:
    """Entries of one session, under the claims of whoever sends them.

    `witness` comes from the credential, never from what was sent.
    """

    claims: Mapping[str, Any]
    session_id: str
    witness: Witness
    entries: Sequence[TranscriptEntry]


@dataclass(frozen=True, slots=True)
class IngestResult:
    """What became of a batch. Everything in it is settled: stored, known already, or refused."""

    accepted: int
    duplicates: int
    rejected: tuple[RejectedEvent, ...]


@dataclass(frozen=True, slots=True)
class StoredEntry:
    """A row of a transcript. Cursors go by `change_seq`, readers' order by `position`."""

    entry: TranscriptEntry
    position: int
    change_seq: int
    source: str


@asynccontextmanager
async def open_ingest(
    database: Database,
) -> AsyncGenerator[Callable[[Sequence[IngestBatch]], Awaitable[list[IngestResult]]], None]:
    """Keep a connection for storing batches (`ingest`), for the length of the block.

    Raises:
        Unavailable: If there is no connection, or it is lost.
    """
    async with database.as_nobody() as connection:

        async def store(batches: Sequence[IngestBatch]) -> list[IngestResult]:
            with told_plainly():  # whoever calls need not stand inside this block
                return await ingest(connection, batches)

        yield store


async def ingest(connection: Connection, batches: Sequence[IngestBatch]) -> list[IngestResult]:
    """Store batches of several sessions: one function call, one commit, answers after it.

    If something in them cannot be stored, it takes a second call, which tells it from the rest.

    Sending a batch again changes nothing. One that cannot be stored does not hold up the others.

    Args:
        connection: Without a role, and not in a transaction (`Database.as_nobody`).
        batches: What to store.
    """
    payload = [
        {
            "claims": msgspec.json.encode(_limits_in(batch.claims)).decode(),
            "sessionId": clean_text(batch.session_id),
            "witness": batch.witness,
            "entries": [_storable(entry) for entry in batch.entries],
        }
        for batch in sorted(batches, key=lambda batch: batch.session_id)
    ]
    try:
        answers = await connection.fetchval("select viva.ingest_plainly($1)", payload)
    except _UNSTORABLE:
        answers = await connection.fetchval("select viva.ingest($1)", payload)
    by_position = dict(
        zip(
            sorted(range(len(batches)), key=lambda index: batches[index].session_id),
            answers,
            strict=True,
        )
    )
    return [_result(by_position[index]) for index in range(len(batches))]


async def read_transcript(
    connection: Connection, session_id: str, *, after_change: int = 0, limit: int = MAX_PAGE
) -> list[StoredEntry]:
    """Read a session's entries in order, or those that changed after a cursor.

    An entry whose final content is empty was taken back: it turned out to be silence.

    Args:
        connection: Of a transaction; its claims decide what is seen.
        session_id: The session.
        after_change: Greatest `change_seq` that the reader has.
        limit: Rows at most; with a cursor, those that changed first.
    """
    rows = await connection.fetch(
        """
        select * from (
          select item_id, revision, previous_item_id, position, change_seq, speaker, content,
                 timestamp, source, witness, final, truncated, confidence, metadata
          from transcript_entries
          where session_id = $1 and change_seq > $2
            and tenant_id = (select tenant_id from interview_sessions where id = $1)
          order by change_seq limit $3
        ) changed order by position
        """,
        session_id,
        after_change,
        limit,
    )
    return [_stored(row) for row in rows]


async def last_change(connection: Connection, session_id: str) -> int:
    """How far a session's transcript has come: its greatest `change_seq`, or 0.

    Args:
        connection: Of a transaction; its claims decide what is seen.
        session_id: The session.
    """
    return int(
        await connection.fetchval(
            """
            select coalesce(max(change_seq), 0) from transcript_entries
            where session_id = $1
              and tenant_id = (select tenant_id from interview_sessions where id = $1)
            """,
            session_id,
        )
    )


def _limits_in(claims: Mapping[str, Any]) -> dict[str, Any]:
    """What policies ask of claims. They parse them at every turn, so the rest stays behind."""
    return {name: claims[name] for name in _LIMITS if name in claims}


def _storable(entry: TranscriptEntry) -> dict[str, Any]:
    return {
        "id": str(uuid4()),
        "itemId": clean_text(entry.item_id),
        "revision": entry.revision,
        "previousItemId": None
        if entry.previous_item_id is None
        else clean_text(entry.previous_item_id),
        "speaker": entry.speaker,
        "content": clean_text(entry.content),
        "timestamp": entry.timestamp.isoformat(),
        "final": entry.final,
        "truncated": entry.truncated,
        "confidence": entry.confidence,
        "metadata": entry.metadata,
    }


def _result(answer: Mapping[str, Any]) -> IngestResult:
    return IngestResult(
        accepted=answer["accepted"],
        duplicates=answer["duplicates"],
        rejected=tuple(msgspec.convert(answer["rejected"], list[RejectedEvent])),
    )


def _stored(row: Mapping[str, Any]) -> StoredEntry:
    metadata = row["metadata"]
    return StoredEntry(
        entry=TranscriptEntry(
            item_id=row["item_id"],
            revision=row["revision"],
            previous_item_id=row["previous_item_id"],
            speaker=Speaker(row["speaker"]),
            content=row["content"],
            timestamp=row["timestamp"],
            final=row["final"],
            truncated=row["truncated"],
            witness=Witness(row["witness"]),
            confidence=row["confidence"],
            metadata=None if metadata is None else msgspec.convert(metadata, EntryMetadata),
        ),
        position=row["position"],
        change_seq=row["change_seq"],
        source=row["source"],
    )
