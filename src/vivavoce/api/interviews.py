"""`/v1/interviews`: what recruiters plan, and whom they invite to it."""

from typing import Final

import msgspec
from litestar import Response, delete, get, post, put
from litestar.params import FromPath, RawBody

from vivavoce import tokens
from vivavoce.api.context import AnyRequest, Api, ApiParts, answer, caller, id_of
from vivavoce.api.freshness import answer_if_changed, answer_tagged, require_latest
from vivavoce.api.paging import Place, read_page
from vivavoce.api.problems import request_id_of
from vivavoce.control import invitations
from vivavoce.control.occasion import check_draft, plan_of_row
from vivavoce.control.welcome import candidate_of, invitation_state, preview
from vivavoce.protocol.codec import clean_json, decode
from vivavoce.protocol.interviews import (
    Competency,
    ConsentView,
    InterviewDraft,
    InterviewPage,
    InterviewQuestion,
    InterviewView,
    InvitationCreated,
    InvitationPage,
    InvitationRequest,
    InvitationView,
)
from vivavoce.sessions.interview import instructions
from vivavoce.store import interviews as rows
from vivavoce.store import invitations as invitation_rows
from vivavoce.store.events import add_audit
from vivavoce.store.interviews import InterviewRow
from vivavoce.store.invitations import InvitationRow

LIST: Final = "/v1/interviews"
PREVIEW: Final = f"{LIST}/preview"
ONE: Final = "/v1/interviews/{interview_id:str}"
INVITATIONS: Final = f"{ONE}/invitations"
INVITATION: Final = "/v1/invitations/{invitation_id:str}"
REVOKE: Final = f"{INVITATION}/revoke"
MAX_DRAFT_BYTES: Final = 1024 * 1024
MAX_BODY_BYTES: Final = 16_384


@get(LIST)
async def list_interviews(request: AnyRequest, api: ApiParts) -> Response[bytes]:
    """The tenant's interviews, the newest first."""
    identity = await api.identify(request, (tokens.ACCESS,))

    async def read(limit: int, before: Place | None) -> list[InterviewRow]:
        async with api.plane.database.as_tenant(identity.claims) as conn:
            return await rows.list_interviews(conn, limit=limit, before=before)

    page, following = await read_page(request, read)
    view = InterviewPage(interviews=[_view(one) for one in page], next_cursor=following)
    return answer_if_changed(request, view)


@post(LIST, status_code=201, request_max_body_size=MAX_DRAFT_BYTES)
async def create_interview(request: AnyRequest, body: RawBody, api: ApiParts) -> Response[bytes]:
    """Plan an interview."""
    identity = await api.identify(request, (tokens.ACCESS,))
    draft = _draft(body)
    async with api.plane.database.as_tenant(identity.claims) as conn:
        row = await rows.insert_interview(
            conn, draft, tenant_id=identity.tenant_id, author_id=identity.subject
        )
        await add_audit(
            conn,
            tenant_id=identity.tenant_id,
            action="interview.create",
            object_id=row.id,
            **caller(identity, request),
        )
    return answer(_view(row), status=201)


@post(PREVIEW, status_code=200, request_max_body_size=MAX_DRAFT_BYTES)
async def preview_interview(request: AnyRequest, body: RawBody, api: ApiParts) -> Response[bytes]:
    """Show what would come of a plan, and refuse what would be refused; nothing is kept."""
    identity = await api.identify(request, (tokens.ACCESS,))
    return answer(await preview(api.plane, identity, _draft(body)))


@get(ONE)
async def show_interview(
    request: AnyRequest, interview_id: FromPath[str], api: ApiParts
) -> Response[bytes]:
    """One interview."""
    identity = await api.identify(request, (tokens.ACCESS,))
    wanted = id_of(interview_id, "interview")
    async with api.plane.database.as_tenant(identity.claims) as conn:
        row = await rows.get_interview(conn, wanted)
    return answer_if_changed(request, _view(row))


@put(ONE, status_code=200, request_max_body_size=MAX_DRAFT_BYTES)
async def replace_interview(
    request: AnyRequest, interview_id: FromPath[str], body: RawBody, api: ApiParts
) -> Response[bytes]:
    """Plan an interview anew, if it is what `If-Match` says; sessions keep what they began with."""
    identity = await api.identify(request, (tokens.ACCESS,))
    wanted, draft = id_of(interview_id, "interview"), _draft(body)
    async with api.plane.database.as_tenant(identity.claims) as conn:
        require_latest(request, _view(await rows.hold_interview(conn, wanted)))
        row = await rows.replace_interview(conn, wanted, draft)
        await add_audit(
            conn,
            tenant_id=identity.tenant_id,
            action="interview.update",
            object_id=row.id,
            **caller(identity, request),
        )
    return answer_tagged(_view(row))


