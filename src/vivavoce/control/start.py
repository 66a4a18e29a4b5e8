"""Start an interview: a machine and the call's preparation side by side, then the claim.

A row stands before anything is asked for. Whatever fails, or whoever goes away, what was got is
given back, and the row says what failed. What even that cannot do is left to the reaper.
"""

from collections.abc import Awaitable, Callable
from typing import Any, Final, Literal

import anyio
import msgspec
import structlog

from vivavoce import tokens
from vivavoce.control import configuration
from vivavoce.control.minting import Minting, minting
from vivavoce.control.occasion import Occasion
from vivavoce.control.plane import ControlPlane
from vivavoce.control.pool import Held
from vivavoce.control.response import start_response
from vivavoce.errors import (
    MachineProvisioningFailed,
    SessionEnded,
    Unavailable,
    VivavoceError,
    from_code,
)
from vivavoce.logs import bound
from vivavoce.machines.provider import AlreadyClaimed, MachineFailure, MachineLost
from vivavoce.protocol.interview_start import (
    ClientSecret,
    InterviewStartRequest,
    InterviewStartResponse,
)
from vivavoce.protocol.sessions import SessionFailure
from vivavoce.sessions.lifecycle import LIVE, SessionEvent, SessionStatus
from vivavoce.store import jobs
from vivavoce.store import machines as machine_rows
from vivavoce.store import sessions as rows
from vivavoce.store.sessions import NewSession, SessionRow

log = structlog.get_logger(__name__)

START_SECONDS: Final = 30.0
"""For a whole start; one that stands longer was left behind by a control plane that died."""
CLEANUP_SECONDS: Final = 10.0
CLAIM_TRIES: Final = 2
POLL_SECONDS: Final = 0.25
Branch = Literal["machine", "call", "claim", "start"]


class _BranchFailed(Exception):
    """What failed, and where; `error` is what the caller gets."""

    def __init__(self, branch: Branch, error: VivavoceError) -> None:
        super().__init__(branch)
        self.branch = branch
        self.error = error


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
    may_hurry = not plane.refusals.has(new.tenant_id)
    async with minting(plane.voice, new.config["call"], at_once=may_hurry) as minted:
        session = await _admit(plane, identity, new, request_id, held)
        if session is not None:
            return await _start_admitted(plane, identity, session, held, minted)
    return await _join(plane, identity, new)


async def _start_admitted(
    plane: ControlPlane,
    identity: tokens.Identity,
    session: SessionRow,
    held: list[Held],
    minted: Minting,
) -> InterviewStartResponse:
    with bound(session_id=session.id, tenant_id=session.tenant_id):
        try:
            with anyio.fail_after(START_SECONDS):
                return await _start(plane, identity, session, held, minted)
        except _BranchFailed as failed:
            log.warning("start failed", branch=failed.branch, code=failed.error.code)
            await _fail(plane, session, failed)
            raise failed.error from failed
        except TimeoutError:
            late = Unavailable("The session did not start in time; try again.", retry_after=1.0)
            await _fail(plane, session, _BranchFailed("start", late))
            raise late from None
        except (
            BaseException
        ):  # the caller is cancelled, or the database gone: the row must not stay
            cut = Unavailable("The start was interrupted; try again.", retry_after=1.0)
            await _fail(plane, session, _BranchFailed("start", cut))
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
        await _abandon(plane, new.id, held, is_spent=not is_refusal)
        raise
    if admission is not None and admission.is_booked:
        plane.machines.serve(held[0], new.id)
    else:
        await _abandon(plane, new.id, held, is_spent=admission is not None)
    if admission is None:
        plane.refusals.note(new.tenant_id)
    return None if admission is None else admission.session


async def _start(
    plane: ControlPlane,
    identity: tokens.Identity,
    session: SessionRow,
    held: list[Held],
    minted: Minting,
) -> InterviewStartResponse:
    try:
        ready, secret = await _bring_up(plane, identity, session, held, minted)
    except BaseException:
        await _abandon(plane, session.id, held)
        raise
    if held and held[0].is_lost:
        plane.machines.report_loss(held[0])
    return start_response(plane, ready, secret)


