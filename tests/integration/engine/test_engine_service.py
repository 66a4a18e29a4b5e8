"""Calls as a service: room, limits, ends, and what is lost on the way."""

import json
import os
import signal
import subprocess
import sys
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import aiohttp
import anyio
import psutil
import pytest
from websockets import InvalidStatus, connect

from support.engine import run_engine_process
from support.rtc import Microphone, open_call
from support.speech import speech
from vivavoce.engine.app import run_engine
from vivavoce.engine.models import open_models
from vivavoce.settings import EngineSettings
from vivavoce.webrtc import open_peer_connection, set_local_description

TESTS = Path(__file__).parents[2]
KEY = "a-key-of-this-test"
SPOKEN = {
    "type": "realtime",
    "instructions": "Questions:\n1. Which city do you like?\n2. Why nursing?",
    "audio": {"input": {"transcription": {}, "turn_detection": {"type": "server_vad"}}},
}


@pytest.fixture
async def http():
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(20)) as session:
        yield session


@asynccontextmanager
async def offer():
    async with open_peer_connection() as peer:
        peer.createDataChannel("oai-events")
        peer.addTrack(Microphone())
        local = await set_local_description(peer, await peer.createOffer(), loopback_only=True)
        yield local.sdp


async def refusal(http, url, key):
    """Ask for a call that is to be refused: status, error and headers."""
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/sdp"}
    async with (
        offer() as sdp,
        http.post(f"{url}/v1/realtime/calls", data=sdp, headers=headers) as response,
    ):
        body = await response.json(content_type=None) if response.status != 201 else {}
        return response.status, body.get("error"), response.headers


async def until_stopping(engine, http):
    with anyio.fail_after(10):
        while True:
            async with http.get(f"{engine.url}/readyz") as response:
                if (await response.json())["status"] == "stopping":
                    return response.status
            await anyio.sleep(0.05)


async def eventually(holds):
    with anyio.fail_after(20):
        while True:
            if holds():
                return
            await anyio.sleep(0.05)


def sideband(engine, call_id):
    url = engine.url.replace("http", "ws") + f"/v1/realtime?call_id={call_id}"
    return connect(url, additional_headers=engine.headers, compression=None, max_size=None)


async def until_closed(socket):
    await socket.wait_closed()
    return socket.close_code


def worker_of(engine):
    return next(
        child for child in psutil.Process(engine.pid).children() if "worker" in str(child.cmdline())
    )


@contextmanager
def suspended(pid):
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


async def test_calls_are_refused_while_turns_wait_and_taken_again_by_themselves(http):
    settings = EngineSettings(
        engine_api_key=KEY, engine_port=0, engine_max_queue_seconds=0.3, engine_shutdown_seconds=0
    )
    async with open_models() as models, anyio.create_task_group() as tasks:
        await models.ready()

        async def run(*, task_status):
            await run_engine(settings, models=models, task_status=task_status)

        url = await tasks.start(run)
        assert (await refusal(http, url, KEY))[0] == 201
        with suspended(models.worker_pid):
            async with anyio.create_task_group() as turns:
                for number in range(2):  # one is with the worker, one waits for it
                    pcm = speech("My favourite city is Berlin.")[number * 2000 :]
                    turns.start_soon(models.transcribe, pcm)
                await eventually(lambda: models.delays.p90 > 0.3)
                status, error, headers = await refusal(http, url, KEY)
                turns.cancel_scope.cancel()
        assert status == 429
        assert error["code"] == "rate_limit_exceeded"
        assert "wait" in error["message"]
        assert int(headers["Retry-After"]) >= 1
        async with http.get(f"{url}/metrics") as response:
            shown = await response.text()
        assert "viva_engine_calls_refused_total 1.0" in shown
        assert "viva_engine_queue_delay_seconds" in shown
        await eventually(
            lambda: models.delays.p90 == 0
        )  # nothing waits; few have: it tells nothing
        assert (await refusal(http, url, KEY))[0] == 201
        tasks.cancel_scope.cancel()


@pytest.mark.timeout(90)
async def test_an_engine_that_is_to_stop_lets_live_calls_come_to_their_end(http):
    with run_engine_process(drain_seconds="60") as engine:
        async with open_call(engine.url, engine.key) as call:
            engine.stop()
            assert await until_stopping(engine, http) == 503
            status, error, headers = await refusal(http, engine.url, engine.key)
            assert (status, error["code"]) == (503, "engine_stopping")
            assert "Retry-After" in headers
            call.send("conversation.item.retrieve", item_id="none")
            await call.until("error")  # the call goes on
        with anyio.fail_after(15):
            await anyio.to_thread.run_sync(engine.process.wait)


