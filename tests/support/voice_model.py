"""A voice model that the test conducts: the Realtime protocol over real sockets, without speech.

It does what it is told, refuses and vanishes on request, and keeps what it was sent. Every event
that it emits is checked against the types of OpenAI's own SDK, so that it cannot drift from the
published protocol. Audio never flows: for that there is the engine.
"""

import json
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from uuid import uuid4

import aiohttp
import anyio
from aiohttp import BodyPartReader, web
from openai.types.realtime import RealtimeServerEvent
from pydantic import TypeAdapter

Event = dict[str, Any]
_server_event = TypeAdapter(RealtimeServerEvent)

OFFER = "\r\n".join(
    [
        "v=0",
        "o=- 1 1 IN IP4 127.0.0.1",
        "s=-",
        "t=0 0",
        "a=group:BUNDLE 0",
        "m=audio 9 UDP/TLS/RTP/SAVPF 111",
        "c=IN IP4 0.0.0.0",
        "a=mid:0",
        "a=ice-ufrag:abcd",
        "a=ice-pwd:abcdefghijklmnopqrstuvwx",
        "a=fingerprint:sha-256 " + ":".join(["AB"] * 32),
        "a=setup:actpass",
        "a=rtpmap:111 opus/48000/2",
        "",
    ]
)
ANSWER = OFFER.replace("actpass", "active")


def checked(event: Event) -> Event:
    """The event, if OpenAI's SDK knows it in this form."""
    _server_event.validate_python(event)
    return event


@dataclass(eq=False)
class ConductedCall:
    """A call: whoever listens gets what the test says, and what they send is kept."""

    session: Event
    offer: str
    call_id: str = field(default_factory=lambda: f"rtc_{uuid4().hex}")
    sidebands: set[web.WebSocketResponse] = field(default_factory=set)
    received: list[Event] = field(default_factory=list)
    items: dict[str, Event] = field(default_factory=dict)
    is_hung_up: bool = False
    attachments: int = 0
    changed: anyio.Event = field(default_factory=anyio.Event)

    def note(self) -> None:
        self.changed.set()
        self.changed = anyio.Event()

    async def until(self, holds: Callable[["ConductedCall"], Any], *, timeout: float = 10) -> Any:
        """Wait until something is so; give what `holds` gave."""
        with anyio.fail_after(timeout):
            while not (value := holds(self)):
                await self.changed.wait()
            return value

    async def until_sent(self, type_: str, *, count: int = 1, timeout: float = 10) -> Event:
        """Wait until somebody has sent `count` client events of a type; give the last of them."""

        def sent(call: ConductedCall) -> list[Event] | None:
            found = [event for event in call.received if event["type"] == type_]
            return found if len(found) >= count else None

        return (await self.until(sent, timeout=timeout))[count - 1]

    def sent(self, type_: str) -> list[Event]:
        return [event for event in self.received if event["type"] == type_]

    async def emit(self, type_: str, **fields: Any) -> None:
        event = checked({"type": type_, "event_id": f"event_{uuid4().hex[:12]}", **fields})
        await self.emit_raw(json.dumps(event))

    async def emit_raw(self, text: str) -> None:
        for sideband in tuple(self.sidebands):
            with suppress(ConnectionError):
                await sideband.send_str(text)

    # The candidate.

    async def candidate_begins(self, item_id: str) -> None:
        await self.emit("input_audio_buffer.speech_started", item_id=item_id, audio_start_ms=0)

    async def candidate_stops(self, item_id: str) -> None:
        previous = self.last_item_id
        await self.emit("input_audio_buffer.speech_stopped", item_id=item_id, audio_end_ms=800)
        await self.emit("input_audio_buffer.committed", item_id=item_id, previous_item_id=previous)
        await self.add_item(message(item_id, "user", "input_audio", transcript=None))

    async def candidate_written(self, item_id: str, text: str) -> None:
        if item_id in self.items:
            self.items[item_id]["content"][0]["transcript"] = text
        await self.emit(
            "conversation.item.input_audio_transcription.completed",
            item_id=item_id,
            content_index=0,
            transcript=text,
            usage={"type": "duration", "seconds": 0.8},
        )

    async def candidate_says(self, text: str, *, item_id: str | None = None) -> str:
        item_id = item_id or new_id("item")
        await self.candidate_begins(item_id)
        await self.candidate_stops(item_id)
        await self.candidate_written(item_id, text)
        return item_id

    # The interviewer.

    async def interviewer_begins(self, text: str, *, item_id: str | None = None) -> str:
        """A reply up to the middle: it plays, and is not done."""
        item_id = item_id or new_id("item")
        response_id = f"resp_{item_id}"
        item = message(item_id, "assistant", "output_audio", transcript=None)
        item = {**item, "status": "in_progress", "content": []}
        await self.emit("response.created", response=response(response_id, "in_progress"))
        await self.emit(
            "response.output_item.added", response_id=response_id, output_index=0, item=item
        )
        await self.emit("conversation.item.added", previous_item_id=self.last_item_id, item=item)
        self.items[item_id] = item
        await self.emit("output_audio_buffer.started", response_id=response_id)
        await self.emit(
            "response.output_audio_transcript.delta",
            response_id=response_id,
            item_id=item_id,
            output_index=0,
            content_index=0,
            delta=text,
        )
        return item_id

    async def interviewer_ends(self, item_id: str, text: str, *, played: bool = True) -> None:
        response_id = f"resp_{item_id}"
        item = message(item_id, "assistant", "output_audio", transcript=text)
        self.items[item_id] = item
        place = {"response_id": response_id, "output_index": 0}
        await self.emit(
            "response.output_audio_transcript.done",
            **place,
            item_id=item_id,
            content_index=0,
            transcript=text,
        )
        await self.emit("response.output_item.done", **place, item=item)
        await self.emit("response.done", response=response(response_id, "completed", [item]))
        if played:
            await self.emit("output_audio_buffer.stopped", response_id=response_id)

    async def interviewer_says(self, text: str, *, item_id: str | None = None) -> str:
        item_id = await self.interviewer_begins(text, item_id=item_id)
        await self.interviewer_ends(item_id, text)
        return item_id

    async def call_function(self, name: str, arguments: Event) -> str:
        """A function call of the interviewer; gives its id."""
        function_call_id, response_id = new_id("call"), new_id("resp")
        item = {
            "id": new_id("item"),
            "type": "function_call",
            "status": "completed",
            "name": name,
            "call_id": function_call_id,
            "arguments": json.dumps(arguments),
        }
        await self.emit("response.created", response=response(response_id, "in_progress"))
        await self.emit(
            "response.output_item.done", response_id=response_id, output_index=0, item=item
        )
        await self.emit("response.done", response=response(response_id, "completed", [item]))
        return function_call_id

    async def change_configuration(self, **fields: Any) -> None:
        """What a `session.update` from the candidate's browser leads to."""
        self.session = {**self.session, **fields}
        await self.emit("session.updated", session=self.session)

    async def add_item(self, item: Event) -> None:
        previous = self.last_item_id
        self.items[item["id"]] = item
        for type_ in ("conversation.item.added", "conversation.item.done"):
            await self.emit(type_, previous_item_id=previous, item=item)

    @property
    def last_item_id(self) -> str | None:
        return next(reversed(self.items), None)

    async def break_sidebands(self, code: int = 1011) -> None:
        for sideband in tuple(self.sidebands):
            await sideband.close(code=code)

    async def end(self, code: int = 1000) -> None:
        """The call is over without anybody of ours having hung up."""
        self.is_hung_up = True
        await self.break_sidebands(code)

    async def obey(self, event: Event) -> None:
        """Do what a client event asks, as far as a test needs it."""
        self.received.append(event)
        match event:
            case {"type": "conversation.item.create", "item": item}:
                await self.add_item({"id": new_id("item"), "status": "completed", **item})
            case {"type": "conversation.item.retrieve", "item_id": item_id}:
                if item_id in self.items:
                    item = self.items[item_id]
                    await self.emit("conversation.item.retrieved", item=item)
                else:
                    error = {"type": "invalid_request_error", "message": "No such item."}
                    await self.emit("error", error=error)
            case {"type": "session.update", "session": session}:
                await self.change_configuration(**session)
        self.note()


