"""The lane for requests that somebody waits for, beside the server's own way.

To have a request read by the server, find its route, inject what it asks for and render a response
costs about as much as to store an entry. So a plain post to the start of a session, or to the
transcript processor that every spoken word goes to, is read by Node's parser (llhttp) if it arrives
whole, and answered by the very code that its route calls. Whatever is not plain (a page with an
`Origin`, chunks, a request in pieces) takes the server's way: the same edge, only slower.
"""

import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final
from uuid import uuid4

import httptools
import structlog

from vivavoce.api.authentication import bearer_of
from vivavoce.api.metrics import Metrics
from vivavoce.api.problems import REQUEST_ID, Rendered, render_refusal, render_unexpected
from vivavoce.api.requests import decent_id
from vivavoce.errors import VivavoceError

log = structlog.get_logger(__name__)

_PLAIN: Final = frozenset(
    (
        b"host",
        b"authorization",
        b"content-type",
        b"content-length",
        b"user-agent",
        b"accept",
        b"accept-encoding",
        b"idempotency-key",
        REQUEST_ID.encode(),
    )
)
_MAX_PATH_BYTES: Final = 64


@dataclass
class LaneRequest:
    """A request as the parser reads it; its methods are the parser's callbacks."""

    path: str
    headers: dict[bytes, bytes] = field(default_factory=dict)
    body: bytes = b""
    messages: int = 0

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a field; one that comes twice is not plain."""
        name = name.lower()
        self.headers[b"" if name in self.headers else name] = value

    def on_body(self, body: bytes) -> None:
        """Keep a piece of the body."""
        self.body += body

    def on_message_complete(self) -> None:
        """Count requests: more than one at once is not plain."""
        self.messages += 1

    @property
    def is_plain(self) -> bool:
        """Whether it is one whole request that says nothing unusual."""
        return self.messages == 1 and self.headers.keys() <= _PLAIN

    @property
    def token(self) -> str:
        """The bearer token.

        Raises:
            AuthenticationFailed: If there is none.
        """
        return bearer_of(self.headers.get(b"authorization", b"").decode("latin-1"))

    def header(self, name: str) -> str | None:
        """The value of a field."""
        value = self.headers.get(name.encode())
        return None if value is None else value.decode("latin-1")


@dataclass(frozen=True)
class LaneEdge:
    """An edge that the lane leads to.

    Attributes:
        act: Takes a request and its id, and gives the JSON of the answer; refuses by
            `VivavoceError`.
        max_body: Bytes; a request with more takes the server's way, which refuses it.
        is_quiet: What goes well is counted, and not logged.
    """

    act: Callable[[LaneRequest, str], Awaitable[bytes]]
    max_body: int
    is_quiet: bool = False


@dataclass(frozen=True)
class Answered:
    """What became of a request: the bytes that go over the wire, and what is noted of it."""

    wire: bytes
    path: str
    status: int
    seconds: float
    request_id: str
    is_told: bool


class Lane:
    """What goes by the lane, and what answers it.

    Args:
        edges: By path.
        metrics: Where requests are counted.
    """

    def __init__(self, edges: Mapping[str, LaneEdge], metrics: Metrics) -> None:
        self._edges = {path.encode(): edge for path, edge in edges.items()}
        self._metrics = metrics

    def read(self, data: bytes) -> LaneRequest | None:
        """Read bytes that came between two requests; None if they are not for the lane."""
        path, http, _ = data[5 : 5 + _MAX_PATH_BYTES].partition(b" HTTP/1.1\r\n")
        edge = self._edges.get(path)
        if edge is None or not http or not data.startswith(b"POST "):
            return None
        request = LaneRequest(path.decode())
        try:
            httptools.HttpRequestParser(request).feed_data(data)
        except httptools.HttpParserError:
            return None
        return request if request.is_plain and len(request.body) <= edge.max_body else None

    async def answer(self, request: LaneRequest) -> Answered:
        """Answer a request; `note` what became of it once it is on its way."""
        began = time.perf_counter()
        edge = self._edges[request.path.encode()]
        request_id = decent_id(request.headers.get(REQUEST_ID.encode(), b"")) or str(uuid4())
        try:
            rendered = Rendered.json(HTTPStatus.OK, await edge.act(request, request_id))
        except VivavoceError as error:
            rendered = render_refusal(error, request_id)
        except Exception as error:  # noqa: BLE001  as the framework's last handler: it is logged
            rendered = render_unexpected(error, request_id, path=request.path)
        return Answered(
            wire=_on_the_wire(rendered, request_id),
            path=request.path,
            status=int(rendered.status),
            seconds=time.perf_counter() - began,
            request_id=request_id,
            is_told=not edge.is_quiet or rendered.status >= HTTPStatus.BAD_REQUEST,
        )

    def note(self, answered: Answered) -> None:
        """Count what became of a request, and log it where that is told."""
        self._metrics.requests.labels(answered.path, "POST", str(answered.status)).inc()
        self._metrics.request_seconds.labels(answered.path).observe(answered.seconds)
        if answered.is_told:
            log.info(
                "request",
                method="POST",
                edge=answered.path,
                status=answered.status,
                ms=round(answered.seconds * 1000, 1),
                request_id=answered.request_id,
            )


def _on_the_wire(rendered: Rendered, request_id: str) -> bytes:
    status = HTTPStatus(rendered.status)
    fields = [*rendered.raw(), (REQUEST_ID.encode(), request_id.encode())]
    lines = [f"HTTP/1.1 {status.value} {status.phrase}".encode()]
    lines += [name + b": " + value for name, value in fields]
    return b"\r\n".join([*lines, b"", rendered.body])
