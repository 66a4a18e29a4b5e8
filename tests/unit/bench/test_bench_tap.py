"""The tap must notice acknowledgements, and nothing else, and change no byte."""

import aiohttp
import anyio
import pytest
from aiohttp import web
from bench.tap import tap

PROCESSOR = "/functions/v1/transcript-processor"


@pytest.mark.parametrize(
    ("path", "status", "noticed"),
    [(PROCESSOR, 200, 1), (PROCESSOR, 503, 0), ("/healthz", 200, 0)],
)
async def test_only_an_acknowledgement_of_the_processor_is_noticed(path, status, noticed):
    async def answer(request):
        return web.Response(status=status, body=await request.read())

    application = web.Application()
    application.router.add_post(path, answer)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        async with (
            tap(runner.addresses[0][1]) as tapped,
            aiohttp.ClientSession() as http,
            http.post(tapped.url + path, data=b"x" * 100_000) as response,
        ):
            assert await response.read() == b"x" * 100_000
            assert tapped.acknowledged.statistics().current_buffer_used == noticed
    finally:
        with anyio.move_on_after(5, shield=True):
            await runner.cleanup()
