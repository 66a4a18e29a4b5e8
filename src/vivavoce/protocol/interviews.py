"""`/v1/interviews`, `/v1/invitations`, `/v1/consents`: what recruiters plan, whom they invite."""

from datetime import datetime
from typing import Annotated, Literal

import msgspec

from vivavoce.protocol.interview_start import (
    MAX_DURATION,
    MIN_DURATION,
    CandidateInfo,
    TurnServerConfig,
    Uuid,
)
from vivavoce.protocol.organisation import Theme

MAX_QUESTIONS = 100
MAX_COMPETENCIES = 30
MAX_USES = 20
MIN_INVITATION_SECONDS = 60
MAX_INVITATION_SECONDS = 366 * 86_400
DEFAULT_INVITATION_SECONDS = 14 * 86_400
MAX_SECRET_CHARACTERS = 128
MAX_OFFER_CHARACTERS = 65_536

InvitationState = Literal["pending", "opened", "in_progress", "completed", "expired", "revoked"]
"""`completed`: every session that the invitation allows was held."""
_Weight = Annotated[float, msgspec.Meta(ge=0, le=100)]
_Spoken = Annotated[str, msgspec.Meta(max_length=1000)]


class InterviewQuestion(
    msgspec.Struct, rename="camel", frozen=True, kw_only=True, forbid_unknown_fields=True
):
    """A question, in its place. `weight` and `notes` are for scoring and never enter a call."""

    text: Annotated[str, msgspec.Meta(min_length=1, max_length=1000, pattern=r"\S")]
    must_ask: bool = True
    """Whether it may not be left out."""
    probe: _Spoken | None = None
    """What is asked once more when the answer stays vague."""
    clarification: _Spoken | None = None
    """The question in other words."""
    weight: _Weight | None = None
    notes: Annotated[str, msgspec.Meta(max_length=2000)] | None = None


class Competency(
    msgspec.Struct, rename="camel", frozen=True, kw_only=True, forbid_unknown_fields=True
):
    """What is scored. Nothing of it enters a call."""

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
    weight: _Weight = 1.0
    description: Annotated[str, msgspec.Meta(max_length=2000)] = ""


class InterviewDraft(
    msgspec.Struct, rename="camel", frozen=True, kw_only=True, forbid_unknown_fields=True
):
    """`POST /v1/interviews`, `PUT /v1/interviews/{id}`.

    A candidate can read what enters a call: role, questions with probes and clarifications,
    guidance, closing. Weights, competencies and notes stay behind.
    """

    title: Annotated[str, msgspec.Meta(min_length=1, max_length=200, pattern=r"\S")]
    questions: Annotated[
        list[InterviewQuestion], msgspec.Meta(min_length=1, max_length=MAX_QUESTIONS)
    ]
    role: Annotated[str, msgspec.Meta(max_length=200)] = ""
    language: Annotated[str, msgspec.Meta(pattern=r"^[a-z]{2}$")] = "en"
    """ISO 639-1. The local engine speaks and hears English alone."""
    competencies: Annotated[list[Competency], msgspec.Meta(max_length=MAX_COMPETENCIES)] = []
    max_duration: Annotated[int, msgspec.Meta(ge=MIN_DURATION, le=MAX_DURATION)] = 1800
    """Seconds, counted from the first connected call."""
    voice: Annotated[str, msgspec.Meta(min_length=1, max_length=64)] | None = None
    guidance: Annotated[str, msgspec.Meta(max_length=4000)] = ""
    """For the interviewer: tone, what to dwell on."""
    closing: _Spoken = ""
    """Said before the goodbye, such as when the candidate will hear back."""
    notes: Annotated[str, msgspec.Meta(max_length=10_000)] = ""
    """For recruiters."""
    company_id: Uuid | None = None


class InterviewView(msgspec.Struct, rename="camel", frozen=True, kw_only=True):
    """An interview, as its tenant sees it."""

    interview_id: str
    title: str
    role: str
    language: str
    questions: list[InterviewQuestion]
    competencies: list[Competency]
    max_duration: int
    voice: str | None
    guidance: str
    closing: str
    notes: str
    company_id: str | None
    instructions: str
    """What the interviewer goes by, exactly; the candidate can read it."""
    created_at: datetime
    updated_at: datetime


class InterviewPage(msgspec.Struct, rename="camel", frozen=True, kw_only=True):
    """Interviews, the newest first. `next_cursor` leads to the next page, None at the end."""

    interviews: list[InterviewView]
    next_cursor: str | None


