"""The page of docs/embed.md, as it stands there: built from the packages, and held an interview."""

import re
import tempfile
import wave
from pathlib import Path

import jiwer
import pytest

from support.browser import ROOT, build_page, npm, open_browser, serve_pages, visit
from support.interview import ANSWER, open_test_platform
from support.speech import silence, speech
from vivavoce.cli.stack import free_port
from vivavoce.engine.phrases import normalised

PAGE = re.search(r"```tsx\n(.*?)```", (ROOT / "docs" / "embed.md").read_text(), re.DOTALL)
RATE = 48_000


@pytest.fixture
def page():
    """Its folder; in `web/`, where the packages are as `npm install` would bring them."""
    assert PAGE
    with tempfile.TemporaryDirectory(dir=ROOT / "web", prefix=".embed-") as folder:
        yield Path(folder), PAGE[1]


def test_the_page_has_less_than_forty_lines():
    assert PAGE
    assert len([line for line in PAGE[1].splitlines() if line.strip()]) < 40


@pytest.mark.timeout(150)
async def test_the_page_holds_an_interview_through_the_browsers_own_microphone(page, tmp_path):
    folder, source = page
    port = free_port()
    # The microphone is the browser's fake device, which plays this from the moment it is opened:
    # the question takes about as long as the silence before the answer.
    recording = tmp_path / "answer.wav"
    with wave.open(str(recording), "wb") as file:
        file.setparams((1, 2, RATE, 0, "NONE", ""))
        file.writeframes(silence(12, RATE) + speech(ANSWER, RATE) + silence(60, RATE))
    async with open_test_platform(VIVA_ALLOWED_ORIGINS=f"http://localhost:{port}") as platform:
        (folder / "main.tsx").write_text(source.replace("http://localhost:8000", platform.url))
        (folder / "index.html").write_text((ROOT / "web" / "e2e" / "index.html").read_text())
        npm("run", "packages")
        build_page(folder, tmp_path / "built")
        async with (
            serve_pages(tmp_path / "built", platform, port) as url,
            open_browser(f"--use-file-for-fake-audio-capture={recording}") as context,
            visit(context, url) as room,
        ):
            await room.click("Start")
            replied = "document.querySelector('[data-speaker=candidate] ~ [data-speaker=ai]')"
            await room.until(replied, seconds=60)
            await room.click("Leave")
            await room.until("document.body.innerText.includes('You have left the interview.')")
            lines = room.page.locator("ol li")
            shown = await lines.evaluate_all(
                "all => all.map(one => [one.dataset.speaker, one.textContent])"
            )
        (session,) = await platform.fetch("select id, transcript_complete from interview_sessions")
        assert session["transcript_complete"]
        stored = await platform.stored(str(session["id"]))
        assert shown == [[entry.speaker.value, entry.content] for entry in stored]
        (answer,) = [entry.content for entry in stored if entry.speaker == "candidate"]
        assert jiwer.wer(normalised(ANSWER), normalised(answer)) <= 0.15
        assert await platform.until_settled(str(session["id"])) == "candidate_left"
