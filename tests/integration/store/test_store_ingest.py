"""Transcripts: no loss, no duplicate, the right order, whatever comes in whichever order."""

import itertools
from collections.abc import Generator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import anyio
import asyncpg
import msgspec
import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vivavoce.protocol.transcript import EntryMetadata, Speaker, TranscriptEntry, Witness
from vivavoce.sessions.chain import Link, chain_order
from vivavoce.store.pool import Database, open_database
from vivavoce.store.transcripts import IngestBatch, IngestResult, open_ingest, read_transcript

START = datetime(2026, 11, 24, 9, tzinfo=UTC)


def entry(name: str, *, after: str | None = None, second: int = 0, **fields) -> TranscriptEntry:
    fields = {"revision": 1, "speaker": Speaker.AI, "content": f"says {name}"} | fields
    return TranscriptEntry(
        item_id=name,
        previous_item_id=after,
        timestamp=START + timedelta(seconds=second),
        **({"final": True} | fields),
    )


async def add_session(database: Database, *, tenant: str | None = None) -> IngestBatch:
    """A new session, as an empty batch of its machine."""
    tenant, session = tenant or str(uuid4()), str(uuid4())
    async with database.as_service() as connection:
        await connection.execute(
            "insert into tenants (id, name) values ($1, 'Any') on conflict do nothing", tenant
        )
        await connection.execute(
            "insert into interview_sessions (id, tenant_id, user_id) values ($1, $2, $2)",
            session,
            tenant,
        )
    claims = {
        "sub": str(uuid4()),
        "role": "authenticated",
        "tenant_id": tenant,
        "session_id": session,
    }
    return IngestBatch(claims, session, Witness.SIDEBAND, [])


async def stored(database: Database, batch: IngestBatch, **cursor):
    async with database.as_tenant(batch.claims) as connection:
        return await read_transcript(connection, batch.session_id, **cursor)


async def names(database: Database, batch: IngestBatch) -> list[str]:
    return [row.entry.item_id for row in await stored(database, batch)]


async def store(database: Database, batches: list[IngestBatch]) -> list[IngestResult]:
    async with open_ingest(database) as ingest:
        return await ingest(batches)


async def send(database: Database, batch: IngestBatch, *entries: TranscriptEntry, **changes):
    (result,) = await store(database, [replace(batch, entries=entries, **changes)])
    return result


async def test_an_entry_comes_back_as_it_was_sent(database: Database):
    session = await add_session(database)
    sent = entry(
        "a",
        after="before",
        speaker=Speaker.CANDIDATE,
        content="I said “naïve” 🙂",
        truncated=True,
        confidence=0.5,
        metadata=EntryMetadata(audio_level=0.25, processing_latency=0.5),
    )
    assert (await send(database, session, sent)).accepted == 1
    (row,) = await stored(database, session)
    assert row.entry == sent
    assert (row.position, row.source) == (1, "hybrid")


async def test_sending_again_changes_nothing(database: Database):
    session = await add_session(database)
    both = entry("a"), entry("b", after="a", second=1)
    assert (await send(database, session, *both)).accepted == 2
    before = await stored(database, session)
    again = await send(database, session, *both)
    assert (again.accepted, again.duplicates, again.rejected) == (0, 2, ())
    assert await stored(database, session) == before


async def test_who_has_read_so_far_reads_only_what_changed(database: Database):
    session = await add_session(database)
    await send(database, session, entry("a", final=False), entry("b", after="a", second=1))
    cursor = max(row.change_seq for row in await stored(database, session))
    await send(database, session, entry("a", revision=2))
    await send(database, session, entry("c", after="b", second=2))
    changed = await stored(database, session, after_change=cursor)
    assert [row.entry.item_id for row in changed] == ["a", "c"]
    page = await stored(database, session, after_change=cursor, limit=1)
    assert [row.entry.item_id for row in page] == ["a"]


async def test_a_late_item_moves_what_follows_it_and_says_so(database: Database):
    session = await add_session(database)
    await send(database, session, entry("a"), entry("c", after="b", second=2))
    cursor = max(row.change_seq for row in await stored(database, session))
    await send(database, session, entry("b", after="a", second=1))
    assert await names(database, session) == ["a", "b", "c"]
    changed = await stored(database, session, after_change=cursor)
    assert [row.entry.item_id for row in changed] == ["b", "c"]


async def test_a_final_entry_is_never_made_provisional(database: Database):
    session = await add_session(database)
    await send(database, session, entry("a", revision=1, content="all of it"))
    late = await send(database, session, entry("a", revision=9, final=False, content="all"))
    assert late.duplicates == 1
    (row,) = await stored(database, session)
    assert (row.entry.final, row.entry.content) == (True, "all of it")


