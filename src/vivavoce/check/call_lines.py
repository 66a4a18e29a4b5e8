"""The lines of a call in which nobody speaks but the server."""

from typing import Any, Final

import anyio

from vivavoce.check.api import Api
from vivavoce.check.caller import CheckedCall
from vivavoce.check.event_log import Event
from vivavoce.check.lines import Missed, expect

_RESPONSE_EVENTS: Final = (
    "response.created",
    "response.output_item.added",
    "conversation.item.added",
    "response.content_part.added",
    "response.output_audio_transcript.delta",
    "response.output_audio.done",
    "response.output_audio_transcript.done",
    "response.content_part.done",
    "response.done",
)
_PLACED: Final = ("response_id", "item_id", "output_index", "content_index")
_RESPONSE_SECONDS: Final = 20.0
_MIN_HEARD_SECONDS: Final = 0.2
_LATE_SECONDS: Final = 2.0
_BEYOND_MS: Final = 3_600_000
_NOTHING: Final = "item_nobody_has_this_id"


def message(role: str, text: str) -> dict[str, Any]:
    """Make an item of the conversation."""
    kind = "output_text" if role == "assistant" else "input_text"
    return {"type": "message", "role": role, "content": [{"type": kind, "text": text}]}


async def check_call(api: Api, call: CheckedCall, session: dict[str, Any]) -> None:
    """Judge what the data channel and the sideband do in a quiet call, and hang it up."""
    with call.report.line("session-created"):
        first = call.log.events[0]
        expect(first["type"] == "session.created", f"the first event is {first['type']}")
        expect(first["session"].get("type") == "realtime", "the session has no type")
        expect(first["session"].get("id"), "the session has no id")
        expect(first["session"].get("expires_at"), "the session does not say when it expires")
    with call.report.line("session-update"):
        await call.send("session.update", session=session)
        updated = await call.until("session.updated")
        expect(updated["session"]["instructions"] == session["instructions"], "not updated")
    with call.report.line("items"):
        await _check_items(call)
    with call.report.line("unknown-event"):
        await call.send("response.dance", event_id="event_of_the_check")
        await _until_refused(call, "event_of_the_check")
    await _check_responses(call)
    with call.report.line("no-reply"):
        await _check_no_reply(call)
    await _check_sideband(call)
    with call.report.line("names"):
        oddities = [*call.log.oddities, *(call.sideband.oddities if call.sideband else ())]
        expect(not oddities, oddities[0] if oddities else "")
        ids = [event["event_id"] for event in call.log.events]
        expect(len(ids) == len(set(ids)), "an event_id came twice")
    with call.report.line("lasts"):
        await call.send("conversation.item.retrieve", item_id=_NOTHING, event_id="still_there")
        await _until_refused(call, "still_there")
    if call.reply.call_id is not None:
        await _hang_up(api, call)


async def _until_refused(call: CheckedCall, event_id: str) -> Event:
    def is_wanted(event: Event) -> bool:
        return bool(event["type"] == "error" and event["error"].get("event_id") == event_id)

    refused: Event = await call.until(is_wanted)
    return refused


async def _check_items(call: CheckedCall) -> None:
    for item_id, role, after in (("check_b", "user", None), ("check_a", "assistant", "root")):
        item = {"id": item_id, **message(role, f"The text of {item_id}.")}
        await call.send("conversation.item.create", item=item, previous_item_id=after)
        added = await call.until(_event_of("conversation.item.added", item_id))
        await call.until(_event_of("conversation.item.done", item_id))
        expect("previous_item_id" in added, "an added item does not say what it follows")
    await call.send("conversation.item.retrieve", item_id="check_b")
    retrieved = await call.until(_event_of("conversation.item.retrieved", "check_b"))
    text = retrieved["item"]["content"][0].get("text")
    expect(text == "The text of check_b.", "a retrieved item has another text")
    for item_id in ("check_a", "check_b"):
        await call.send("conversation.item.delete", item_id=item_id)
        await call.until(
            lambda event, id_=item_id: (
                event["type"] == "conversation.item.deleted" and event["item_id"] == id_
            )
        )
    await call.send("conversation.item.retrieve", item_id="check_b", event_id="deleted")
    await _until_refused(call, "deleted")


def _event_of(type_: str, item_id: str) -> Any:
    return lambda event: event["type"] == type_ and event["item"]["id"] == item_id


async def _check_responses(call: CheckedCall) -> None:
    start = len(call.log.events)
    with call.report.line("busy"):
        await call.send("response.create")
        await call.send("response.create", event_id="second")
        error = (await _until_refused(call, "second"))["error"]
        expect(
            error.get("code") == "conversation_already_has_active_response",
            f"refused with the code {error.get('code')}",
        )
    with call.report.line("cancel"):
        await call.until("output_audio_buffer.started", after=start, within=_RESPONSE_SECONDS)
        await call.send("response.cancel")
        await call.send("output_audio_buffer.clear")
        await call.until("output_audio_buffer.cleared", after=start)
        done = await call.until("response.done", after=start)
        details = done["response"].get("status_details") or {}
        if done["response"]["status"] != "completed":  # it may have been whole before it was said
            expect(done["response"]["status"] == "cancelled", "the response is not cancelled")
            expect(details.get("reason") == "client_cancelled", "the client is not the reason")
    start = len(call.log.events)
    await call.send("response.create")
    with call.report.line("response"):
        await call.until("response.done", after=start, within=_RESPONSE_SECONDS)
        _judge_response(call.log.events[start:])
    with call.report.line("playout"):
        await _check_playout(call, start)
    with call.report.line("truncate"):
        await _check_truncation(call, start)


