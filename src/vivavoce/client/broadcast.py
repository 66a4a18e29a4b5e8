"""One source, any number of readers; none of them can hold the source up."""

from collections.abc import AsyncGenerator, Iterable
from typing import TYPE_CHECKING, Generic, TypeVar

import anyio

if TYPE_CHECKING:
    from anyio.streams.memory import MemoryObjectSendStream

T = TypeVar("T")


class Broadcast(Generic[T]):
    """Hands every item to all who listen.

    Args:
        max_unread: Items by which a reader may fall behind; its stream ends when it falls further.
    """

    def __init__(self, max_unread: int) -> None:
        self._max_unread = max_unread
        self._readers: set[MemoryObjectSendStream[T]] = set()
        self._is_closed = False

    def send(self, item: T) -> None:
        """Give an item to everybody; never waits."""
        for reader in tuple(self._readers):
            try:
                reader.send_nowait(item)
            except (anyio.WouldBlock, anyio.BrokenResourceError):
                reader.close()
                self._readers.discard(reader)

    async def listen(self, first: Iterable[T] = ()) -> AsyncGenerator[T]:
        """Give `first`, then everything that is sent from here on, until the end."""
        send, receive = anyio.create_memory_object_stream[T](self._max_unread)
        if self._is_closed:
            send.close()
        else:
            self._readers.add(send)
        try:
            for item in tuple(first):
                yield item
            with receive:
                async for item in receive:
                    yield item
        finally:
            self._readers.discard(send)
            send.close()
            receive.close()

    def close(self) -> None:
        """End every reader's stream, once it has read what was sent."""
        self._is_closed = True
        for reader in self._readers:
            reader.close()
        self._readers.clear()
