"""Start an interview: a machine and the call's preparation side by side, then the claim.

A row stands before anything is asked for. Whatever fails, or whoever goes away, what was got is
given back, and the row says what failed. What even that cannot do is left to the reaper.
"""

from typing import Final

import anyio
import msgspec
import structlog

from vivavoce import tokens
from vivavoce.control import configuration
from vivavoce.control.bring_up import CLEANUP_SECONDS, BranchFailed, abandon, bring_up
from vivavoce.control.minting import Minting, minting
from vivavoce.control.occasion import Occasion
from vivavoce.control.papers import Papers
from vivavoce.control.plane import ControlPlane
from vivavoce.control.pool import Held
from vivavoce.control.response import start_response
from vivavoce.errors import (
    SessionEnded,
    Unavailable,
    VivavoceError,
    from_code,
)
from vivavoce.logs import bound
from vivavoce.protocol.interview_start import (
    ClientSecret,
    InterviewStartRequest,
    InterviewStartResponse,
)
from vivavoce.protocol.sessions import SessionFailure
from vivavoce.sessions.lifecycle import LIVE, SessionEvent, SessionStatus
from vivavoce.store import jobs
from vivavoce.store import sessions as rows
from vivavoce.store.sessions import NewSession, SessionRow

log = structlog.get_logger(__name__)

START_SECONDS: Final = 30.0
"""For a whole start; one that stands longer was left behind by a control plane that died."""
POLL_SECONDS: Final = 0.25


async def start_interview(
    plane: ControlPlane,
    identity: tokens.Identity,
    request: InterviewStartRequest,
    *,
    idempotency_key: str | None = None,
    request_id: str | None = None,
    occasion: Occasion | None = None,
) -> InterviewStartResponse:
    """Start a session, or find the one that this key has started.

    Args:
        plane: The parts.
        identity: A user's access token.
        request: What is wanted.
        idempotency_key: The same key of the same caller gives the same session. Secrets are minted
            anew. If the start failed, the key is free again.
        request_id: For the audit log.
        occasion: The interview that it is held for, if one was planned.

    Raises:
        QuotaExceeded: If the tenant has all the sessions that it may have.
        MachineProvisioningFailed: If there is no machine.
        Unavailable: If the voice model or the database does not answer.
        SessionEnded: If the key's session is over.
        InvalidRequest: If the request asks for what cannot be.
    """
    new = configuration.new_session(
        plane, identity, request, idempotency_key=idempotency_key, occasion=occasion
    )
    held: list[Held] = []  # at most one; given back on every way out but the good one
    papers = Papers(plane, rows.as_admitted(new))
    may_hurry = not plane.refusals.has(new.tenant_id)

    def make_out() -> None:
        if may_hurry:
            papers.token()
        if may_hurry and held:
            papers.claim(held[0].machine_id)

    async with minting(
        plane.voice, new.config["call"], at_once=may_hurry, meanwhile=make_out
    ) as minted:
        session = await _admit(plane, identity, new, request_id, held)
        if session is not None:
            return await _start_admitted(plane, identity, session, held, minted, papers=papers)
    return await _join(plane, identity, new)


async def _start_admitted(
    plane: ControlPlane,
    identity: tokens.Identity,
    session: SessionRow,
    held: list[Held],
    minted: Minting,
    *,
    papers: Papers,
) -> InterviewStartResponse:
    with bound(session_id=session.id, tenant_id=session.tenant_id):
        try:
            with anyio.fail_after(START_SECONDS):
                return await _start(plane, identity, session, held, minted, papers=papers)
        except BranchFailed as failed:
            log.warning("start failed", branch=failed.branch, code=failed.error.code)
            await _fail(plane, session, failed)
            raise failed.error from failed
        except TimeoutError:
            late = Unavailable("The session did not start in time; try again.", retry_after=1.0)
            await _fail(plane, session, BranchFailed("start", late))
            raise late from None
        except (
            BaseException
        ):  # the caller is cancelled, or the database gone: the row must not stay
            cut = Unavailable("The start was interrupted; try again.", retry_after=1.0)
            await _fail(plane, session, BranchFailed("start", cut))
            raise
        finally:
            plane.started.ring()
            plane.machines.refill()


