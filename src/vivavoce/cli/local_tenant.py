"""The tenant of a home: made at the first start, with an interview to try."""

from typing import Final

import asyncpg
import msgspec

from vivavoce.cli.home import AUTHOR_ID, COMPANY_ID, INTERVIEW_ID, TENANT_ID
from vivavoce.protocol.interviews import Competency, InterviewDraft, InterviewQuestion
from vivavoce.settings import ServerSettings

TRIAL: Final = InterviewDraft(
    title="An interview to try",
    role="Customer support",
    questions=[
        InterviewQuestion(
            text="Could you tell me about yourself and the work you do?",
            probe="What do you like most about it?",
            weight=1.0,
        ),
        InterviewQuestion(
            text="Tell me about a time when you helped somebody who was upset.",
            probe="How did it end?",
            clarification="It can be a customer, a colleague or a friend.",
            weight=2.0,
            notes="Listens first; stays calm; says what came of it.",
        ),
        InterviewQuestion(text="What would you like to learn next?", must_ask=False, weight=1.0),
    ],
    competencies=[
        Competency(name="Listening", weight=2.0),
        Competency(name="Clarity", weight=1.0),
    ],
    max_duration=900,
    guidance="Be friendly and brief.",
    closing="That was all. Thank you for trying this out.",
)


async def prepare_local_tenant(admin_dsn: str, settings: ServerSettings) -> None:
    """Make the local tenant, its company and its first interview, where there is none.

    The interview is made with the tenant, once: who deletes it is rid of it.
    """
    connection = await asyncpg.connect(admin_dsn, timeout=10)
    try:
        async with connection.transaction():
            is_new = await connection.fetchval(
                """
                insert into tenants (id, name, max_concurrent_sessions) values ($1, $2, $3)
                on conflict (id) do update set name = excluded.name returning xmax = 0
                """,
                TENANT_ID,
                settings.organisation,
                settings.max_concurrent_sessions,
            )
            await connection.execute(
                "insert into companies (id, tenant_id, name) values ($1, $2, $3)"
                " on conflict (id) do nothing",
                COMPANY_ID,
                TENANT_ID,
                "Local",
            )
            if is_new:
                await _add_trial(connection)
    finally:
        await connection.close(timeout=5)


async def _add_trial(connection: asyncpg.Connection) -> None:
    await connection.execute(
        """
        insert into interviews (
          id, tenant_id, author_id, title, role, questions, competencies, max_duration, guidance,
          closing
        ) values ($1, $2, $3, $4, $5, $6::jsonb, $7::jsonb, $8, $9, $10)
        """,
        INTERVIEW_ID,
        TENANT_ID,
        AUTHOR_ID,
        TRIAL.title,
        TRIAL.role,
        msgspec.json.encode(TRIAL.questions).decode(),
        msgspec.json.encode(TRIAL.competencies).decode(),
        TRIAL.max_duration,
        TRIAL.guidance,
        TRIAL.closing,
    )