@pytest.mark.timeout(90)
async def test_a_second_signal_ends_an_engine_at_once(http):
    with run_engine_process(drain_seconds="600") as engine:
        async with open_call(engine.url, engine.key) as call, sideband(engine, call.call_id) as one:
            engine.stop()
            await until_stopping(engine, http)
            engine.process.send_signal(signal.SIGTERM)
            with anyio.fail_after(10):
                code = await until_closed(one)
            assert code == 1001


@pytest.mark.timeout(90)
async def test_a_turn_is_answered_although_the_models_died_while_hearing_it():
    with run_engine_process() as engine:
        async with open_call(engine.url, engine.key, SPOKEN) as call:
            asked = [{"type": "output_text", "text": "Which city do you like?"}]
            item = {"type": "message", "role": "assistant", "content": asked}
            call.send("conversation.item.create", item=item)
            await call.until("conversation.item.done")
            first = len(call.events)
            worker = worker_of(engine)
            assert worker.nice() == psutil.Process(engine.pid).nice() + 10
            await call.microphone.say(
                speech("I like Berlin, because of its museums.", 24_000)[:-9600]
            )
            os.kill(worker.pid, signal.SIGSTOP)  # it has the turn in hand, and does not finish it
            await call.until("input_audio_buffer.committed", after=first)
            os.kill(worker.pid, signal.SIGKILL)
            heard = await call.until(
                "conversation.item.input_audio_transcription.completed", after=first
            )
            assert "berlin" in heard["transcript"].lower()
            said = await call.until("response.output_audio_transcript.done", after=first)
            assert "Why nursing?" in said["transcript"]
        async with aiohttp.ClientSession() as http, http.get(f"{engine.url}/metrics") as response:
            shown = await response.text()
        assert "viva_engine_worker_restarts_total 1.0" in shown
        assert "viva_engine_voice_to_voice_seconds_count 1.0" in shown
        assert "viva_engine_transcription_seconds_count" in shown


@contextmanager
def calling(engine):
    """A client in a process of its own, and its call."""
    with subprocess.Popen(  # noqa: S603
        [sys.executable, "-m", "support.calling", engine.url, engine.key],
        cwd=TESTS,
        env={**os.environ, "PYTHONPATH": str(TESTS)},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.timeout(90)
async def test_a_client_that_vanished_is_freed_whether_it_was_killed_or_fell_silent():
    with (
        run_engine_process(silent_seconds="4") as engine,
        calling(engine) as killed,
        calling(engine) as silent,
    ):
        ids = [process.stdout.readline().strip() for process in (killed, silent)]
        async with sideband(engine, ids[0]) as one, sideband(engine, ids[1]) as other:
            silent.send_signal(signal.SIGSTOP)  # its socket stays, and nothing comes from it
            killed.kill()
            with anyio.fail_after(6):
                assert await until_closed(one) == 1000
            with anyio.fail_after(12):
                assert await until_closed(other) == 1000


async def test_a_call_has_a_limited_number_of_sidebands():
    with run_engine_process() as engine:
        async with open_call(engine.url, engine.key) as call:
            attached = [await sideband(engine, call.call_id) for _ in range(16)]
            with pytest.raises(InvalidStatus) as refused:
                await sideband(engine, call.call_id)
            assert refused.value.response.status_code == 429
            for socket in attached:
                await socket.close()


async def test_a_client_that_floods_is_told_and_held_up():
    with run_engine_process() as engine:
        async with open_call(engine.url, engine.key) as call:
            for number in range(2_000):
                call.send("conversation.item.retrieve", item_id="none", event_id=f"e{number}")
            flooded = await call.until(
                lambda event: (
                    event["type"] == "error" and event["error"]["code"] == "rate_limit_exceeded"
                )
            )
            assert "a second" in flooded["error"]["message"]
            answered = sum(
                event["type"] == "error" and event["error"]["code"] == "item_not_found"
                for event in call.events
            )
            assert answered >= 900
            async with sideband(engine, call.call_id) as one:  # who does not flood is heard
                await one.send(
                    json.dumps(
                        {"type": "conversation.item.retrieve", "item_id": "x", "event_id": "y"}
                    )
                )
                with anyio.fail_after(20):
                    while True:
                        event = json.loads(await one.recv())
                        if event["type"] == "error" and event["error"]["event_id"] == "y":
                            break


async def test_sockets_beyond_the_limit_are_closed_as_they_come():
    with run_engine_process(max_connections="10") as engine:
        host, port = engine.url.removeprefix("http://").split(":")
        streams = [await anyio.connect_tcp(host, int(port)) for _ in range(12)]
        with anyio.fail_after(5), pytest.raises((anyio.EndOfStream, anyio.BrokenResourceError)):
            await streams[-1].receive()
        for stream in streams:
            await stream.aclose()
        async with aiohttp.ClientSession() as http:
            with anyio.fail_after(10):
                while True:
                    try:
                        async with http.get(f"{engine.url}/healthz") as response:
                            if response.status == 200:
                                break
                    except aiohttp.ClientError:
                        pass
                    await anyio.sleep(0.1)
