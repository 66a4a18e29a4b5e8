"""Debian's Chromium, pages for it, and a candidate who speaks into its microphone."""

import base64
import json
import re
import subprocess
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio
from aiohttp import web
from playwright.async_api import BrowserContext, Page, async_playwright
from playwright.async_api import TimeoutError as NotThere

from support.interview import Platform
from support.speech import speech
from vivavoce.cli.candidate import Candidate
from vivavoce.engine.tts import SAMPLE_RATE
from vivavoce.protocol.realtime import read_event

ROOT = Path(__file__).resolve().parents[2]
CHROMIUM = "/usr/bin/chromium"
FLAGS = [
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream",
    "--allow-loopback-in-peer-connection",
]

# The candidate's mouth is a track of the page's own sound, so that an answer is spoken when the
# question is over, and not when a recording happens to come to it. Everything from the track on is
# the browser's: capture, Opus, RTP. The events of every call are passed to the test.
MOUTH = """
(() => {
  const context = new AudioContext({ sampleRate: 48000 });
  const mouth = context.createMediaStreamDestination();
  navigator.mediaDevices.getUserMedia = async () => {
    await context.resume();
    return new MediaStream(mouth.stream.getAudioTracks().map((track) => track.clone()));
  };
  window.speak = async (base64, rate) => {
    await context.resume();
    const bytes = Uint8Array.from(atob(base64), (one) => one.charCodeAt(0));
    const samples = Float32Array.from(new Int16Array(bytes.buffer), (one) => one / 32768);
    const buffer = context.createBuffer(1, samples.length, rate);
    buffer.copyToChannel(samples, 0);
    const source = new AudioBufferSourceNode(context, { buffer });
    source.connect(mouth);
    source.start();
    await new Promise((resolve) => { source.onended = resolve; });
  };
  const create = RTCPeerConnection.prototype.createDataChannel;
  RTCPeerConnection.prototype.createDataChannel = function (...given) {
    const channel = create.apply(this, given);
    channel.addEventListener('message', ({ data }) => { void window.vivaHeard(data); });
    return channel;
  };
})();
"""


def npm(*arguments: str) -> None:
    """Run npm in `web/`."""
    done = subprocess.run(  # noqa: S603  ourselves
        [sys.executable, ROOT / "hatch_build.py", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def build_page(source: Path, built: Path) -> None:
    """Build a page with Vite; it must lie in `web/`, where its packages are."""
    npm("exec", "--", "vite", "build", str(source), "--outDir", str(built))


@asynccontextmanager
async def serve_pages(folder: Path, platform: Platform, port: int) -> AsyncGenerator[str, None]:
    """Serve a built page, and the address that gives it tokens; give its origin."""

    async def token(_request: web.Request) -> web.Response:
        return web.Response(text=platform.token())

    async def index(_request: web.Request) -> web.FileResponse:
        return web.FileResponse(folder / "index.html")

    app = web.Application()
    app.router.add_post("/interview-token", token)
    app.router.add_get("/", index)
    app.router.add_static("/assets", folder / "assets")
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        yield f"http://localhost:{port}"
    finally:
        with anyio.move_on_after(5, shield=True):
            await runner.cleanup()


@asynccontextmanager
async def open_browser(*flags: str) -> AsyncGenerator[BrowserContext, None]:
    """A browser with nothing in it."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=CHROMIUM, args=[*FLAGS, *flags], chromium_sandbox=False
        )
        try:
            yield await browser.new_context()
        finally:
            with anyio.move_on_after(10, shield=True):
                await browser.close()


@dataclass
class Visit:
    """A candidate's page."""

    page: Page
    candidate: Candidate | None
    faults: list[str] = field(default_factory=list)

    async def ask(self, expression: str) -> Any:
        """Evaluate something in the page."""
        return await self.page.evaluate(expression)

    async def until(self, expression: str, *, seconds: float = 30) -> None:
        """Wait until something is so in the page.

        Asked from here, time and again: a page whose policy forbids `eval` cannot ask itself.
        """
        with anyio.move_on_after(seconds):
            while not await self.page.evaluate(expression):  # noqa: ASYNC110  nobody tells us
                await anyio.sleep(0.05)
            return
        raise AssertionError(f"not so within {seconds:g} s: {expression}")

    async def click(self, name: str) -> None:
        await self.page.get_by_role("button", name=name, exact=True).click()

    async def write(self, text: str) -> bool:
        """Answer in writing; False if the interview was over first, and the field with it."""
        try:
            await self.page.get_by_label("Answer in writing").fill(text, timeout=5000)
            await self.page.get_by_role("button", name="Send", exact=True).click(timeout=5000)
        except NotThere:
            return False
        return True

    async def shown(self) -> list[tuple[str, str]]:
        """Who said what, as it stands on the screen."""
        lines = self.page.locator("[role=log] li")
        found = await lines.evaluate_all(
            "all => all.map(one => [one.dataset.speaker, one.querySelector('span').textContent])"
        )
        return [(speaker, re.sub("…$", "", text)) for speaker, text in found]

    async def session_id(self) -> str:
        return str(await self.ask("interview.sessionId.getSnapshot()"))

    async def speak(self) -> None:
        """Give each answer in its turn."""
        assert self.candidate is not None
        async for sound in self.candidate:
            await self._utter(sound.pcm, sound.rate)

    async def say(self, text: str) -> None:
        """Say something into the microphone, to the end."""
        await self._utter(speech(text, SAMPLE_RATE), SAMPLE_RATE)

    async def _utter(self, pcm: bytes, rate: int) -> None:
        await self.page.evaluate(
            "([pcm, rate]) => speak(pcm, rate)", [base64.b64encode(pcm).decode(), rate]
        )


@asynccontextmanager
async def visit(
    context: BrowserContext,
    url: str,
    *,
    config: dict[str, Any] | None = None,
    candidate: Candidate | None = None,
) -> AsyncGenerator[Visit, None]:
    """Open a page, with a candidate before it if one is given; its faults fail the test."""
    page = await context.new_page()
    visited = Visit(page, candidate)
    page.on("pageerror", lambda error: visited.faults.append(str(error)))
    if candidate is not None:

        def hear(data: str) -> None:
            event = read_event(data)
            if event is not None:
                candidate.hear(event)

        await page.expose_function("vivaHeard", hear)
        await page.add_init_script(MOUTH)
    if config is not None:
        await page.add_init_script(f"globalThis.config = {json.dumps(config)}")
    await page.goto(url)
    yield visited
    assert visited.faults == []
    await page.close()
