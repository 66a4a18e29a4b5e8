"""The candidate's pages, from an invitation's link to the transcript that is taken home."""

import os
import signal
import wave
from urllib.parse import urlsplit

import anyio
import jiwer
import pytest
from playwright.async_api import TimeoutError as NotShown

from support.accessibility import faults_of
from support.browser import open_browser, visit
from support.interview import ANSWER, QUESTION, greetings, make_candidate
from support.recruiting import TITLE, expire, invite, revoke
from support.speech import silence, speech
from vivavoce.engine.phrases import normalised

pytestmark = pytest.mark.timeout(150)

RATE = 48_000
READY = "Good morning to everybody."
ASIDE = "Somebody has left an umbrella in the hall."
NO_MICROPHONE = """
navigator.mediaDevices.getUserMedia = async () => {
  throw new DOMException('none', 'NotFoundError');
};
"""
WISH = "I stammer. Please tell the interviewer to wait."
LISTENS = """(() => {
  const last = [...document.querySelectorAll('[role=log] li')].at(-1);
  return document.querySelector('[data-activity=listening]')
    && last?.dataset.speaker === 'ai' && last.dataset.final === 'true';
})()"""
FOCUSED = "document.activeElement.textContent"
MAX_TABS = 12
IS_OVER = "document.body.innerText.includes('Download what was said')"


async def agree(room):
    """Read the welcome, and agree to everything."""
    await room.page.get_by_role("heading", name="Hello Robin Marsh").wait_for()
    await room.click("Continue")
    for box in await room.page.get_by_role("checkbox").all():
        await box.check()
    await room.click("I agree")
    await room.page.get_by_role("heading", name="Can we hear you?").wait_for()


NOTE_LINES = """
() => {
  window.lines = new Set();
  const note = () => document.querySelectorAll('.line').forEach((one) => lines.add(one.innerText));
  new MutationObserver(note).observe(document.body, {
    subtree: true, childList: true, characterData: true,
  });
}
"""


async def shows(room, text, *, seconds=30):
    try:
        await room.page.get_by_text(text).first.wait_for(timeout=seconds * 1000)
    except NotShown:
        shown = await room.ask("document.body.innerText")
        raise AssertionError(f"{text!r} is not on the page, but {shown!r}") from None


async def session_of(platform, invited):
    (session,) = await platform.fetch(
        "select id from interview_sessions where invitation_id = $1", invited.invitation_id
    )
    return str(session["id"])


async def test_a_candidate_goes_from_the_link_to_the_own_transcript(site, browser):
    candidate = await make_candidate(ANSWER)
    invited = await invite(site.platform)
    asked = set()
    browser.on("request", lambda request: asked.add(urlsplit(request.url).netloc))
    async with visit(browser, invited.url, candidate=candidate) as room:
        await agree(room)
        await shows(room, "Your sound reaches the interviewer")
        begin = room.page.get_by_role("button", name="Start the interview")
        assert await begin.is_disabled(), "nobody was understood yet"
        await room.say(READY)
        await shows(room, "All is well.")
        understood = await room.page.get_by_text("We understood:").inner_text()
        assert normalised(understood) == normalised(f"We understood: {READY}")
        assert await faults_of(room.page) == []
        await begin.click()
        await shows(room, "The interviewer is speaking")
        await usable(room, "speaking")
        await speak_aside(room)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(room.speak)
            await room.page.get_by_role("heading", name="Thank you").wait_for(timeout=90_000)
            tasks.cancel_scope.cancel()
        async with room.page.expect_download() as download:
            await room.click("Download what was said")
        written = (await (await download.value).path()).read_text()
    session_id = await session_of(site.platform, invited)
    stored = await site.platform.stored(session_id)
    names = {"ai": "Interviewer", "candidate": "You"}
    lines = [f"{names[entry.speaker.value]}: {entry.content}" for entry in stored]
    assert written.rstrip().split("\n\n") == [TITLE, *lines], "the check of the sound is no part"
    said = " ".join(candidate.said)
    heard = " ".join(entry.content for entry in stored if entry.speaker == "candidate")
    assert jiwer.wer(normalised(said), normalised(heard)) <= 0.15
    assert "umbrella" not in heard, "the microphone was off"
    assert await site.platform.until_settled(session_id) == "completed"
    assert asked - {""} == {urlsplit(site.platform.url).netloc}, "nobody else was asked"


async def speak_aside(room):
    """Say something to somebody in the room, with the microphone off."""
    await room.until(LISTENS)
    await room.click("Mute")
    await shows(room, "Your microphone is off")
    await usable(room, "muted")
    await room.say(ASIDE)
    await room.click("Unmute")
    await shows(room, "The interviewer is listening")


async def usable(room, state):
    """Everybody can use the page, however they use it."""
    assert await faults_of(room.page) == [], state


