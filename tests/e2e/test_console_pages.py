"""The recruiter's console in a real browser, on a platform where somebody is interviewed."""

from datetime import UTC, datetime, timedelta

import pytest
from playwright.async_api import expect

from support.accessibility import faults_of
from support.browser import visit
from support.console import add_tenant, link_into, open_page, recruiter
from support.recruiting import ask, plan_interview
from vivavoce.api.transcript_formats import FORMATS
from vivavoce.client import open_edge
from vivavoce.protocol.interview_start import MAX_INSTRUCTIONS
from vivavoce.protocol.transcript import Speaker, TranscriptEvent

pytestmark = pytest.mark.timeout(120)

WORDS = "I have repaired bicycles since I left school."
PURPLE = "#7a1fa2"
MARKED = "[role=log] li mark"


def button(page, name):
    return page.get_by_role("button", name=name, exact=True)


async def test_a_link_lets_one_recruiter_in_once(site, browser):
    link = await link_into(site.platform)
    async with visit(browser, link) as room:
        page = room.page
        await page.get_by_role("heading", name="Interviews").wait_for()
        assert page.url == f"{site.platform.url}/console", "the secret does not stay in the address"
        await page.reload()
        await page.get_by_role("heading", name="Interviews").wait_for()
        copied = await room.ask("JSON.parse(sessionStorage['vivavoce-console']).accessToken")
        await room.click("Sign out")
        await page.get_by_role("heading", name="You have signed out", exact=True).wait_for()
        again = await page.request.get(
            f"{site.platform.url}/v1/sessions", headers={"authorization": f"Bearer {copied}"}
        )
        assert again.status == 401, "a copy of it opens nothing either"
        assert await faults_of(page) == []
        assert await room.ask("sessionStorage.length") == 0
        await page.reload()
        await page.get_by_role("heading", name="The console opens by a link").wait_for()
    async with visit(browser, link) as room:
        await room.page.get_by_role("heading", name="This link opens nothing any more").wait_for()
        await room.page.get_by_text("viva console").wait_for()
        assert await faults_of(room.page) == []


async def test_an_interview_is_planned_beside_what_the_candidate_will_see(site, browser):
    context = await recruiter(browser.browser, site.platform)
    page = await open_page(context, "/console/interviews/new")
    await button(page, "Save and invite").click()
    title = page.get_by_label("Title")
    assert await title.get_attribute("aria-invalid") == "true"
    await expect(title).to_be_focused()
    await page.get_by_text("Give the interview a title.").wait_for()
    assert await faults_of(page) == []

    await title.fill("Mechanics, by the console")
    await page.get_by_label("Role").fill("Mechanic")
    await page.get_by_label("Question 1", exact=True).fill("What did you repair last?")
    await button(page, "Add a question").click()
    await page.get_by_label("Question 2", exact=True).fill("Why bicycles?")
    await page.get_by_text("More about question 2").click()
    await page.get_by_label("Notes for scoring").last.fill("RUBRIC")
    await button(page, "Move up question 2").click()
    await expect(page.get_by_label("Question 1", exact=True)).to_have_value("Why bicycles?")
    preview = page.get_by_label("Preview")
    await preview.get_by_text("for the role Mechanic").wait_for()
    await preview.get_by_text("2 questions").wait_for()
    await button(page, "They could read").click()
    await preview.get_by_text("1. Why bicycles?").wait_for()
    assert "RUBRIC" not in await preview.inner_text()
    assert await faults_of(page) == []

    await page.get_by_label("Language").select_option("en")
    await page.get_by_label("Time limit in minutes").fill("20")
    await button(page, "Save and invite").click()
    await page.get_by_role("heading", name="Nobody is invited yet").wait_for()
    interview_id = page.url.split("/")[-2]
    kept = await ask(site.platform, "GET", f"/v1/interviews/{interview_id}")
    assert [one["text"] for one in kept["questions"]] == [
        "Why bicycles?",
        "What did you repair last?",
    ]
    assert (kept["questions"][0]["notes"], kept["maxDuration"]) == ("RUBRIC", 1200)
    await context.close()