async def test_what_the_machine_heard_is_not_overwritten_by_a_client(database: Database):
    session = await add_session(database)
    await send(database, session, entry("a", content="as it was"))
    forged = entry("a", revision=99, content="as I wish it was")
    assert (await send(database, session, forged, witness=Witness.CLIENT)).duplicates == 1
    (row,) = await stored(database, session)
    assert (row.entry.content, row.entry.witness) == ("as it was", Witness.SIDEBAND)


async def test_the_machine_overrules_a_client_whatever_the_revisions(database: Database):
    session = await add_session(database)
    told = entry("a", revision=99, content="as I tell it")
    await send(database, session, told, witness=Witness.CLIENT)
    (row,) = await stored(database, session)
    assert row.entry.witness is Witness.CLIENT
    await send(database, session, entry("a", revision=1, content="as it was"))
    (row,) = await stored(database, session)
    assert (row.entry.content, row.entry.witness) == ("as it was", Witness.SIDEBAND)


async def test_text_that_postgres_cannot_hold_is_cleaned(database: Database):
    session = await add_session(database)
    poison = entry("a\x00", after="\ud800", content="before\x00\udfffafter")
    assert (await send(database, session, poison)).accepted == 1
    (row,) = await stored(database, session)
    assert (row.entry.item_id, row.entry.content) == ("a", "beforeafter")


@pytest.mark.parametrize(
    "poison",
    [
        {"item_id": "x" * 129},
        {"item_id": ""},
        {"content": "é" * 40_000},
        {"revision": -1},
        {"confidence": 2.0},
        {"speaker": "nobody"},
        {"timestamp": datetime(9999, 12, 31, tzinfo=UTC)},
    ],
    ids=str,
)
async def test_a_poisoned_entry_holds_up_nobody(database: Database, poison: dict):
    session, other = await add_session(database), await add_session(database)
    bad = msgspec.structs.replace(entry("b", after="a", second=1), **poison)
    batches = [
        replace(session, entries=[entry("a"), bad, entry("c", after="b", second=2)]),
        replace(other, entries=[entry("a")]),
    ]
    for accepted, duplicates in [(2, 0), (0, 2)]:
        first, second = await store(database, batches)
        assert (first.accepted, first.duplicates) == (accepted, duplicates)
        assert [(r.item_id, r.code) for r in first.rejected] == [(bad.item_id, "INVALID_REQUEST")]
        assert second.accepted + second.duplicates == 1
    assert await names(database, session) == ["a", "c"]


@pytest.mark.parametrize(
    "session_id", ["", "\x00", "not-a-uuid", "00000000-0000-4000-8000-000000000000"], ids=repr
)
async def test_a_session_that_is_not_there_holds_up_nobody(database: Database, session_id: str):
    session = await add_session(database)
    lost = replace(session, session_id=session_id, entries=[entry("a"), entry("b")])
    refused, kept = await store(database, [lost, replace(session, entries=[entry("a")])])
    assert [r.item_id for r in refused.rejected] == ["a", "b"]
    assert (refused.accepted, refused.duplicates) == (0, 0)
    assert kept.accepted == 1


@pytest.mark.parametrize("same_tenant", [True, False])
async def test_another_session_is_refused_and_not_called_a_duplicate(
    database: Database, same_tenant
):
    theirs = await add_session(database)
    ours = await add_session(
        database, tenant=theirs.claims["tenant_id"] if same_tenant else str(uuid4())
    )
    await send(database, theirs, entry("a", content="theirs"))
    result = await send(
        database, ours, entry("a", revision=9, content="forged"), session_id=theirs.session_id
    )
    assert (result.accepted, result.duplicates) == (0, 0)
    assert [(r.item_id, r.code) for r in result.rejected] == [("a", "NOT_FOUND")]
    (row,) = await stored(database, theirs)
    assert row.entry.content == "theirs"
    assert await names(database, ours) == []


async def test_claims_of_one_batch_do_not_reach_the_next(database: Database):
    ours, theirs = await add_session(database), await add_session(database)
    nobody = replace(ours, claims={}, entries=[entry("b")])
    first, second, third = await store(
        database,
        [replace(ours, entries=[entry("a")]), nobody, replace(theirs, entries=[entry("a")])],
    )
    assert (first.accepted, third.accepted) == (1, 1)
    assert (second.accepted, [r.item_id for r in second.rejected]) == (0, ["b"])


