"""The check as a whole: what needs no call, a quiet call, and a spoken one."""

from collections.abc import Awaitable, Callable
from typing import Any, Final

import aiohttp
import anyio
import anyio.to_thread
from anyio.abc import TaskGroup

from vivavoce.check.api import Api, Reply, Target, open_api
from vivavoce.check.call_lines import check_call
from vivavoce.check.caller import Limits, open_checked_call
from vivavoce.check.http_lines import check_http, check_single_use, create_secret
from vivavoce.check.lines import CallLost, Report, expect
from vivavoce.check.turn_lines import Speech, check_turns, synthesise
from vivavoce.errors import ConnectionFailed, Unavailable

_INSTRUCTIONS: Final = (
    "You hold a short interview. Ask these questions, one after the other, word for word.\n"
    "Questions:\n"
    "1. What is your favourite city?\n"
    "2. Why did you become a nurse, what did you learn in your first year, and which of the things"
    " that you learned then do you still think of when you begin your work in the morning?"
)


async def run_check(
    target: Target,
    *,
    limits: Limits | None = None,
    speech: Speech | None = None,
    with_speech: bool = True,
) -> Report:
    """Check a server of the OpenAI Realtime API.

    Makes two calls, of about ten seconds together, and a client secret.

    Args:
        target: The server.
        limits: How long to wait.
        speech: What to say; None synthesises it.
        with_speech: Whether to hold the call in which the check speaks.

    Raises:
        Unavailable: If nothing answers there.
    """
    report, limits = Report(), limits or Limits()
    async with open_api(target) as api:
        try:
            await api.request("GET", "/realtime/calls")
        except (aiohttp.ClientError, TimeoutError) as error:
            raise Unavailable(
                f"Nothing answers at {target.api} ({type(error).__name__})."
            ) from None
        is_connected = anyio.Event()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(check_http, api, report)
            tasks.start_soon(_check_quiet_call, api, report, limits, is_connected)
            said = speech
            if said is None and with_speech:
                said = await anyio.to_thread.run_sync(synthesise)
            await is_connected.wait()
            if said is not None and report.is_green("connects"):
                await _check_spoken_call(api, report, limits, said)
    return report


def _session(model: str, turn_detection: dict[str, Any] | None) -> dict[str, Any]:
    return {
        "type": "realtime",
        "model": model,
        "instructions": _INSTRUCTIONS,
        "output_modalities": ["audio"],
        "audio": {
            "input": {
                "noise_reduction": None,
                "transcription": {"model": "gpt-4o-mini-transcribe", "language": "en"},
                "turn_detection": turn_detection,
            },
            "output": {"voice": "marin"},
        },
    }


async def _check_quiet_call(
    api: Api, report: Report, limits: Limits, is_connected: anyio.Event
) -> None:
    session = _session(api.target.model, None)
    secret = await create_secret(api, report, session)

    offers: list[str] = []

    async def send_offer(sdp: str) -> Reply:
        offers.append(sdp)
        return await api.offer(sdp, key=secret)

    async def judge(tasks: TaskGroup) -> None:
        async with open_checked_call(api, report, limits, send_offer, tasks) as call:
            is_connected.set()
            if secret is not None:
                await check_single_use(api, report, secret, offers[0])
            update = {name: value for name, value in session.items() if name != "model"}
            await check_call(api, call, update)

    try:
        await _hold(report, judge)
    finally:
        is_connected.set()


async def _check_spoken_call(api: Api, report: Report, limits: Limits, speech: Speech) -> None:
    session = _session(api.target.model, {"type": "server_vad", "silence_duration_ms": 500})

    async def send_offer(sdp: str) -> Reply:
        reply = await api.offer_form(sdp, session)
        with report.line("form"):
            expect(reply.status == 201, f"status {reply.status} in place of 201")  # noqa: PLR2004
            return reply
        return await api.offer(sdp)

    async def judge(tasks: TaskGroup) -> None:
        async with open_checked_call(api, report, limits, send_offer, tasks) as call:
            await check_turns(call, speech)
            sideband = call.sideband
            is_attached = sideband is not None and not sideband.has_ended.is_set()
        if sideband is not None and is_attached:
            with report.line("leaving"), anyio.fail_after(limits.leave):
                await sideband.has_ended.wait()

    await _hold(report, judge)


async def _hold(report: Report, judge: Callable[[TaskGroup], Awaitable[None]]) -> None:
    """Hold a call; what went wrong with it as a whole is in the report, or comes into it."""
    async with anyio.create_task_group() as tasks:
        try:
            await judge(tasks)
        except* CallLost:
            report.fail("lasts", "a call ended, and nobody had ended it")
        except* ConnectionFailed:
            pass  # judged where it happened
        tasks.cancel_scope.cancel()