@dataclass(eq=False)
class ConductedVoiceModel:
    """The server, and the faults that a test sets.

    Attributes:
        answer: What it answers offers with.
        refuse_offers: Status and body for offers, if not answered.
        hold_answer: If set, the head of the answer goes out at once and its body never.
        silent: If set, offers get no answer at all.
        sideband_404s: How many attempts to attach are answered with 404.
        refuse_hang_ups: Status for hang-ups, if not obeyed.
    """

    base_url: str = ""
    api_key: str = field(default_factory=lambda: f"sk-{uuid4().hex}")
    calls: dict[str, ConductedCall] = field(default_factory=dict)
    hang_ups: list[str] = field(default_factory=list)
    requests: list[tuple[str, str]] = field(default_factory=list)
    changed: anyio.Event = field(default_factory=anyio.Event)
    answer: str = ANSWER
    location: str | None = None
    refuse_offers: tuple[int, str] | None = None
    hold_answer: bool = False
    silent: bool = False
    sideband_404s: int = 0
    refuse_hang_ups: int | None = None
    refuse_secrets: int | None = None
    on_close: list[web.WebSocketResponse] = field(default_factory=list)

    def note(self) -> None:
        self.changed.set()
        self.changed = anyio.Event()

    @property
    def newest(self) -> ConductedCall:
        return next(reversed(self.calls.values()))

    async def until(
        self, holds: Callable[["ConductedVoiceModel"], Any], *, timeout: float = 10
    ) -> Any:
        with anyio.fail_after(timeout):
            while not (value := holds(self)):
                await self.changed.wait()
            return value

    async def until_attached(self, *, calls: int = 1) -> ConductedCall:
        """Wait until the newest of so many calls has a sideband; give the call."""
        await self.until(lambda model: len(model.calls) >= calls)
        call = list(self.calls.values())[calls - 1]
        await call.until(lambda call: call.sidebands)
        return call

    @property
    def live_calls(self) -> Sequence[str]:
        return [call_id for call_id, call in self.calls.items() if not call.is_hung_up]


