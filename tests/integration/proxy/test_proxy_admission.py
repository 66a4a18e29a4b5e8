"""Who may speak to a machine, and what becomes of those who may not."""

import json

import anyio
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from support.machines import FOREIGN_KEYS, KEYS, ORIGIN, connect, make_claim, session_token, start
from vivavoce import tokens
from vivavoce.machines.provider import AlreadyClaimed

ELSEWHERE = "6c1f8cd4-9df6-4f4f-8d2b-0b6f0e5f2a11"


async def refusal(bench, token, **options):
    """The error and the close code that a connection gets at once."""
    async with bench.connect(token, bind=False, **options) as client:
        code = await client.until_closed()
    (error,) = client.of("error")
    assert set(error) >= {"code", "message", "retryable", "recovery"}
    return error["code"], code


def unsigned(claim):
    _, payload, _ = session_token(claim).split(".")
    return f"eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.{payload}."


@pytest.mark.parametrize(
    ("token", "code", "close_code"),
    [
        (lambda _: "", "AUTHENTICATION_FAILED", 4401),
        (lambda _: "not-a-token", "AUTHENTICATION_FAILED", 4401),
        (lambda _: "a" * 8000, "AUTHENTICATION_FAILED", 4401),
        (unsigned, "AUTHENTICATION_FAILED", 4401),
        (lambda c: session_token(c, keys=FOREIGN_KEYS), "AUTHENTICATION_FAILED", 4401),
        (lambda c: session_token(c)[:-6] + "AAAAAA", "AUTHENTICATION_FAILED", 4401),
        (lambda c: session_token(c, now=1_000_000_000), "AUTHENTICATION_FAILED", 4401),
        (lambda c: session_token(c, audience=tokens.ACCESS), "AUTHENTICATION_FAILED", 4401),
        (lambda c: session_token(c, audience=tokens.MACHINE), "AUTHENTICATION_FAILED", 4401),
        (lambda c: session_token(c, session_id=ELSEWHERE), "FORBIDDEN", 4403),
        (lambda c: session_token(c, tenant_id=ELSEWHERE), "FORBIDDEN", 4403),
        (lambda c: session_token(c, subject=ELSEWHERE), "FORBIDDEN", 4403),
        (lambda c: session_token(c, permissions=[tokens.READ_TRANSCRIPT]), "FORBIDDEN", 4403),
    ],
    ids=[
        "none",
        "garbage",
        "huge",
        "unsigned",
        "foreign key",
        "wrong signature",
        "expired",
        "access token",
        "machine token",
        "other session",
        "other tenant",
        "other person",
        "no permission",
    ],
)
async def test_a_token_that_is_not_good_is_refused(bench, token, code, close_code):
    assert await refusal(bench, token(bench.claim)) == (code, close_code)


async def test_a_token_may_stand_in_the_query(bench):
    async with bench.connect(in_query=True) as client:
        assert client.of("session_ready")[0]["status"] == "ready"
        assert client.connection.subprotocol == "viva.v1"


async def test_a_revoked_token_is_refused_and_its_connection_closed(bench):
    token = bench.token()
    identity = tokens.Verifier(KEYS.public()).verify(token, audiences=[tokens.SESSION])
    async with bench.connect(token) as client, bench.connect(bench.token(), bind=False):
        await bench.channel.revoke([identity.token_id])
        assert await client.until_closed() == 4401
    assert await refusal(bench, token) == ("AUTHENTICATION_FAILED", 4401)


async def test_a_token_that_was_revoked_before_the_claim_is_refused(claimed):
    async with claimed(revoked=["the-jti"]) as bench:
        token = bench.token(jti="the-jti")
        assert await refusal(bench, token) == ("AUTHENTICATION_FAILED", 4401)


async def test_a_token_that_expires_needs_to_be_refreshed(bench):
    token = bench.token(ttl=2)
    async with bench.connect(token) as refreshed, bench.connect(token, bind=False) as stale:
        await refreshed.send("session", {"token": bench.token()})
        await refreshed.until("session_ready")
        error = None
        while error is None:
            await stale.send("ice_candidate", {"candidate": None})
            error = await stale.until("error")
            if error["code"] == "INVALID_REQUEST":  # it is not bound; the token is still good
                error = None
                await anyio.sleep(0.1)
        assert error["code"] == "AUTHENTICATION_FAILED"
        assert error["recovery"] == "refresh_token_and_retry"
        assert await stale.until_closed() == 4401
        await refreshed.send("session", {})
        await refreshed.until("session_ready")


