"""The proxy's own HTTP client against servers that say what a test makes them say."""

import asyncio
from contextlib import asynccontextmanager

import anyio
import pytest

from vivavoce.proxy.http import HttpClient, HttpFailed
from vivavoce.voice.bodies import BodyTooLarge, read_body


class Server:
    """Answers each request with the next of its answers, then closes if there is none."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.requests = []
        self.connections = 0
        self.url = ""

    async def serve(self, reader, writer):
        self.connections += 1
        try:
            while self.answers:
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
                self.requests.append(head + await reader.readexactly(length))
                writer.write(self.answers.pop(0))
                await writer.drain()
        except asyncio.IncompleteReadError:
            pass
        finally:
            writer.close()


@asynccontextmanager
async def serving(*answers):
    server = Server(*answers)
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    server.url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    try:
        yield server
    finally:
        listening.close()


async def post(http, url, *, data=b"body", headers=None, max_bytes=1000):
    with anyio.fail_after(5):
        async with http.post(url, data=data, headers=headers or {}) as response:
            return response.status, await read_body(response, max_bytes=max_bytes)


async def test_what_is_sent():
    async with serving(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi") as server:
        async with HttpClient() as http:
            answer = await post(
                http, f"{server.url}/a/b?c=d", headers={"Authorization": "Bearer x"}
            )
        assert answer == (200, b"hi")
        host = server.url.removeprefix("http://").encode()
        assert server.requests == [
            b"POST /a/b?c=d HTTP/1.1\r\nHost: %s\r\nContent-Length: 4\r\n"
            b"Authorization: Bearer x\r\n\r\nbody" % host
        ]


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (b"HTTP/1.1 204 No Content\r\n\r\n", (204, b"")),
        (b"HTTP/1.1 200\r\ncontent-length:0\r\n\r\n", (200, b"")),
        (b"HTTP/1.1 500 Oh no\r\nContent-Length: 3\r\n\r\nbad", (500, b"bad")),
        (b"HTTP/1.0 200 OK\r\n\r\nto the end", (200, b"to the end")),
        (
            b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created\r\nContent-Length: 1\r\n\r\nx",
            (201, b"x"),
        ),
        (
            (
                b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                b"3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nTrailer: t\r\n\r\n"
            ),
            (200, b"abcde"),
        ),
    ],
    ids=["no content", "empty", "error", "to the end", "informational", "chunked"],
)
async def test_bodies_of_every_kind(answer, expected):
    async with serving(answer) as server, HttpClient() as http:
        assert await post(http, server.url) == expected


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"nonsense\r\n\r\n",
        b"HTTP/2 200\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nno field\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcde\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 40_000 + b"\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n" * 9,
    ],
)
async def test_an_answer_that_is_none_fails_and_its_connection_is_not_used_again(answer):
    async with serving(answer) as server, HttpClient() as http:
        with pytest.raises(HttpFailed):
            await post(http, server.url)
        server.answers.append(b"HTTP/1.1 204 No Content\r\n\r\n")
        assert (await post(http, server.url))[0] == 204
        assert server.connections == 2


async def test_a_connection_is_used_again_and_can_be_made_ahead():
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
    async with serving(answer, answer, answer) as server, HttpClient() as http:
        await http.prepare(f"{server.url}/v1")
        await http.prepare(server.url)
        for _ in range(3):
            await post(http, server.url)
        assert server.connections == 1


async def test_a_server_that_says_close_is_believed():
    close = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
    async with serving(close, close) as server, HttpClient() as http:
        await post(http, server.url)
        await post(http, server.url)
        assert server.connections == 2


async def test_a_body_that_is_too_large_is_refused():
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2000\r\n\r\n" + b"x" * 2000
    async with serving(answer) as server, HttpClient() as http:
        with pytest.raises(BodyTooLarge):
            await post(http, server.url)


async def test_a_header_cannot_smuggle_another():
    async with serving(b"") as server, HttpClient() as http:
        with pytest.raises(HttpFailed):
            await post(http, server.url, headers={"Authorization": "x\r\nEvil: y"})
        assert server.requests == []


async def test_nobody_there_is_an_error_of_the_system():
    async with HttpClient() as http:
        await http.prepare("http://127.0.0.1:9")
        with pytest.raises(OSError, match=r"refused|Connect"):
            await post(http, "http://127.0.0.1:9/")


async def test_at_once_means_over_a_connection_that_stands_ready():
    ok = b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx"
    async with serving(ok, ok) as server, HttpClient() as http:
        assert http.post_at_once(f"{server.url}/", data=b"1", headers={}) is None
        await http.prepare(server.url)
        sent = http.post_at_once(f"{server.url}/", data=b"2", headers={})
        assert sent is not None
        # It is not ready again before its answer was read.
        assert http.post_at_once(f"{server.url}/", data=b"3", headers={}) is None
        with anyio.fail_after(5):
            async with http.answered(sent) as response:
                assert await read_body(response, max_bytes=10) == b"x"
        assert await post(http, f"{server.url}/", data=b"4") == (200, b"x")
        assert (server.connections, [r[-1:] for r in server.requests]) == (1, [b"2", b"4"])


async def test_a_request_that_nobody_wants_answered_leaves_no_connection():
    async with serving(b"HTTP/1.1 204 No Content\r\n\r\n") as server, HttpClient() as http:
        await http.prepare(server.url)
        sent = http.post_at_once(server.url, data=b"1", headers={})
        assert sent is not None
        sent.give_up()
        with anyio.fail_after(5), pytest.raises(ConnectionError):
            async with http.answered(sent):
                pass
        assert http.post_at_once(server.url, data=b"2", headers={}) is None


async def test_at_once_too_no_header_field_holds_a_line_break():
    async with serving() as server, HttpClient() as http:
        await http.prepare(server.url)
        with pytest.raises(HttpFailed):
            http.post_at_once(server.url, data=b"", headers={"X": "a\r\nb"})
