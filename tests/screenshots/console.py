"""Everything that a recruiter may see."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import anyio
from playwright.async_api import BrowserContext, Page, expect

from screenshots.gallery import Gallery
from support.browser import open_browser
from support.console import link_into, open_page, recruiter
from support.interview import Platform
from support.recruiting import ask, invite, plan_interview
from vivavoce.cli.home import TENANT_ID
from vivavoce.client import InterviewClient, open_edge
from vivavoce.protocol.transcript import Speaker, TranscriptEvent

SAID = (
    "My name is Robin, and I have repaired bicycles in a small shop since I left school.",
    "Thank you. What is a project that you are proud of?",
    "Last year I built up a cargo bike for a nursery from three broken ones. It took two winters.",
    "What was the hardest part of it?",
    "The brakes. Nothing fitted, so I turned new parts on a lathe that I had to repair first.",
    "I see. What would you like to learn next?",
    "Welding, properly. I can do it, but I would not ride on it.",
)
PLAN: dict[str, Any] = {
    "title": "Bicycle mechanic, first conversation",
    "role": "Bicycle mechanic",
    "questions": [
        {"text": "Could you tell me about yourself and the work you do?"},
        {
            "text": "What is a project that you are proud of?",
            "probe": "What was your part in it?",
            "weight": 40,
            "notes": "Look for planning.",
        },
        {"text": "What would you like to learn next?", "mustAsk": False},
    ],
    "competencies": [
        {"name": "Craft", "weight": 60, "description": "Knows tools and materials."},
        {"name": "Care", "weight": 40},
    ],
    "guidance": "Be warm and unhurried.",
    "closing": "You hear from us within a week.",
    "maxDuration": 1200,
}
ACCENT = "#7a1fa2"
WISH = "Could the questions stay on the screen? I read better than I hear."


async def walk(platform: Platform, gallery: Gallery) -> None:
    """Go through all of it."""
    await platform.fetch("delete from interview_sessions")
    await platform.fetch("delete from interviews")
    async with open_browser() as context:
        await _at_the_door(platform, gallery, context)
        assert context.browser
        inside = await recruiter(context.browser, platform)
        await _nothing_yet(gallery, inside)
        interview_id = await _plans(platform, gallery, inside)
        await _invitations(platform, gallery, inside, interview_id)
        await _sessions(platform, gallery, inside, interview_id)
        await _in_a_colour(platform, gallery, inside)


async def _at_the_door(platform: Platform, gallery: Gallery, context: BrowserContext) -> None:
    page = await open_page(context, f"{platform.url}/console")
    await gallery.take(page, "no-link")
    await page.goto("about:blank")
    await page.goto(f"{platform.url}/console#nothing")
    await _heads(page, "This link opens nothing any more")
    await gallery.take(page, "used-link")
    await page.route("**/functions/v1/console-token", lambda route: route.abort())
    await page.goto("about:blank")
    await page.goto(await link_into(platform))
    await _heads(page, "The console cannot be opened at the moment")
    await gallery.take(page, "no-service")
    await page.unroute("**/functions/v1/console-token")
    await _press(page, "Try again")
    await _press(page, "Sign out")
    await _heads(page, "You have signed out")
    await gallery.take(page, "signed-out")
    await page.goto("about:blank")
    await page.goto(await link_into(platform))
    await _heads(page, "Interviews")
    await page.route("**/functions/v1/console-token", lambda route: route.abort())
    await _press(page, "Sign out")
    await _heads(page, "You have signed out of this tab")
    await gallery.take(page, "signed-out-unheard")
    await page.close()


async def _nothing_yet(gallery: Gallery, inside: BrowserContext) -> None:
    for state, path, says in (
        ("interviews-none", "/console", "No interview yet"),
        ("sessions-none", "/console/sessions", "No session yet"),
        ("nowhere", "/console/nothing", "There is no such page"),
        ("not-found", "/console/sessions/00000000-0000-4000-8000-000000000000", "no such session"),
    ):
        async with _at(inside, path) as page:
            await _heads(page, says)
            await gallery.take(page, state)


async def _plans(platform: Platform, gallery: Gallery, inside: BrowserContext) -> str:
    interview_id = (await ask(platform, "POST", "/v1/interviews", PLAN))["interviewId"]
    await plan_interview(platform, title="Shop assistants", role="Assistant")
    await plan_interview(platform, title="Workshop lead, second conversation", role="Lead")
    async with _at(inside, "/console") as page:
        await page.get_by_role("link", name="Shop assistants", exact=True).wait_for()
        await gallery.take(page, "interviews")
    async with _at(inside, "/console/interviews/new") as page:
        await gallery.take(page, "plan-empty")
        await _press(page, "Save and invite")
        await gallery.take(page, "plan-errors")
    async with _at(inside, f"/console/interviews/{interview_id}") as page:
        await page.get_by_label("Preview").get_by_text("3 questions").wait_for()
        await gallery.take(page, "plan-preview")
        await _press(page, "They could read")
        await gallery.take(page, "plan-readable")
        changed = {**PLAN, "guidance": "Be brief.", "notes": "Two posts."}
        await ask(platform, "PUT", f"/v1/interviews/{interview_id}", changed)
        await page.get_by_label("Guidance").fill("Be warm, unhurried and curious.")
        await _press(page, "Save")
        await _heads(page, "Somebody saved this interview before you")
        await gallery.take(page, "plan-of-two")
        await _press(page, "Back to the form")
        await gallery.take(page, "plan-changed-meanwhile")
        await _press(page, "Delete")
        await gallery.take(page, "plan-delete")
    return str(interview_id)


async def _invitations(
    platform: Platform, gallery: Gallery, inside: BrowserContext, interview_id: str
) -> None:
    path = f"/v1/interviews/{interview_id}/invitations"
    async with _at(inside, f"/console/interviews/{interview_id}/invitations") as page:
        await _heads(page, "Nobody is invited yet")
        await gallery.take(page, "invitations-none")
        for candidate in (
            {"name": "Jo Okafor", "email": "jo@example.org"},
            {"name": "Sam Lindqvist"},
            None,
        ):
            await ask(platform, "POST", path, {"candidate": candidate})
        listed = (await ask(platform, "GET", path))["invitations"]
        taken = listed[1]["invitationId"]
        await ask(platform, "POST", f"/v1/invitations/{taken}/revoke", {})
        await page.get_by_text("Revoked").wait_for()
        await gallery.take(page, "invitations")
        await _press(page, "Invite somebody")
        await gallery.take(page, "invite")
        await page.get_by_label("Name").fill("Ada Lane")
        await _press(page, "Make the link")
        await _heads(page, "The link is ready")
        await gallery.take(page, "invite-link")
        await _press(page, "Close")
        await _press(page, "Revoke the invitation of Jo Okafor")
        await gallery.take(page, "revoke")


async def _sessions(
    platform: Platform, gallery: Gallery, inside: BrowserContext, interview_id: str
) -> None:
    await _held(platform, interview_id, {"name": "Mei Tanaka"})
    await _held(platform, interview_id, {"email": "someone@example.org"})
    async with platform.client() as call:
        await _name(platform, interview_id, call.session_id)
        await _tell(platform, call)
        async with _at(inside, "/console/sessions") as page:
            await page.get_by_role("row").nth(3).wait_for()
            await gallery.take(page, "sessions")
        async with _at(inside, f"/console/sessions/{call.session_id}") as page:
            await page.get_by_text(SAID[-1]).wait_for()
            await page.get_by_text("asks for something").wait_for()
            await gallery.take(page, "session-live")
            await page.get_by_label("Search in the transcript").fill("repair")
            await page.locator("mark").first.wait_for()
            await gallery.take(page, "session-search")
            await _press(page, "End now")
            await gallery.take(page, "session-end")
            await _press(page, "Keep it")
            await page.route("**/v1/**", lambda route: route.abort())
            await page.get_by_text("The service does not answer").wait_for()
            await gallery.take(page, "session-away")
            await page.unroute("**/v1/**")
            await _press(page, "End now")
            await _press(page, "End the interview")
            await expect(page.locator(".head .chip")).to_have_text("Ended", timeout=30_000)
            await page.get_by_label("Search in the transcript").fill("")
            await gallery.take(page, "session-ended")
            await _press(page, "Download")
            await gallery.take(page, "session-download")
            await _press(page, "Close")
            await _press(page, "Delete")
            await gallery.take(page, "session-delete")


async def _in_a_colour(platform: Platform, gallery: Gallery, inside: BrowserContext) -> None:
    """The same in a tenant's own colour."""
    await platform.fetch("update tenants set accent = $2 where id = $1", TENANT_ID, ACCENT)
    async with _at(inside, "/console/sessions") as page:
        await page.get_by_role("row").nth(3).wait_for()
        await gallery.take(page, "accent-sessions")
    async with _at(inside, (await invite(platform)).url) as page:
        await _heads(page, "Hello Robin Marsh")
        await gallery.take(page, "accent-welcome")
    await platform.fetch("update tenants set accent = null where id = $1", TENANT_ID)


