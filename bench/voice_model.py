"""A voice model that follows scripts: the Realtime protocol and real WebRTC, but no speech.

It stands in for the voice model where an interview must be fast and its words known exactly. The
script of a call is the one whose mark stands in the call's instructions.
"""

import json
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import anyio
from aiohttp import BodyPartReader, web
from aiortc import RTCDataChannel, RTCSessionDescription
from aiortc.mediastreams import AudioStreamTrack
from anyio.abc import TaskGroup

from bench.scripted_call import Call, Script
from vivavoce.webrtc import open_peer_connection, set_local_description


@dataclass
class VoiceModel:
    """The scripts to follow, and the calls that were made."""

    base_url: str = ""
    api_key: str = field(default_factory=lambda: f"sk-{uuid4().hex}")
    secret_delay: float = 0.0
    """Seconds that a client secret takes."""
    scripts: list[Script] = field(default_factory=list)
    calls: dict[str, Call] = field(default_factory=dict)
    secrets: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def settings(self) -> dict[str, str]:
        """Environment that makes a platform use it."""
        return {"VIVA_VOICE_BASE_URL": self.base_url, "VIVA_VOICE_API_KEY": self.api_key}

    @property
    def live_calls(self) -> int:
        """Calls that nobody has hung up."""
        return sum(not call.hung_up.is_set() for call in self.calls.values())


@asynccontextmanager
async def open_voice_model() -> AsyncGenerator[VoiceModel, None]:
    """Serve a voice model on a port of loopback, for the length of the block."""
    model = VoiceModel()
    async with anyio.create_task_group() as calls:
        runner = web.AppRunner(_application(model, calls), access_log=None, shutdown_timeout=1)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            model.base_url = f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
            yield model
        finally:
            for call in model.calls.values():
                call.hung_up.set()
            with anyio.move_on_after(5, shield=True):
                await runner.cleanup()
            calls.cancel_scope.cancel()


def _application(model: VoiceModel, calls: TaskGroup) -> web.Application:
    async def mint_secret(request: web.Request) -> web.Response:
        await anyio.sleep(model.secret_delay)
        session = (await request.json()).get("session", {})
        value = f"ek_{uuid4().hex}"
        model.secrets[value] = session
        return web.json_response(
            {"value": value, "expires_at": int(time.time()) + 600, "session": session}
        )

    async def create_call(request: web.Request) -> web.Response:
        offer, session = await _offer(request, model)
        instructions = session.get("instructions", "")
        script = next(script for script in model.scripts if script.mark in instructions)
        call = Call(script, session)
        answer: str = await calls.start(_run_call, call, offer)
        script.calls.append(call)
        model.calls[call.call_id] = call
        location = f"/v1/realtime/calls/{call.call_id}"
        return web.Response(
            status=201,
            text=answer,
            content_type="application/sdp",
            headers={"Location": location},
        )

    async def hang_up(request: web.Request) -> web.Response:
        _call(model, request.match_info["call_id"]).hung_up.set()
        return web.Response()

    async def attach(request: web.Request) -> web.WebSocketResponse:
        call = _call(model, request.query.get("call_id", ""))
        sideband = web.WebSocketResponse()
        await sideband.prepare(request)
        await sideband.send_json(
            {"type": "session.created", "event_id": "event_0", "session": call.session}
        )
        call.sidebands.add(sideband)
        try:
            async for message in sideband:
                await call.obey(json.loads(message.data))
        finally:
            call.sidebands.discard(sideband)
        return sideband

    application = web.Application()
    application.add_routes(
        [
            web.post("/v1/realtime/client_secrets", mint_secret),
            web.post("/v1/realtime/calls", create_call),
            web.post("/v1/realtime/calls/{call_id}/hangup", hang_up),
            web.get("/v1/realtime", attach),
        ]
    )
    return application


def _call(model: VoiceModel, call_id: str) -> Call:
    call = model.calls.get(call_id)
    if call is None or call.hung_up.is_set():
        raise web.HTTPNotFound
    return call


async def _offer(request: web.Request, model: VoiceModel) -> tuple[str, dict[str, Any]]:
    """The offer and the call's configuration, in both forms of the request."""
    if request.content_type == "application/sdp":
        secret = request.headers["Authorization"].removeprefix("Bearer ")
        return await request.text(), model.secrets.pop(secret, {})
    parts: dict[str, str] = {}
    async for part in await request.multipart():
        assert isinstance(part, BodyPartReader)
        parts[str(part.name)] = await part.text()
    return parts["sdp"], json.loads(parts.get("session", "{}"))


async def _run_call(
    call: Call, offer: str, *, task_status: anyio.abc.TaskStatus[str] = anyio.TASK_STATUS_IGNORED
) -> None:
    """Answer, follow the script, and go on until somebody hangs up."""
    async with open_peer_connection() as peer, anyio.create_task_group() as tasks:

        @peer.on("datachannel")
        def _(channel: RTCDataChannel) -> None:
            call.channel = channel
            channel.on("message", lambda text: tasks.start_soon(call.obey, json.loads(text)))

        peer.addTrack(AudioStreamTrack())
        await peer.setRemoteDescription(RTCSessionDescription(offer, "offer"))
        answer = await set_local_description(peer, await peer.createAnswer(), loopback_only=True)
        task_status.started(answer.sdp)
        tasks.start_soon(call.follow_script)
        await call.hung_up.wait()
        for sideband in tuple(call.sidebands):
            await sideband.close()
        tasks.cancel_scope.cancel()