async def _bring_up(
    plane: ControlPlane,
    identity: tokens.Identity,
    session: SessionRow,
    held: list[Held],
    minted: Minting,
) -> tuple[SessionRow, ClientSecret]:
    """All at once: a machine with its claim, a key for the call and, when sure of both, the row.

    Who fails first ends the others. Nobody is told of the session before all three are done.
    """
    secrets: list[ClientSecret] = []
    ready: list[SessionRow] = []
    failures: list[_BranchFailed] = []
    booked, prepared = anyio.Event(), anyio.Event()

    async def get_machine() -> None:
        if session.architecture == "hybrid" and not held:
            await _take_machine(plane, session, held, session.region)
        booked.set()
        if held:
            await _claim(plane, session, held)

    async def prepare_call() -> None:
        secrets.append(await minted.key())
        prepared.set()

    async def note_ready() -> None:
        await booked.wait()
        await prepared.wait()
        ready.append(await _note_ready(plane, identity, session, held))

    async with anyio.create_task_group() as branches:

        async def run(branch: Branch, act: Callable[[], Awaitable[None]]) -> None:
            try:
                await act()
            except _BranchFailed as failed:
                failures.append(failed)
                branches.cancel_scope.cancel()
            except VivavoceError as error:
                failures.append(_BranchFailed(branch, error))
                branches.cancel_scope.cancel()

        branches.start_soon(run, "machine", get_machine)
        branches.start_soon(run, "call", prepare_call)
        branches.start_soon(run, "start", note_ready)
    if failures:
        raise failures[0]
    return ready[0], secrets[0]


async def _take_machine(
    plane: ControlPlane, session: SessionRow, held: list[Held], region: str | None
) -> None:
    held.append(await plane.machines.take(region))
    await book_machine(plane, session, held[0])


async def _claim(plane: ControlPlane, session: SessionRow, held: list[Held]) -> None:
    """Give the session its machine; another one, once, if that one is lost on the way."""
    for tries_left in reversed(range(CLAIM_TRIES)):
        try:
            await claim_machine(plane, session, held[0])
        except MachineFailure as error:
            if not tries_left:
                failure = MachineProvisioningFailed(
                    "The session's machine could not be claimed; try again.",
                    triedRegions=[held[0].machine.region],
                )
                raise _BranchFailed("claim", failure) from error
        else:
            return
        region = held[0].machine.region  # the same one: the row names it
        await _abandon(plane, session.id, held)
        try:
            await _take_machine(plane, session, held, region)
        except VivavoceError as error:
            raise _BranchFailed("machine", error) from error


async def book_machine(plane: ControlPlane, session: SessionRow, held: Held) -> None:
    """Make a machine the session's in the books, which they allow once.

    Raises:
        AlreadyClaimed: If the machine, or the session, has another.
        Unavailable: If the database does not answer.
    """
    async with plane.database.as_nobody() as conn:
        is_ours = await machine_rows.note_claimed(
            conn, held.machine_id, session_id=session.id, tenant_id=session.tenant_id
        )
    if not is_ours:
        raise AlreadyClaimed("The machine has a session already.")
    plane.machines.serve(held, session.id)


async def claim_machine(
    plane: ControlPlane, session: SessionRow, held: Held, **taken_over: Any
) -> None:
    """Give a machine all that it needs for the session.

    Args:
        plane: The parts.
        session: The session.
        held: A machine that is booked for it.
        taken_over: What is known already, as `configuration.make_claim` takes it.

    Raises:
        MachineFailure: If the machine refuses, or is lost.
    """
    claim = configuration.make_claim(plane, session, held.machine_id, **taken_over)
    reply = await held.channel.claim(claim)
    if not reply.ok:
        raise MachineLost(f"The machine refused the claim ({reply.code}).")


async def _note_ready(
    plane: ControlPlane, identity: tokens.Identity, session: SessionRow, held: list[Held]
) -> SessionRow:
    machine = held[0].machine if held else None
    async with plane.database.as_nobody() as conn:
        ready = await rows.note_ready(
            conn,
            identity.claims,
            session,
            region=machine.region if machine else None,
            isolation=machine.isolation if machine else None,
        )
    if ready is None:
        raise SessionEnded("The session was ended while it was starting.")
    return ready


async def _abandon(
    plane: ControlPlane, session_id: str, held: list[Held], *, is_spent: bool = False
) -> None:
    """Give a machine back that nobody can have, destroy any other.

    What fails is the reaper's: rows stand.
    """
    with anyio.move_on_after(CLEANUP_SECONDS, shield=True):
        while held:
            one = held.pop()
            try:
                if one.session_id is None and not is_spent:
                    await plane.machines.give_back(one)
                else:
                    plane.machines.release(session_id)
                    await plane.machines.destroy(one.machine)
            except (VivavoceError, OSError, TimeoutError) as error:
                log.warning("machine left to the reaper", error=type(error).__name__)


async def _fail(plane: ControlPlane, session: SessionRow, failed: _BranchFailed) -> None:
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
    return start_response(plane, session, secret)
