"""Everything that a candidate may see."""

import json
import re
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import anyio
from playwright.async_api import Page, Route, WebSocketRoute

from screenshots.gallery import Gallery
from support.browser import Visit, open_browser, visit
from support.interview import ANSWER, Platform, make_candidate
from support.recruiting import Invited, expire, invite, revoke

QUESTIONS = (
    "Could you tell me about yourself and the work you do?",
    "Tell me about a repair that did not go as you had planned. What did you do?",
)
READY = "Good morning, I am ready."
NO_MICROPHONE = """
navigator.mediaDevices.getUserMedia = async () => {
  throw new DOMException('none', 'NotFoundError');
};
"""
FAILING_TRANSCRIPTS = {
    "type": "error",
    "data": {
        "code": "TRANSCRIPT_PROCESSING_FAILED",
        "message": "The transcript processor does not answer.",
        "recovery": "continue_session_log_error",
        "retryable": False,
        "details": {},
    },
    "timestamp": "2026-11-28T09:00:00Z",
}
# Thinking is over in a blink here; a page that is not told of the end of it shows it for longer.
SLOW_THOUGHT = """
const { set } = Object.getOwnPropertyDescriptor(RTCDataChannel.prototype, 'onmessage');
Object.defineProperty(RTCDataChannel.prototype, 'onmessage', {
  set(hear) {
    set.call(this, (event) => {
      const begins = event.data.includes('"output_audio_buffer.started"');
      if (!(begins && window.thinksSlowly)) hear(event);
    });
  },
});
"""


async def walk(platform: Platform, gallery: Gallery) -> None:
    """Go through all of it."""
    await _before_the_room(platform, gallery)
    await _trouble_at_the_check(platform, gallery)
    await _the_room(platform, gallery)
    await _trouble_in_the_room(platform, gallery)
    await _the_last_minute(platform, gallery)
    await _links_that_open_nothing(platform, gallery)


async def _before_the_room(platform: Platform, gallery: Gallery) -> None:
    invited = await invite(platform, QUESTIONS)
    async with _visit(invited) as room:
        async with _held_back(room.page, "**/v1/invitation"):
            await room.page.reload(wait_until="commit")
            await _shows(room.page, "Opening your invitation…")
            await gallery.take(room.page, "loading")
        await _shows(room.page, "Hello Robin Marsh")
        await gallery.take(room.page, "welcome")
        await room.click("Continue")
        await gallery.take(room.page, "consent")
        for box in await room.page.get_by_role("checkbox").all():
            await box.check()
        await gallery.take(room.page, "consent-agreed")
        await room.click("I agree")
        await _shows(room.page, "Your sound reaches the interviewer")
        await gallery.take(room.page, "check-listening")
        await _shows(room.page, "We do not hear you yet")
        await gallery.take(room.page, "check-silent")
        await room.say(READY)
        await _shows(room.page, "All is well")
        await gallery.take(room.page, "check-passed")


async def _trouble_at_the_check(platform: Platform, gallery: Gallery) -> None:
    invited = await invite(platform, QUESTIONS)
    async with _visit(invited, script=NO_MICROPHONE, speaks=False) as room:
        await _agree(room)
        await _shows(room.page, "We find no microphone")
        await gallery.take(room.page, "check-no-microphone")
        async with _broken(room.page, "**/v1/*"):
            await room.page.get_by_role("button", name="Try again").first.click()
            await _shows(room.page, "UNAVAILABLE")
            await gallery.take(room.page, "check-no-network")
            await room.page.reload()
            await _shows(room.page, "Try again")
            await gallery.take(room.page, "no-service")


async def _trouble_in_the_room(platform: Platform, gallery: Gallery) -> None:
    invited = await invite(platform, QUESTIONS)
    async with _visit(invited) as room:
        page = room.page
        proxy = _ProxyBetween()
        await page.route_web_socket(re.compile("/ws"), proxy.take)
        await _agree(room)
        await room.click("Type my answers instead")
        await page.locator("[data-activity=listening] ~ .question[data-empty=false]").wait_for()
        await proxy.go_away()
        await _shows(page, "Go on: we hear you.")
        await gallery.take(page, "room-proxy-lost")
        proxy.is_away = False
        await page.locator("[data-signalling=open]").wait_for()
        assert proxy.page_side is not None
        proxy.page_side.send(json.dumps(FAILING_TRANSCRIPTS))
        await _shows(page, "Transcript temporarily unavailable")
        await gallery.take(page, "room-transcripts-failing")
        proxy.drops_offers = True
        await platform.hang_up(
            await room.ask("JSON.parse(sessionStorage['webrtc-session']).callId")
        )
        await _shows(page, "The connection was lost.")
        await gallery.take(page, "room-reconnecting")
        proxy.drops_offers = False
        await room.click("Leave")
        await room.click("Leave and end it")
        await _shows(page, "Your interview is over")


