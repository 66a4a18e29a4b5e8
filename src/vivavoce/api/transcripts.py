"""`GET /v1/sessions/{id}/transcript`, as JSON, Markdown, WebVTT or CSV."""

from typing import Final

from litestar import Response, get
from litestar.params import FromPath

from vivavoce import tokens
from vivavoce.api.context import PEOPLE, AnyRequest, ApiParts, session_id_of
from vivavoce.api.freshness import is_known, unchanged
from vivavoce.api.problems import request_id_of
from vivavoce.api.transcript_formats import FORMATS, Transcript, choose_format
from vivavoce.control.access import session_seen_by
from vivavoce.errors import InvalidRequest
from vivavoce.protocol.transcript import TranscriptEntry
from vivavoce.store import events
from vivavoce.store.pool import Connection
from vivavoce.store.transcripts import MAX_PAGE, StoredEntry, last_change, read_transcript

PATH: Final = "/v1/sessions/{session_id:str}/transcript"
MAX_ENTRIES: Final = 20_000
FOLLOWING_SECONDS: Final = 600.0
"""Whoever follows a transcript as it grows is written down once in so long."""


@get(PATH)
async def show_transcript(
    request: AnyRequest, session_id: FromPath[str], api: ApiParts
) -> Response[bytes]:
    """The transcript in order; `?format=` comes before `Accept`. It may be followed by its tag."""
    identity = await api.identify(request, PEOPLE)
    if identity.kind == tokens.SESSION:
        identity.require(tokens.READ_TRANSCRIPT)
    wanted = session_id_of(session_id, identity)
    form = choose_format(request.query_params.get("format"), request.headers.get("accept"))
    if form is None:
        raise InvalidRequest(f"format: one of {', '.join(FORMATS)}.")
    async with api.plane.database.as_tenant(identity.claims) as conn:
        session = await session_seen_by(conn, identity, wanted)
        # Before the entries: what comes in between is then asked for once more, and never missed.
        changes = await last_change(conn, wanted)
        tag = f'"{changes}-{session.status}-{session.transcript_complete}-{form.suffix}"'
        if is_known(request, tag):
            return unchanged(tag)
        entries = await _entries(conn, wanted)
    async with api.plane.database.as_service() as conn:
        await events.add_audit(
            conn,
            tenant_id=session.tenant_id,
            actor=identity.subject,
            action="transcript.read",
            object_id=session.id,
            request_id=request_id_of(request),
            once_in=FOLLOWING_SECONDS,
        )
    transcript = Transcript(
        session_id=session.id,
        status=session.status,
        complete=session.transcript_complete,
        created_at=session.created_at,
        entries=entries,
    )
    return Response(
        content=form.write(transcript),
        media_type=form.media_type,
        headers={
            "cache-control": "no-store",
            "etag": tag,
            "content-disposition": f'inline; filename="interview-{session.id}.{form.suffix}"',
            "x-content-type-options": "nosniff",
            "vary": "Accept",
        },
    )


async def _entries(conn: Connection, session_id: str) -> list[TranscriptEntry]:
    """All entries in order, without the items that turned out to be silence."""
    stored: list[StoredEntry] = []
    after = 0
    while len(stored) < MAX_ENTRIES:
        page = await read_transcript(conn, session_id, after_change=after, limit=MAX_PAGE)
        stored += page
        if len(page) < MAX_PAGE:
            break
        after = max(one.change_seq for one in page)
    in_order = sorted(stored, key=lambda one: one.position)
    return [one.entry for one in in_order if one.entry.content]
