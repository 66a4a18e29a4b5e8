"""What the keys of the tables guarantee, beyond who may do what."""

# ruff: noqa: S608  the statements are made of our own words

import json
from collections.abc import AsyncGenerator

import asyncpg

from support.rls import (
    FOREIGN,
    INVITED,
    NEW,
    OTHER_TENANT,
    OWN,
    RECRUITER,
    SERVICE,
    SIBLING,
    SUPERUSER,
    TENANT,
    WRITER,
    Actor,
    insertion,
    succeeds,
)

NOBODY = "dddddddd-0000-4000-8000-000000000000"
_SESSION_TABLES = (
    "transcript_entries",
    "session_calls",
    "session_events",
    "token_revocations",
    "machines",
)
INGEST = ("viva.ingest", "viva.ingest_plainly")
_GIVE_AWAY = f"update transcript_entries set tenant_id = '{OTHER_TENANT}' where item_id = '{OWN}'"
_COMPANY = "update interview_sessions set company_id = '{}' where id = '{}'"


async def broken_promises(connection: asyncpg.Connection) -> AsyncGenerator[str, None]:
    """Every promise that the database does not keep."""
    for promise, sql, actor, expected in _promises():
        if await succeeds(connection, actor, sql) != expected:
            yield promise
    for function in INGEST:
        if not await _stores(connection, function):
            yield f"{function} stores an entry"


def _promises():
    for table in _SESSION_TABLES:
        yield (
            f"{table}: a row of one tenant cannot belong to a session of another",
            insertion(table, NEW, TENANT, FOREIGN),
            SERVICE,
            False,
        )
    for table in ("companies", "interviews", "console_links", "audit_log", "erasures"):
        yield (
            f"{table}: every row has a tenant that exists",
            insertion(table, NEW, NOBODY, OWN),
            SERVICE,
            False,
        )
    yield (
        "interview_sessions: every row has a tenant that exists",
        f"insert into interview_sessions (tenant_id, user_id) values ('{NOBODY}', '{NEW}')",
        SERVICE,
        False,
    )
    yield from _promises_to_the_invited()
    yield (
        "token_revocations: every row has a tenant that exists",
        insertion("token_revocations", NEW, NOBODY, OWN).replace(f"'{OWN}'", "null"),
        SERVICE,
        False,
    )
    yield "a session has a company of its tenant", _COMPANY.format(OWN, OWN), RECRUITER, True
    yield "a session has no foreign company", _COMPANY.format(FOREIGN, OWN), SERVICE, False
    yield (
        "an item is stored once in a session",
        insertion("transcript_entries", OWN, TENANT, OWN),
        SERVICE,
        False,
    )
    yield (
        "two sessions may have items of one name",
        insertion("transcript_entries", OWN, TENANT, SIBLING),
        SERVICE,
        True,
    )
    yield "an entry cannot be given to another tenant", _GIVE_AWAY, WRITER, False
    yield "an idempotency key names one session", _same_key(TENANT, TENANT), SERVICE, False
    yield "tenants do not share keys", _same_key(TENANT, OTHER_TENANT), SERVICE, True
    yield (
        "a candidate cannot bring an erased session back",
        insertion("interview_sessions", NEW, TENANT, OWN),
        Actor("candidate", "authenticated", {"tenant_id": TENANT, "session_id": NEW}),
        False,
    )
    yield (
        "a candidate cannot revoke its own token behind our back",
        insertion("token_revocations", NEW, TENANT, OWN),
        Actor("candidate", "authenticated", {"tenant_id": TENANT, "session_id": OWN, "jti": NEW}),
        False,
    )
    for function in INGEST:
        yield (
            f"nobody but the login runs {function}",
            f"select {function}('[]')",
            RECRUITER,
            False,
        )


def _promises_to_the_invited():
    for table, column in (
        ("invitations", "interview_id"),
        ("consents", "invitation_id"),
        ("interview_sessions", "interview_id"),
        ("interview_sessions", "invitation_id"),
    ):
        yield (
            f"{table}: {column} cannot be another tenant's",
            f"update {table} set {column} = '{FOREIGN}' where id = '{OWN}'",
            SUPERUSER,
            False,
        )
    yield (
        "an interview has no foreign company",
        f"update interviews set company_id = '{FOREIGN}' where id = '{OWN}'",
        SERVICE,
        False,
    )
    for table in ("invitations", "console_links"):
        yield (
            f"{table}: a secret opens one thing",
            insertion(table, NEW, TENANT, OWN).replace(f"sha256('{NEW}')", f"sha256('{OWN}')"),
            SERVICE,
            False,
        )
    for version, is_new in ((OWN, False), (NEW, True)):
        yield (
            f"a text is agreed to once ({'another' if is_new else 'the same'} text)",
            insertion("consents", NEW, TENANT, OWN).replace(f"'{NEW}', '[]'", f"'{version}', '[]'"),
            SERVICE,
            is_new,
        )
    yield "nobody reads a hash", "select token_hash from invitations", RECRUITER, False
    yield "the control plane reads hashes", "select token_hash from invitations", SERVICE, True
    yield (
        "an interview that was held cannot be deleted",
        f"delete from interviews where id = '{OWN}'",
        RECRUITER,
        False,
    )
    yield (
        "an invited candidate starts no session behind our back",
        insertion("interview_sessions", NEW, TENANT, OWN),
        INVITED,
        False,
    )
    yield (
        "an invited candidate does not bring an invitation back",
        insertion("invitations", NEW, TENANT, OWN),
        Actor("invited", "authenticated", {"tenant_id": TENANT, "invitation_id": NEW}),
        False,
    )
    yield (
        "an invited candidate does not make the invitation good again",
        f"update invitations set revoked_at = null where id = '{OWN}'",
        INVITED,
        False,
    )


def _same_key(tenant: str, other: str) -> str:
    values = ", ".join(f"('{each}', '{NOBODY}', 'key')" for each in (tenant, other))
    return f"insert into interview_sessions (tenant_id, user_id, idempotency_key) values {values}"


async def _stores(connection: asyncpg.Connection, function: str) -> bool:
    entry = {
        "itemId": NEW,
        "revision": 1,
        "speaker": "ai",
        "content": "Welcome.",
        "timestamp": "2026-11-24T09:00:00Z",
        "final": True,
        "truncated": False,
    }
    batch = {
        "claims": json.dumps(WRITER.claims),
        "sessionId": OWN,
        "witness": "sideband",
        "entries": [entry],
    }
    attempt = connection.transaction()
    await attempt.start()
    try:
        await connection.execute("set local role authenticator")
        answer = await connection.fetchval(f"select {function}($1::jsonb)", json.dumps([batch]))
    finally:
        await attempt.rollback()
    return json.loads(answer)[0]["accepted"] == 1
