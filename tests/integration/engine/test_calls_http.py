"""Calls by HTTP: who may open one, what is refused and how, and how calls end."""

import logging
import time
import uuid
from contextlib import suppress

import aiohttp
import anyio
import pytest
from aiortc import RTCPeerConnection
from anyio.streams.buffered import BufferedByteReceiveStream

from support.engine import run_engine_process
from support.rtc import Microphone, open_call, post_offer
from vivavoce.engine.app import run_engine
from vivavoce.settings import EngineSettings
from vivavoce.webrtc import open_peer_connection, set_local_description


@pytest.fixture
async def http():
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(20)) as session:
        yield session


@pytest.fixture
async def offer():
    """An offer of audio and a data channel; its maker lives as long as the test."""
    async with open_peer_connection() as peer:
        yield await offer_of(peer)


async def offer_of(peer: RTCPeerConnection) -> str:
    peer.createDataChannel("oai-events")
    peer.addTrack(Microphone())
    local = await set_local_description(peer, await peer.createOffer(), loopback_only=True)
    return local.sdp


async def until_closed(stream: anyio.abc.ByteReceiveStream) -> None:
    while True:
        await stream.receive()


async def error_of(response: aiohttp.ClientResponse) -> dict:
    error = (await response.json())["error"]
    assert error.keys() == {"message", "type", "code", "param"}
    return error


SDP = {"Content-Type": "application/sdp"}


@pytest.mark.parametrize("token", ["", "wrong-key-wrong-key", "ek_unknown"])
async def test_a_wrong_key_is_refused(engine, http, offer, token):
    headers = {**SDP, "Authorization": f"Bearer {token}"}
    async with http.post(engine.calls_url, data=offer, headers=headers) as response:
        assert response.status == 401
        assert (await error_of(response))["code"] == "invalid_api_key"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"hello",
        b"v=0",
        b"\xff\xfe",
        b"v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\nm=video 9 RTP/AVP 96\r\n",
        b"v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\nm=audio x y z\r\n",
        b"v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=fingerprint:nonsense\r\n",
        b"a" * 100_000,
    ],
    ids=["empty", "text", "only-version", "no-text", "no-audio", "bad-media", "no-keys", "large"],
)
async def test_an_offer_that_is_none_is_refused(engine, http, body):
    headers = {**SDP, **engine.headers}
    async with http.post(engine.calls_url, data=body, headers=headers) as response:
        assert response.status == 400
        assert (await error_of(response))["code"] == "invalid_offer"


@pytest.mark.parametrize(
    ("session", "param"),
    [
        ('{"audio": {"output": {"speed": "fast"}}}', "session.audio.output.speed"),
        ('{"audio": {"input": {"turn_detection": {"type": "magic"}}}}', None),
        ('{"type": "transcription"}', "session.type"),
        ('{"instructions": 7}', "session.instructions"),
        ("[" * 5000, None),
        ("nonsense", None),
    ],
)
async def test_a_session_that_is_wrong_is_refused_by_the_name_of_its_field(
    engine, http, offer, session, param
):
    form = aiohttp.MultipartWriter("form-data")
    for name, value in (("sdp", offer), ("session", session)):
        form.append(value).set_content_disposition("form-data", name=name)
    async with http.post(engine.calls_url, data=form, headers=engine.headers) as response:
        assert response.status == 400
        error = await error_of(response)
        assert param is None or error["param"] == param


async def test_a_body_that_is_too_large_is_refused(engine, http):
    headers = {**SDP, **engine.headers}
    async with http.post(engine.calls_url, data=b"a" * 1_000_000, headers=headers) as response:
        assert response.status == 413
        await error_of(response)


async def test_what_does_not_exist_is_told_in_the_same_shape(engine, http):
    async with http.get(f"{engine.url}/v1/nowhere", headers=engine.headers) as response:
        assert response.status == 404
        await error_of(response)
    url = f"{engine.calls_url}/rtc_unknown/hangup"
    async with http.post(url, headers=engine.headers) as response:
        assert response.status == 404
        assert (await error_of(response))["code"] == "call_id_not_found"


async def test_a_client_secret_opens_one_call_with_its_session(engine, http, offer):
    wish = {"session": {"type": "realtime", "instructions": "Ask.\nQuestions:\n1. Why?"}}
    url = f"{engine.url}/v1/realtime/client_secrets"
    async with http.post(url, json=wish, headers=engine.headers) as response:
        assert response.status == 200
        secret = await response.json()
    assert secret["value"].startswith("ek_")
    assert secret["session"]["instructions"] == wish["session"]["instructions"]
    async with http.post(
        engine.calls_url, data="v=0", headers={**SDP, "Authorization": f"Bearer {secret['value']}"}
    ) as response:
        assert response.status == 400  # and the secret is still good
    async with open_call(engine.url, secret["value"]) as call:
        created = await call.until("session.created")
        assert created["session"]["instructions"] == wish["session"]["instructions"]
        headers = {**SDP, "Authorization": f"Bearer {secret['value']}"}
        async with http.post(engine.calls_url, data=offer, headers=headers) as response:
            assert response.status == 401
            assert (await error_of(response))["code"] == "ephemeral_token_already_used"


