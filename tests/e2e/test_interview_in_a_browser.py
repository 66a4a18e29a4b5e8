"""Whole interviews from a page in a real browser: spoken, heard, shown, stored."""

import os
import signal
from contextlib import asynccontextmanager

import anyio
import jiwer
import pytest

from support.browser import visit
from support.interview import ANSWER, QUESTION, QUICKLY, greetings, make_candidate
from vivavoce.engine.phrases import normalised
from vivavoce.sessions.interview import Plan, instructions, plan_of

pytestmark = pytest.mark.timeout(150)

ANSWERED = """
interview.transcript.getSnapshot().entries.some((one) => one.speaker === 'candidate' && one.final)
"""
LISTENS = """(() => {
  const { interviewer, isReplying } = interview.presence.getSnapshot();
  return interviewer === 'listening' && !isReplying
    && interview.transcript.getSnapshot().entries.at(-1)?.speaker === 'ai'
    && interview.transcript.getSnapshot().entries.at(-1)?.final;
})()"""
CALL_ID = "JSON.parse(sessionStorage['webrtc-session']).callId"
ENDED = "interview?.ending.getSnapshot()"
NOTE_CHANGES = """() => {
  globalThis.seen = [];
  interview.connection.subscribe(() => {
    const { status, signalling } = interview.connection.getSnapshot();
    seen.push(`${status} ${signalling}`);
  });
  globalThis.beginnings = [];
  interview.transcript.subscribe(() => {
    beginnings.push(interview.transcript.getSnapshot().entries[0]?.content.slice(0, 5));
  });
}"""


def config_for(site, architecture, **more):
    """What the page is given."""
    plan = Plan(plan_of((QUESTION,)).questions)
    request = {
        "architecture": architecture,
        "sessionConfig": {"instructions": instructions(plan), "voiceConfig": {"speed": QUICKLY}},
    }
    known = {"baseUrl": site.platform.url, "token": site.platform.token()}
    return {**known, "request": request, **more}


@asynccontextmanager
async def interview(site, browser, architecture, candidate):
    """A page in which an interview has begun, and a candidate who answers."""
    config = config_for(site, architecture)
    async with (
        visit(browser, site.url, config=config, candidate=candidate) as room,
        anyio.create_task_group() as tasks,
    ):
        await room.click("Start the interview")
        tasks.start_soon(room.speak)
        yield room
        tasks.cancel_scope.cancel()


def spoken(entries):
    return [(entry.speaker.value, entry.content) for entry in entries]


def heard_right(candidate, stored):
    """Whether what is written down is what was said."""
    said = normalised(" ".join(candidate.said))
    written = normalised(" ".join(e.content for e in stored if e.speaker == "candidate"))
    return jiwer.wer(said, written) <= 0.15


@pytest.mark.parametrize("architecture", ["hybrid", "direct"])
async def test_an_interview_goes_on_after_a_reload_and_is_stored_as_it_was_spoken(
    site, browser, architecture
):
    candidate = await make_candidate(ANSWER)
    async with interview(site, browser, architecture, candidate) as room:
        await room.until(ANSWERED, seconds=60)
        session_id = await room.session_id()
        before = await room.shown()

        await room.page.reload()
        assert (await room.shown())[: len(before) - 1] == before[:-1], "the kept copy is shown"
        await room.click("Go on")
        await room.until(ENDED, seconds=60)
        assert await room.session_id() == session_id
        ending = await room.ask(ENDED)
        assert ending == {"reason": "completed", "transcriptComplete": True}
        stored = await site.platform.stored(session_id)
        assert await room.shown() == spoken(stored)
        assert await room.page.get_by_text("The interview is complete. Thank you.").count() == 1
        kept = "[sessionStorage.length, localStorage.length]"
        assert await room.ask(kept) == [0, 0], "nothing stays once everything is stored"
        state = await room.ask("interview.connection.getSnapshot()")
        assert {"offerAnswerMs", "connectedMs", "firstAudioMs"} <= set(state["metrics"])
    assert greetings(stored) == 1
    assert heard_right(candidate, stored)
    assert {entry.witness for entry in stored} == {
        "sideband" if architecture == "hybrid" else "client"
    }
    levels = [e.metadata.audio_level for e in stored if e.speaker == "candidate" and e.metadata]
    assert architecture == "hybrid" or any(levels), "the client says how loud it was"
    assert await site.platform.until_settled(session_id) == "completed"


async def test_the_audio_goes_on_and_the_transcript_has_no_hole_when_the_proxy_is_killed(
    site, browser
):
    candidate = await make_candidate(ANSWER)
    async with interview(site, browser, "hybrid", candidate) as room:
        await room.until("interview?.transcript.getSnapshot().entries.length > 0", seconds=30)
        await room.ask(NOTE_CHANGES)
        session_id = await room.session_id()
        call_id = await room.ask(CALL_ID)
        (machine,) = await site.platform.fetch(
            "select (endpoint->>'pid')::int as pid from machines"
            " where session_id = $1 and gone_at is null",
            session_id,
        )
        os.kill(machine["pid"], signal.SIGKILL)
        await room.until("seen.includes('connected lost')", seconds=20)
        await room.until("seen.at(-1) === 'connected open'", seconds=40)
        await room.until(ANSWERED, seconds=60)
        seen = await room.ask("seen")
        assert {one.split()[0] for one in seen} == {"connected"}, "the audio never stopped"
        assert set(await room.ask("beginnings")) == {"Hello"}, "no word was taken back"
        same = await room.ask(CALL_ID)
        assert same == call_id
        await room.click("Leave")
        await room.until(ENDED)
        shown = await room.shown()
        stored = await site.platform.stored(session_id)
        assert shown[:2] == spoken(stored)[:2]
        assert await room.page.get_by_text("You have left the interview.").count() == 1
    assert heard_right(candidate, stored[:2])
    assert greetings(stored) == 1
    assert await site.platform.until_settled(session_id) == "candidate_left"


async def test_a_call_that_is_lost_is_replaced_for_a_candidate_who_only_types(site, browser):
    config = config_for(site, "hybrid", microphone="none")
    async with visit(browser, site.url, config=config) as room:
        await room.click("Start the interview")
        await room.until("interview?.transcript.getSnapshot().entries.length > 0")
        await room.ask(NOTE_CHANGES)
        session_id = await room.session_id()
        call_id = await room.ask(CALL_ID)
        await site.platform.hang_up(call_id)
        await room.until("seen.some((one) => one.startsWith('reconnecting'))")
        await room.until("seen.at(-1).startsWith('connected')")
        assert await room.ask(CALL_ID) != call_id
        while await room.ask(ENDED) is None:
            await room.until(f"{ENDED} || {LISTENS}", seconds=40)
            spoken_so_far = len(await room.shown())
            if await room.ask(ENDED) is None and await room.write(ANSWER):
                answered = f"document.querySelectorAll('[role=log] li').length > {spoken_so_far}"
                await room.until(f"{ENDED} || ({answered} && !({LISTENS}))", seconds=20)
        assert (await room.ask(ENDED))["reason"] == "completed"
        stored = await site.platform.stored(session_id)
        assert await room.shown() == spoken(stored)
    assert greetings(stored) <= 1, "it was cut off in its greeting, and goes on"
    answers = [entry.content for entry in stored if entry.speaker == "candidate"]
    assert answers
    assert set(answers) == {ANSWER}
    assert await site.platform.until_settled(session_id) == "completed"