@asynccontextmanager
async def open_conducted_voice_model() -> AsyncGenerator[ConductedVoiceModel, None]:
    """Serve a voice model on a port of loopback, for the length of the block."""
    model = ConductedVoiceModel()
    runner = web.AppRunner(_application(model), access_log=None, shutdown_timeout=0.2)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        model.base_url = f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
        yield model
    finally:
        for call in model.calls.values():
            await call.end()
        with anyio.move_on_after(5, shield=True):
            await runner.cleanup()


def _application(model: ConductedVoiceModel) -> web.Application:
    @web.middleware
    async def authorise(request: web.Request, handler: Any) -> web.StreamResponse:
        model.requests.append((request.method, request.path))
        if request.headers.get("Authorization") != f"Bearer {model.api_key}":
            error = {"error": {"code": "invalid_api_key", "message": "Incorrect key sk-1234"}}
            return web.json_response(error, status=401)
        return await handler(request)

    application = web.Application(middlewares=[authorise])
    application.add_routes(
        [
            web.post("/v1/realtime/client_secrets", partial(_mint_secret, model)),
            web.post("/v1/realtime/calls", partial(_create_call, model)),
            web.post("/v1/realtime/calls/{call_id}/hangup", partial(_hang_up, model)),
            web.get("/v1/realtime", partial(_attach, model)),
        ]
    )
    return application


async def _create_call(model: ConductedVoiceModel, request: web.Request) -> web.StreamResponse:
    offer, session = await _offer(request)
    if model.silent:
        await anyio.sleep(60)
    if model.refuse_offers is not None:
        status, body = model.refuse_offers
        return web.Response(status=status, text=body, content_type="application/json")
    call = ConductedCall(session, offer)
    model.calls[call.call_id] = call
    model.note()
    location = model.location
    if location is None:
        location = f"/v1/realtime/calls/{call.call_id}"
    response = web.StreamResponse(
        status=201, headers={"Location": location, "Content-Type": "application/sdp"}
    )
    response.content_length = len(model.answer.encode()) + (1 if model.hold_answer else 0)
    await response.prepare(request)
    if model.hold_answer:
        await response.write(b"v=0")
        await anyio.sleep(60)
    await response.write(model.answer.encode())
    return response


async def _hang_up(model: ConductedVoiceModel, request: web.Request) -> web.Response:
    call_id = request.match_info["call_id"]
    if model.refuse_hang_ups is not None:
        return web.Response(status=model.refuse_hang_ups)
    model.hang_ups.append(call_id)
    model.note()
    call = _live(model, call_id)
    await call.end()
    call.note()
    return web.Response()


async def _attach(model: ConductedVoiceModel, request: web.Request) -> web.WebSocketResponse:
    if model.sideband_404s > 0:
        model.sideband_404s -= 1
        model.note()
        raise web.HTTPNotFound
    call = _live(model, request.query.get("call_id", ""))
    sideband = web.WebSocketResponse()
    await sideband.prepare(request)
    created = checked({"type": "session.created", "event_id": "event_0", "session": call.session})
    await sideband.send_json(created)
    call.sidebands.add(sideband)
    call.attachments += 1
    call.note()
    model.note()
    try:
        async for received in sideband:
            if received.type is aiohttp.WSMsgType.TEXT:
                await call.obey(json.loads(received.data))
    finally:
        call.sidebands.discard(sideband)
        call.note()
    return sideband


async def _mint_secret(model: ConductedVoiceModel, request: web.Request) -> web.Response:
    if model.refuse_secrets is not None:
        error = {"error": {"code": "model_not_found", "message": "…"}}
        return web.json_response(error, status=model.refuse_secrets)
    body = await request.json()
    secret = {"value": f"ek_{uuid4().hex}", "expires_at": 1_900_000_000}
    return web.json_response({**secret, "session": body["session"]})


def _live(model: ConductedVoiceModel, call_id: str) -> ConductedCall:
    call = model.calls.get(call_id)
    if call is None or call.is_hung_up:
        raise web.HTTPNotFound
    return call


async def _offer(request: web.Request) -> tuple[str, Event]:
    parts: dict[str, str] = {}
    types: dict[str, str] = {}
    async for part in await request.multipart():
        assert isinstance(part, BodyPartReader)
        assert part.filename is None
        parts[str(part.name)] = await part.text()
        types[str(part.name)] = part.headers["Content-Type"]
    assert types == {"sdp": "application/sdp", "session": "application/json"}
    return parts["sdp"], json.loads(parts["session"])


def message(item_id: str, role: str, kind: str, *, transcript: str | None) -> Event:
    return {
        "id": item_id,
        "type": "message",
        "status": "completed",
        "role": role,
        "content": [{"type": kind, "transcript": transcript}],
    }


def response(response_id: str, status: str, output: Sequence[Event] = ()) -> Event:
    return {
        "object": "realtime.response",
        "id": response_id,
        "status": status,
        "status_details": None,
        "output": list(output),
    }


def new_id(kind: str) -> str:
    return f"{kind}_{uuid4().hex[:16]}"
