"""Who may do what to which rows: what the database must answer, and how to ask it."""

# ruff: noqa: S608  the statements are made of our own words

import json
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import asyncpg

TENANT = "aaaaaaaa-0000-4000-8000-000000000000"
OTHER_TENANT = "bbbbbbbb-0000-4000-8000-000000000000"
OWN = "aaaaaaaa-0000-4000-8000-000000000001"
SIBLING = "aaaaaaaa-0000-4000-8000-000000000002"
FOREIGN = "bbbbbbbb-0000-4000-8000-000000000001"
NEW = "cccccccc-0000-4000-8000-000000000001"
OWNER = "owner_of_tables"

# What may be done to a row of one's own (S)elect, (I)nsert, (U)pdate, (D)elete. Recruiters have it
# for their tenant, the others for their session, the invited for their invitation. Whatever does
# not stand here must be refused.
RIGHTS = {
    # table              recruiter  candidate  writer  service  invited
    "tenants": ("S", "", "", "SIUD", ""),
    "companies": ("SI", "", "", "SIUD", ""),
    "interviews": ("SIUD", "", "", "SIUD", ""),
    "invitations": ("SIU", "", "", "SIUD", "S"),
    "consents": ("S", "", "", "SI", "S"),
    "console_links": ("", "", "", "SIUD", ""),
    "interview_sessions": ("SIUD", "S", "S", "SIUD", "S"),
    "transcript_entries": ("S", "S", "SIU", "SIUD", ""),
    "session_calls": ("SIU", "", "", "SIUD", ""),
    "session_events": ("SI", "S", "", "SIUD", ""),
    "token_revocations": ("SI", "S", "", "SIUD", "S"),
    "audit_log": ("SI", "", "", "SI", ""),
    "erasures": ("S", "", "", "SI", ""),
    "machines": ("", "", "", "SIUD", ""),
    "cleanup_jobs": ("", "", "", "SIUD", ""),
}


@dataclass(frozen=True)
class Actor:
    """Somebody at the database. `column` is theirs in RIGHTS; None may do nothing at all."""

    name: str
    role: str
    claims: dict[str, Any] = field(default_factory=dict)
    column: int | None = None

    @property
    def becoming(self) -> str:
        claims = json.dumps(self.claims)
        return (
            f"select set_config('request.jwt.claims', '{claims}', true),"
            f" set_config('role', '{self.role}', true)"
        )

    def may(self, verb: str, table: str, target: str) -> bool:
        if self.column is None or verb not in RIGHTS[table][self.column]:
            return False
        if self.name == "service":
            return True
        if self.claims.keys() & {"session_id", "invitation_id"}:
            return target == OWN
        return target != FOREIGN


_CROSSED = {"tenant_id": TENANT, "session_id": FOREIGN}
RECRUITER = Actor("recruiter", "authenticated", {"tenant_id": TENANT}, 0)
SERVICE = Actor("service", "service_role", {}, 3)
SUPERUSER = Actor("superuser", "none")
WRITER = Actor("writer", "transcript_writer", {"tenant_id": TENANT, "session_id": OWN}, 2)
INVITED = Actor(
    "invited", "authenticated", {"tenant_id": TENANT, "invitation_id": OWN, "jti": OWN}, 4
)
ACTORS = [
    RECRUITER,
    Actor("user of a Supabase", "authenticated", {"app_metadata": {"tenant_id": TENANT}}, 0),
    Actor("candidate", "authenticated", {"tenant_id": TENANT, "session_id": OWN, "jti": OWN}, 1),
    WRITER,
    SERVICE,
    INVITED,
    Actor("candidate of a foreign session", "authenticated", _CROSSED),
    Actor("writer of a foreign session", "transcript_writer", _CROSSED),
    Actor("token without claims", "authenticated"),
    Actor("token without a tenant", "authenticated", {"session_id": OWN}),
    Actor(
        "invited by a foreign tenant",
        "authenticated",
        {"tenant_id": TENANT, "invitation_id": FOREIGN},
    ),
    Actor("invitation without a tenant", "authenticated", {"invitation_id": OWN}),
    Actor("visitor", "anon", {"tenant_id": TENANT}),
    Actor("login", "authenticator", {"tenant_id": TENANT}),
    Actor("owner of the tables", OWNER, {"tenant_id": TENANT}),
]

_KEYS = {
    "transcript_entries": "item_id",
    "session_calls": "call_id",
    "token_revocations": "jti",
    "audit_log": "object",
    "erasures": "subject_hash",
}
_HELD_BY = {"interviews": "interview_id", "invitations": "invitation_id"}
_CHANGES = {
    "tenants": "name = 'Changed'",
    "companies": "name = 'Changed'",
    "interviews": "title = 'Changed'",
    "invitations": "revoked_at = now()",
    "consents": "text_version = 'changed'",
    "console_links": "used_at = now()",
    "interview_sessions": "status = 'ending'",
    "transcript_entries": "content = 'changed'",
    "session_calls": "ended_at = now()",
    "session_events": "type = 'changed'",
    "token_revocations": "expires_at = now()",
    "audit_log": "action = 'changed'",
    "erasures": "by = 'changed'",
    "machines": "state = 'lost'",
    "cleanup_jobs": "kind = 'changed'",
}


def tenant_of(session: str) -> str:
    return OTHER_TENANT if session == FOREIGN else TENANT