async def test_the_refreshed_token_of_another_person_is_refused(bench):
    async with bench.connect() as client:
        await client.send("session", {"token": bench.token(subject=ELSEWHERE)})
        assert (await client.until("error"))["code"] == "FORBIDDEN"
        assert await client.until_closed() == 4403


async def test_a_message_for_another_session_is_refused(bench):
    async with bench.connect() as client:
        await client.send("session", {}, session_id=ELSEWHERE)
        assert (await client.until("error"))["code"] == "FORBIDDEN"
        assert await client.until_closed() == 4403


async def test_messages_before_session_are_refused(bench, voice):
    async with bench.connect(bind=False) as client:
        await client.send("ice_candidate", {"candidate": None})
        assert (await client.until("error"))["code"] == "INVALID_REQUEST"
        await client.send("offer", {"sdp": "v=0"})
        assert (await client.until("error"))["code"] == "INVALID_REQUEST"
        await client.send("session", {})
        await client.until("session_ready")
    assert not voice.calls


async def test_the_same_person_takes_over_with_a_second_connection(bench):
    async with bench.connect() as first, bench.connect() as second:
        assert await first.until_closed() == 4001
        await second.send("session", {})
        await second.until("session_ready")


async def test_only_known_origins_connect(bench):
    async with bench.connect(origin=ORIGIN):
        pass
    with pytest.raises(InvalidStatus) as refused:
        async with bench.connect(origin="https://elsewhere.example"):
            pass
    assert refused.value.response.status_code == 403


async def test_a_machine_without_a_session_lets_nobody_in(provider, voice, plane):
    machine = await start(provider)
    claim = make_claim(machine, voice, plane)
    with pytest.raises(InvalidStatus) as refused:
        async with connect(machine.endpoint.proxy_socket, session_token(claim)):
            pass
    assert refused.value.response.status_code == 503
    await provider.destroy(machine.machine_id)


async def test_who_comes_a_moment_before_the_claim_waits_for_it(provider, voice, plane):
    """As a client may after a takeover: the address is known before the machine is."""
    machine = await start(provider)
    claim = make_claim(machine, voice, plane)
    came_in = anyio.Event()

    async def come():
        async with connect(machine.endpoint.proxy_socket, session_token(claim)):
            came_in.set()

    async with provider.connect_control(machine.endpoint) as channel:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(come)
            with anyio.move_on_after(0.3) as waiting:
                await came_in.wait()
            assert waiting.cancelled_caught, "nobody is let in without a claim"
            await channel.claim(claim)
        assert came_in.is_set()
    await provider.destroy(machine.machine_id)


async def test_a_machine_takes_one_claim_ever(bench, provider, voice, plane):
    async with provider.connect_control(bench.machine.endpoint) as channel:
        with pytest.raises(AlreadyClaimed):
            await channel.claim(make_claim(bench.machine, voice, plane))
        assert (await channel.health()).session_id == bench.claim.session_id
    async with bench.connect():
        pass


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nonsense",
        "[" * 3000,
        '"text"',
        "{}",
        '{"type":"session"}',
        '{"type":"unheard_of","sessionId":"x","data":{}}',
        '{"type":"session","sessionId":"x","data":{"known":[]}}',
        '{"type":"offer","sessionId":"x","data":{"sdp":""}}',
        '{"type":"session","sessionId":"\\ud800","data":{}}',
    ],
)
async def test_a_message_that_is_none_is_answered_and_changes_nothing(bench, text):
    async with bench.connect() as client:
        await client.connection.send(text)
        error = await client.until("error")
        assert error["code"] in ("INVALID_REQUEST", "FORBIDDEN")
        assert error["retryable"] is False
    async with bench.connect():
        pass


async def test_binary_messages_are_refused(bench):
    async with bench.connect() as client:
        await client.connection.send(b"\x00\xff")
        assert (await client.until("error"))["code"] == "INVALID_REQUEST"


async def test_an_answer_has_nothing_to_answer(bench):
    async with bench.connect() as client:
        await client.send("answer", {"sdp": "v=0"})
        assert (await client.until("error"))["code"] == "INVALID_REQUEST"


async def test_a_message_that_is_too_large_closes_the_connection(bench):
    async with bench.connect() as client:
        await client.connection.send(json.dumps({"type": "x" * 70_000}))
        assert await client.until_closed() == 1009
    async with bench.connect():
        pass


async def test_a_flood_of_messages_ends_the_connection_and_nothing_else(bench):
    async with bench.connect() as client:
        try:
            for _ in range(2_000):
                await client.send("ice_candidate", {"candidate": None})
        except ConnectionClosed:
            pass
        assert await client.until_closed() == 1008
        assert client.of("error")[-1]["code"] == "RATE_LIMITED"
    async with bench.connect():
        pass
