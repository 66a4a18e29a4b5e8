"""Audio by way of a real TURN server alone, with credentials that the API hands out."""

import os
import time
from collections.abc import Awaitable, Callable

import aiohttp
import anyio
import jiwer
import pytest
from aiortc import RTCIceServer

from support.api import eventually
from support.coturn import Coturn, run_coturn
from support.interview import Platform, attend, make_candidate
from support.postgres import open_home
from vivavoce import turn
from vivavoce.cli.home import INTERVIEW_ID
from vivavoce.cli.stack import free_port
from vivavoce.cli.up import open_platform
from vivavoce.client import InterviewClient, open_edge
from vivavoce.engine.phrases import normalised
from vivavoce.protocol.interviews import (
    ConsentRequest,
    ConsentView,
    InvitationCreated,
    InvitationRequest,
    InvitationWelcome,
)
from vivavoce.settings import ServerSettings, load
from vivavoce.webrtc import open_peer_connection, set_local_description

pytestmark = pytest.mark.timeout(150)


@pytest.fixture(scope="module")
def coturn(tmp_path_factory):
    with run_coturn(tmp_path_factory.mktemp("coturn")) as server:
        yield server


@pytest.fixture
async def walled(coturn: Coturn):
    """A platform whose engine, and whose candidates, are given the TURN server."""
    with pytest.MonkeyPatch.context() as patch, open_home() as home:
        for name in [name for name in os.environ if name.startswith(("VIVA_", "OPENAI_"))]:
            patch.delenv(name)
        patch.setenv("VIVA_HOME", str(home))
        patch.setenv("VIVA_TURN_SERVERS", coturn.url)
        patch.setenv("VIVA_TURN_SECRET", coturn.secret)
        patch.setenv("VIVA_ENGINE_TURN_SERVERS", coturn.url)
        patch.setenv("VIVA_ENGINE_TURN_SECRET", coturn.secret)
        settings = load(ServerSettings, port=free_port())
        async with open_platform(settings, on_progress=lambda _: None) as stack:
            yield Platform(settings, stack)


async def follow_a_link(platform: Platform) -> Callable[[], Awaitable[str]]:
    """Be invited, and agree; gives what exchanges the link for a token."""
    async with open_edge(platform.url, platform.token()) as edge:
        path = f"/v1/interviews/{INTERVIEW_ID}/invitations"
        made = await edge.create(path, InvitationRequest(), InvitationCreated)

    async def exchange() -> str:
        url = f"{platform.url}/functions/v1/invitation-token"
        async with (
            aiohttp.ClientSession() as http,
            http.post(url, json={"secret": made.secret}) as response,
        ):
            return (await response.json())["accessToken"]

    async with open_edge(platform.url, exchange) as edge:
        text = (await edge.read("/v1/invitation", InvitationWelcome)).consent
        agreed = ConsentRequest(version=text.version, agreed=[one.id for one in text.statements])
        await edge.create("/v1/consents", agreed, ConsentView)
    return exchange


async def test_an_interview_is_held_where_only_turn_gets_through(walled: Platform, coturn: Coturn):
    """By invitation: from the link to the stored words, on the whole platform."""
    answer = "I repair bicycles in a small shop."
    candidate = await make_candidate(answer)
    token = await follow_a_link(walled)
    client = InterviewClient(walled.url, token=token, audio=candidate, relay_only=True)
    async with client as call, anyio.create_task_group() as tasks:
        tasks.start_soon(attend, call, candidate)
        async for entry in call.entries():
            if entry.speaker == "candidate" and entry.final and entry.content:
                break
        tasks.cancel_scope.cancel()
    assert await walled.until_settled(client.session_id) == "candidate_left"
    stored = await walled.stored(client.session_id)
    heard = [entry.content for entry in stored if entry.speaker == "candidate"]
    assert jiwer.wer(normalised(answer), normalised(heard[0])) <= 0.3
    assert stored[0].speaker == "ai"
    assert "tell me about yourself" in " ".join(
        entry.content.lower() for entry in stored if entry.speaker == "ai"
    )
    assert {entry.witness for entry in stored} == {"sideband"}
    [session] = await walled.fetch(
        "select interview_id::text, invitation_id is not null as is_invited from interview_sessions"
    )
    assert (session["interview_id"], session["is_invited"]) == (INTERVIEW_ID, True)
    # It counts when a client is gone; the engine was allotted a way too, if it was not needed.
    await eventually(lambda: coturn.relayed(client.session_id) > 100)
    assert ":engine>, lifetime=" in coturn.log.read_text()


async def offered(coturn: Coturn, secret: str, expires_at: float) -> list[str]:
    """The ways that a client which may only be relayed can offer."""
    username, password = turn.credentials(secret, name="anybody", expires_at=int(expires_at))
    server = RTCIceServer(urls=[coturn.url], username=username, credential=password)
    async with open_peer_connection([server], relay_only=True) as peer:
        peer.createDataChannel("any")
        offer = await set_local_description(peer, await peer.createOffer())
    return [line for line in offer.sdp.splitlines() if line.startswith("a=candidate")]


async def test_the_server_takes_our_credentials_until_they_expire(coturn: Coturn):
    good = await offered(coturn, coturn.secret, time.time() + 60)
    assert good
    assert all(" typ relay" in line for line in good)
    assert await offered(coturn, coturn.secret, time.time() - 60) == []
    assert await offered(coturn, "another-secret-altogether", time.time() + 60) == []
