"""What a recruiter does on a running platform before somebody is interviewed."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import aiohttp

from support.interview import QUESTION, Platform

TITLE = "Bicycle mechanic, first conversation"
CANDIDATE = {"name": "Robin Marsh"}


@dataclass(frozen=True)
class Invited:
    """An invitation, and the link that the candidate gets."""

    invitation_id: str
    url: str


async def ask(platform: Platform, method: str, path: str, body: Any = None) -> Any:
    """Ask the API as the local tenant's recruiter."""
    headers = {"authorization": f"Bearer {platform.token()}"}
    async with (
        aiohttp.ClientSession(platform.url, headers=headers) as http,
        http.request(method, path, json=body) as response,
    ):
        answer = await response.json() if response.content_length else None
        assert response.ok, answer
        return answer


async def plan_interview(
    platform: Platform, questions: Sequence[str] = (QUESTION,), **draft: Any
) -> str:
    """Plan an interview; give its id."""
    planned = {
        "title": TITLE,
        "role": "Bicycle mechanic",
        "questions": [{"text": text} for text in questions],
        "maxDuration": 900,
        **draft,
    }
    return str((await ask(platform, "POST", "/v1/interviews", planned))["interviewId"])


async def invite(
    platform: Platform, questions: Sequence[str] = (QUESTION,), **draft: Any
) -> Invited:
    """Plan an interview and invite somebody to it."""
    interview_id = await plan_interview(platform, questions, **draft)
    path = f"/v1/interviews/{interview_id}/invitations"
    made = await ask(platform, "POST", path, {"candidate": CANDIDATE})
    return Invited(made["invitation"]["invitationId"], made["url"])


async def expire(platform: Platform, invited: Invited) -> None:
    """Let an invitation be as old as one that has expired."""
    await platform.fetch(
        "update invitations set created_at = created_at - interval '30 days',"
        " expires_at = expires_at - interval '30 days' where id = $1",
        invited.invitation_id,
    )


async def revoke(platform: Platform, invited: Invited) -> None:
    """Take an invitation back."""
    await ask(platform, "POST", f"/v1/invitations/{invited.invitation_id}/revoke", {})