async def test_what_the_api_refuses_is_said_beside_its_field(site, browser):
    room_for = (MAX_INSTRUCTIONS - 4000) // 1010
    interview_id = await plan_interview(site.platform, ["x" * 1000] * room_for)
    context = await recruiter(browser.browser, site.platform)
    page = await open_page(context, f"/console/interviews/{interview_id}")
    await page.get_by_label("Guidance").fill("y" * 4000)
    await button(page, "Save").click()
    refusal = page.locator("fieldset", has_text="Questions").locator("> .problem")
    await expect(refusal).to_contain_text("characters of instructions")
    await context.close()


async def test_of_two_who_change_a_plan_the_second_chooses_and_nothing_is_lost_in_silence(
    site, browser
):
    interview_id = await plan_interview(site.platform)
    path = f"/v1/interviews/{interview_id}"

    async def save_elsewhere(guidance):
        drafted = {"title": "Theirs", "role": "Fitter", "questions": [{"text": "Why?"}]}
        await ask(site.platform, "PUT", path, {**drafted, "guidance": guidance})

    context = await recruiter(browser.browser, site.platform)
    page = await open_page(context, f"/console/interviews/{interview_id}")
    title, dialog = page.get_by_label("Title"), page.get_by_role("dialog")
    await title.fill("Mine")
    await save_elsewhere("First.")
    await button(page, "Save").click()
    await dialog.get_by_role("heading", name="Somebody saved this interview before you").wait_for()
    await expect(dialog).to_contain_text("They differ in: title, role, questions, time limit")
    assert await faults_of(page) == []
    await button(page, "Back to the form").click()
    await expect(title).to_have_value("Mine")
    assert (await ask(site.platform, "GET", path))["title"] == "Theirs"
    await button(page, "Load theirs, and drop mine").click()
    await expect(title).to_have_value("Theirs")
    await expect(page.get_by_label("Guidance")).to_have_value("First.")

    await title.fill("Mine again")
    await save_elsewhere("Second.")
    await button(page, "Save").click()
    await button(dialog, "Keep mine, and replace theirs").click()
    await expect(dialog).to_have_count(0)
    await page.get_by_text("All is saved").wait_for()
    await expect(title).to_have_value("Mine again")
    kept = await ask(site.platform, "GET", path)
    assert (kept["title"], kept["guidance"]) == ("Mine again", "First.")
    await title.fill("Mine once more")
    await button(page, "Save").click()
    await page.get_by_role("heading", name="Mine once more").wait_for()
    await context.close()


async def test_an_invitation_is_made_copied_and_revoked(site, browser):
    interview_id = await plan_interview(site.platform)
    context = await recruiter(browser.browser, site.platform)
    await context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = await open_page(context, f"/console/interviews/{interview_id}/invitations")
    await button(page, "Invite somebody").click()
    assert await faults_of(page) == []
    await page.get_by_label("Name").fill("Ada Lane")
    await button(page, "Make the link").click()
    await button(page, "Copy the link").click()
    await page.get_by_text("Copied.").wait_for()
    url = await page.evaluate("navigator.clipboard.readText()")
    assert await page.get_by_label("Link for the candidate").input_value() == url
    await button(page, "Close").click()
    row = page.get_by_role("row", name="Ada Lane")
    await expect(row).to_contain_text("Not opened yet")
    assert await faults_of(page) == []

    async with visit(browser, url) as room:
        await room.page.get_by_role("heading", name="Hello Ada Lane").wait_for()
    await expect(row).to_contain_text("Opened", timeout=10_000)
    await row.get_by_role("button", name="Revoke").click()
    await page.get_by_text("The link opens nothing any more").wait_for()
    await button(page, "Revoke the invitation").click()
    await expect(row).to_contain_text("Revoked")
    assert await row.get_by_role("button", name="Revoke").count() == 0
    async with visit(browser, url) as room:
        await room.page.get_by_text("taken back").first.wait_for()
    await context.close()


