"""The lane for the requests that every spoken word takes, beside the server's own way.

To have a request read by the server, find its route, inject what it asks for and render a response
costs about as much as to store an entry. So a plain post to the transcript processor that arrives
whole is read by Node's parser (llhttp) and answered by the very code that its route calls. Whatever
is not plain (a page with an `Origin`, chunks, a request in pieces) takes the server's way: the
same edge, only slower.
"""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final
from uuid import uuid4

import httptools
import structlog

from vivavoce.api.authentication import bearer_of
from vivavoce.api.metrics import Metrics
from vivavoce.api.problems import REQUEST_ID, Rendered, render_refusal, render_unexpected
from vivavoce.errors import VivavoceError

log = structlog.get_logger(__name__)

Act = Callable[[str, bytes], Awaitable[bytes]]
"""Takes a bearer token and a body, and gives the JSON of the answer; refuses by `VivavoceError`."""

_PLAIN: Final = frozenset(
    (b"host", b"authorization", b"content-type", b"content-length", b"user-agent", b"accept")
)


@dataclass
class LaneRequest:
    """A request as the parser reads it; its methods are the parser's callbacks."""

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


class Lane:
    """What goes by the lane, and what answers it.

    Args:
        path: The one path.
        act: Answers a post to it.
        metrics: Where requests are counted.
    """

    def __init__(self, path: str, act: Act, metrics: Metrics) -> None:
        self._path = path
        self._act = act
        self._metrics = metrics
        self._start = f"POST {path} HTTP/1.1\r\n".encode()

    def read(self, data: bytes) -> LaneRequest | None:
        """Read bytes that came between two requests; None if they are not for the lane."""
        if not data.startswith(self._start):
            return None
        request = LaneRequest()
        try:
            httptools.HttpRequestParser(request).feed_data(data)
        except httptools.HttpParserError:
            return None
        return request if request.is_plain else None

    async def answer(self, request: LaneRequest) -> bytes:
        """Answer a request, with the bytes that go over the wire."""
        began = time.perf_counter()
        try:
            token = bearer_of(request.headers.get(b"authorization", b"").decode("latin-1"))
            rendered = Rendered.json(HTTPStatus.OK, await self._act(token, request.body))
            request_id = None
        except VivavoceError as error:
            request_id = str(uuid4())
            rendered = render_refusal(error, request_id)
        except Exception as error:  # noqa: BLE001  as the framework's last handler: it is logged
            request_id = str(uuid4())
            rendered = render_unexpected(error, request_id, path=self._path)
        self._note(rendered.status, time.perf_counter() - began, request_id)
        return _on_the_wire(rendered, request_id)

    def _note(self, status: int, seconds: float, request_id: str | None) -> None:
        self._metrics.requests.labels(self._path, "POST", str(int(status))).inc()
        self._metrics.request_seconds.labels(self._path).observe(seconds)
        if request_id is not None:
            log.info(
                "request",
                method="POST",
                edge=self._path,
                status=int(status),
                ms=round(seconds * 1000, 1),
                request_id=request_id,
            )


def _on_the_wire(rendered: Rendered, request_id: str | None) -> bytes:
    status = HTTPStatus(rendered.status)
    fields = rendered.raw()
    if request_id is not None:
        fields.append((REQUEST_ID.encode(), request_id.encode()))
    lines = [f"HTTP/1.1 {status.value} {status.phrase}".encode()]
    lines += [name + b": " + value for name, value in fields]
    return b"\r\n".join([*lines, b"", rendered.body])
