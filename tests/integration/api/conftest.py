import pytest

from support.api import open_api, scripted_provider, scripted_voice
from support.postgres import admin_dsn, database, database_name, dsn, postgres

__all__ = ["admin_dsn", "database", "database_name", "dsn", "postgres"]


@pytest.fixture
async def api(database, admin_dsn):
    async with (
        scripted_provider() as provider,
        scripted_voice() as voice,
        open_api(database, admin_dsn, provider=provider, voice=voice) as server,
    ):
        yield server