async def enter_without_a_microphone(room):
    """Go as far as the room, with a look at every page before it."""
    await room.page.get_by_role("heading", name="Hello Robin Marsh").wait_for()
    await usable(room, "welcome")
    await room.click("Continue")
    await usable(room, "consent")
    await room.click("Back")
    await agree(room)
    await shows(room, "We find no microphone")
    await shows(room, "Plug one in or switch it on, then try again.")
    await shows(room, "You reach the interviewer")
    await usable(room, "check")
    await room.click("Type my answers instead")
    await room.until(LISTENS)
    await usable(room, "room")


async def ask_for_help(room):
    await room.click("Help")
    await usable(room, "help")
    await room.page.get_by_label("Do you need something else").fill(WISH)
    await room.page.get_by_role("dialog").get_by_role("button", name="Send").click()
    await shows(room, "The people who invited you can read it now.")
    await room.click("Back to the interview")


async def answer_in_writing(room):
    """Give the answer to whatever is asked, until nothing more is."""
    while not await room.ask(IS_OVER):
        await room.until(f"{IS_OVER} || {LISTENS}", seconds=40)
        before = len(await room.shown())
        if not await room.ask(IS_OVER) and await room.write(ANSWER):
            more = f"document.querySelectorAll('[role=log] li').length > {before}"
            await room.until(f"{IS_OVER} || ({more} && !({LISTENS}))")


async def test_who_has_no_microphone_types_and_comes_back_after_a_reload(site, browser):
    invited = await invite(site.platform)
    await browser.add_init_script(NO_MICROPHONE)
    async with visit(browser, invited.url) as room:
        page = room.page
        await enter_without_a_microphone(room)
        await ask_for_help(room)
        session_id = await session_of(site.platform, invited)
        shown = await room.shown()

        await page.route("**/functions/**", lambda route: route.abort())
        await page.reload()
        await shows(room, "The service does not answer at the moment")
        await usable(room, "no service")
        await page.unroute_all()
        await room.until("document.querySelector('[data-status=connected]')")
        assert (await room.shown())[: len(shown)] == shown
        await answer_in_writing(room)
        await usable(room, "end")
        await page.reload()
        await shows(room, "This interview is over")
        await usable(room, "over")
    stored = await site.platform.stored(session_id)
    assert greetings(stored) == 1, "the same session, and nobody was greeted twice"
    assert {entry.content for entry in stored if entry.speaker == "candidate"} == {ANSWER}
    (event,) = await site.platform.fetch(
        "select data from session_events where session_id = $1 and type = 'accommodation_request'",
        session_id,
    )
    assert WISH in str(event["data"])
    assert await site.platform.until_settled(session_id) == "completed"


async def test_a_lost_proxy_is_a_line_on_the_screen_and_no_more(site, browser):
    invited = await invite(site.platform)
    await browser.add_init_script(NO_MICROPHONE)
    async with visit(browser, invited.url) as room:
        await agree(room)
        await room.click("Type my answers instead")
        await room.until(LISTENS)
        session_id = await session_of(site.platform, invited)
        (machine,) = await site.platform.fetch(
            "select (endpoint->>'pid')::int as pid from machines"
            " where session_id = $1 and gone_at is null",
            session_id,
        )
        await room.page.evaluate(NOTE_LINES)  # another machine may be there within a moment
        os.kill(machine["pid"], signal.SIGKILL)
        line = "Go on: we hear you. What is written comes a little later."
        await room.until(f"lines.has({line!r})")
        assert await room.ask("document.querySelector('[data-status]').dataset.status") == (
            "connected"
        )
        await room.until("document.querySelector('[data-signalling=open]')")
        gone = "!document.body.innerText.includes('What is written comes a little later')"
        await room.until(gone)
        await room.click("Leave")
        assert await faults_of(room.page) == []
        await room.click("Leave and end it")
        await shows(room, "You have left the interview.")
    assert await site.platform.until_settled(session_id) == "candidate_left"


async def test_a_link_that_opens_nothing_says_why_and_what_to_do(site):
    expired, revoked = [await invite(site.platform) for _ in range(2)]
    await expire(site.platform, expired)
    await revoke(site.platform, revoked)
    cases = {
        expired.url: "Ask the people who invited you for a fresh link.",
        revoked.url: "Ask the people who invited you whether there is another one.",
        f"{expired.url}spoilt": "Check the link of your invitation, or ask for a fresh one.",
        f"{site.platform.url}/i/": "Check the link of your invitation, or ask for a fresh one.",
    }
    async with open_browser() as context:
        for url, words in cases.items():
            async with visit(context, url) as room:
                await shows(room, words)
                assert await room.page.get_by_role("button").count() == 0, "no use trying again"
                if url == expired.url:  # the others differ in words alone
                    assert await faults_of(room.page) == []


