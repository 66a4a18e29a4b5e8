"""An API whose machines and voice model do as they are told: `api.provider`, `api.voice`."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

from support.api import ApiServer, open_api, scripted_provider, scripted_voice
from vivavoce.store.pool import Database


@asynccontextmanager
async def open_scripted_api(
    database: Database, admin_dsn: str, **settings: Any
) -> AsyncGenerator[ApiServer, None]:
    """Run one for the length of the block; further arguments are those of `open_api`."""
    async with (
        scripted_provider() as provider,
        scripted_voice() as voice,
        open_api(database, admin_dsn, provider=provider, voice=voice, **settings) as api,
    ):
        yield api
