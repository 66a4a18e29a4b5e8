"""One candidate's connection: what goes out over it, and how much may come in."""

import logging
from collections import deque
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final

import anyio
from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed

from vivavoce.errors import VivavoceError
from vivavoce.protocol.codec import encode
from vivavoce.protocol.messages import (
    CloseCode,
    ErrorData,
    ErrorMessage,
    ProxyMessage,
    TranscriptData,
    TranscriptMessage,
)
from vivavoce.protocol.transcript import TranscriptEntry
from vivavoce.tokens import Identity

BATCH_SECONDS: Final = 0.1
SEND_TIMEOUT: Final = 10.0
CLOSE_TIMEOUT: Final = 2.0
MAX_WAITING_MESSAGES: Final = 64
MAX_ENTRIES_PER_MESSAGE: Final = 50
MAX_MESSAGE_CHARACTERS: Final = 32_768
MESSAGES_PER_SECOND: Final = 20.0
BURST: Final = 60.0
OFFERS_PER_SECOND: Final = 0.2
OFFER_BURST: Final = 6.0
_log: Final = logging.getLogger(__name__)


class Allowance:
    """A token bucket: `rate` acts a second in the long run, `burst` at once."""

    def __init__(self, rate: float, burst: float) -> None:
        self._rate = rate
        self._burst = burst
        self._left = burst
        self._at = anyio.current_time()

    def take(self) -> bool:
        """Use one act up; False if there is none left."""
        instant = anyio.current_time()
        self._left = min(self._burst, self._left + (instant - self._at) * self._rate)
        self._at = instant
        if self._left < 1:
            return False
        self._left -= 1
        return True


class Link:
    """Sends to one client, at the client's pace.

    What waits is bounded: entries by their items (a newer revision takes the place of an older
    one), messages by number; a client that does not read loses its connection, and comes back with
    what it knows.

    Attributes:
        identity: Whose connection it is, by the newest token.
        messages: How many messages may still come in.
        offers: How many offers may.
    """

    def __init__(self, connection: ServerConnection, identity: Identity) -> None:
        self._connection = connection
        self.identity = identity
        self.messages = Allowance(MESSAGES_PER_SECOND, BURST)
        self.offers = Allowance(OFFERS_PER_SECOND, OFFER_BURST)
        self._outgoing: deque[ProxyMessage] = deque()
        self._entries: dict[str, TranscriptEntry] = {}
        self._closing: tuple[int, str] | None = None
        self._changed = anyio.Event()
        self.closed = anyio.Event()

    def post(self, message: ProxyMessage) -> None:
        """Send a message, after those that wait."""
        if len(self._outgoing) >= MAX_WAITING_MESSAGES:
            self._closing = (CloseCode.TRY_AGAIN_LATER, "The client does not read.")
            self._outgoing.clear()
            self._entries.clear()
        if self._closing is None:
            self._outgoing.append(message)
        self._changed.set()

    def post_entries(self, entries: Iterable[TranscriptEntry]) -> None:
        """Send entries within `BATCH_SECONDS`."""
        for entry in entries:
            self._entries.pop(entry.item_id, None)
            self._entries[entry.item_id] = entry
        if self._entries:
            self._changed.set()

    def post_error(self, error: VivavoceError) -> None:
        """Send an error."""
        self.post(error_message(error))

    def close(self, code: CloseCode, reason: str = "") -> None:
        """Close once everything that waits was sent; the first reason stays."""
        if self._closing is None:
            self._closing = (code, reason)
        self._changed.set()

    async def run(self) -> None:
        """Send what waits until the connection is closed, by whomever."""
        try:
            await self._send_all()
        except (ConnectionClosed, TimeoutError):
            pass
        finally:
            with anyio.move_on_after(CLOSE_TIMEOUT, shield=True):
                await self._connection.close(*(self._closing or (CloseCode.INTERNAL, "")))
            self._connection.transport.abort()
            self.closed.set()

    async def _send_all(self) -> None:
        sent_entries_at = -BATCH_SECONDS
        while True:
            while self._outgoing and not (self._closing and self._entries):
                await self._send(self._outgoing.popleft())
            due_at = sent_entries_at + BATCH_SECONDS
            if self._entries and (self._closing or anyio.current_time() >= due_at):
                # Before a close: what was said comes before the goodbye.
                await self._send(TranscriptMessage(data=self._batch(), timestamp=_now()))
                if not self._entries:
                    sent_entries_at = anyio.current_time()
                continue
            if self._closing is not None:
                return
            self._changed = anyio.Event()
            deadline = due_at if self._entries else float("inf")
            with anyio.CancelScope(deadline=deadline):
                await self._changed.wait()

    def _batch(self) -> TranscriptData:
        """Take as many of the waiting entries, in order, as one message may hold."""
        entries: list[TranscriptEntry] = []
        characters = 0
        for entry in self._entries.values():
            characters += len(entry.content)
            if entries and (
                len(entries) == MAX_ENTRIES_PER_MESSAGE or characters > MAX_MESSAGE_CHARACTERS
            ):
                break
            entries.append(entry)
        for entry in entries:
            del self._entries[entry.item_id]
        return TranscriptData(entries=entries)

    async def _send(self, message: ProxyMessage) -> None:
        with anyio.fail_after(SEND_TIMEOUT):
            await self._connection.send(encode(message), text=True)


def error_message(error: VivavoceError) -> ErrorMessage:
    """Put an error into its message."""
    details = dict(error.details)
    if error.retry_after is not None:
        details["retryAfter"] = error.retry_after
    data = ErrorData(
        code=error.code,
        message=error.message,
        retryable=error.retryable,
        recovery=error.recovery,
        details=details,
    )
    return ErrorMessage(data=data, timestamp=_now())


def _now() -> datetime:
    return datetime.now(UTC)
