"""An HTTP server that runs inside a task group of ours and never waits for a slow sender.

uvicorn alone keeps a half-sent request open for ever, catches the process's signals, and hides
failures of whatever runs beside it. Here the owner of the task group decides when it ends.
"""

import asyncio
import socket
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from typing import Any, Final, Protocol
from uuid import uuid4

import anyio
import anyio.abc
import h11
import uvicorn
from litestar.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from vivavoce.api.lane import Lane, LaneRequest
from vivavoce.errors import InvalidRequest
from vivavoce.protocol.codec import encode
from vivavoce.protocol.problem import MEDIA_TYPE, problem

RECEIVE_SECONDS: Final = 10.0
"""In which a request must have arrived whole, head and body."""
KEEP_ALIVE_SECONDS: Final = 30
GRACEFUL_SECONDS: Final = 2
MAX_HEAD_BYTES: Final = 32_768
MAX_WEBSOCKET_BYTES: Final = 262_144


class Upgrades(Protocol):
    """Takes over connections that are not to be HTTP any longer."""

    def takes(self, head: h11.Request) -> bool:
        """Whether this upgrade request is its business."""

    def take(self, transport: asyncio.Transport, head: h11.Request, rest: bytes) -> None:
        """Own the connection from now on. `rest` is what came after the head."""


