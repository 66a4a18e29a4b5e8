"""The smallest HTTP client that posts a body and reads the answer (RFC 9112), with TLS.

A full client library costs each machine two megabytes of memory of its own for the few requests
that it makes. This one knows POST, bodies by length, by chunks and to the end of the connection,
and uses a connection again within a moment. No redirects, no cookies, no compression, no proxies.
"""

import asyncio
import re
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Self
from urllib.parse import SplitResult, urlsplit

import anyio

from vivavoce.voice.tls import TLS

MAX_HEAD_BYTES: Final = 32_768
PREPARE_TIMEOUT: Final = 2.0
REUSE_SECONDS: Final = 4.0
"""After which an idle connection is not used again: its server may be about to close it."""
_STATUS_LINE: Final = re.compile(rb"HTTP/1\.([01]) ([1-5][0-9]{2})(?: [^\r\n]*)?")
_FIELD: Final = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([^\r\n\x00]*?)[ \t]*")
_CHUNK_SIZE: Final = re.compile(rb"([0-9A-Fa-f]{1,8})[ \t]*(?:;[^\r\n]*)?\r\n")
_UNSENDABLE: Final = re.compile(r"[\r\n\x00]")
_MAX_INFORMATIONAL: Final = 5


class HttpFailed(ConnectionError):
    """The connection broke, or what came over it is not HTTP."""


@dataclass(frozen=True, slots=True)
class _Connection:
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    @property
    def is_usable(self) -> bool:
        return not (self.reader.at_eof() or self.writer.is_closing())


@dataclass(frozen=True, slots=True)
class Sent:
    """A request that was written, and the connection over which its answer comes."""

    origin: str
    connection: _Connection

    def give_up(self) -> None:
        """Want no answer any more."""
        self.connection.writer.close()


class Body:
    """The body of an answer, read in pieces."""

    def __init__(self, reader: asyncio.StreamReader, head: "_Head") -> None:
        self._reader = reader
        self._head = head
        self.is_read = False

    async def iter_chunked(self, n: int) -> AsyncIterator[bytes]:
        """Give the body in pieces of at most `n` bytes.

        Raises:
            HttpFailed: If it ends early.
        """
        try:
            if self._head.is_chunked:
                async for piece in self._chunks(n):
                    yield piece
            elif self._head.length is not None:
                async for piece in self._exactly(self._head.length, n):
                    yield piece
            else:
                while piece := await self._reader.read(n):
                    yield piece
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError):
            raise HttpFailed("the answer ends early") from None
        self.is_read = True

    async def _exactly(self, length: int, n: int) -> AsyncIterator[bytes]:
        while length:
            piece = await self._reader.readexactly(min(length, n))
            length -= len(piece)
            yield piece

    async def _chunks(self, n: int) -> AsyncIterator[bytes]:
        while True:
            size = _CHUNK_SIZE.fullmatch(await self._reader.readuntil(b"\n"))
            if size is None:
                raise HttpFailed("the answer has no chunks")
            length = int(size[1], 16)
            if length == 0:
                while await self._reader.readuntil(b"\n") != b"\r\n":
                    pass  # trailers
                return
            async for piece in self._exactly(length, n):
                yield piece
            if await self._reader.readexactly(2) != b"\r\n":
                raise HttpFailed("the answer has no chunks")


@dataclass(frozen=True, slots=True)
class _Head:
    status: int
    headers: Mapping[str, str]
    is_chunked: bool
    length: int | None
    keeps: bool


@dataclass(frozen=True, slots=True)
class Response:
    """An answer: its head, and a body to be read."""

    status: int
    headers: "Headers"
    content: Body

    @property
    def ok(self) -> bool:
        """Whether it is no error."""
        return self.status < 400  # noqa: PLR2004  RFC 9110 §15


class Headers(dict[str, str]):
    """Header fields by lower-case name; asked for in any case."""

    def get(self, name: str, default: str = "") -> str:  # type: ignore[override]  # text only
        """The value of a field."""
        return super().get(name.lower(), default)


