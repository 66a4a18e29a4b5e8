"""Offers that cannot be answered, and voice models that do not answer."""

import anyio
import pytest

from support.voice_model import ANSWER, OFFER
from vivavoce.protocol.machine import VoiceAccess


async def refused(client, **data):
    await client.send("offer", {"sdp": OFFER, **data})
    return await client.until("error")


@pytest.mark.parametrize(
    "sdp",
    [
        "hello",
        "v=0",
        OFFER.replace("m=audio", "m=video"),
        OFFER.replace("a=fingerprint", "a=x"),
        OFFER.replace("a=ice-pwd", "a=x"),
        OFFER + "nonsense\r\n",
        OFFER + "a=x\x00y\r\n",
        OFFER + "a=" + "x" * 5_000 + "\r\n",
        OFFER + "a=x\r\n" * 1_500,
        OFFER + "m=audio 9 UDP/TLS/RTP/SAVPF 0\r\n" * 20,
    ],
    ids=[
        "prose",
        "empty",
        "no audio",
        "no fingerprint",
        "no password",
        "no line",
        "control character",
        "long line",
        "many lines",
        "many sections",
    ],
)
async def test_nonsense_never_reaches_the_voice_model(bench, voice, sdp):
    async with bench.connect() as client:
        error = await refused(client, sdp=sdp)
        assert error["code"] == "INVALID_REQUEST"
        assert not voice.requests
        assert (await client.offer())["answer"]


async def test_an_offer_that_is_too_large_is_refused(bench, voice):
    async with bench.connect() as client:
        error = await refused(client, sdp=OFFER + "a=x\r\n" * 7_000)
        assert error["code"] == "INVALID_REQUEST"
        assert not voice.requests


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (400, '{"error":{"code":"invalid_offer","message":"secret words of the instructions"}}'),
        (401, '{"error":{"code":"invalid_api_key","message":"Incorrect key sk-12345"}}'),
        (429, "{}"),
        (500, "<html>"),
        (302, ""),
    ],
)
async def test_a_voice_model_that_refuses_is_named_without_its_words(bench, voice, status, body):
    voice.refuse_offers = (status, body)
    async with bench.connect() as client:
        error = await refused(client)
        assert error["code"] == "SDP_EXCHANGE_FAILED"
        assert error["recovery"] == "retry_with_backoff"
        assert error["details"]["status"] == status
        assert "secret" not in error["message"]
        assert "sk-1" not in error["message"]
        voice.refuse_offers = None
        assert (await client.offer())["answer"]["sdp"] == ANSWER


async def test_a_voice_model_that_is_down(claimed):
    async with (
        claimed(voice=VoiceAccess(base_url="http://127.0.0.1:9/v1", api_key="sk-x")) as bench,
        bench.connect() as client,
    ):
        error = await refused(client)
        assert error["code"] == "SDP_EXCHANGE_FAILED"
        assert error["retryable"] is True


async def test_an_offer_is_posted_once_even_if_it_fails(bench, voice):
    voice.refuse_offers = (503, "")
    async with bench.connect() as client:
        await refused(client)
        assert voice.requests == [("POST", "/v1/realtime/calls")]


@pytest.mark.parametrize("answer", ["", "hello", "v=0" + "x" * 70_000])
async def test_an_answer_that_is_none_is_refused_and_its_call_hung_up(bench, voice, answer):
    voice.answer = answer
    async with bench.connect() as client:
        assert (await refused(client))["code"] == "SDP_EXCHANGE_FAILED"
        assert voice.hang_ups == list(voice.calls)


async def test_an_answer_without_a_call_id_is_refused(bench, voice):
    voice.location = "/v1/realtime/calls/..%2F..%2Fadmin"
    async with bench.connect() as client:
        assert (await refused(client))["code"] == "SDP_EXCHANGE_FAILED"


async def test_many_offers_are_too_many(bench):
    async with bench.connect() as client:
        for _ in range(12):
            await client.send("offer", {"sdp": "v=0"})
        error = await client.until("error", lambda error: error["code"] == "RATE_LIMITED")
        assert error["recovery"] == "retry_with_backoff"


async def test_ice_candidates_before_the_offer_are_put_into_it(bench, voice):
    line = "candidate:1 1 udp 2130706431 192.0.2.1 50000 typ host"
    async with bench.connect() as client:
        await client.send("ice_candidate", {"candidate": line, "sdpMid": "0", "sdpMLineIndex": 0})
        await client.send("ice_candidate", {"candidate": None})
        await client.offer()
        assert voice.newest.offer == OFFER + f"a={line}\r\n"
        await client.send("ice_candidate", {"candidate": line, "sdpMid": "0"})
        await client.send("session", {})
        await client.until("session_ready")
        assert not client.of("error")


@pytest.mark.parametrize("line", ["candidate:1\r\na=evil", "evil", "candidate:\x00"])
async def test_an_ice_candidate_cannot_smuggle_lines(bench, line):
    async with bench.connect() as client:
        await client.send("ice_candidate", {"candidate": line})
        assert (await client.until("error"))["code"] == "INVALID_REQUEST"


async def test_a_call_that_is_made_while_the_interview_ends_is_hung_up(bench, voice, plane):
    voice.hold_answer = True
    async with bench.connect() as client:
        await client.send("offer", {"sdp": OFFER})
        await voice.until(lambda voice: voice.calls)
        await bench.channel.revoke(None)
        assert (await client.until("session_ended"))["reason"] == "revoked"
        assert await client.until_closed() == 1000
    await bench.channel.until_lost()
    with anyio.fail_after(5):
        await voice.until(lambda voice: voice.hang_ups)
    assert voice.live_calls == []