async def _held(platform: Platform, interview_id: str, candidate: dict[str, str]) -> None:
    """A session that is over."""
    body = {"architecture": "direct", "interviewId": interview_id, "candidate": candidate}
    started = await ask(platform, "POST", "/functions/v1/interview-start", body)
    await ask(platform, "POST", f"/v1/sessions/{started['sessionId']}/end", {})


async def _name(platform: Platform, interview_id: str, session_id: str) -> None:
    """Say of a session what it is held for, and with whom."""
    await platform.fetch(
        "update interview_sessions set interview_id = $2,"
        """ candidate = '{"name": "Robin Marsh", "email": "robin@example.org"}' where id = $1""",
        session_id,
        interview_id,
    )


async def _tell(platform: Platform, call: InterviewClient) -> None:
    """Let a candidate say something, and ask for something."""
    first = await _first_words(platform, call)
    now = datetime.now(UTC)
    events = [
        TranscriptEvent(
            session_id=call.session_id,
            speaker=Speaker.AI if number % 2 else Speaker.CANDIDATE,
            content=words,
            timestamp=now + timedelta(seconds=20 * number),
            item_id=f"said_{number}",
            previous_item_id=f"said_{number - 1}" if number else first,
        )
        for number, words in enumerate(SAID)
    ]
    async with open_edge(platform.url, call.session_token) as edge:
        await edge.send_transcript(call.session_token, events)
    wish = {"type": "accommodation_request", "data": {"message": WISH}}
    await ask(platform, "POST", f"/v1/sessions/{call.session_id}/events", wish)


async def _first_words(platform: Platform, call: InterviewClient) -> str:
    """What the interviewer begins with; gives its id."""
    async for entry in call.entries():
        if entry.final:
            break
    while not (stored := await platform.stored(call.session_id)):  # noqa: ASYNC110  as it is read
        await anyio.sleep(0.05)
    return stored[0].item_id


@asynccontextmanager
async def _at(inside: BrowserContext, path: str) -> AsyncGenerator[Page, None]:
    page = await open_page(inside, path)
    yield page
    await page.close(run_before_unload=False)


async def _press(page: Page, name: str) -> None:
    await page.get_by_role("button", name=name, exact=True).click()


async def _heads(page: Page, words: str) -> None:
    await page.get_by_role("heading", name=words).first.wait_for()
