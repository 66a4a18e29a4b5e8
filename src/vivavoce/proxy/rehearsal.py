"""An interview with ourselves, held once in the fork server before any machine is forked.

What runs for the first time changes the interpreter's memory: decoders are built, code is
specialised, caches are filled. Done here, that is shared by all machines instead of costing each of
them about a megabyte. Nothing of it is real: keys, voice model and control plane are made for the
moment, and the event loop is closed before the first fork.
"""

import asyncio
import os
import tempfile
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import anyio
import msgspec
from websockets.asyncio.client import unix_connect
from websockets.http11 import Request
from websockets.server import ServerProtocol
from websockets.typing import Subprotocol

from vivavoce.protocol.codec import decode, encode
from vivavoce.protocol.forking import CONTROL_SOCKET, PROXY_SOCKET
from vivavoce.protocol.framing import HEADER_BYTES, body_bytes, frame
from vivavoce.protocol.machine import (
    MAX_COMMAND_BYTES,
    Claim,
    ClaimCommand,
    CommandReply,
    VoiceAccess,
)
from vivavoce.protocol.messages import BEARER_SUBPROTOCOL_PREFIX, SUBPROTOCOL, CloseCode
from vivavoce.proxy.http import HttpClient
from vivavoce.proxy.machine import MachineBirth, run
from vivavoce.proxy.session import Session
from vivavoce.sessions.interview import call_configuration
from vivavoce.tokens import CANDIDATE_PERMISSIONS, ISSUER, SESSION, generate_keys, issue

TIMEOUT: Final = 5.0
_READ_BYTES: Final = 65_536
_SDP: Final = "\r\n".join(
    [
        "v=0",
        "o=- 1 1 IN IP4 127.0.0.1",
        "s=-",
        "t=0 0",
        "m=audio 9 UDP/TLS/RTP/SAVPF 111",
        "a=mid:0",
        "a=ice-ufrag:abcd",
        "a=ice-pwd:abcdefghijklmnopqrstuvwx",
        "a=fingerprint:sha-256 " + ":".join(["AB"] * 32),
        "",
    ]
)
_CONFIG: Final = call_configuration(
    instructions="", model="rehearsal", transcription_model="rehearsal", voice="rehearsal"
)
_ITEM: Final = {"id": "item_1", "type": "message", "role": "assistant", "status": "completed"}
_SAID: Final = {**_ITEM, "content": [{"type": "output_audio", "transcript": "Hello."}]}
_sample = b""  # of a claim, as it comes over the wire; written by the rehearsal
_EVENTS: Final[tuple[dict[str, Any], ...]] = (
    {"type": "session.created", "session": _CONFIG},
    {"type": "response.created", "response": {"id": "resp_1"}},
    {"type": "response.output_item.added", "response_id": "resp_1", "item": {**_ITEM}},
    {"type": "conversation.item.added", "item": {**_ITEM}},
    {"type": "output_audio_buffer.started", "response_id": "resp_1"},
    {"type": "response.output_audio_transcript.delta", "item_id": "item_1", "delta": "Hello."},
    {"type": "response.output_audio_transcript.done", "item_id": "item_1", "transcript": "Hello."},
    {"type": "response.output_item.done", "response_id": "resp_1", "item": _SAID},
    {"type": "response.done", "response": {"id": "resp_1", "output": [_SAID]}},
    {"type": "output_audio_buffer.stopped", "response_id": "resp_1"},
    {"type": "input_audio_buffer.speech_started", "item_id": "item_2"},
    {"type": "input_audio_buffer.speech_stopped", "item_id": "item_2"},
    {"type": "input_audio_buffer.committed", "item_id": "item_2", "previous_item_id": "item_1"},
    {
        "type": "conversation.item.input_audio_transcription.completed",
        "item_id": "item_2",
        "transcript": "Hello.",
    },
)


async def rehearse(runtime: Path) -> None:
    """Hold the interview, with its sockets in a folder below `runtime`.

    Raises:
        TimeoutError: If it is not over within `TIMEOUT`.
        Exception: Whatever fails on the way.
    """
    with tempfile.TemporaryDirectory(prefix="r", dir=runtime) as name, anyio.fail_after(TIMEOUT):
        folder, machine_id, ready = Path(name), str(uuid4()), anyio.Event()
        birth = MachineBirth(
            machine_id=machine_id,
            folder=folder,
            unclaimed_seconds=TIMEOUT,
            owners={os.getuid()},
            on_ready=ready.set,
            on_claimed=lambda: None,
        )
        async with _other_side() as origin, anyio.create_task_group() as tasks:
            tasks.start_soon(run, birth)
            await ready.wait()
            claim, token = _claim(machine_id, origin)
            _keep_sample(claim)
            await _be_candidate(folder, claim, token)


