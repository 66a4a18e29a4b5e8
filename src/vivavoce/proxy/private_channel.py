"""The private channel of a machine: commands from whoever started it, and from nobody else."""

import asyncio
import logging
import os
import socket
import struct
from collections.abc import AsyncGenerator, Collection
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final, Protocol

import anyio

from vivavoce.errors import InvalidRequest, VivavoceError
from vivavoce.protocol.codec import decode
from vivavoce.protocol.framing import HEADER_BYTES, body_bytes, frame
from vivavoce.protocol.machine import MAX_COMMAND_BYTES, CommandReply, MachineCommand

SEND_TIMEOUT: Final = 5.0
_PEER: Final = struct.Struct("3i")
_log: Final = logging.getLogger(__name__)


class Commanded(Protocol):
    """What carries commands out."""

    async def obey(self, command: MachineCommand) -> CommandReply:
        """Carry a command out and say how it stands.

        Raises:
            VivavoceError: If it is refused.
        """


@asynccontextmanager
async def serve_commands(
    path: Path, machine: Commanded, *, owners: Collection[int]
) -> AsyncGenerator[None, None]:
    """Listen on a unix socket for the length of the block.

    Args:
        path: Of the socket, in a folder that only its owner can enter.
        machine: Carries the commands out.
        owners: User ids that may command, as the kernel tells them (unix(7), `SO_PEERCRED`).
    """
    async with anyio.create_task_group() as tasks:

        def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            tasks.start_soon(_serve, reader, writer, machine, owners)

        server = await asyncio.start_unix_server(connected, path)
        os.chmod(path, 0o600)  # noqa: PTH101  a moment, before anybody connects
        try:
            yield
        finally:
            server.close()
            tasks.cancel_scope.cancel()


def _user_of(writer: asyncio.StreamWriter) -> int:
    raw: socket.socket = writer.get_extra_info("socket")
    credentials = raw.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER.size)
    return int(_PEER.unpack(credentials)[1])


async def _serve(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    machine: Commanded,
    owners: Collection[int],
) -> None:
    try:
        if _user_of(writer) not in owners:
            _log.warning("a user who does not own this machine tried to command it")
            return
        while True:
            length = body_bytes(await reader.readexactly(HEADER_BYTES))
            body = await reader.readexactly(length)
            writer.write(frame(await _reply(body, machine)))
            with anyio.fail_after(SEND_TIMEOUT):
                await writer.drain()
    except asyncio.IncompleteReadError:
        return  # The control plane went away; it comes back when it needs us.
    except (OSError, TimeoutError, InvalidRequest) as error:
        _log.warning("the private channel broke (%s)", type(error).__name__)
    finally:
        writer.close()


async def _reply(body: bytes, machine: Commanded) -> CommandReply:
    try:
        command: MachineCommand = decode(body, MachineCommand, max_bytes=MAX_COMMAND_BYTES)  # type: ignore[arg-type]  # a union
    except InvalidRequest as error:
        return CommandReply(id=0, ok=False, code=error.code, message=error.message)
    try:
        return await machine.obey(command)
    except VivavoceError as error:
        return CommandReply(id=command.id, ok=False, code=error.code, message=error.message)
