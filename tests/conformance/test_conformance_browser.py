"""An unmodified client in a real browser: only its base URL is another."""

import io
import json
import wave
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import anyio
import pytest
from aiohttp import web
from playwright.async_api import async_playwright

from support.client_scripts import NODE_FOLDER
from support.realtime_events import faults_of
from support.speech import silence, speech

CHROMIUM = "/usr/bin/chromium"
RATE = 48_000
QUESTIONS = "Questions:\n1. Which city do you like?\n2. Why did you become a nurse?"
SPOKEN = "Good morning, my favourite city is Berlin."
BUNDLE = (
    NODE_FOLDER / "node_modules/@openai/agents-realtime/dist/bundle/openai-realtime-agents.umd.js"
)
PAGE = Path(__file__).parent / "pages" / "agents.html"


@pytest.fixture
def microphone(tmp_path):
    """A recording that the browser takes for its microphone, again and again."""
    pcm = silence(3, RATE) + speech(SPOKEN, RATE) + silence(4, RATE)
    recording = io.BytesIO()
    with wave.open(recording, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(pcm)
    path = tmp_path / "microphone.wav"
    path.write_bytes(recording.getvalue())
    return path


@asynccontextmanager
async def open_page(microphone, events):
    """A page with the client's own bundle, from another origin than the engine's."""

    async def page_file(_request):
        return web.FileResponse(PAGE)

    async def bundle_file(_request):
        return web.FileResponse(BUNDLE)

    app = web.Application()
    app.router.add_get("/", page_file)
    app.router.add_get(f"/{BUNDLE.name}", bundle_file)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=CHROMIUM,
            chromium_sandbox=False,
            args=[
                "--no-sandbox",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
                "--no-first-run",
                "--allow-loopback-in-peer-connection",
                "--autoplay-policy=no-user-gesture-required",
                "--use-fake-ui-for-media-stream",
                "--use-fake-device-for-media-stream",
                f"--use-file-for-fake-audio-capture={microphone}",
            ],
        )
        try:
            page = await browser.new_page()
            page.on("pageerror", lambda error: events.append({"type": f"page error: {error}"}))
            await page.expose_function("tellEvent", lambda event: events.append(json.loads(event)))
            await page.goto(f"http://localhost:{port}/")
            await page.wait_for_function("window.leave !== undefined")
            yield page
        finally:
            with anyio.move_on_after(10, shield=True):
                await browser.close()
                await runner.cleanup()


async def client_secret(engine):
    session = {"session": {"type": "realtime"}}
    async with (
        aiohttp.ClientSession(headers=engine.headers) as http,
        http.post(f"{engine.url}/v1/realtime/client_secrets", json=session) as response,
    ):
        return (await response.json())["value"]


async def test_the_agents_sdk_talks_in_chromium(engine, microphone):
    events = []
    async with open_page(microphone, events) as page:
        call_id = await page.evaluate(
            "([url, key, plan]) => connectByWebRtc(url, key, plan)",
            [engine.url, await client_secret(engine), QUESTIONS],
        )
        assert call_id.startswith("rtc_")
        await page.wait_for_function(
            """() => {
                const history = historyNow();
                const heard = history.findIndex(({ role, text }) =>
                    role === 'user' && text.toLowerCase().includes('berlin'));
                return heard >= 0 && history.slice(heard).some(({ role, text }) =>
                    role === 'assistant' && text.includes('Which city do you like?'));
            }""",
            timeout=30_000,
        )
        await page.wait_for_function("async () => (await energyHeard()) > 0.01", timeout=10_000)
        await page.evaluate("leave()")
        await page.evaluate(
            "([url, key, plan]) => connectByWebSocket(url, key, plan)",
            [engine.url, await client_secret(engine), QUESTIONS],
        )
        await page.wait_for_function(
            """() => historyNow().some(({ role, text }) =>
                role === 'assistant' && text.includes('Which city do you like?'))""",
            timeout=15_000,
        )
        await page.evaluate("leave()")
    assert not [fault for event in events for fault in faults_of(event)]
    types = {event["type"] for event in events}
    assert {"output_audio_buffer.started", "response.output_audio.delta"} <= types
