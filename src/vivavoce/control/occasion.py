"""What a session is held for: an interview that was planned, and perhaps an invitation to it."""

from dataclasses import dataclass

import msgspec

from vivavoce import tokens
from vivavoce.control.plane import ControlPlane
from vivavoce.errors import InvalidRequest
from vivavoce.protocol.interview_start import MAX_INSTRUCTIONS, OpenAIVoiceConfig, SessionConfig
from vivavoce.protocol.interviews import InterviewDraft, InterviewQuestion
from vivavoce.sessions.interview import Plan, Question, instructions
from vivavoce.store.interviews import InterviewRow, get_interview


@dataclass(frozen=True)
class Occasion:
    """An interview, and what lets the caller in.

    Attributes:
        interview: As it was planned.
        invitation_id: None where a recruiter starts the session.
        consent_version: Of the text that must have been agreed to, with an invitation.
    """

    interview: InterviewRow
    invitation_id: str | None = None
    consent_version: str | None = None


async def planned(
    plane: ControlPlane, identity: tokens.Identity, interview_id: str | None
) -> Occasion | None:
    """The interview that a recruiter starts a session for; None if none is named.

    Raises:
        NotFound: If the caller sees no such interview.
        Unavailable: If the database does not answer.
    """
    if interview_id is None:
        return None
    async with plane.database.as_tenant(identity.claims) as conn:
        return Occasion(await get_interview(conn, interview_id))


def plan_of_row(row: InterviewRow) -> Plan:
    """What of an interview may enter its call. Weights, notes and competencies stay behind."""
    questions = msgspec.convert(row.questions, list[InterviewQuestion])
    return _plan(questions, row)


def plan_of_draft(draft: InterviewDraft) -> Plan:
    """The same of a plan that is not kept yet."""
    return _plan(draft.questions, draft)


def check_draft(draft: InterviewDraft) -> None:
    """Refuse what would not fit into a call.

    Raises:
        InvalidRequest: If questions and guidance are too long together.
    """
    length = len(instructions(plan_of_draft(draft)))
    if length > MAX_INSTRUCTIONS:
        raise InvalidRequest(
            f"questions: with guidance and closing they make {length} characters of instructions;"
            f" {MAX_INSTRUCTIONS} are allowed."
        )


def settled_config(row: InterviewRow, asked: SessionConfig | None) -> SessionConfig:
    """The interview's own settings, with those of a recruiter's request before them.

    Raises:
        InvalidRequest: If the request has instructions of its own.
    """
    if asked is not None and asked.instructions is not None:
        raise InvalidRequest("sessionConfig.instructions: the interview has its own.")
    voice = None if row.voice is None else OpenAIVoiceConfig(voice=row.voice)
    if asked is None:
        return SessionConfig(max_duration=row.max_duration, voice_config=voice)
    return SessionConfig(
        max_duration=min(asked.max_duration, row.max_duration),
        voice_config=asked.voice_config or voice,
    )


def _plan(questions: list[InterviewQuestion], of: InterviewRow | InterviewDraft) -> Plan:
    return Plan(
        questions=tuple(
            Question(
                text=one.text,
                probe=one.probe,
                clarification=one.clarification,
                must_ask=one.must_ask,
            )
            for one in questions
        ),
        role=of.role,
        guidance=of.guidance,
        language=of.language,
        closing=of.closing or None,
        seconds=of.max_duration,
        invites_questions=True,
    )
