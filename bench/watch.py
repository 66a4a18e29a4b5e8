"""How far recruiters' screens are behind: from the text of a turn leaving the voice model.

All of it is real but the voice model, which says what we want when we want it: machine, API,
Postgres, and the built pages in Chromium, into which each recruiter comes by a link of their own.
"""

import random
import statistics
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import Final

import anyio
from playwright.async_api import Browser, Page, async_playwright

from bench.bare_answer import open_offer
from bench.platforms import Bench, open_bench
from bench.rounds import tell
from bench.running import NotRunning
from bench.scripted_call import Call, Script
from bench.verdicts import Report, aligned
from bench.voice_model import open_voice_model
from vivavoce.api.pages import INDEX, PACKAGED

MARK: Final = "watch"
SCREENS: Final = 2
SAMPLES: Final = 60
LIMIT_SECONDS: Final = 2.0
"""What a recruiter may be behind, at most."""
REST_SECONDS: Final = 1.5
"""Longest pause between two turns; its length is random, so that no turn is in step with a page."""
SHOWN_SECONDS: Final = 20.0
CHROMIUM: Final = Path("/usr/bin/chromium")

# Tells of each text once, after the frame that shows it.
OBSERVER: Final = """
(() => {
  const told = new Set();
  const look = () => {
    for (const { textContent } of document.querySelectorAll('[role=log] li p')) {
      if (told.has(textContent)) continue;
      told.add(textContent);
      requestAnimationFrame(() => setTimeout(() => window.benchShown(textContent)));
    }
  };
  new MutationObserver(look).observe(
    document, { subtree: true, childList: true, characterData: true }
  );
})();
"""


@dataclass
class Screen:
    """One recruiter's page, and when which text was on it (`perf_counter`)."""

    page: Page
    shown: dict[str, float] = field(default_factory=dict)
    changed: anyio.Event = field(default_factory=anyio.Event)

    def note(self, text: str) -> None:
        """Take what the page tells."""
        self.shown.setdefault(text, perf_counter())
        self.changed.set()
        self.changed = anyio.Event()

    async def until_shown(self, text: str) -> float:
        """When it was shown; at most `SHOWN_SECONDS` from now."""
        with anyio.fail_after(SHOWN_SECONDS):
            while text not in self.shown:
                await self.changed.wait()
        return self.shown[text]


async def measure() -> Report:
    """Hold a session, and watch it on every screen.

    Raises:
        NotRunning: If there is no Chromium, or the pages are not built.
    """
    if not CHROMIUM.exists():
        raise NotRunning("Debian's chromium is not installed.")
    if not (PACKAGED / INDEX).exists():
        raise NotRunning("The pages are not built. Build them with: make web")
    async with (
        open_voice_model() as model,
        open_bench(model.settings) as bench,
        open_chromium() as browser,
        open_offer() as offer,
    ):
        model.scripts.append(Script(MARK, [], seconds_per_line=0))
        async with bench.hold(f"Interview of {MARK}.") as held:
            await held.exchange(offer)
            (call,) = model.calls.values()
            screens = [await open_screen(bench, browser, held.session_id) for _ in range(SCREENS)]
            return report([await sample(call, screens, number) for number in range(SAMPLES)])


async def sample(call: Call, screens: Sequence[Screen], number: int) -> tuple[float, ...]:
    """Say something; give the seconds until each screen shows it."""
    if number % 20 == 0:
        tell(f"watch: turn {number + 1} of {SAMPLES}")
    item_id = await call.listen()
    await anyio.sleep(random.uniform(0, REST_SECONDS))  # noqa: S311  no secret
    text = f"This is answer number {number} of {MARK}."
    await call.transcribe(item_id, text)
    left_at = call.left_at
    return tuple([await screen.until_shown(text) - left_at for screen in screens])


def report(delays: Sequence[Sequence[float]]) -> Report:
    """A line for each screen, and one for whichever came last; the longest is judged."""
    screens = list(zip(*delays, strict=True))
    lines = [(f"screen {number}", one) for number, one in enumerate(screens, start=1)]
    lines.append(("all screens", tuple(max(one) for one in delays)))
    holds = max(lines[-1][1]) <= LIMIT_SECONDS
    rows = [("watch", "p50", "max", "limit", "")]
    for name, seconds in lines:
        is_last = name == lines[-1][0]
        rows.append(
            (
                name,
                f"{statistics.median(seconds):.2f} s",
                f"{max(seconds):.2f} s",
                f"<= {LIMIT_SECONDS:g} s" if is_last else "",
                ("holds" if holds else "MISSED") if is_last else "",
            )
        )
    return Report("\n".join(aligned(rows)), holds=holds)


@asynccontextmanager
async def open_chromium() -> AsyncGenerator[Browser, None]:
    """A browser for all screens."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=str(CHROMIUM), args=["--no-sandbox"], chromium_sandbox=False
        )
        try:
            yield browser
        finally:
            with anyio.move_on_after(10, shield=True):
                await browser.close()


async def open_screen(bench: Bench, browser: Browser, session_id: str) -> Screen:
    """Let a recruiter in by a link, and show them the session."""
    context = await browser.new_context()
    page = await context.new_page()
    screen = Screen(page)
    await page.expose_function("benchShown", screen.note)
    await page.add_init_script(OBSERVER)
    link = await bench.platform.viva("console")
    await page.goto(link)
    await page.get_by_role("heading", name="Interviews").wait_for()
    door = link.partition("#")[0]
    await page.goto(f"{door}/sessions/{session_id}")
    await page.get_by_role("log").wait_for()
    return screen
