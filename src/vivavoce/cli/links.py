"""Links into a platform that is up: to the console, and to an interview to try."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Final

from vivavoce.cli.access import api_url
from vivavoce.cli.home import AUTHOR_ID, INTERVIEW_ID, TENANT_ID, USER_ID
from vivavoce.errors import NotFound, Unavailable
from vivavoce.settings import ServerSettings
from vivavoce.store import invitations
from vivavoce.store.console_links import insert_link
from vivavoce.store.embedded import attach_postgres
from vivavoce.store.pool import Database, open_database

CONSOLE_SECONDS: Final = 3600
TRIAL_SECONDS: Final = 7 * 86_400


async def console_link(database: Database, url: str) -> str:
    """Make a link that lets the local recruiter into the console, once, within an hour.

    Raises:
        Unavailable: If the database does not answer.
    """
    secret, token_hash = invitations.new_secret()
    async with database.as_service() as conn:
        await insert_link(
            conn,
            tenant_id=TENANT_ID,
            user_id=USER_ID,
            token_hash=token_hash,
            expires_at=datetime.now(UTC) + timedelta(seconds=CONSOLE_SECONDS),
        )
    return f"{url}/console#{secret}"


async def trial_link(database: Database, url: str) -> str | None:
    """Make a link to the interview to try, in place of those that nobody has come with.

    Returns:
        None if the interview was deleted.

    Raises:
        Unavailable: If the database does not answer.
    """
    secret, token_hash = invitations.new_secret()
    async with database.as_service() as conn:
        await invitations.delete_unused(conn, INTERVIEW_ID, author_id=AUTHOR_ID)
        try:
            invitation_id = await invitations.insert_invitation(
                conn,
                tenant_id=TENANT_ID,
                interview_id=INTERVIEW_ID,
                author_id=AUTHOR_ID,
                token_hash=token_hash,
                candidate=None,
                max_uses=1,
                expires_at=datetime.now(UTC) + timedelta(seconds=TRIAL_SECONDS),
            )
        except NotFound:
            return None
    return f"{url}/i/{invitation_id}#{secret}"


async def console_link_of_home(settings: ServerSettings) -> str:
    """Make a console link for the platform that runs from this home.

    Raises:
        Unavailable: If nothing runs from it, or its database does not answer.
    """
    url = api_url(settings)
    async with open_database_of_home(settings) as database:
        return await console_link(database, url)


@asynccontextmanager
async def open_database_of_home(settings: ServerSettings) -> AsyncGenerator[Database, None]:
    """The database of the settings, or the embedded one that runs in this home.

    Raises:
        Unavailable: If it does not answer.
    """
    if settings.database_url is not None:
        dsn = settings.database_url.get_secret_value()
    else:
        postgres = await attach_postgres(settings.home)
        if postgres is None:
            raise Unavailable(
                f"The database in {settings.home} does not answer. Start it with: viva up"
            )
        dsn = postgres.dsn
    async with open_database(dsn, min_size=1, max_size=1) as database:
        yield database