async def say(platform, call, *lines):
    """Store lines of the candidate's, as their own client would."""
    now = datetime.now(UTC)
    events = [
        TranscriptEvent(
            session_id=call.session_id,
            speaker=Speaker.CANDIDATE,
            content=words,
            timestamp=now + timedelta(milliseconds=number),
        )
        for number, words in enumerate(lines)
    ]
    async with open_edge(platform.url, call.session_token) as edge:
        await edge.send_transcript(call.session_token, events)


async def test_two_recruiters_watch_a_session_as_it_is_spoken_until_one_deletes_it(site, browser):
    platform = site.platform
    contexts = [await recruiter(browser.browser, platform) for _ in range(2)]
    pages = [await open_page(context, "/console/sessions") for context in contexts]
    async with platform.client() as call:
        row = f"a[href='/console/sessions/{call.session_id}']"
        await pages[0].locator(row).wait_for()
        assert await faults_of(pages[0]) == []
        for page in pages:
            await page.locator(row).click()
            await page.locator("[role=log] li[data-speaker=ai]").first.wait_for()
            await page.get_by_text("Healthy: serves this session").wait_for()
            await expect(page.locator(".head .chip")).to_have_text("Live")
        assert await faults_of(pages[0]) == []
        (greeting, *_) = await platform.stored(call.session_id)
        for page in pages:
            await expect(page.locator("[role=log] li p").first).to_have_text(greeting.content)
        await another_tenant_has_its_own_look_and_sees_nothing(site, browser, call.session_id)
        for number in (1, 2):
            await say(platform, call, f"{WORDS} {number}")
            for page in pages:
                await page.get_by_text(f"{WORDS} {number}").wait_for(timeout=10_000)
        await pages[0].get_by_label("Search in the transcript").fill("BICYCLÉS")
        await expect(pages[0].get_by_role("search").locator("output")).to_have_text("1 of 2")
        assert await pages[0].locator(MARKED).all_inner_texts() == ["bicycles", "bicycles"]

        await button(pages[0], "End now").click()
        assert await faults_of(pages[0]) == []
        await button(pages[0], "End the interview").click()
        assert (await call.ended()).reason == "ended_by_recruiter"
    first, second = pages
    for page in pages:
        await expect(page.locator(".head .chip")).to_have_text("Ended", timeout=20_000)
        await page.get_by_text("A recruiter ended it").wait_for()
    await downloads_in_every_form(first, WORDS)
    await button(first, "Delete").click()
    await first.get_by_text("the transcript, with all that was said").wait_for()
    assert await faults_of(first) == []
    await button(first, "Delete for ever").click()
    await first.get_by_role("heading", name="Sessions").wait_for(timeout=20_000)
    await second.reload()
    await second.get_by_role("heading", name="There is no such session").wait_for()
    assert (
        await platform.fetch(
            "select 1 from transcript_entries where session_id = $1", call.session_id
        )
        == []
    )
    for context in contexts:
        await context.close()


async def another_tenant_has_its_own_look_and_sees_nothing(site, browser, session_id):
    tenant_id = await add_tenant(site.platform, accent=PURPLE)
    theirs = await recruiter(browser.browser, site.platform, tenant_id=tenant_id)
    page = await open_page(theirs, f"/console/sessions/{session_id}")
    await page.get_by_role("heading", name="There is no such session").wait_for()
    await page.get_by_role("banner").get_by_text("Another organisation", exact=True).wait_for()
    current = page.get_by_role("link", name="Sessions", exact=True)
    await expect(current).to_have_css("border-bottom-color", "rgb(122, 31, 162)")
    assert await faults_of(page) == []
    await page.get_by_role("link", name="To the sessions").click()
    await page.get_by_role("heading", name="No session yet").wait_for()
    await theirs.close()


