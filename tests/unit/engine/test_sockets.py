"""What waits to be sent over a socket, and speech that goes out in events."""

import base64
import json

import anyio
import pytest

from vivavoce.engine.conversation import assistant_item
from vivavoce.engine.event_audio import AppendedAudio, PlayedByClock, SpokenInEvents
from vivavoce.engine.events import EventStream
from vivavoce.engine.refusals import Refused
from vivavoce.engine.sockets import Outbound

MIB = 1024 * 1024


async def test_events_leave_in_order_and_the_last_one_before_the_end():
    outbound = Outbound()
    for text in ("one", "two"):
        outbound.put(text)
    outbound.close()
    outbound.put("too late")
    assert [await outbound.next() for _ in range(3)] == ["one", "two", None]


async def test_a_socket_that_does_not_keep_up_gets_no_more():
    outbound = Outbound()
    for _ in range(5):
        outbound.put("x" * MIB)
    taken = 0
    while await outbound.next() is not None:
        taken += 1
    assert taken == 5  # the one that was too much is the last
    outbound.put("y")
    assert await outbound.next() is None


async def test_speech_waits_until_what_was_said_is_on_its_way():
    outbound = Outbound()
    outbound.put("x" * (2 * MIB))
    order = []
    async with anyio.create_task_group() as tasks:

        async def speak():
            await outbound.until_room()
            order.append("spoke")

        tasks.start_soon(speak)
        await anyio.wait_all_tasks_blocked()
        order.append("sent")
        await outbound.next()
    assert order == ["sent", "spoke"]


@pytest.fixture
def told():
    return []


@pytest.fixture
def outlet(told):
    async def until_room():
        return

    events = EventStream()
    events.attach(lambda text: told.append(json.loads(text)))
    return SpokenInEvents(events, until_room)


def test_what_is_sent_is_played_when_its_time_has_come():
    second, clock = 48_000, PlayedByClock()
    assert clock.take(1.0) == b""
    clock.add(b"a" * second, 1.5)
    clock.add(b"b" * second, 1.6)
    assert clock.take(2.0) == bytes(second // 2) + b"a" * (second // 2)
    assert clock.take(3.0) == b"a" * (second // 2) + b"b" * (second // 2)
    clock.clear(3.1)
    assert clock.take(4.0) == b"b" * (second // 10) + bytes(second * 9 // 10)
    clock.add(b"c" * second, 5.0)
    assert clock.take(9.5) == bytes(2 * second)  # of what is old nothing is remembered


@pytest.mark.parametrize(("type_", "size"), [("audio/pcm", 48), ("audio/pcmu", 8)])
async def test_speech_goes_out_in_pieces_and_whole(outlet, told, type_, size):
    spoken = outlet.open("resp", assistant_item("item"), type_)
    assert spoken.write(bytes(48 * 500)) == 500
    spoken.complete()
    sizes = [len(base64.b64decode(event["delta"])) for event in told]
    assert sum(sizes) == 500 * size
    assert max(sizes) == 200 * size
    assert {event["type"] for event in told} == {"response.output_audio.delta"}


async def test_it_is_speaking_as_long_as_the_client_can_be_playing(outlet):
    assert not outlet.is_speaking
    outlet.open("resp", assistant_item("item"), "audio/pcm").write(bytes(48 * 60_000))
    assert outlet.is_speaking
    assert list(outlet.clear()) == []
    assert not outlet.is_speaking


def test_appended_audio_is_heard_in_small_pieces_and_to_its_end():
    appended = AppendedAudio()
    appended.append(base64.b64encode(bytes(48 * 250)).decode(), "audio/pcm")
    pieces = [len(appended.take() or b"") for _ in range(3)]
    assert pieces[:2] == pytest.approx([3_200, 3_200], abs=64)  # 100 ms each
    assert appended.take() is None
    assert sum(pieces) + len(appended.flush()) == pytest.approx(250 * 32, abs=4)


def test_what_is_cleared_is_not_heard():
    appended = AppendedAudio()
    appended.append(base64.b64encode(bytes(48 * 250)).decode(), "audio/pcm")
    appended.flush()
    appended.append("", "audio/pcm")
    assert appended.take() is None


@pytest.mark.parametrize("audio", [None, 3, "?", "AAA"])
def test_audio_that_is_no_base64_is_refused(audio):
    with pytest.raises(Refused) as refused:
        AppendedAudio().append(audio, "audio/pcm")
    assert refused.value.param == "audio"
