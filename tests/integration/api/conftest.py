import pytest

from support.postgres import admin_dsn, database, database_name, dsn, postgres
from support.scripted_api import open_scripted_api

__all__ = ["admin_dsn", "database", "database_name", "dsn", "postgres"]


@pytest.fixture
async def api(database, admin_dsn):
    async with open_scripted_api(database, admin_dsn) as server:
        yield server
