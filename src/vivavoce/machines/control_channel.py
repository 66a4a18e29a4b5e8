"""The control plane's end of a machine's private channel."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from itertools import count

import anyio

from vivavoce.errors import Code, InvalidRequest
from vivavoce.machines.provider import AlreadyClaimed, MachineLost
from vivavoce.protocol.codec import decode
from vivavoce.protocol.framing import HEADER_BYTES, body_bytes, frame
from vivavoce.protocol.machine import (
    MAX_COMMAND_BYTES,
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


class UnixControlChannel:
    """Sends commands over a stream, each answered by id; a `provider.ControlChannel`."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._ids = count(1)
        self._replies: dict[int, CommandReply] = {}
        self._answered: dict[int, anyio.Event] = {}
        self._lost = anyio.Event()

    async def claim(self, claim: Claim, *, timeout: float = 2.0) -> CommandReply:
        """Give the machine its session."""
        reply = await self._ask(ClaimCommand(id=next(self._ids), claim=claim), timeout)
        if reply.code == Code.CONFLICT:
            raise AlreadyClaimed(reply.message or "The machine has a session.")
        return reply

    async def revoke(
        self, token_ids: Sequence[str] | None, *, timeout: float = 2.0
    ) -> CommandReply:
        """Refuse these tokens from now on; None ends the session."""
        jti = None if token_ids is None else list(token_ids)
        return await self._ask(RevokeCommand(id=next(self._ids), jti=jti), timeout)

    async def end(self, reason: EndReason, *, timeout: float = 2.0) -> CommandReply:
        """Ask for the end."""
        return await self._ask(EndCommand(id=next(self._ids), reason=reason), timeout)

    async def pause(self, *, timeout: float = 2.0) -> CommandReply:
        """Stop the idle clock."""
        return await self._ask(PauseCommand(id=next(self._ids)), timeout)

    async def resume(self, *, timeout: float = 2.0) -> CommandReply:
        """Start the idle clock again."""
        return await self._ask(ResumeCommand(id=next(self._ids)), timeout)

    async def drain(self, *, timeout: float = 2.0) -> CommandReply:
        """Refuse new calls; an unclaimed machine ends."""
        return await self._ask(DrainCommand(id=next(self._ids)), timeout)

    async def health(self, *, timeout: float = 2.0) -> CommandReply:
        """Ask how it stands."""
        return await self._ask(HealthCommand(id=next(self._ids)), timeout)

    async def until_lost(self) -> None:
        """Wait until the channel is gone."""
        await self._lost.wait()

    async def receive(self) -> None:
        """Take replies until the channel is gone."""
        try:
            while True:
                length = body_bytes(await self._reader.readexactly(HEADER_BYTES))
                body = await self._reader.readexactly(length)
                reply = decode(body, CommandReply, max_bytes=MAX_COMMAND_BYTES)
                answered = self._answered.get(reply.id)
                if answered is not None:
                    self._replies[reply.id] = reply
                    answered.set()
        except (asyncio.IncompleteReadError, OSError, InvalidRequest):
            pass
        finally:
            self._lost.set()
            for answered in self._answered.values():
                answered.set()

    async def _ask(self, command: MachineCommand, timeout: float) -> CommandReply:
        answered = self._answered[command.id] = anyio.Event()
        try:
            if self._lost.is_set():
                raise MachineLost("The machine is gone.")
            with anyio.fail_after(timeout):
                self._writer.write(frame(command))
                await self._writer.drain()
                await answered.wait()
            reply = self._replies.pop(command.id, None)
        except TimeoutError:
            self._writer.close()
            raise MachineLost(f"The machine gave no answer within {timeout:g} s.") from None
        except OSError:
            raise MachineLost("The machine is gone.") from None
        finally:
            del self._answered[command.id]
        if reply is None:
            raise MachineLost("The machine is gone.")
        return reply


@asynccontextmanager
async def connect_unix_channel(
    path: str, *, timeout: float = 2.0
) -> AsyncGenerator[UnixControlChannel, None]:
    """Open the private channel of a machine, for the length of the block.

    Raises:
        MachineLost: If nobody answers there.
    """
    try:
        with anyio.fail_after(timeout):
            reader, writer = await asyncio.open_unix_connection(path)
    except (OSError, TimeoutError) as error:
        raise MachineLost(f"The machine is gone ({type(error).__name__}).") from None
    failure: Exception | None = None
    try:
        async with anyio.create_task_group() as tasks:
            channel = UnixControlChannel(reader, writer)
            tasks.start_soon(channel.receive)
            try:
                yield channel
            except Exception as error:  # noqa: BLE001  raised below, not wrapped in a group
                failure = error
            tasks.cancel_scope.cancel()
    finally:
        writer.close()
    if failure is not None:
        raise failure