async def press(room, name, key="Enter"):
    """Go to a button by Tab from wherever the focus is, and press it."""
    for _ in range(MAX_TABS):
        await room.page.keyboard.press("Tab")
        if await room.ask(FOCUSED) == name:
            break
    assert await room.ask(FOCUSED) == name
    await room.page.keyboard.press(key)


async def test_an_interview_is_held_by_keyboard_alone(site, browser):
    invited = await invite(site.platform)
    await browser.add_init_script(NO_MICROPHONE)
    async with visit(browser, invited.url) as room:
        await come_to_the_check_by_keyboard(room)
        await shows(room, "You reach the interviewer")
        await press(room, "Type my answers instead")
        await room.until(LISTENS)
        assert await room.ask(FOCUSED) == TITLE
        await have_the_question_repeated(room)
        await press(room, "Pause", "Space")
        await shows(room, "Paused. Take your time.")
        await usable(room, "paused")
        assert await room.ask(FOCUSED) == "Go on"
        await room.page.keyboard.press("Space")
        await shows(room, "The interviewer is listening")
        await look_into_help(room)
        await answer_by_keyboard(room)
        session_id = await session_of(site.platform, invited)
        await press(room, "Leave")
        assert await room.ask(FOCUSED) == "Leave the interview?"
        await press(room, "Leave and end it")
        await room.page.get_by_role("heading", name="Your interview is over").wait_for()
        assert await room.ask(FOCUSED) == "Your interview is over"
    events = await site.platform.fetch(
        "select type from session_events where session_id = $1 and type in ('pause', 'resume')"
        " order by seq",
        session_id,
    )
    assert [event["type"] for event in events] == ["pause", "resume"]


async def come_to_the_check_by_keyboard(room):
    keyboard = room.page.keyboard
    await room.page.get_by_role("heading", name="Hello Robin Marsh").wait_for()
    assert await room.ask(FOCUSED) == "Hello Robin Marsh"
    await press(room, "Continue")
    await room.page.get_by_role("heading", name="Do you agree?").wait_for()
    assert await room.ask(FOCUSED) == "Do you agree?"
    for _ in await room.page.get_by_role("checkbox").all():
        await keyboard.press("Tab")
        await keyboard.press("Space")
    await keyboard.press("Enter")
    await room.page.get_by_role("heading", name="Can we hear you?").wait_for()
    assert await room.ask(FOCUSED) == "Can we hear you?"


async def have_the_question_repeated(room):
    def asked(lines):
        return sum(QUESTION in text for speaker, text in lines if speaker == "ai")

    before = await room.shown()
    await press(room, "Repeat")
    again = f"document.querySelectorAll('[role=log] li').length > {len(before) + 1}"
    await room.until(f"({again}) && {LISTENS}")
    assert asked(await room.shown()) == asked(before) + 1


async def look_into_help(room):
    """A dialog takes the focus, and gives it back."""
    await press(room, "Help")
    assert await room.ask(FOCUSED) == "Help"
    assert await room.ask("document.activeElement.closest('dialog').open")
    await room.page.keyboard.press("Escape")
    await room.until("!document.querySelector('dialog')")
    assert await room.ask("document.activeElement.matches('footer button')")


async def answer_by_keyboard(room):
    for _ in range(MAX_TABS):
        if await room.ask("document.activeElement.id") == "answer":
            break
        await room.page.keyboard.press("Tab")
    await room.page.keyboard.type(ANSWER)
    await room.page.keyboard.press("Tab")
    assert await room.ask(FOCUSED) == "Send"
    await room.page.keyboard.press("Enter")
    await room.page.get_by_role("log").get_by_text(ANSWER).wait_for()


async def test_a_microphone_is_chosen_among_several(site, tmp_path):
    """The browser's own fake devices play a recording, which begins when one is opened."""
    recording = tmp_path / "ready.wav"
    with wave.open(str(recording), "wb") as file:
        file.setparams((1, 2, RATE, 0, "NONE", ""))
        file.writeframes(silence(1, RATE) + speech(READY, RATE) + silence(5, RATE))
    invited = await invite(site.platform)
    async with (
        open_browser(f"--use-file-for-fake-audio-capture={recording}") as context,
        visit(context, invited.url) as room,
    ):
        await agree(room)
        await shows(room, "All is well.")
        microphones = room.page.get_by_role("combobox", name="Microphone")
        await microphones.select_option(label="Fake Audio Input 1")
        await shows(room, "You can start once we have understood you")
        await shows(room, "All is well.")
        shown = microphones.locator("option:checked")
        assert await shown.inner_text() == "Fake Audio Input 1"
        assert await faults_of(room.page) == []
