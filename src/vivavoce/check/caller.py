"""One checked call: its peer connection, its data channel and its sideband."""

import json
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any

import anyio
from anyio.abc import TaskGroup
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import InvalidStatus

from vivavoce.check.api import Api, Reply, follow
from vivavoce.check.event_log import EventLog
from vivavoce.check.lines import CallLost, Missed, Report, expect
from vivavoce.client.audio import SAMPLE_RATE, Mouth, Sound
from vivavoce.client.call import Answer, Call, CallListener, open_call
from vivavoce.client.loudness import SoundMeter
from vivavoce.errors import SdpExchangeFailed, WebRTCConnectionFailed

SendOffer = Callable[[str], Awaitable[Reply]]


@dataclass(frozen=True, slots=True)
class Limits:
    """How long the check waits, in seconds.

    Attributes:
        answer: For the answer to an offer.
        connect: For audio to flow.
        sideband: For a sideband to attach, however often it is refused.
        event: For what follows at once.
        transcript: From the end of a turn to its transcript.
        quiet: In which no reply may come where none is due.
        leave: Until a call whose client has left is over.
    """

    answer: float = 5.0
    connect: float = 10.0
    sideband: float = 3.0
    event: float = 5.0
    transcript: float = 5.0
    quiet: float = 1.0
    leave: float = 6.0


@dataclass(eq=False)
class CheckedCall:
    """A call that stands.

    Attributes:
        reply: The HTTP response to its offer.
        log: What its data channel told.
        sideband: What its sideband told; None where there is none.
        socket: The sideband.
        mouth: What it says.
        heard: When it heard sound.
    """

    report: Report
    limits: Limits
    reply: Reply
    log: EventLog
    mouth: Mouth
    heard: SoundMeter
    sideband: EventLog | None = None
    socket: ClientConnection | None = None
    _call: Call = field(init=False)
    _tasks: TaskGroup = field(init=False)

    async def send(self, type_: str, **fields: Any) -> None:
        """Send an event by the data channel.

        Raises:
            CallLost: If it is closed.
        """
        try:
            await self._call.send({"type": type_, **fields})
        except WebRTCConnectionFailed:
            raise CallLost from None

    async def send_by_sideband(self, type_: str, **fields: Any) -> None:
        """Send an event by the sideband, where there is one."""
        if self.socket is not None:
            await self.socket.send(json.dumps({"type": type_, **fields}))

    async def say(self, pcm: bytes, rate: int) -> None:
        """Say something, to its end.

        Raises:
            CallLost: If the call ended meanwhile, and nobody had ended it.
            Missed: If it could not be sent in time.
        """
        sound = Sound(pcm, rate)
        with anyio.move_on_after(sound.seconds + self.limits.event) as too_late:
            await self.mouth.speak(_once(sound))
        if self.log.has_ended.is_set() and not self.log.may_end:
            raise CallLost
        expect(not too_late.cancelled_caught, "audio could not be sent")

    def begin_to_say(self, pcm: bytes, rate: int) -> None:
        """Say something meanwhile."""
        self._tasks.start_soon(self.mouth.speak, _once(Sound(pcm, rate)))

    async def until(self, wanted: Any, *, after: int = 0, within: float | None = None) -> Any:
        """Wait for an event of the data channel; see `EventLog.until`."""
        return await self.log.until(wanted, after=after, within=within or self.limits.event)

    def join(self, call: Call, tasks: TaskGroup) -> None:
        """Take the connection, and follow its end."""
        self._call, self._tasks = call, tasks
        call.speak_for(self.mouth)

        async def watch() -> None:
            await call.is_lost.wait()
            self.log.end()

        tasks.start_soon(watch)


async def _once(sound: Sound) -> AsyncGenerator[Sound, None]:
    yield sound