@delete(ONE, status_code=204)
async def delete_interview(request: AnyRequest, interview_id: FromPath[str], api: ApiParts) -> None:
    """Delete an interview that was never held, with its invitations."""
    identity = await api.identify(request, (tokens.ACCESS,))
    wanted = id_of(interview_id, "interview")
    async with api.plane.database.as_tenant(identity.claims) as conn:
        await rows.delete_interview(conn, wanted)
        await add_audit(
            conn,
            tenant_id=identity.tenant_id,
            action="interview.delete",
            object_id=wanted,
            **caller(identity, request),
        )


@post(INVITATIONS, status_code=201, request_max_body_size=MAX_BODY_BYTES)
async def create_invitation(
    request: AnyRequest, interview_id: FromPath[str], body: RawBody, api: ApiParts
) -> Response[bytes]:
    """Invite a candidate; an empty body asks for the defaults. The link is shown this once."""
    identity = await api.identify(request, (tokens.ACCESS,))
    wanted = id_of(interview_id, "interview")
    asked = decode(body or b"{}", InvitationRequest, max_bytes=MAX_BODY_BYTES)
    row, secret = await invitations.invite(
        api.plane, identity, wanted, asked, request_id=request_id_of(request)
    )
    url = invitations.link_of(api.plane, row.id, secret)
    created = InvitationCreated(invitation=_invitation_view(api, row), secret=secret, url=url)
    return answer(created, status=201)


@get(INVITATIONS)
async def list_invitations(
    request: AnyRequest, interview_id: FromPath[str], api: ApiParts
) -> Response[bytes]:
    """The invitations of an interview, the newest first."""
    identity = await api.identify(request, (tokens.ACCESS,))
    wanted = id_of(interview_id, "interview")

    async def read(limit: int, before: Place | None) -> list[InvitationRow]:
        async with api.plane.database.as_tenant(identity.claims) as conn:
            await rows.get_interview(conn, wanted)
            return await invitation_rows.list_invitations(conn, wanted, limit=limit, before=before)

    page, following = await read_page(request, read)
    view = InvitationPage(
        invitations=[_invitation_view(api, one) for one in page], next_cursor=following
    )
    return answer_if_changed(request, view)


@get(INVITATION)
async def show_invitation(
    request: AnyRequest, invitation_id: FromPath[str], api: ApiParts
) -> Response[bytes]:
    """One invitation."""
    identity = await api.identify(request, (tokens.ACCESS,))
    wanted = id_of(invitation_id, "invitation")
    async with api.plane.database.as_tenant(identity.claims) as conn:
        row = await invitation_rows.get_invitation(conn, wanted)
    return answer_if_changed(request, _invitation_view(api, row))


@post(REVOKE, status_code=200, request_max_body_size=MAX_BODY_BYTES)
async def revoke_invitation(
    request: AnyRequest, invitation_id: FromPath[str], api: ApiParts
) -> Response[bytes]:
    """Take an invitation back, and end the session that goes on with it."""
    identity = await api.identify(request, (tokens.ACCESS,))
    wanted = id_of(invitation_id, "invitation")
    row = await invitations.take_back(
        api.plane, identity, wanted, request_id=request_id_of(request)
    )
    return answer(_invitation_view(api, row))


def _draft(body: bytes) -> InterviewDraft:
    given = decode(body, InterviewDraft, max_bytes=MAX_DRAFT_BYTES)
    draft = msgspec.convert(clean_json(msgspec.to_builtins(given)), InterviewDraft)
    check_draft(draft)
    return draft


def _view(row: InterviewRow) -> InterviewView:
    return InterviewView(
        interview_id=row.id,
        title=row.title,
        role=row.role,
        language=row.language,
        questions=msgspec.convert(row.questions, list[InterviewQuestion]),
        competencies=msgspec.convert(row.competencies, list[Competency]),
        max_duration=row.max_duration,
        voice=row.voice,
        guidance=row.guidance,
        closing=row.closing,
        notes=row.notes,
        company_id=row.company_id,
        instructions=instructions(plan_of_row(row)),
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def _invitation_view(api: Api, row: InvitationRow) -> InvitationView:
    consent = None
    if row.consent_version is not None and row.agreed_at is not None:
        consent = ConsentView(version=row.consent_version, agreed_at=row.agreed_at)
    return InvitationView(
        invitation_id=row.id,
        interview_id=row.interview_id,
        state=invitation_state(api.plane, row),
        candidate=candidate_of(row),
        max_uses=row.max_uses,
        uses=row.uses,
        created_at=row.created_at,
        expires_at=row.expires_at,
        opened_at=row.opened_at,
        revoked_at=row.revoked_at,
        consent=consent,
        session_id=row.session_id,
    )
