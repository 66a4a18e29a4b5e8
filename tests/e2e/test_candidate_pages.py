"""The candidate's pages, from an invitation's link to the transcript that is taken home."""

import anyio
import jiwer
import pytest

from support.browser import visit
from support.interview import ANSWER, make_candidate
from support.recruiting import TITLE, invite
from vivavoce.engine.phrases import normalised

pytestmark = pytest.mark.timeout(150)


async def agree(room):
    """Read the welcome, and agree to everything."""
    await room.page.get_by_role("heading", name="Hello Robin Marsh").wait_for()
    await room.click("Continue")
    for box in await room.page.get_by_role("checkbox").all():
        await box.check()
    await room.click("I agree")
    await room.page.get_by_role("heading", name="Can we hear you?").wait_for()


async def test_a_candidate_goes_from_the_link_to_the_own_transcript(site, browser):
    candidate = await make_candidate(ANSWER)
    invited = await invite(site.platform)
    async with visit(browser, invited.url, candidate=candidate) as room:
        await agree(room)
        await room.say("Good morning, I am ready.")
        await room.click("Start the interview")
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(room.speak)
            await room.page.get_by_role("heading", name="Thank you").wait_for(timeout=90_000)
            tasks.cancel_scope.cancel()
        async with room.page.expect_download() as download:
            await room.click("Download what was said")
        written = (await (await download.value).path()).read_text()
    (session,) = await site.platform.fetch(
        "select id from interview_sessions where invitation_id = $1", invited.invitation_id
    )
    stored = await site.platform.stored(str(session["id"]))
    names = {"ai": "Interviewer", "candidate": "You"}
    lines = [f"{names[entry.speaker.value]}: {entry.content}" for entry in stored]
    assert written.rstrip().split("\n\n") == [TITLE, *lines]
    said = " ".join(candidate.said)
    heard = " ".join(entry.content for entry in stored if entry.speaker == "candidate")
    assert jiwer.wer(normalised(said), normalised(heard)) <= 0.15
    assert await site.platform.until_settled(str(session["id"])) == "completed"