@dataclass
class _ProxyBetween:
    """Stands between the page and the session's proxy, and can be in the way."""

    page_side: WebSocketRoute | None = None
    drops_offers: bool = False
    is_away: bool = False

    async def take(self, page_side: WebSocketRoute) -> None:
        if self.is_away:
            await page_side.close(code=1012)
            return
        server = page_side.connect_to_server()
        self.page_side = page_side

        def pass_on(message: str | bytes) -> None:
            if not (self.drops_offers and '"offer"' in str(message)):
                server.send(message)

        page_side.on_message(pass_on)

    async def go_away(self) -> None:
        assert self.page_side is not None
        self.is_away = True
        await self.page_side.close(code=1012)


async def _the_room(platform: Platform, gallery: Gallery) -> None:
    invited = await invite(platform, QUESTIONS)
    async with _visit(invited, script=SLOW_THOUGHT) as room:
        page = room.page
        await _agree(room)
        await room.say(READY)
        async with _held_back(page, "**/functions/v1/interview-start"):
            await room.click("Start the interview")
            await _shows(page, "Connecting you with the interviewer")
            await gallery.take(page, "room-connecting")
        await page.locator("[data-activity=speaking]").wait_for()
        await gallery.take(page, "room-speaking")
        await page.locator("[data-activity=listening]").wait_for()
        await gallery.take(page, "room-listening")
        await room.ask("window.thinksSlowly = true")
        await room.say(ANSWER)
        await page.locator("[data-activity=thinking]").wait_for()
        await gallery.take(page, "room-thinking")
        await page.locator("[data-activity=listening]").wait_for()
        await room.ask("window.thinksSlowly = false")
        await room.click("Mute")
        await gallery.take(page, "room-muted")
        await room.click("Unmute")
        await room.click("Pause")
        await _shows(page, "Paused.")
        await gallery.take(page, "room-paused")
        await room.click("Go on")
        await room.click("Type")
        await page.get_by_label("Answer in writing").fill("I began in my uncle's shop.")
        await gallery.take(page, "room-typing")
        await room.click("Help")
        await gallery.take(page, "room-help")
        await room.click("Back to the interview")
        await room.click("Leave")
        await gallery.take(page, "room-leave")
        await room.click("Leave and end it")
        await _shows(page, "Your interview is over")
        await gallery.take(page, "end")
        await page.reload()
        await _shows(page, "This interview is over")
        await gallery.take(page, "over")


async def _the_last_minute(platform: Platform, gallery: Gallery) -> None:
    invited = await invite(platform, QUESTIONS, maxDuration=60)
    async with _visit(invited) as room:
        await _agree(room)
        await room.click("Type my answers instead")
        await _shows(room.page, "Less than a minute left")
        await gallery.take(room.page, "room-last-minute")
        await room.click("Leave")
        await room.click("Leave and end it")
        await _shows(room.page, "Your interview is over")


async def _links_that_open_nothing(platform: Platform, gallery: Gallery) -> None:
    expired = await invite(platform, QUESTIONS)
    await expire(platform, expired)
    revoked = await invite(platform, QUESTIONS)
    await revoke(platform, revoked)
    unknown = Invited("", f"{platform.url}/i/00000000-0000-4000-8000-000000000000#nothing")
    broken = Invited("", f"{platform.url}/i/")
    for state, invited in {
        "expired": expired,
        "revoked": revoked,
        "unknown": unknown,
        "broken-link": broken,
    }.items():
        async with _visit(invited) as room:
            await room.page.get_by_role("heading", level=1).wait_for()
            await room.page.get_by_role("alert").wait_for()
            await gallery.take(room.page, state)


@asynccontextmanager
async def _visit(
    invited: Invited, *, script: str = "", speaks: bool = True
) -> AsyncGenerator[Visit, None]:
    candidate = await make_candidate(ANSWER) if speaks else None
    async with open_browser() as context:
        if script:
            await context.add_init_script(script)
        async with visit(context, invited.url, candidate=candidate) as room:
            yield room


@asynccontextmanager
async def _held_back(page: Page, path: str) -> AsyncGenerator[None, None]:
    """Hold requests to an address back for the length of the block."""
    go_on = anyio.Event()

    async def hold(route: Route) -> None:
        await go_on.wait()
        await route.continue_()

    await page.route(path, hold)
    try:
        yield
    finally:
        go_on.set()
        await page.unroute_all(behavior="wait")


@asynccontextmanager
async def _broken(page: Page, path: str) -> AsyncGenerator[None, None]:
    """Let requests to an address fail for the length of the block."""
    await page.route(path, lambda route: route.abort())
    try:
        yield
    finally:
        await page.unroute(path)


async def _agree(room: Visit) -> None:
    await room.click("Continue")
    for box in await room.page.get_by_role("checkbox").all():
        await box.check()
    await room.click("I agree")


async def _shows(page: Page, text: str) -> None:
    await page.get_by_text(text).first.wait_for()