class Connection(H11Protocol):
    """One connection: closed if a request does not arrive whole within the deadline."""

    def __init__(
        self,
        *args: Any,
        upgrades: Upgrades,
        lane: Lane | None,
        tasks: anyio.abc.TaskGroup | None,
        receive_seconds: float,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self._upgrades = upgrades
        self._lane = lane
        self._tasks = tasks
        self._receive_seconds = receive_seconds
        self._deadline: asyncio.TimerHandle | None = None
        self._lane_request: LaneRequest | None = None
        self._lane_answers = False
        self._leaves = False
        self._lane_filled: anyio.Event | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start the clock: somebody who connects has something to say."""
        super().connection_made(transport)
        self._start_clock()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the clock, and whoever answers."""
        self._stop_clock()
        if self._lane_filled is not None:
            self._lane_filled.set()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Run the clock from a request's first byte to its last; take the lane where it can be."""
        if self._lane is not None and self._is_between_requests():
            request = self._lane.read(data)
            if request is not None and self._tasks is not None:
                self._stop_clock()
                self._unset_keepalive_if_required()
                self.transport.pause_reading()  # what follows waits for the answer
                self._lane_request = request
                self._lane_answers = True
                if self._lane_filled is None:
                    self._tasks.start_soon(self._answer_in_lane, self._lane)
                else:
                    self._lane_filled.set()
                return
        if self._deadline is None:
            self._start_clock()
        super().data_received(data)
        if not self._is_receiving():
            self._stop_clock()

    def shutdown(self) -> None:
        """Close once nothing is being answered; the server waits for it as long as it will."""
        if self._lane_answers:
            self._leaves = True
        else:
            super().shutdown()

    def on_response_complete(self) -> None:
        """Start the clock for a request whose beginning came while this one was answered."""
        super().on_response_complete()
        if self._deadline is None and self._is_receiving():
            self._start_clock()

    async def _answer_in_lane(self, lane: Lane) -> None:
        """Answer what comes by the lane until the connection is gone: one task for all of it."""
        while (request := self._lane_request) is not None:
            self._lane_request = None
            self._lane_filled = anyio.Event()
            answered = await lane.answer(request)
            if not self.transport.is_closing():
                self.transport.write(answered.wire)
            self.loop.call_soon(lane.note, answered)  # the loop writes before it calls
            self._lane_answers = False
            if self._leaves:
                self.transport.close()
            if self.transport.is_closing():
                return
            self.timeout_keep_alive_task = self.loop.call_later(
                self.timeout_keep_alive, self.timeout_keep_alive_handler
            )
            self.transport.resume_reading()
            await self._lane_filled.wait()

    def _is_between_requests(self) -> bool:
        is_answered = self.cycle is None or self.cycle.response_complete
        return is_answered and self.conn.their_state is h11.IDLE and not self.conn.trailing_data[0]

    def _is_receiving(self) -> bool:
        state = self.conn.their_state
        return state is h11.SEND_BODY or (state is h11.IDLE and bool(self.conn.trailing_data[0]))

    def handle_websocket_upgrade(self, event: h11.Request) -> None:
        """Hand the gateway's connections over raw; the rest are ours."""
        self._stop_clock()
        if not self._upgrades.takes(event):
            super().handle_websocket_upgrade(event)
            return
        self.connections.discard(self)
        self._upgrades.take(self.transport, event, self.conn.trailing_data[0])

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002  uvicorn's words
        """Refuse what is not HTTP, in the shape of all our refusals."""
        if self.conn.our_state is not h11.IDLE:
            self.transport.close()
            return
        refusal = InvalidRequest("This is not a valid HTTP request.")
        body = encode(problem(refusal, request_id=str(uuid4())))
        headers = [
            ("content-type", MEDIA_TYPE),
            ("content-length", str(len(body))),
            ("connection", "close"),
        ]
        self.transport.write(
            (self.conn.send(h11.Response(status_code=400, headers=headers)) or b"")
            + (self.conn.send(h11.Data(data=body)) or b"")
        )
        self.transport.close()

    def _start_clock(self) -> None:
        self._deadline = self.loop.call_later(self._receive_seconds, self._give_up)

    def _stop_clock(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _give_up(self) -> None:
        self._deadline = None
        if not self.transport.is_closing():
            self.transport.close()


class Server(uvicorn.Server):
    """A server whose owner ends it: it leaves the process's signals alone."""

    def __init__(self, config: uvicorn.Config, started: Callable[[], None]) -> None:
        super().__init__(config)
        self._tell_started = started

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Signals belong to the program's main."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, and say so."""
        await super().startup(sockets)
        self._tell_started()


def listen(host: str, port: int) -> socket.socket:
    """Bind a TCP socket; port 0 takes any free one.

    Raises:
        OSError: If the address is taken or is not ours.
    """
    family, kind, protocol, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(2048)
        listener.setblocking(False)  # noqa: FBT003  a standard call
    except OSError:
        listener.close()
        raise
    return listener


def make_server(
    app: ASGIApp,
    *,
    upgrades: Upgrades,
    started: Callable[[], None],
    lane: Lane | None = None,
    tasks: anyio.abc.TaskGroup | None = None,
    receive_seconds: float = RECEIVE_SECONDS,
) -> Server:
    """Prepare a server for `serve_until`.

    Args:
        app: Answers requests.
        upgrades: Takes connections over.
        started: Told when connections are taken.
        lane: Answers some requests beside `app`.
        tasks: Owns the lane's answers.
        receive_seconds: In which a request must have arrived whole.
    """

    def connection(*args: Any, **kwargs: Any) -> Connection:
        return Connection(
            *args,
            upgrades=upgrades,
            lane=lane,
            tasks=tasks,
            receive_seconds=receive_seconds,
            **kwargs,
        )

    config = uvicorn.Config(
        app,
        http=connection,  # type: ignore[arg-type]  # anything that makes a protocol will do
        ws="websockets-sansio",
        ws_max_size=MAX_WEBSOCKET_BYTES,
        ws_ping_interval=20,
        ws_per_message_deflate=False,
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        h11_max_incomplete_event_size=MAX_HEAD_BYTES,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=GRACEFUL_SECONDS,
    )
    return Server(config, started)


async def serve_until(server: Server, sockets: Sequence[socket.socket], stop: anyio.Event) -> None:
    """Serve until `stop` is set or the caller is cancelled; then let requests finish (2 s).

    uvicorn must not be cancelled: it would skip its own shutdown.
    """
    finished = anyio.Event()

    async def serve() -> None:
        with anyio.CancelScope(shield=True):
            await server.serve(list(sockets))
        finished.set()
        stop.set()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(serve)
        try:
            await stop.wait()
        finally:
            server.should_exit = True
            with anyio.move_on_after(GRACEFUL_SECONDS + 5, shield=True):
                await finished.wait()