@asynccontextmanager
async def open_checked_call(
    api: Api, report: Report, limits: Limits, send_offer: SendOffer, tasks: TaskGroup
) -> AsyncGenerator[CheckedCall, None]:
    """Open a call and judge the lines of its beginning; leave it on every way out.

    Args:
        api: The server.
        report: Takes the verdicts.
        limits: How long to wait.
        send_offer: Posts an offer, which has no candidates: browsers post theirs before they have.
        tasks: Follow the call, until they are cancelled.

    Raises:
        ConnectionFailed: If it does not come to be; the line that failed is red.
    """
    mouth, log, heard = Mouth(), EventLog(), SoundMeter()
    made: list[CheckedCall] = []

    async def exchange(sdp: str) -> Answer:
        reply = await _answered(report, limits, without_candidates(sdp), send_offer)
        checked = CheckedCall(report, limits, reply, log, mouth, heard)
        made.append(checked)
        if reply.call_id is not None:
            await _attach(api, checked, tasks)
        return Answer(reply.body.decode(), reply.call_id)

    listener = CallListener(
        log.take, lambda pcm, at: heard.add(pcm, SAMPLE_RATE, at), lambda _: None
    )
    with _judged(report):
        async with open_call(
            exchange,
            mouth,
            listener,
            connect_seconds=limits.connect,
        ) as call:
            made[0].join(call, tasks)
            with report.line("connects"):
                await made[0].until(lambda _: True)
            if not report.is_green("connects"):
                raise WebRTCConnectionFailed("The data channel does not tell anything.")
            try:
                yield made[0]
            finally:
                log.may_end = True


@contextmanager
def _judged(report: Report) -> Generator[None, None, None]:
    try:
        yield
    except WebRTCConnectionFailed as error:
        report.fail("connects", error.message)
        raise
    except SdpExchangeFailed as error:
        report.fail("offer", error.message)
        raise


def without_candidates(sdp: str) -> str:
    """Take the ICE candidates out, as browsers' stock client posts its offer: before it has any."""
    return "".join(line for line in sdp.splitlines(keepends=True) if "candidate" not in line)


async def _answered(report: Report, limits: Limits, offer: str, send_offer: SendOffer) -> Reply:
    with report.line("offer"):
        with anyio.fail_after(limits.answer):
            reply = await send_offer(offer)
        expect(reply.status == 201, f"status {reply.status} in place of 201")  # noqa: PLR2004
        kind = reply.headers.get("Content-Type", "")
        expect(kind.startswith("application/sdp"), f"Content-Type {kind} of the answer")
        expect(reply.body.startswith(b"v=0"), "the answer is no SDP")
        _judge_answer(report, reply)
        return reply
    raise SdpExchangeFailed("The offer was not answered.")


def _judge_answer(report: Report, reply: Reply) -> None:
    sdp = reply.body.decode(errors="replace")
    with report.line("location"):
        expect(reply.call_id, "there is no Location")
        expect(
            reply.headers["Location"].endswith(f"/v1/realtime/calls/{reply.call_id}"),
            "Location is not /v1/realtime/calls/…",
        )
    with report.line("answer"):
        sizes = [line for line in sdp.splitlines() if line.startswith("a=max-message-size:")]
        expect("a=candidate:" in sdp, "no ICE candidate in the answer")
        expect("a=group:BUNDLE" in sdp, "audio and data do not share a transport (BUNDLE)")
        expect("opus/48000" in sdp.lower(), "no Opus")
        expect("a=setup:active" in sdp or "a=setup:passive" in sdp, "no DTLS role")
        expect(sizes and int(sizes[0].partition(":")[2]) >= 262_144, "max-message-size too small")  # noqa: PLR2004


async def _attach(api: Api, checked: CheckedCall, tasks: TaskGroup) -> None:
    """Attach a sideband, before the answer is used: a refusal is tried again, for a while."""
    call_id, report = checked.reply.call_id or "", checked.report
    with report.line("sideband"):
        refused = "no answer"
        with anyio.move_on_after(checked.limits.sideband):
            while checked.socket is None:
                try:
                    checked.socket = await api.attach(call_id)
                except InvalidStatus as error:
                    refused = f"status {error.response.status_code}"
                    await anyio.sleep(0.1)
        if checked.socket is None:
            raise Missed(f"refused with {refused}")
        checked.sideband = EventLog()
        tasks.start_soon(follow, checked.socket, checked.sideband)
        checked.sideband.may_end = True
        first = await checked.sideband.until(lambda _: True, within=checked.limits.event)
        expect(first["type"] == "session.created", f"the first event is {first['type']}")