def _judge_response(events: list[Event]) -> None:
    types = [event["type"] for event in events]
    for wanted in _RESPONSE_EVENTS:
        expect(wanted in types, f"{wanted} is missing")
    places = [types.index(wanted) for wanted in _RESPONSE_EVENTS]
    expect(places == sorted(places), "the events of a response are not in their order")
    for once in ("response.created", "response.done"):
        expect(types.count(once) == 1, f"{once} came {types.count(once)} times")
    for event in events:
        if event["type"].startswith(("response.content_part", "response.output_audio")):
            missing = [name for name in _PLACED if event.get(name) is None]
            expect(not missing, f"{event['type']} has no {', '.join(missing)}")
    part = events[types.index("response.content_part.added")]["part"]
    expect(part.get("type") == "audio", "the part of a spoken response is not of type audio")
    done = events[types.index("response.done")]["response"]
    expect(done.get("status") == "completed", f"the response is {done.get('status')}")
    expect(all(item.get("status") for item in done["output"]), "an item has no status")


async def _check_playout(call: CheckedCall, start: int) -> None:
    await call.until("output_audio_buffer.stopped", after=start, within=_RESPONSE_SECONDS)
    types = call.log.types(start)
    expect("output_audio_buffer.started" in types, "output_audio_buffer.started is missing")
    stopped = types.index("output_audio_buffer.stopped")
    expect(types.index("response.done") < stopped, "the audio ended before the response")
    with anyio.move_on_after(_LATE_SECONDS):  # the audio comes by another way than the events
        while _seconds_heard(call) < _MIN_HEARD_SECONDS:  # noqa: ASYNC110  nobody tells us
            await anyio.sleep(0.05)
    expect(_seconds_heard(call) >= _MIN_HEARD_SECONDS, "no audio was received")


def _seconds_heard(call: CheckedCall) -> float:
    return sum(span.end - span.start for span in call.heard.spans)


async def _check_truncation(call: CheckedCall, start: int) -> None:
    said = await call.until("response.output_audio_transcript.done", after=start)
    cut = {"item_id": said["item_id"], "content_index": 0}
    await call.send("conversation.item.truncate", **cut, audio_end_ms=_BEYOND_MS, event_id="beyond")
    await _until_refused(call, "beyond")
    after = len(call.log.events)
    await call.send("conversation.item.truncate", **cut, audio_end_ms=100)
    truncated = await call.until("conversation.item.truncated", after=after)
    expect(truncated.get("audio_end_ms") == 100, "cut at another place")  # noqa: PLR2004


async def _check_no_reply(call: CheckedCall) -> None:
    start = len(call.log.events)
    await call.send("input_audio_buffer.commit")
    await call.until("input_audio_buffer.committed", after=start)
    with anyio.move_on_after(call.limits.quiet):
        await call.log.until(
            lambda event: event["type"] == "response.created", after=start, within=_RESPONSE_SECONDS
        )
        raise Missed("silence was answered")


async def _check_sideband(call: CheckedCall) -> None:
    if call.sideband is None:
        return
    with call.report.line("sideband-stays"):
        if call.sideband.has_ended.is_set():
            code = call.socket.close_code if call.socket else None
            raise Missed(f"closed with {code}, and the call goes on")
    if call.sideband.has_ended.is_set():
        return
    with call.report.line("same-events"):
        await call.send_by_sideband("conversation.item.retrieve", item_id=_NOTHING, event_id="last")
        last = await _until_refused(call, "last")
        with anyio.move_on_after(call.limits.event):
            await call.sideband.until(
                lambda event: event["event_id"] == last["event_id"], within=call.limits.event
            )
        told = [event["event_id"] for event in call.log.events[1:]]
        seen = [event["event_id"] for event in call.sideband.events[1 : len(told) + 1]]
        missing = len(set(told) - set(seen))
        expect(not missing, f"{missing} of {len(told)} events are missing on the sideband")
        expect(seen == told, "the sideband tells another order, or more")


async def _hang_up(api: Api, call: CheckedCall) -> None:
    with call.report.line("hang-up"):
        call.log.may_end = True
        reply = await api.hang_up(call.reply.call_id or "")
        expect(200 <= reply.status < 300, f"status {reply.status} in place of 200")  # noqa: PLR2004
        with anyio.fail_after(call.limits.event):
            await call.log.has_ended.wait()
            if call.sideband is not None:
                await call.sideband.has_ended.wait()
        if call.socket is not None and call.report.is_green("sideband-stays"):
            code = call.socket.close_code
            expect(code == 1000, f"the sideband was closed with {code}")  # noqa: PLR2004
        (await api.hang_up(call.reply.call_id or "")).expect_error(404)