class HttpClient:
    """Posts; keeps at most one idle connection to each origin."""

    def __init__(self) -> None:
        self._idle: dict[str, tuple[float, _Connection]] = {}

    async def prepare(self, url: str) -> None:
        """Connect ahead, so that the next request need not wait for it. Failure shows then."""
        parts = urlsplit(url)
        origin = f"{parts.scheme}://{parts.netloc}"
        kept = self._take(origin)
        if kept is not None:
            self._keep(origin, kept)
        else:
            with anyio.move_on_after(PREPARE_TIMEOUT), suppress(OSError):
                self._keep(origin, await _connect(parts.scheme, parts.hostname, parts.port))

    def post_at_once(self, url: str, *, data: bytes, headers: Mapping[str, str]) -> Sent | None:
        """Send a request in this moment if a connection stands ready, else give None.

        The answer is given by `answered`. Arguments and errors are those of `post`.
        """
        parts = urlsplit(url)
        request = _request(parts, headers, len(data)) + data
        origin = f"{parts.scheme}://{parts.netloc}"
        connection = self._take(origin)
        if connection is None:
            return None
        connection.writer.write(request)
        return Sent(origin, connection)

    @asynccontextmanager
    async def post(
        self,
        url: str,
        *,
        data: bytes,
        headers: Mapping[str, str],
        allow_redirects: bool = False,
        on_sent: Callable[[], None] = lambda: None,
    ) -> AsyncGenerator[Response, None]:
        """Send a request and give the answer, for the length of the block. Bound it by a timeout.

        Args:
            url: `http` or `https`.
            data: The body.
            headers: Without `Host` and `Content-Length`.
            allow_redirects: Must be false; nobody is followed anywhere with a key.
            on_sent: Called when the kernel has all of the request: it arrives whatever becomes of
                this process.

        Raises:
            OSError: If there is no connection, or it breaks (`HttpFailed`).
        """
        assert not allow_redirects  # noqa: S101  the interface of larger clients
        sent = self.post_at_once(url, data=data, headers=headers)
        if sent is None:
            parts = urlsplit(url)
            connection = await _connect(parts.scheme, parts.hostname, parts.port)
            connection.writer.write(_request(parts, headers, len(data)) + data)
            sent = Sent(f"{parts.scheme}://{parts.netloc}", connection)
        async with self.answered(sent, on_sent=on_sent) as response:
            yield response

    @asynccontextmanager
    async def answered(
        self, sent: Sent, *, on_sent: Callable[[], None] = lambda: None
    ) -> AsyncGenerator[Response, None]:
        """Give the answer to a request, for the length of the block. Bound it by a timeout.

        Args:
            sent: The request.
            on_sent: As in `post`.

        Raises:
            OSError: If the connection breaks (`HttpFailed`).
        """
        connection = sent.connection
        keeps = False
        try:
            await connection.writer.drain()
            on_sent()
            head = await _read_head(connection.reader)
            body = Body(connection.reader, head)
            yield Response(head.status, Headers(head.headers), body)
            keeps = head.keeps and body.is_read and connection.is_usable
        finally:
            if keeps:
                self._keep(sent.origin, connection)
            else:
                connection.writer.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close what is idle."""
        for _since, connection in self._idle.values():
            connection.writer.close()
        self._idle.clear()

    def _take(self, origin: str) -> _Connection | None:
        kept = self._idle.pop(origin, None)
        if kept is None:
            return None
        since, connection = kept
        if connection.is_usable and anyio.current_time() - since < REUSE_SECONDS:
            return connection
        connection.writer.close()
        return None

    def _keep(self, origin: str, connection: _Connection) -> None:
        earlier = self._idle.pop(origin, None)
        if earlier is not None:
            earlier[1].writer.close()
        self._idle[origin] = (anyio.current_time(), connection)


async def _connect(scheme: str, host: str | None, port: int | None) -> _Connection:
    is_tls = scheme == "https"
    reader, writer = await asyncio.open_connection(
        host, port or (443 if is_tls else 80), ssl=TLS if is_tls else None, limit=MAX_HEAD_BYTES
    )
    # A request is written at once, and nothing of it waits in this process once `drain` returns.
    writer.transport.set_write_buffer_limits(high=0)
    return _Connection(reader, writer)


def _request(parts: SplitResult, headers: Mapping[str, str], length: int) -> bytes:
    target = parts.path + (f"?{parts.query}" if parts.query else "")
    start, rest = _start(target, parts.netloc), _fields(tuple(headers.items()))
    return f"{start}Content-Length: {length}\r\n{rest}\r\n".encode()


@lru_cache(maxsize=8)
def _start(target: str, host: str) -> str:
    return _sendable(f"POST {target or '/'} HTTP/1.1", f"Host: {host}")


@lru_cache(maxsize=8)
def _fields(fields: tuple[tuple[str, str], ...]) -> str:
    """The same at each request to the same server, and a token in it is long."""
    return _sendable(*(f"{name}: {text}" for name, text in fields))


def _sendable(*lines: str) -> str:
    if any(_UNSENDABLE.search(line) for line in lines):
        raise HttpFailed("a header field holds a line break")
    return "".join(f"{line}\r\n" for line in lines)


async def _read_head(reader: asyncio.StreamReader) -> _Head:
    for _ in range(_MAX_INFORMATIONAL):
        try:
            raw = await reader.readuntil(b"\r\n\r\n")
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            raise HttpFailed("there is no answer") from None
        head = _parse_head(raw[:-4])
        if head.status >= 200:  # noqa: PLR2004  before that, another one follows
            return head
    raise HttpFailed("there is no final answer")


def _parse_head(raw: bytes) -> _Head:
    first, *rest = raw.split(b"\r\n")
    status_line = _STATUS_LINE.fullmatch(first)
    fields = [_FIELD.fullmatch(line) for line in rest]
    if status_line is None or None in fields:
        raise HttpFailed("the answer is not HTTP")
    headers = {field[1].decode().lower(): field[2].decode("latin-1") for field in fields if field}
    status = int(status_line[2])
    is_chunked = headers.get("transfer-encoding", "").lower() == "chunked"
    length = headers.get("content-length")
    if (length is not None and not re.fullmatch(r"[0-9]{1,12}", length)) or (
        "transfer-encoding" in headers and not is_chunked
    ):
        raise HttpFailed("the answer has no clear length")
    bodiless = status in (204, 304) or status < 200  # noqa: PLR2004  RFC 9112 §6.3
    return _Head(
        status=status,
        headers=headers,
        is_chunked=is_chunked and not bodiless,
        length=0 if bodiless else None if length is None else int(length),
        keeps=status_line[1] == b"1"
        and headers.get("connection", "").lower() != "close"
        and (bodiless or is_chunked or length is not None),
    )
