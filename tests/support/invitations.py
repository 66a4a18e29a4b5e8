"""A candidate who was invited, as far as a test needs one."""

from dataclasses import dataclass
from typing import Any

from support.api import Answer, ApiServer

QUESTIONS = [
    {
        "text": "Why nursing?",
        "probe": "What keeps you in it?",
        "weight": 41.7,
        "notes": "RUBRIC-OF-A-QUESTION",
    },
    {"text": "Tell me about a hard day.", "mustAsk": False, "clarification": "Any hard day."},
]
DRAFT: dict[str, Any] = {
    "title": "Nurses, first round",
    "role": "Nurse",
    "questions": QUESTIONS,
    "competencies": [
        {"name": "COMPETENCY-NAME", "weight": 58.3, "description": "COMPETENCY-DESCRIPTION"}
    ],
    "guidance": "Be warm.",
    "closing": "You will hear from us within a week.",
    "notes": "NOTES-FOR-RECRUITERS",
    "maxDuration": 600,
    "voice": "cedar",
}
SECRETS_OF_RECRUITERS = (
    "41.7",
    "58.3",
    "RUBRIC-OF-A-QUESTION",
    "COMPETENCY-NAME",
    "COMPETENCY-DESCRIPTION",
    "NOTES-FOR-RECRUITERS",
)


@dataclass
class Guest:
    """Somebody with an invitation's link."""

    api: ApiServer
    interview_id: str
    invitation_id: str
    secret: str
    url: str
    token: str = ""

    async def open(self) -> Answer:
        """Follow the link."""
        answer = await self.api.call(
            "POST", "/functions/v1/invitation-token", {"secret": self.secret}
        )
        if answer.status == 200:
            self.token = answer.json["accessToken"]
        return answer

    async def welcome(self) -> Answer:
        return await self.api.call("GET", "/v1/invitation", token=self.token)

    async def agree(self, **changes: Any) -> Answer:
        text = (await self.welcome()).json["consent"]
        agreed = {
            "version": text["version"],
            "agreed": [one["id"] for one in text["statements"]],
            **changes,
        }
        return await self.api.call("POST", "/v1/consents", agreed, token=self.token)

    async def start(self, **body: Any) -> Answer:
        return await self.api.start(body, token=self.token)

    async def started(self, **body: Any) -> dict[str, Any]:
        answer = await self.start(**body)
        assert answer.status == 200, answer.body
        return answer.json


async def plan(api: ApiServer, **changes: Any) -> dict[str, Any]:
    """Plan an interview as a recruiter."""
    answer = await api.call(
        "POST", "/v1/interviews", {**DRAFT, **changes}, token=api.access_token()
    )
    assert answer.status == 201, answer.body
    return answer.json


async def invite(api: ApiServer, interview_id: str | None = None, **wanted: Any) -> Guest:
    """Invite somebody, who then follows the link."""
    interview_id = interview_id or (await plan(api))["interviewId"]
    answer = await api.call(
        "POST", f"/v1/interviews/{interview_id}/invitations", wanted, token=api.access_token()
    )
    assert answer.status == 201, answer.body
    made = answer.json
    guest = Guest(
        api, interview_id, made["invitation"]["invitationId"], made["secret"], made["url"]
    )
    assert (await guest.open()).status == 200
    return guest


async def agreed(api: ApiServer, **wanted: Any) -> Guest:
    """The same, and they agree to everything."""
    guest = await invite(api, **wanted)
    assert (await guest.agree()).status == 201
    return guest
