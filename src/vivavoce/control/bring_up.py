"""Bring a session up that was let in: its machine and claim, its call's key, and its row."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, Literal

import anyio
import structlog

from vivavoce import tokens
from vivavoce.control.minting import Minting
from vivavoce.control.papers import Papers
from vivavoce.control.plane import ControlPlane
from vivavoce.control.pool import Held
from vivavoce.errors import MachineProvisioningFailed, SessionEnded, VivavoceError
from vivavoce.machines.provider import AlreadyClaimed, MachineFailure, MachineLost
from vivavoce.protocol.interview_start import ClientSecret
from vivavoce.protocol.machine import Claim
from vivavoce.store import machines as machine_rows
from vivavoce.store import sessions as rows
from vivavoce.store.sessions import SessionRow

log = structlog.get_logger(__name__)

CLEANUP_SECONDS: Final = 10.0
CLAIM_TRIES: Final = 2
Branch = Literal["machine", "call", "claim", "start"]


class BranchFailed(Exception):
    """What failed, and where; `error` is what the caller gets."""

    def __init__(self, branch: Branch, error: VivavoceError) -> None:
        super().__init__(branch)
        self.branch = branch
        self.error = error


@dataclass(frozen=True, slots=True)
class Up:
    """A session that is ready: its row, and the key of its call."""

    ready: SessionRow
    secret: ClientSecret


async def bring_up(
    plane: ControlPlane,
    identity: tokens.Identity,
    session: SessionRow,
    held: list[Held],
    minted: Minting,
    *,
    papers: Papers,
) -> Up:
    """All at once: a machine with its claim, a key for the call and, when sure of both, the row.

    Who fails first ends the others. Nobody is told of the session before all are done.
    """
    secrets: list[ClientSecret] = []
    ready: list[SessionRow] = []
    booked, prepared = anyio.Event(), anyio.Event()

    async def get_machine() -> None:
        if session.architecture == "hybrid" and not held:
            await _take_machine(plane, session, held, session.region)
        booked.set()
        if held:
            await _claim(plane, session, held, papers)

    async def prepare_call() -> None:
        secrets.append(await minted.key())
        prepared.set()

    async def note_ready() -> None:
        await booked.wait()
        await prepared.wait()
        ready.append(await _note_ready(plane, identity, session, held))

    await _race(("machine", get_machine), ("call", prepare_call), ("start", note_ready))
    return Up(ready[0], secrets[0])


async def _race(*branches: tuple[Branch, Callable[[], Awaitable[None]]]) -> None:
    """Run all at once; who fails first ends the others.

    Raises:
        BranchFailed: What failed first.
    """
    failures: list[BranchFailed] = []
    async with anyio.create_task_group() as tasks:

        async def run(branch: Branch, act: Callable[[], Awaitable[None]]) -> None:
            try:
                await act()
            except BranchFailed as failed:
                failures.append(failed)
                tasks.cancel_scope.cancel()
            except VivavoceError as error:
                failures.append(BranchFailed(branch, error))
                tasks.cancel_scope.cancel()

        for branch, act in branches:
            tasks.start_soon(run, branch, act)
    if failures:
        raise failures[0]


async def _take_machine(
    plane: ControlPlane, session: SessionRow, held: list[Held], region: str | None
) -> None:
    held.append(await plane.machines.take(region))
    await book_machine(plane, session, held[0])


async def _claim(
    plane: ControlPlane, session: SessionRow, held: list[Held], papers: Papers
) -> None:
    """Give the session its machine; another one, once, if that one is lost on the way."""
    for tries_left in reversed(range(CLAIM_TRIES)):
        try:
            await claim_machine(held[0], papers.claim(held[0].machine_id))
        except MachineFailure as error:
            if not tries_left:
                failure = MachineProvisioningFailed(
                    "The session's machine could not be claimed; try again.",
                    triedRegions=[held[0].machine.region],
                )
                raise BranchFailed("claim", failure) from error
        else:
            return
        region = held[0].machine.region  # the same one: the row names it
        await abandon(plane, session.id, held)
        try:
            await _take_machine(plane, session, held, region)
        except VivavoceError as error:
            raise BranchFailed("machine", error) from error


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


async def claim_machine(held: Held, claim: Claim) -> None:
    """Give a machine that is booked for a session all that it needs for it.

    Raises:
        MachineFailure: If the machine refuses, or is lost.
    """
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


async def abandon(
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