async def _admit(
    plane: ControlPlane,
    identity: tokens.Identity,
    new: NewSession,
    request_id: str | None,
    held: list[Held],
) -> SessionRow | None:
    """Let the session in, with a machine if one stands ready; None if the key is known."""
    if new.architecture == "hybrid" and (warm := plane.machines.take_warm(new.region)):
        held.append(warm)
    try:
        async with plane.database.as_nobody() as conn:
            admission = await rows.admit_session(
                conn,
                identity.claims,
                new,
                machine_id=held[0].machine_id if held else None,
                request_id=request_id,
            )
    except BaseException as error:
        # Where the session was refused, nothing is booked; after anything else it may be.
        is_refusal = isinstance(error, VivavoceError) and not isinstance(error, Unavailable)
        plane.refusals.note(new.tenant_id)
        await abandon(plane, new.id, held, is_spent=not is_refusal)
        raise
    if admission is not None and admission.is_booked:
        plane.machines.serve(held[0], new.id)
    else:
        await abandon(plane, new.id, held, is_spent=admission is not None)
    if admission is None:
        plane.refusals.note(new.tenant_id)
    return None if admission is None else admission.session


async def _start(
    plane: ControlPlane,
    identity: tokens.Identity,
    session: SessionRow,
    held: list[Held],
    minted: Minting,
    *,
    papers: Papers,
) -> InterviewStartResponse:
    try:
        done = await bring_up(plane, identity, session, held, minted, papers=papers)
    except BaseException:
        await abandon(plane, session.id, held)
        raise
    if held and held[0].is_lost:
        plane.machines.report_loss(held[0])
    return start_response(plane, done.ready, done.secret, papers.token())


async def _fail(plane: ControlPlane, session: SessionRow, failed: BranchFailed) -> None:
    """Say in the row what failed, and have the reaper look after what may be left.

    If the database is down, the row stays in `provisioning` until the reaper finds it.
    """
    failure = SessionFailure(
        branch=failed.branch,
        code=failed.error.code,
        message=failed.error.message,
        tried_regions=failed.error.details.get("triedRegions"),
    )
    with anyio.move_on_after(CLEANUP_SECONDS, shield=True):
        try:
            await note_failure(plane, session.id, failure)
        except VivavoceError as error:
            log.warning("failed start not noted", code=error.code)


async def note_failure(plane: ControlPlane, session_id: str, failure: SessionFailure) -> None:
    """Move a session to `failed`, and have cleaned up what it left.

    Raises:
        Unavailable: If the database does not answer.
    """
    async with plane.database.as_service() as conn:
        await rows.move_session(
            conn, session_id, SessionEvent.FAIL, failure=msgspec.to_builtins(failure)
        )
        await jobs.add_job(conn, jobs.SETTLE, session_id=session_id)
    plane.cleanup.ring()


async def _join(
    plane: ControlPlane, identity: tokens.Identity, new: NewSession
) -> InterviewStartResponse:
    """Wait for a start with the same key, whoever runs it, and answer as it was answered."""
    session_id: str | None = None
    with anyio.move_on_after(START_SECONDS):
        while True:
            ended = plane.started.next()
            session = await _find(plane, identity, new, session_id)
            if session.status != SessionStatus.PROVISIONING:
                return await _answer_again(plane, session)
            session_id = session.id
            with anyio.move_on_after(POLL_SECONDS):
                await ended.wait()
    raise Unavailable("A start with this Idempotency-Key is under way.", retry_after=2.0)


async def _find(
    plane: ControlPlane, identity: tokens.Identity, new: NewSession, session_id: str | None
) -> SessionRow:
    async with plane.database.as_tenant(identity.claims) as conn:
        if session_id is not None:
            return await rows.get_session(conn, session_id)
        session = await rows.session_of_key(
            conn,
            tenant_id=new.tenant_id,
            user_id=new.user_id,
            idempotency_key=new.idempotency_key or "",
        )
    if session is None:
        raise Unavailable("The start with this Idempotency-Key failed; try again.", retry_after=0.1)
    return session


async def _answer_again(plane: ControlPlane, session: SessionRow) -> InterviewStartResponse:
    if session.status == SessionStatus.FAILED:
        failure = msgspec.convert(session.failure, SessionFailure)
        details = {"triedRegions": failure.tried_regions} if failure.tried_regions else {}
        raise from_code(failure.code, failure.message, **details)
    if session.status not in LIVE:
        raise SessionEnded("The session of this Idempotency-Key is over.")
    secret: ClientSecret | None = None
    if session.architecture == "direct":
        call = configuration.issued_config(session).call
        secret = await plane.voice.create_client_secret(call)
    return start_response(plane, session, secret, configuration.session_token(plane, session))