async def test_a_client_secret_lives_ten_minutes_unless_asked_otherwise(engine, http):
    url = f"{engine.url}/v1/realtime/client_secrets"
    for wish, seconds in (({}, 600), ({"expires_after": {"seconds": 10}}, 10)):
        before = int(time.time())
        async with http.post(url, json=wish, headers=engine.headers) as response:
            secret = await response.json()
        assert before + seconds <= secret["expires_at"] <= time.time() + seconds
        assert secret["session"]["type"] == "realtime"


@pytest.mark.parametrize("candidates", ["none", "hidden", "all"])
async def test_an_answer_holds_all_that_a_browser_needs(engine, http, offer, candidates):
    """Some post their offer before they have a candidate, some hide their addresses (mDNS)."""
    lines = [line for line in offer.splitlines() if not line.startswith("a=candidate")]
    hidden = f"a=candidate:1 1 udp 2130706431 {uuid.uuid4()}.local 50000 typ host"
    end = lines.index("a=end-of-candidates")
    body = {
        "none": [line for line in lines if line != "a=end-of-candidates"],
        "hidden": [*lines[:end], hidden, *lines[end:]],
        "all": offer.splitlines(),
    }[candidates]
    headers = {**SDP, **engine.headers}
    data = "\r\n".join([*body, ""])
    async with http.post(engine.calls_url, data=data, headers=headers) as response:
        assert response.status == 201
        answer = (await response.text()).splitlines()
        location = response.headers["Location"]
    async with http.post(f"{engine.url}{location}/hangup", headers=engine.headers) as response:
        assert response.status == 200
    assert "a=group:BUNDLE 0 1" in answer
    assert any(line.startswith("a=candidate:") and " typ host" in line for line in answer)
    assert "a=end-of-candidates" in answer
    assert {"a=setup:active"} == {line for line in answer if line.startswith("a=setup:")}
    codecs = {line.split()[1].split("/")[0] for line in answer if line.startswith("a=rtpmap:")}
    assert {"opus", "PCMU"} <= codecs
    (size,) = (line for line in answer if line.startswith("a=max-message-size:"))
    assert int(size.partition(":")[2]) >= 262_144


@pytest.mark.parametrize("seconds", [9, 7201])
async def test_a_client_secret_lives_within_limits(engine, http, seconds):
    wish = {"expires_after": {"anchor": "created_at", "seconds": seconds}}
    url = f"{engine.url}/v1/realtime/client_secrets"
    async with http.post(url, json=wish, headers=engine.headers) as response:
        assert response.status == 400
        assert (await error_of(response))["param"] == "expires_after.seconds"


async def test_a_page_of_another_origin_may_call_and_read_the_location(engine, http):
    headers = {
        "Origin": "http://localhost:5173",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,content-type,x-openai-agents-sdk",
    }
    async with http.options(engine.calls_url, headers=headers) as response:
        assert response.status in (200, 204)
        allowed = response.headers["Access-Control-Allow-Headers"].lower()
        assert "x-openai-agents-sdk" in allowed
        assert "authorization" in allowed
    headers = {"Origin": "http://localhost:5173", **SDP, **engine.headers}
    async with http.post(engine.calls_url, data="v=0", headers=headers) as response:
        assert response.headers["Access-Control-Allow-Origin"] == "*"
        assert "location" in response.headers["Access-Control-Expose-Headers"].lower()


async def test_hanging_up_ends_the_call_for_its_client(engine, http):
    async with open_call(engine.url, engine.key) as call:
        url = f"{engine.calls_url}/{call.call_id}/hangup"
        async with http.post(
            url, headers={**engine.headers, "Content-Type": "application/json"}
        ) as response:
            assert response.status == 200
            assert await response.read() == b""
        with anyio.fail_after(5):
            await call.closed.wait()
        async with http.post(url, headers=engine.headers) as response:
            assert response.status == 404


async def test_an_engine_is_ready_once_its_models_are_loaded(engine, http):
    async with http.get(f"{engine.url}/healthz") as response:
        assert response.status == 200
    with anyio.fail_after(30):
        while True:
            async with http.get(f"{engine.url}/readyz") as response:
                if response.status == 200:
                    break
            await anyio.sleep(0.1)
    async with http.get(f"{engine.url}/metrics") as response:
        assert "viva_engine_calls_active" in await response.text()


