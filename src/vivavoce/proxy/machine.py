"""A machine: an anonymous process that takes one claim, ever, and then holds one interview."""

import json
import logging
import os
import shutil
import signal
import sys
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, assert_never

import anyio
from joserfc.errors import JoseError

from vivavoce.errors import Conflict, InvalidRequest
from vivavoce.protocol.forking import CONTROL_SOCKET, PROXY_SOCKET
from vivavoce.protocol.machine import (
    Claim,
    ClaimCommand,
    CommandReply,
    DrainCommand,
    EndCommand,
    HealthCommand,
    MachineCommand,
    PauseCommand,
    ResumeCommand,
    RevokeCommand,
)
from vivavoce.protocol.messages import EndReason
from vivavoce.proxy.http import HttpClient
from vivavoce.proxy.private_channel import serve_commands
from vivavoce.proxy.server import serve_clients
from vivavoce.proxy.session import Session

END_GRACE_SECONDS: Final = 60
"""After its deadline a machine that hangs is ended by the kernel, whatever it does."""
_CLAIM_SECONDS: Final = 2.0  # that a client waits for it
_log: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class MachineBirth:
    """What a machine knows before it has a session.

    Attributes:
        machine_id: Its id.
        folder: Its own.
        unclaimed_seconds: After which it gives up.
        owners: User ids that may command it.
        on_ready: Called once it listens.
        on_claimed: Called when it has a session: from then on it outlives who started it.
    """

    machine_id: str
    folder: Path
    unclaimed_seconds: float
    owners: Collection[int]
    on_ready: Callable[[], None]
    on_claimed: Callable[[], None]


class Machine:
    """Takes commands; a claim makes it the machine of one session."""

    def __init__(self, birth: MachineBirth, http: HttpClient) -> None:
        self._birth = birth
        self._http = http
        self.session: Session | None = None
        self.claimed = anyio.Event()

    async def session_soon(self) -> Session | None:
        """Give the session. A client may come a moment before the claim, and waits for it."""
        if not self.claimed.is_set():
            with anyio.move_on_after(_CLAIM_SECONDS):
                await self.claimed.wait()
        return self.session

    async def obey(self, command: MachineCommand) -> CommandReply:
        """Carry a command out.

        Raises:
            Conflict: For a second claim, or for a command that needs a session before there is one.
            InvalidRequest: For a claim that cannot be served.
        """
        if isinstance(command, ClaimCommand):
            self._claim(command.claim)
        elif not isinstance(command, HealthCommand | DrainCommand):
            session = self.session
            if session is None:
                raise Conflict("This machine has no session.")
            _carry_out(session, command)
        elif isinstance(command, DrainCommand):
            self._drain()
        return self._reply(command.id)

    def _claim(self, claim: Claim) -> None:
        if self.claimed.is_set():
            raise Conflict("This machine is claimed; it takes no second session.")
        if claim.machine_id != self._birth.machine_id:
            raise Conflict("This claim is for another machine.")
        if claim.expires_at.tzinfo is None or claim.expires_at <= datetime.now(UTC):
            raise InvalidRequest("The claim has expired.")
        try:
            self.session = Session(claim, self._http)
        except (JoseError, KeyError, TypeError, ValueError) as error:
            raise InvalidRequest(f"The claim is not usable ({type(error).__name__}).") from None
        seconds = (claim.expires_at - datetime.now(UTC)).total_seconds()
        signal.alarm(int(seconds + claim.limits.drain) + END_GRACE_SECONDS)
        log_with(sessionId=claim.session_id, machineId=claim.machine_id)
        self._birth.on_claimed()
        self.claimed.set()

    def _drain(self) -> None:
        if self.session is None:
            self.claimed.set()  # with no session, it ends
        else:
            self.session.drain()

    def _reply(self, command_id: int) -> CommandReply:
        session = self.session
        if session is None:
            return CommandReply(id=command_id, ok=True, status="unclaimed")
        return CommandReply(
            id=command_id,
            ok=True,
            status="claimed" if session.ending is None else "ending",
            session_id=session.claim.session_id,
            call_id=session.call_id,
            unacknowledged=session.unacknowledged,
        )


def _carry_out(
    session: Session, command: RevokeCommand | EndCommand | PauseCommand | ResumeCommand
) -> None:
    match command:
        case RevokeCommand(jti=token_ids):
            session.revoke(token_ids)
        case EndCommand(reason=reason):
            session.end(reason)
        case PauseCommand():
            session.pause(paused=True)
        case ResumeCommand():
            session.pause(paused=False)
        case _:
            assert_never(command)


async def run(birth: MachineBirth) -> None:
    """Be a machine until its session is over, or nobody has claimed it in time."""
    signal.alarm(int(birth.unclaimed_seconds) + END_GRACE_SECONDS)
    try:
        await _serve(birth)
    finally:
        shutil.rmtree(birth.folder, ignore_errors=True)


async def _serve(birth: MachineBirth) -> None:
    async with HttpClient() as http:
        machine = Machine(birth, http)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_end_on_signal, machine)
            async with (
                serve_clients(str(birth.folder / PROXY_SOCKET), machine.session_soon),
                serve_commands(birth.folder / CONTROL_SOCKET, machine, owners=birth.owners),
            ):
                birth.on_ready()
                with anyio.move_on_after(birth.unclaimed_seconds):
                    await machine.claimed.wait()
                if machine.session is not None:
                    await machine.session.run()
            tasks.cancel_scope.cancel()


async def _end_on_signal(machine: Machine) -> None:
    """When told to stop, end the interview properly: nobody would hang its call up otherwise."""
    with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
        async for _ in signals:
            if machine.session is None:
                machine.claimed.set()
            else:
                machine.session.end(EndReason.CALL_LOST)


class _JsonLines(logging.Formatter):
    """One JSON object a line, as the other programs write. No exception text: it may quote."""

    def __init__(self, facts: Mapping[str, Any]) -> None:
        super().__init__()
        self._facts = dict(facts)

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "timestamp": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage(),
            **self._facts,
        }
        if record.exc_info and record.exc_info[0] is not None:
            line["exception"] = record.exc_info[0].__name__
        return json.dumps(line, ensure_ascii=False)


def log_with(**facts: str) -> None:
    """Write log lines to standard error, each with these facts."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_JsonLines({**facts, "pid": os.getpid()}))
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    logging.raiseExceptions = False  # who read our log may be gone; the interview is not
