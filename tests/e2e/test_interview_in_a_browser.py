"""Whole interviews from a page in a real browser: spoken, heard, shown, stored."""

import anyio
import jiwer
import pytest

from support.browser import visit
from support.interview import ANSWER, QUESTION, greetings, make_candidate
from vivavoce.engine.phrases import normalised
from vivavoce.sessions.interview import Plan, instructions, plan_of

pytestmark = pytest.mark.timeout(150)


def config_for(site, *, architecture="hybrid", questions=(QUESTION,)):
    """What the page is given."""
    plan = Plan(plan_of(questions).questions)
    return {
        "baseUrl": site.platform.url,
        "token": site.platform.token(),
        "request": {
            "architecture": architecture,
            "sessionConfig": {"instructions": instructions(plan)},
        },
    }


def spoken(entries):
    return [(entry.speaker.value, entry.content) for entry in entries]


async def test_a_hybrid_interview_is_shown_and_stored_as_it_was_spoken(site, browser):
    candidate = await make_candidate(ANSWER)
    config = config_for(site)
    async with visit(browser, site.url, config=config, candidate=candidate) as room:
        await room.click("Start the interview")
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(room.speak)
            await room.until("interview?.ending.getSnapshot()", seconds=90)
            tasks.cancel_scope.cancel()
        ending = await room.ask("interview.ending.getSnapshot()")
        assert ending == {"reason": "completed", "transcriptComplete": True}
        session_id = await room.session_id()
        stored = await site.platform.stored(session_id)
        assert await room.shown() == spoken(stored)
        said = normalised(" ".join(candidate.said))
        written = normalised(" ".join(e.content for e in stored if e.speaker == "candidate"))
        assert jiwer.wer(said, written) <= 0.15
        assert {entry.witness for entry in stored} == {"sideband"}
        assert greetings(stored) == 1
        assert await room.page.get_by_text("The interview is complete. Thank you.").count() == 1
        kept = "[sessionStorage.length, localStorage.length]"
        assert await room.ask(kept) == [0, 0], "nothing stays once everything is stored"
        state = await room.ask("interview.connection.getSnapshot()")
        assert state["status"] == "disconnected"
        assert {"startMs", "offerAnswerMs", "connectedMs", "firstAudioMs"} <= set(state["metrics"])
    assert await site.platform.until_settled(session_id) == "completed"