def _keep_sample(claim: Claim) -> None:
    global _sample  # noqa: PLW0603  the one thing that forks have of the rehearsal
    _sample = encode(ClaimCommand(id=0, claim=claim))


def limber_up() -> None:
    """Take a claim as a machine does, for nobody, in a machine that was just forked.

    A process that was forked copies each page when it first writes to it. Done while nobody waits,
    that is not done while a candidate does; the pages are those that a real claim needs.
    """
    command = decode(_sample, ClaimCommand, max_bytes=MAX_COMMAND_BYTES)
    session = Session(command.claim, HttpClient())
    frame(CommandReply(id=0, ok=True, session_id=session.claim.session_id))


def _claim(machine_id: str, origin: str) -> tuple[Claim, str]:
    keys, session_id, user_id, tenant_id = generate_keys(), *(str(uuid4()) for _ in range(3))
    claim = Claim(
        session_id=session_id,
        tenant_id=tenant_id,
        machine_id=machine_id,
        user_id=user_id,
        expires_at=datetime.now(UTC) + timedelta(seconds=60),
        jwks=keys.public(),
        issuer=ISSUER,
        audience=SESSION,
        machine_token="rehearsal",  # noqa: S106  nobody takes it
        control_url=origin,
        voice=VoiceAccess(base_url=f"{origin}/v1", api_key="rehearsal"),
        call_config=_CONFIG,
    )
    token = issue(
        keys,
        audience=SESSION,
        subject=user_id,
        tenant_id=tenant_id,
        session_id=session_id,
        permissions=CANDIDATE_PERMISSIONS,
        ttl=60,
    )
    return claim, token


async def _be_candidate(folder: Path, claim: Claim, token: str) -> None:
    reader, writer = await asyncio.open_unix_connection(folder / CONTROL_SOCKET)
    writer.write(frame(ClaimCommand(id=1, claim=claim)))
    await reader.readexactly(body_bytes(await reader.readexactly(HEADER_BYTES)))
    writer.close()
    async with unix_connect(
        str(folder / PROXY_SOCKET),
        "ws://localhost/ws",
        subprotocols=[
            Subprotocol(SUBPROTOCOL),
            Subprotocol(f"{BEARER_SUBPROTOCOL_PREFIX}{token}"),
        ],
        compression=None,
    ) as connection:
        for type_, data in (("session", {"known": {}}), ("offer", {"sdp": _SDP})):
            message: dict[str, Any] = {"type": type_, "data": data}
            message["sessionId"] = claim.session_id
            await connection.send(encode(message), text=True)
        entries = 0
        while entries < 2:  # noqa: PLR2004  both have said something
            received = msgspec.json.decode(await connection.recv())
            entries += len(received["data"].get("entries", ()))
        await connection.close(CloseCode.LEFT)


@asynccontextmanager
async def _other_side() -> AsyncGenerator[str, None]:
    """A voice model and a control plane in one: whatever is posted is fine."""
    async with anyio.create_task_group() as tasks:

        def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            tasks.start_soon(_answer, reader, writer)

        server = await asyncio.start_server(connected, "127.0.0.1", 0)
        try:
            yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        finally:
            server.close()
            tasks.cancel_scope.cancel()


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            if head.startswith(b"GET"):
                await _be_sideband(head, reader, writer)
                return
            length = next(
                int(line.partition(b":")[2])
                for line in head.lower().split(b"\r\n")
                if line.startswith(b"content-length:")
            )
            await reader.readexactly(length)
            writer.write(_posted(head))
    except asyncio.IncompleteReadError:
        return
    finally:
        writer.close()


def _posted(head: bytes) -> bytes:
    location, body = b"", b""
    if b"/calls " in head:
        location, body = b"Location: /v1/realtime/calls/rtc_1\r\n", _SDP.encode()
    elif b"/transcript-processor " in head:
        body = b'{"accepted":1,"duplicates":0}'
    return b"HTTP/1.1 201 Created\r\n%sContent-Length: %d\r\n\r\n%s" % (location, len(body), body)


async def _be_sideband(
    head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    protocol = ServerProtocol()
    protocol.receive_data(head)
    request = protocol.events_received()[0]
    assert isinstance(request, Request)  # noqa: S101  the beginning of a handshake
    protocol.send_response(protocol.accept(request))
    for event in _EVENTS:
        protocol.send_text(encode(event))
    while not protocol.close_expected():
        writer.write(b"".join(protocol.data_to_send()))
        protocol.receive_data(await reader.read(_READ_BYTES))
    writer.write(b"".join(protocol.data_to_send()))
