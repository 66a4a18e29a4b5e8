"""The observer must keep exactly what was acknowledged: the soak trusts it."""

import aiohttp
import pytest
from aiohttp import web
from bench.history import Entry
from bench.observer import PROCESSOR, observe

EVENT = {
    "sessionId": "session-1",
    "speaker": "ai",
    "content": "Good morning.",
    "timestamp": "2026-01-01T00:00:00Z",
    "itemId": "item_1",
    "revision": 2,
}
RECEIPT = {"accepted": 1, "duplicates": 0, "rejected": []}


async def serving(status, answer):
    async def process(request):
        return web.json_response(answer, status=status)

    application = web.Application()
    application.router.add_post(PROCESSOR, process)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    return runner


async def acknowledged(*, body, status=200, answer=RECEIPT):
    runner = await serving(status, answer)
    try:
        async with (
            observe(f"http://127.0.0.1:{runner.addresses[0][1]}") as observer,
            aiohttp.ClientSession() as http,
            http.post(observer.url + PROCESSOR, json=body) as response,
        ):
            assert response.status == status
            assert await response.json() == answer
            return observer.acknowledged["session-1"]
    finally:
        await runner.cleanup()


@pytest.mark.parametrize("body", [EVENT, {"events": [EVENT]}])
async def test_an_acknowledged_event_is_kept_whether_alone_or_in_a_batch(body):
    assert await acknowledged(body=body) == [Entry("item_1", 2, "Good morning.")]


async def test_what_the_processor_rejects_was_not_acknowledged():
    refusal = {"itemId": "item_1", "code": "INVALID_REQUEST", "message": "No."}
    answer = {**RECEIPT, "rejected": [refusal]}
    assert await acknowledged(body=EVENT, answer=answer) == []


async def test_a_failed_request_acknowledged_nothing():
    assert await acknowledged(body=EVENT, status=503, answer={}) == []


async def test_while_the_api_is_away_the_connection_breaks():
    runner = await serving(200, RECEIPT)
    url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()
    async with observe(url) as observer, aiohttp.ClientSession() as http:
        with pytest.raises(aiohttp.ClientError):
            await http.post(observer.url + PROCESSOR, json=EVENT)
        assert not observer.acknowledged
