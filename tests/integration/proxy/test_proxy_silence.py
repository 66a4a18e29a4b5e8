"""Who connects to a machine and does not go on is let go."""

import anyio


async def test_a_client_that_never_says_which_session_it_means_is_let_go(bench):
    async with bench.connect(bind=False) as client:
        assert await client.until_closed(timeout=20) == 1008
        assert client.of("error")[-1]["code"] == "INVALID_REQUEST"


async def test_half_a_handshake_is_not_waited_for(bench):
    async with await anyio.connect_unix(bench.machine.endpoint.proxy_socket) as stream:
        await stream.send(b"GET /ws HTTP/1.1\r\nHost: machine\r\n")
        with anyio.fail_after(15):
            answer = b"".join([part async for part in stream])
    assert b"101" not in answer
    async with bench.connect():
        pass