class InvitationRequest(
    msgspec.Struct, rename="camel", frozen=True, kw_only=True, forbid_unknown_fields=True
):
    """`POST /v1/interviews/{id}/invitations`: for one candidate."""

    candidate: CandidateInfo | None = None
    expires_in: Annotated[
        int, msgspec.Meta(ge=MIN_INVITATION_SECONDS, le=MAX_INVITATION_SECONDS)
    ] = DEFAULT_INVITATION_SECONDS
    """Seconds. A session that goes on then can still be resumed."""
    max_uses: Annotated[int, msgspec.Meta(ge=1, le=MAX_USES)] = 1
    """Sessions, one after the other. Resuming one uses nothing up, nor does one that fails."""


class ConsentView(msgspec.Struct, rename="camel", frozen=True, kw_only=True):
    """That a candidate agreed, to which version of the text, and when."""

    version: str
    agreed_at: datetime


class InvitationView(msgspec.Struct, rename="camel", frozen=True, kw_only=True):
    """An invitation, as its tenant sees it. Its secret is shown once, when it is made."""

    invitation_id: str
    interview_id: str
    state: InvitationState
    candidate: CandidateInfo | None
    max_uses: int
    uses: int
    created_at: datetime
    expires_at: datetime
    opened_at: datetime | None
    revoked_at: datetime | None
    consent: ConsentView | None
    session_id: str | None
    """Of the latest session."""


class InvitationCreated(msgspec.Struct, rename="camel", frozen=True, kw_only=True):
    """The link for the candidate. Its secret is in the fragment, which no server is sent."""

    invitation: InvitationView
    secret: str
    url: str


class InvitationPage(msgspec.Struct, rename="camel", frozen=True, kw_only=True):
    """Invitations, the newest first."""

    invitations: list[InvitationView]
    next_cursor: str | None


class SecretRequest(
    msgspec.Struct, rename="camel", frozen=True, kw_only=True, forbid_unknown_fields=True
):
    """`POST /functions/v1/invitation-token` and `console-token`: the secret of a link."""

    secret: Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_SECRET_CHARACTERS)]


class AccessTokenResponse(msgspec.Struct, rename="camel", frozen=True, kw_only=True):
    """A token for the `Authorization` header."""

    access_token: str
    expires_at: datetime


class ConsentStatement(msgspec.Struct, rename="camel", frozen=True, kw_only=True):
    """One sentence that a candidate agrees to."""

    id: str
    text: str


class ConsentText(msgspec.Struct, rename="camel", frozen=True, kw_only=True):
    """What is to be agreed to before an interview may start, and whether it was."""

    version: str
    statements: list[ConsentStatement]
    agreed_at: datetime | None


class InvitedSession(msgspec.Struct, rename="camel", frozen=True, kw_only=True):
    """The latest session of an invitation."""

    session_id: str
    status: str
    end_reason: str | None


class InvitationWelcome(msgspec.Struct, rename="camel", frozen=True, kw_only=True):
    """`GET /v1/invitation`: what a candidate is told before anything begins."""

    invitation_id: str
    state: InvitationState
    organisation: str
    """Who invites, and reads the transcript."""
    theme: Theme | None
    """Colours of the pages; None: their own."""
    title: str
    role: str
    language: str
    candidate_name: str | None
    max_duration: int
    question_count: int
    voice_processor: str | None
    """Host of the voice model that hears the candidate; None: the platform's own."""
    retention_days: int | None
    """After which the transcript is deleted; None: when the organisation deletes it."""
    expires_at: datetime
    consent: ConsentText
    session: InvitedSession | None


class InterviewPreview(msgspec.Struct, rename="camel", frozen=True, kw_only=True):
    """`POST /v1/interviews/preview`: what would come of a plan; nothing is kept."""

    welcome: InvitationWelcome
    """What a candidate would see first."""
    instructions: str
    """What the interviewer would go by, exactly; the candidate can read it."""


class ConsentRequest(
    msgspec.Struct, rename="camel", frozen=True, kw_only=True, forbid_unknown_fields=True
):
    """`POST /v1/consents`: every statement of the text, by id."""

    version: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    agreed: Annotated[
        list[Annotated[str, msgspec.Meta(max_length=64)]], msgspec.Meta(max_length=32)
    ]


class SoundCheckServers(msgspec.Struct, rename="camel", frozen=True, kw_only=True):
    """`GET /v1/sound-check`: what a call of the check may go by; TURN with credentials."""

    stun_servers: list[str]
    turn_servers: list[TurnServerConfig]


class SoundCheckRequest(
    msgspec.Struct, rename="camel", frozen=True, kw_only=True, forbid_unknown_fields=True
):
    """`POST /v1/sound-check`: the browser's offer of a call that only listens."""

    offer: Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_OFFER_CHARACTERS)]
    """SDP (RFC 8866), with its ICE candidates: there is no route for later ones."""


class SoundCheckAnswer(msgspec.Struct, rename="camel", frozen=True, kw_only=True):
    """The voice model's answer. The call is hung up at `ends_at`, if not before."""

    answer: str
    call_id: str
    ends_at: datetime
