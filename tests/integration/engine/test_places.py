"""What is made before an offer comes: used once, and only while it is still good."""

import aiohttp
import anyio
import pytest
from aiortc import RTCSessionDescription
from aiortc.mediastreams import AudioStreamTrack

import vivavoce.webrtc
from support.rtc import Microphone, open_call, post_offer
from vivavoce.engine.peer import open_peer, readable_offer
from vivavoce.webrtc import open_peer_connection, set_local_description

OWN = ("a=fingerprint:sha-256 ", "a=ice-ufrag:", "a=ice-pwd:", "a=candidate:")


def own_to(answer):
    return {line for line in answer.splitlines() if line.startswith(OWN)}


async def offer_of(peer):
    peer.addTrack(Microphone())
    peer.createDataChannel("oai-events")
    local = await set_local_description(peer, await peer.createOffer(), loopback_only=True)
    return local.sdp


async def test_no_two_calls_have_a_key_a_password_or_a_port_in_common(engine):
    answers = []
    async with (
        open_peer_connection() as peer,
        aiohttp.ClientSession(headers=engine.headers) as http,
    ):
        offer = await offer_of(peer)
        for _ in range(4):
            answer, call_id = await post_offer(engine.url, engine.key, offer)
            answers.append(own_to(answer))
            async with http.post(f"{engine.calls_url}/{call_id}/hangup") as response:
                assert response.status == 200
    assert all(len(lines) == len(OWN) for lines in answers)
    assert len(set.union(*answers)) == len(OWN) * len(answers)


async def test_calls_that_come_at_once_are_all_answered_and_speak(engine):
    async def call():
        async with open_call(engine.url, engine.key) as made:
            made.send("response.create")
            await made.until("output_audio_buffer.started")

    with anyio.fail_after(60):
        async with anyio.create_task_group() as tasks:
            for _ in range(4):
                tasks.start_soon(call)


async def test_an_answer_connects_only_when_it_may():
    async with (
        open_peer(AudioStreamTrack(), loopback_only=True) as ours,
        open_peer_connection() as theirs,
    ):
        await ours.accept(readable_offer(await offer_of(theirs)))
        await theirs.setRemoteDescription(RTCSessionDescription(ours.answer, "answer"))
        await anyio.wait_all_tasks_blocked()
        assert not ours.has_connected.is_set()
        ours.connect()
        with anyio.fail_after(10):
            await ours.has_connected.wait()


async def test_what_comes_to_a_port_before_its_offer_is_not_kept():
    async with open_peer_connection() as peer:
        peer.addTrack(AudioStreamTrack())
        await peer.gather_ahead(loopback_only=True)
        (receiver,) = peer.getReceivers()
        ice = receiver.transport.transport.iceGatherer
        port = ice.getLocalCandidates()[0].port
        address = vivavoce.webrtc.LOOPBACK
        async with await anyio.create_connected_udp_socket(address, port) as stranger:
            await stranger.send(b"\x16 noise that is no STUN")
            # An answer to the second, a request that is refused, shows that both have arrived.
            await stranger.send(bytes.fromhex("000100002112a442") + b"of a stranger"[:12])
            with anyio.fail_after(5):
                await stranger.receive()
        assert ice._connection._queue.empty()  # where aioice keeps data until it is read


@pytest.mark.parametrize("moved", [False, True])
async def test_ports_at_addresses_that_the_machine_has_no_more_are_not_offered(monkeypatch, moved):
    addresses = ["127.0.0.1"]
    monkeypatch.setattr(vivavoce.webrtc, "_stock_host_addresses", lambda **_: list(addresses))
    async with open_peer(AudioStreamTrack()) as peer:
        assert peer.is_reachable()
        if moved:
            addresses[:] = ["127.0.0.2"]
        assert peer.is_reachable() is not moved