async def test_writers_of_one_session_take_turns(database: Database):
    session = await add_session(database)
    chain = [entry(f"i{n:02}", after=f"i{n - 1:02}" if n else None, second=n) for n in range(40)]

    async def write(own: list[TranscriptEntry]) -> None:
        for one in own:
            await send(database, session, one)

    async with anyio.create_task_group() as writers:
        for first in range(4):
            writers.start_soon(write, chain[first::4])
            writers.start_soon(write, chain[first::4])  # a second one that is not sure either
    rows = await stored(database, session)
    assert [row.entry.item_id for row in rows] == [one.item_id for one in chain]
    assert [row.position for row in rows] == list(range(1, 41))
    assert len({row.change_seq for row in rows}) == 40


async def test_a_reader_by_cursor_misses_nothing_while_others_write(database: Database):
    session = await add_session(database)
    seen: dict[str, int] = {}
    done = anyio.Event()

    async def write(first: int) -> None:
        for n in range(first, 30, 3):
            await send(database, session, entry(f"i{n}", second=n))

    async def read() -> None:
        cursor, last = 0, False
        while not last:
            last = done.is_set()
            for row in await stored(database, session, after_change=cursor):
                seen[row.entry.item_id] = row.position
                cursor = max(cursor, row.change_seq)

    async with anyio.create_task_group() as reading:
        reading.start_soon(read)
        async with anyio.create_task_group() as writing:
            for first in range(3):
                writing.start_soon(write, first)
        done.set()
    assert seen == {f"i{n}": n + 1 for n in range(30)}


async def test_a_transcript_is_not_endless(database: Database, admin_dsn: str):
    session = await add_session(database)
    await send(database, session, entry("a"))
    admin = await asyncpg.connect(admin_dsn)
    await admin.execute("update transcript_entries set position = 10000")
    await admin.close()
    result = await send(database, session, entry("b"), entry("a"))
    assert (result.duplicates, [r.item_id for r in result.rejected]) == (1, ["b"])


@pytest.mark.parametrize(
    "change",
    [
        "item_id = ''",
        "item_id = repeat('i', 129)",
        "revision = -1",
        "previous_item_id = repeat('i', 129)",
        "speaker = 'both'",
        "content = repeat('é', 32769)",
        "timestamp = '1999-12-31T23:59:59Z'",
        "timestamp = 'infinity'",
        "source = 'tape'",
        "witness = 'hearsay'",
        "confidence = 1.01",
        "metadata = to_jsonb(repeat('m', 4096))",
    ],
)
async def test_whoever_writes_what_an_entry_may_hold_is_limited(database: Database, change: str):
    session = await add_session(database)
    await send(database, session, entry("a"))
    with pytest.raises(asyncpg.CheckViolationError):
        async with database.as_service() as connection:
            await connection.execute(f"update transcript_entries set {change}")  # noqa: S608


class Arrivals:
    """Stores entries in sessions of their own, from a thread of its own loop."""

    def __init__(self, portal: BlockingPortal, database: Database) -> None:
        self._portal = portal
        self._database = database

    def store(self, entries: list[TranscriptEntry], sizes: list[int]) -> list[tuple[str, int]]:
        """Send entries in portions of these sizes, over and over; what is stored, in order."""
        return self._portal.call(self._store, entries, sizes)

    async def _store(self, entries, sizes):
        session = await add_session(self._database)
        portions = itertools.cycle(sizes)
        while entries:
            size = next(portions)
            await send(self._database, session, *entries[:size])
            entries = entries[size:]
        rows = await stored(self._database, session)
        assert [row.position for row in rows] == list(range(1, len(rows) + 1))
        return [(row.entry.item_id, row.entry.revision) for row in rows]


@pytest.fixture
def arrivals(dsn: str) -> Generator[Arrivals, None, None]:
    with (
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(open_database(dsn, min_size=1)) as database,
    ):
        yield Arrivals(portal, database)


turns = st.lists(
    st.tuples(st.integers(-1, 9), st.integers(0, 3), st.booleans()), min_size=1, max_size=8
)


@given(st.data())
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
def test_every_order_of_arrival_gives_the_same_transcript(arrivals: Arrivals, data):
    """Links to what comes late, to what never comes, and in rings; several accounts of an item."""
    links, accounts = {}, []
    for n, (after, second, is_revised) in enumerate(data.draw(turns)):
        link = Link(f"i{after}" if after >= 0 else None, START + timedelta(seconds=second))
        links[f"i{n}"] = link
        accounts += [
            entry(f"i{n}", after=link.previous_item_id, second=second, revision=r, final=final)
            for r, final in ([(7, False), (2, True), (3, True)] if is_revised else [(3, True)])
        ]
    order = data.draw(st.permutations(accounts))
    sizes = data.draw(st.lists(st.integers(1, 4), min_size=1, max_size=4))
    assert arrivals.store(order, sizes) == [(item_id, 3) for item_id in chain_order(links)]