async def test_calls_beyond_the_limit_are_refused_and_those_that_never_connect_are_freed(http):
    with run_engine_process(max_calls="1", connect_seconds="1") as engine:
        async with open_peer_connection() as peer:
            offer = await offer_of(peer)
            await post_offer(engine.url, engine.key, offer)
            headers = {**SDP, **engine.headers}
            async with http.post(engine.calls_url, data=offer, headers=headers) as response:
                assert response.status == 429
                assert (await error_of(response))["code"] == "rate_limit_exceeded"
            with anyio.fail_after(10):
                while True:
                    async with http.post(engine.calls_url, data=offer, headers=headers) as response:
                        if response.status == 201:
                            break
                    await anyio.sleep(0.1)


START = b"POST /v1/realtime/calls HTTP/1.1\r\nHost: x\r\n"
BODY = b"Transfer-Encoding: chunked\r\n\r\n2\r\nv=\r\n0\r\n"


@pytest.mark.parametrize(
    ("start", "rest"),
    [
        (b"POST /", b"a"),
        (START, b"a"),
        (START + b"a: ", b"b"),
        (START, b"a: b\r\n"),
        (START + BODY, b"a: b\r\n"),
        (START + BODY + b"a: ", b"b"),
        (b"", b"\r\n"),
    ],
    ids=["address", "name", "header", "headers", "trailers", "trailer", "blank-lines"],
)
async def test_a_head_that_never_ends_is_not_kept(engine, start, rest):
    host, port = engine.url.removeprefix("http://").split(":")
    sent = len(start)
    async with (
        await anyio.connect_tcp(host, int(port)) as stream,
        anyio.create_task_group() as tasks,
    ):
        await stream.send(start)

        async def flood():
            nonlocal sent
            with suppress(anyio.BrokenResourceError):
                while True:
                    await stream.send(rest * (1_000 // len(rest)))
                    sent += 1_000

        tasks.start_soon(flood)
        with anyio.fail_after(20), suppress(anyio.EndOfStream, anyio.BrokenResourceError):
            await until_closed(stream)
        tasks.cancel_scope.cancel()
    assert sent < 20 * 1024 * 1024  # what the sockets hold beside the little that is kept


WHOLE_REQUEST = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
HALF_REQUESTS = (
    b"",
    b"POST /v1/realtime/calls HTTP/1.1\r\nHost: x\r\n",
    (
        b"POST /v1/realtime/calls HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\n"
        b"Content-Type: application/sdp\r\nContent-Length: 1000\r\n\r\nv=0"
    ),
    WHOLE_REQUEST + b"GET /healthz HT",
)


async def ask(stream: anyio.abc.ByteStream) -> None:
    """Have a request answered."""
    answer = BufferedByteReceiveStream(stream)
    await stream.send(WHOLE_REQUEST)
    head = await answer.receive_until(b"\r\n\r\n", 1000)
    assert head.startswith(b"HTTP/1.1 200")
    await answer.receive_until(b"}", 1000)


async def test_a_request_that_does_not_arrive_is_cut_off_within_ten_seconds(engine):
    host, port = engine.url.removeprefix("http://").split(":")

    async def send_half(half: bytes) -> None:
        async with await anyio.connect_tcp(host, int(port)) as stream:
            await stream.send(half.replace(b"{key}", engine.key.encode()))
            with pytest.raises(anyio.EndOfStream):
                await until_closed(stream)

    async with await anyio.connect_tcp(host, int(port)) as patient:
        await ask(patient)
        with anyio.fail_after(10):
            async with anyio.create_task_group() as tasks:
                for half in HALF_REQUESTS:
                    tasks.start_soon(send_half, half)
        await ask(patient)  # a connection with nothing to ask is not cut off


@pytest.mark.parametrize(("fault", "seconds"), [("hang-calls", 5), ("slow-answer=60", 0)])
async def test_an_engine_that_ends_while_an_offer_waits_tells_no_traceback(
    fault, seconds, http, offer, caplog
):
    key = "a-key-of-this-test"
    settings = EngineSettings(
        engine_api_key=key, engine_port=0, engine_faults=(fault,), engine_shutdown_seconds=seconds
    )
    is_sent, has_failed = anyio.Event(), anyio.Event()

    async def body():
        yield offer.encode()
        is_sent.set()

    async def call(url: str) -> None:
        headers = {**SDP, "Authorization": f"Bearer {key}"}
        with suppress(aiohttp.ClientError):
            async with http.post(
                f"{url}/v1/realtime/calls", data=body(), headers=headers
            ) as response:
                assert response.status == 500
        has_failed.set()

    async with anyio.create_task_group() as tasks, anyio.create_task_group() as engines:
        url = await engines.start(run_engine, settings)
        tasks.start_soon(call, url)
        with anyio.fail_after(10):
            await is_sent.wait()
            async with http.get(f"{url}/healthz") as response:  # the offer has come before it
                assert response.status == 200
        assert not has_failed.is_set()
        engines.cancel_scope.cancel()
    assert has_failed.is_set()
    errors = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert not any(record.exc_info for record in errors)
    assert not (seconds and errors)
