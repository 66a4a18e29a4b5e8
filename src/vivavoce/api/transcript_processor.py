"""`POST /functions/v1/transcript-processor`: transcript entries, acknowledged after commit."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final
from uuid import UUID

import msgspec
from litestar import Response, post
from litestar.params import RawBody

from vivavoce import tokens
from vivavoce.api.authentication import bearer_token
from vivavoce.api.context import AnyRequest, Api, ApiParts, answer
from vivavoce.control.access import visible_session
from vivavoce.errors import ERRORS, Code, InvalidRequest, TranscriptProcessingFailed, Unavailable
from vivavoce.protocol.codec import clean_text, decode
from vivavoce.protocol.transcript import (
    MAX_EVENTS_PER_BATCH,
    RejectedEvent,
    TranscriptEntry,
    TranscriptEvent,
    TranscriptReceipt,
    Witness,
)
from vivavoce.store.transcripts import IngestBatch

PATH: Final = "/functions/v1/transcript-processor"
MAX_BODY_BYTES: Final = 8 * 1024 * 1024
MAX_EVENT_BYTES: Final = 256 * 1024
SENDERS: Final = (tokens.ACCESS, tokens.SESSION, tokens.MACHINE)
UNNAMED: Final = "(no itemId)"


class _Envelope(msgspec.Struct, frozen=True):
    """Either form; events are decoded one by one, so that a bad one does not hold up the others."""

    events: list[msgspec.Raw] | None = None


class _Named(msgspec.Struct, frozen=True, rename="camel"):
    """What can be told of an event that cannot be decoded."""

    item_id: str = UNNAMED


@dataclass
class _Sorted:
    """Events by session, and those that can never be stored."""

    by_session: dict[str, list[TranscriptEntry]] = field(default_factory=dict)
    rejected: list[RejectedEvent] = field(default_factory=list)


@post(PATH, status_code=200, request_max_body_size=MAX_BODY_BYTES)
async def transcript_processor(
    request: AnyRequest, body: RawBody, api: ApiParts
) -> Response[bytes]:
    """Store one event, or `{"events": […]}`; who saw them is told by the credential."""
    return answer(await take_events(api, bearer_token(request), body))


async def take_events(api: Api, token: str, body: bytes) -> TranscriptReceipt:
    """Store what was posted and say, after commit, what became of it.

    Raises:
        VivavoceError: If the token is not good, or nothing can be stored.
    """
    identity = await api.whose(token, SENDERS)
    if identity.kind != tokens.ACCESS:
        identity.require(tokens.WRITE_TRANSCRIPT)
    if identity.kind == tokens.SESSION:
        await _refuse_revoked(api, identity)
    witness = Witness.SIDEBAND if identity.kind == tokens.MACHINE else Witness.CLIENT
    envelope = decode(body, _Envelope, max_bytes=MAX_BODY_BYTES)
    if envelope.events is None:
        events = [decode(body, TranscriptEvent, max_bytes=MAX_EVENT_BYTES)]
        sorted_ = _sort(events, identity)
    else:
        sorted_ = _sort_batch(envelope.events, identity)
    receipt = await _store(api, identity, witness, sorted_)
    if envelope.events is None and receipt.rejected:
        refused = receipt.rejected[0]
        raise ERRORS[Code(refused.code)](refused.message)
    return receipt


async def _refuse_revoked(api: Api, identity: tokens.Identity) -> None:
    try:
        await visible_session(api.plane, identity, identity.session_id or "")
    except Unavailable as error:
        raise TranscriptProcessingFailed(error.message, retry_after=error.retry_after) from error


async def _store(
    api: Api, identity: tokens.Identity, witness: Witness, sorted_: _Sorted
) -> TranscriptReceipt:
    batches = [
        IngestBatch(identity.claims, session_id, witness, entries)
        for session_id, entries in sorted_.by_session.items()
    ]
    results = await api.ingest.submit(batches) if batches else []
    receipt = TranscriptReceipt(
        accepted=sum(result.accepted for result in results),
        duplicates=sum(result.duplicates for result in results),
        rejected=[*sorted_.rejected, *(one for result in results for one in result.rejected)],
    )
    api.metrics.accepted.inc(receipt.accepted)
    api.metrics.duplicates.inc(receipt.duplicates)
    api.metrics.rejected.inc(len(receipt.rejected))
    return receipt


def _sort_batch(raw_events: Sequence[msgspec.Raw], identity: tokens.Identity) -> _Sorted:
    if len(raw_events) > MAX_EVENTS_PER_BATCH:
        raise InvalidRequest(f"events: at most {MAX_EVENTS_PER_BATCH} at once.")
    events, rejected = [], []
    for raw in raw_events:
        try:
            events.append(decode(bytes(raw), TranscriptEvent, max_bytes=MAX_EVENT_BYTES))
        except InvalidRequest as error:
            rejected.append(
                RejectedEvent(item_id=_name(raw), code=error.code, message=error.message)
            )
    sorted_ = _sort(events, identity)
    sorted_.rejected[:0] = rejected
    return sorted_


def _sort(events: Sequence[TranscriptEvent], identity: tokens.Identity) -> _Sorted:
    sorted_ = _Sorted()
    for event in events:
        entry = _entry(event)
        session_id = _session_id(event.session_id)
        if session_id is None or identity.session_id not in (None, session_id):
            sorted_.rejected.append(
                RejectedEvent(
                    item_id=entry.item_id,
                    code=Code.NOT_FOUND,
                    message="There is no such session.",
                )
            )
        else:
            sorted_.by_session.setdefault(session_id, []).append(entry)
    return sorted_


def _entry(event: TranscriptEvent) -> TranscriptEntry:
    return TranscriptEntry(
        item_id=clean_text(event.item_id or "") or _derived_id(event),
        revision=event.revision,
        previous_item_id=event.previous_item_id,
        speaker=event.speaker,
        content=event.content,
        timestamp=event.timestamp,
        final=event.final,
        truncated=event.truncated,
        confidence=event.confidence,
        metadata=event.metadata,
    )


def _derived_id(event: TranscriptEvent) -> str:
    """An id of the event's own, from all that it says: sent twice, it is stored once."""
    said = "\x1f".join((event.speaker, event.timestamp.isoformat(), clean_text(event.content)))
    return f"evt_{sha256(said.encode()).hexdigest()[:32]}"


def _session_id(text: str) -> str | None:
    try:
        return str(UUID(text))
    except ValueError:
        return None


def _name(raw: msgspec.Raw) -> str:
    try:
        return clean_text(decode(bytes(raw), _Named, max_bytes=MAX_EVENT_BYTES).item_id)[:128]
    except InvalidRequest:
        return UNNAMED