async def downloads_in_every_form(page, words):
    for name, form in {"JSON": "json", "Markdown": "md", "WebVTT": "vtt", "CSV": "csv"}.items():
        assert form in FORMATS
        await button(page, "Download").click()
        async with page.expect_download() as download:
            await page.get_by_role("dialog").get_by_role("button", name=name).click()
        saved = await download.value
        assert saved.suggested_filename.endswith(f".{form}")
        text = (await saved.path()).read_text()
        assert words in text.replace("\\", "")


async def test_access_that_has_expired_leads_back_to_the_door(site, browser):
    await browser.add_init_script(
        "sessionStorage.setItem('vivavoce-console', JSON.stringify("
        "{accessToken: 'nonsense', expiresAt: '2099-01-01T00:00:00Z'}))"
    )
    async with visit(browser, f"{site.platform.url}/console/sessions") as room:
        await room.page.get_by_role("heading", name="Your time in the console is up").wait_for()
        assert await room.ask("sessionStorage.length") == 0


async def test_a_table_is_sorted_filtered_and_gone_through_by_keys(site, browser):
    for title in ("Table: zebra", "Table: ant", "Table: mole"):
        await plan_interview(site.platform, title=title)
    context = await recruiter(browser.browser, site.platform)
    page = await open_page(context, "/console")
    await page.get_by_label("Filter").fill("table:")
    await expect(page.get_by_text("3 of ")).to_be_visible()
    links = page.locator("tbody td:first-child a")
    await button(page, "Title").click()
    titles = ["Table: ant", "Table: mole", "Table: zebra"]
    await expect(links).to_have_text(titles)
    assert await faults_of(page) == []
    assert await page.locator("th[aria-sort=ascending]").inner_text() == "Title"
    await button(page, "Title").click()
    await expect(links).to_have_text(titles[::-1])
    await links.first.focus()
    for key, at in (("ArrowDown", 1), ("End", 2), ("ArrowDown", 2), ("Home", 0), ("ArrowUp", 0)):
        await page.keyboard.press(key)
        await expect(links.nth(at)).to_be_focused()
    await page.keyboard.press("Enter")
    await page.get_by_role("heading", name="Table: zebra").wait_for()
    await page.reload()
    await page.get_by_role("heading", name="Table: zebra").wait_for()
    await context.close()


async def test_a_transcript_is_followed_until_somebody_scrolls(site, browser):
    platform = site.platform
    context = await recruiter(browser.browser, platform)
    async with platform.client() as call:
        page = await open_page(context, f"/console/sessions/{call.session_id}")
        await say(platform, call, *(f"Line {number}." for number in range(40)))
        await expect(page.get_by_text("Line 39.")).to_be_in_viewport()
        log = page.get_by_role("log")
        await log.evaluate("log => log.scrollTo({ top: 0 })")
        jump = page.get_by_role("button", name="Jump to live")
        await jump.wait_for()
        await say(platform, call, "One more line.")
        await expect(jump).to_contain_text("new")
        await expect(page.get_by_text("One more line.")).not_to_be_in_viewport()
        await jump.click()
        await expect(page.get_by_text("One more line.")).to_be_in_viewport()
        assert await jump.count() == 0
    await context.close()


async def test_while_the_api_is_away_the_screen_says_so_and_stays(site, browser):
    await plan_interview(site.platform, title="Still here")
    context = await recruiter(browser.browser, site.platform)
    page = await open_page(context, "/console/sessions")
    await page.get_by_role("link", name="Interviews").click()
    await page.get_by_role("link", name="Still here").first.click()
    await page.get_by_role("heading", name="Still here").wait_for()
    await page.route("**/v1/**", lambda route: route.abort())
    away = page.get_by_text("The service does not answer.")
    await away.first.wait_for(timeout=20_000)
    await page.get_by_role("heading", name="Nobody is invited yet").wait_for()
    assert await faults_of(page) == []
    await page.unroute("**/v1/**")
    await expect(away).to_have_count(0, timeout=40_000)
    await page.go_back()
    await page.get_by_role("heading", name="Interviews").wait_for()
    await context.close()
