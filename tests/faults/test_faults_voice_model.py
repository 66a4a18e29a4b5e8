"""A voice model that is down or says nothing: a start fails clearly, and leaves nothing behind."""

import aiohttp
import anyio
import pytest

from support.api import VOICE_KEY, open_api, scripted_provider, scripted_voice
from support.postgres import admin_dsn, database, database_name, dsn, postgres
from vivavoce.errors import Unavailable
from vivavoce.protocol.machine import VoiceAccess
from vivavoce.voice.calls import hang_up
from vivavoce.voice.secrets import create_client_secret

__all__ = ["admin_dsn", "database", "database_name", "dsn", "postgres"]


@pytest.mark.parametrize("architecture", ["hybrid", "direct"])
async def test_a_voice_model_that_is_down(database, admin_dsn, architecture):
    async with scripted_provider() as provider, scripted_voice() as voice:
        address, voice.url = voice.url, "http://127.0.0.1:9/v1"  # the port of "discard"
        async with open_api(database, admin_dsn, provider=provider, voice=voice) as api:
            answer = await api.start({"architecture": architecture})
            assert (answer.status, answer.code) == (503, "UNAVAILABLE")
            assert address not in answer.json["detail"]
            row = await api.until("select * from interview_sessions where status = 'failed'")
            assert '"call"' in row["failure"]
            await api.until(
                "select 1 where not exists (select from machines where state <> 'gone')"
            )
            assert provider.alive == []


async def test_a_voice_model_that_says_nothing_is_not_waited_for_without_end():
    async with scripted_voice() as voice, aiohttp.ClientSession() as http:
        voice.gate = anyio.Event()
        with pytest.raises(Unavailable, match="no answer within"):
            await create_client_secret(
                http, VoiceAccess(base_url=voice.url, api_key=VOICE_KEY), {}, timeout=0.2
            )
        voice.gate.set()


async def test_a_call_whose_end_is_not_confirmed_may_go_on():
    async with aiohttp.ClientSession() as http:
        access = VoiceAccess(base_url="http://127.0.0.1:9/v1", api_key=VOICE_KEY)
        with pytest.raises(Unavailable):
            await hang_up(http, access, "rtc_1")