def insertion(table: str, key: str, tenant: str, session: str) -> str:
    """A row of a tenant and a session, that is found again by its key.

    A session has the id of its interview and of its invitation.
    """
    columns, values = {
        "tenants": ("id, name", "'{key}', 'Any'"),
        "companies": ("id, tenant_id, name", "'{key}', '{tenant}', 'Any'"),
        "interviews": (
            "id, tenant_id, author_id, title, questions",
            "'{key}', '{tenant}', '{key}', 'Any', '[]'",
        ),
        "invitations": (
            "id, tenant_id, interview_id, author_id, token_hash, expires_at",
            "'{key}', '{tenant}', '{session}', '{key}', sha256('{key}'), now() + '1h'",
        ),
        "consents": (
            "id, tenant_id, invitation_id, text_version, agreed",
            "'{key}', '{tenant}', '{session}', '{key}', '[]'",
        ),
        "console_links": (
            "id, tenant_id, user_id, token_hash, expires_at",
            "'{key}', '{tenant}', '{key}', sha256('{key}'), now() + '1h'",
        ),
        "interview_sessions": (
            "id, tenant_id, user_id, interview_id, invitation_id",
            "'{key}', '{tenant}', '{key}', '{session}', '{session}'",
        ),
        "transcript_entries": (
            "item_id, tenant_id, session_id, position, change_seq, speaker, content",
            "'{key}', '{tenant}', '{session}', 1, 1, 'ai', 'Welcome.'",
        ),
        "session_calls": ("call_id, tenant_id, session_id", "'{key}', '{tenant}', '{session}'"),
        "session_events": (
            "id, tenant_id, session_id, type",
            "'{key}', '{tenant}', '{session}', 'pause'",
        ),
        "token_revocations": (
            "jti, tenant_id, session_id, expires_at",
            "'{key}', '{tenant}', '{session}', now()",
        ),
        "audit_log": ("object, tenant_id, actor, action", "'{key}', '{tenant}', 'any', 'any'"),
        "erasures": ("subject_hash, tenant_id, by", "'{key}', '{tenant}', 'any'"),
        "machines": (
            "id, tenant_id, session_id, provider, expires_at",
            "'{key}', '{tenant}', '{session}', 'process', now()",
        ),
        "cleanup_jobs": ("id, kind, session_id", "'{key}', 'any', '{session}'"),
    }[table]
    values = values.format(key=key, tenant=tenant, session=session)
    return f"insert into {table} ({columns}) values ({values})"


def statement(verb: str, table: str, target: str) -> str:
    """What tries a verb on the row of a target, or on a new one beside it."""
    key = tenant_of(target) if table == "tenants" else target
    found = f"{table} where {_KEYS.get(table, 'id')} = '{key}'"
    # An interview or invitation with sessions cannot be deleted, so they go with it.
    held = _HELD_BY.get(table)
    sessions = f"with held as (delete from interview_sessions where {held} = '{key}') "
    return {
        "S": f"select from {found}",
        "I": insertion(table, NEW, tenant_of(target), target),
        "U": f"update {table} set {_CHANGES.get(table)} where {_KEYS.get(table, 'id')} = '{key}'",
        "D": f"{sessions if held else ''}delete from {found}",
    }[verb]


async def succeeds(connection: asyncpg.Connection, actor: Actor, sql: str) -> bool:
    """Whether a statement does something; it is undone."""
    attempt = connection.transaction()
    await attempt.start()
    try:
        await connection.execute(actor.becoming)
        status = await connection.execute(sql)
    except (asyncpg.InsufficientPrivilegeError, asyncpg.IntegrityConstraintViolationError):
        return False
    finally:
        await attempt.rollback()
    return not status.endswith(" 0")


def cases(tables: Iterator[str] | list[str]) -> Iterator[tuple[str, Actor, str, str]]:
    for table in tables:
        for actor in ACTORS:
            for target in (OWN, SIBLING, FOREIGN):
                for verb in "SIUD":
                    yield table, actor, target, verb


async def violations(
    connection: asyncpg.Connection, tables: list[str]
) -> AsyncGenerator[str, None]:
    """Every case in which the database does not answer as RIGHTS says."""
    for table, actor, target, verb in cases(tables):
        got = await succeeds(connection, actor, statement(verb, table, target))
        if got != actor.may(verb, table, target):
            where = {OWN: "own", SIBLING: "sibling's", FOREIGN: "foreign"}[target]
            yield f"{actor.name} {'may' if got else 'may not'} {verb} {where} {table}"


async def populate(admin_dsn: str) -> None:
    """Put a row for each target into each table, and give the tables to an ordinary role."""
    connection = await asyncpg.connect(admin_dsn)
    try:
        if not await connection.fetchval("select to_regrole($1) is not null", OWNER):
            await connection.execute(f"create role {OWNER} nologin")
        for table in RIGHTS:
            for target in (TENANT, OTHER_TENANT) if table == "tenants" else (OWN, SIBLING, FOREIGN):
                await connection.execute(insertion(table, target, tenant_of(target), target))
        for table in RIGHTS:
            await connection.execute(f"alter table {table} owner to {OWNER}")
    finally:
        await connection.close()


@asynccontextmanager
async def undone(connection: asyncpg.Connection, sql: str) -> AsyncGenerator[None, None]:
    """Change the schema for the length of the block."""
    attempt = connection.transaction()
    await attempt.start()
    try:
        await connection.execute(sql)
        yield
    finally:
        await attempt.rollback()
