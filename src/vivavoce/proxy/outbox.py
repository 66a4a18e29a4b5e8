"""Transcript entries on their way to the store, kept until they were acknowledged after commit."""

import logging
from collections.abc import Callable, Iterable, Sequence
from typing import Final

import anyio

from vivavoce.errors import InvalidRequest
from vivavoce.protocol.codec import decode
from vivavoce.protocol.transcript import (
    TranscriptBatch,
    TranscriptEntry,
    TranscriptReceipt,
    event_of,
)
from vivavoce.proxy.http import Sent
from vivavoce.proxy.uplink import NotTaken, Uplink, backoff

PATH: Final = "/functions/v1/transcript-processor"
MAX_BATCH: Final = 100
PARTIAL_SECONDS: Final = 0.25
"""An entry that is still being spoken is stored at most so often; one that is final, at once."""
_MAX_RECEIPT_BYTES: Final = 1024 * 1024
_log: Final = logging.getLogger(__name__)


class Outbox:
    """The newest revision of each entry that the store may lack.

    Bounded by the number of items that a transcript may have. Never waits for anything that the
    call depends on: audio goes on whatever happens here.

    Args:
        uplink: To the control plane.
        session_id: Of the interview.
        on_trouble: Told when storing begins to fail, and when it works again.
        on_refused: Told the item and the code of an entry that can never be stored.

    Attributes:
        is_in_trouble: Whether the last attempt failed.
        lost: How many entries the processor has refused for good.
    """

    def __init__(
        self,
        uplink: Uplink,
        session_id: str,
        *,
        on_trouble: Callable[[bool], None],
        on_refused: Callable[[str, str], None],
    ) -> None:
        self._uplink = uplink
        self._session_id = session_id
        self._on_trouble = on_trouble
        self._on_refused = on_refused
        self._waiting: dict[str, TranscriptEntry] = {}
        self._changed = anyio.Event()
        self._is_urgent = False
        self._emptied = anyio.Event()
        self._alone = False
        self._is_idle = False
        self._begun: tuple[Sequence[TranscriptEntry], Sent] | None = None
        self.is_in_trouble = False
        self.lost = 0

    def __len__(self) -> int:
        """How many entries have not been acknowledged."""
        return len(self._waiting)

    def add(self, entries: Iterable[TranscriptEntry]) -> None:
        """Take entries, new or revised; send what is final at once, if nothing is under way."""
        for entry in entries:
            self._waiting[entry.item_id] = entry
            self._is_urgent = self._is_urgent or entry.final
        if self._is_idle and self._is_urgent and self._begun is None:
            self._begin()
        if self._waiting:
            self._changed.set()

    async def until_empty(self) -> None:
        """Wait until everything was acknowledged."""
        self._is_urgent = True
        self._changed.set()
        while self._waiting:
            self._emptied = anyio.Event()
            await self._emptied.wait()

    async def run(self) -> None:
        """Send what waits, for ever."""
        try:
            await self._keep_sending()
        finally:
            if self._begun is not None:
                self._begun[1].give_up()

    async def _keep_sending(self) -> None:
        failures = 0
        while True:
            self._is_idle = True
            await self._until_due()
            self._is_idle = False
            (batch, sent), self._begun = self._begun or (self._next_batch(), None), None
            try:
                receipt = await self._send(batch, sent)
            except NotTaken as error:
                if error.is_our_fault:
                    self._isolate(batch)
                    continue
                failures += 1
                self._set_trouble(error)
                await anyio.sleep(backoff(failures))
            else:
                failures = 0
                self._alone = False
                self._forget(batch, receipt)
                self._set_trouble(None)

    async def _until_due(self) -> None:
        """Wait until there is something final to send, or something to send for a while."""
        while not self._waiting:
            self._emptied.set()
            self._changed = anyio.Event()
            await self._changed.wait()
        with anyio.move_on_after(PARTIAL_SECONDS):
            while not self._is_urgent and self._begun is None:
                self._changed = anyio.Event()
                await self._changed.wait()
        if self._begun is None:
            self._is_urgent = False

    def _begin(self) -> None:
        """Send now, rather than when the task that waits for the answer comes to it."""
        batch = self._next_batch()
        sent = self._uplink.post_at_once(PATH, self._body(batch))
        if sent is not None:
            self._begun = batch, sent
            self._is_urgent = False

    def _next_batch(self) -> Sequence[TranscriptEntry]:
        return list(self._waiting.values())[: 1 if self._alone else MAX_BATCH]

    def _body(self, batch: Sequence[TranscriptEntry]) -> TranscriptBatch:
        return TranscriptBatch(events=[event_of(self._session_id, entry) for entry in batch])

    async def _send(self, batch: Sequence[TranscriptEntry], sent: Sent | None) -> TranscriptReceipt:
        if sent is not None:
            answer = await self._uplink.answered(sent)
        else:
            answer = await self._uplink.post(PATH, self._body(batch))
        try:
            return decode(answer, TranscriptReceipt, max_bytes=_MAX_RECEIPT_BYTES)
        except InvalidRequest:
            raise NotTaken(None) from None  # A 2xx that is no receipt acknowledges nothing.

    def _isolate(self, batch: Sequence[TranscriptEntry]) -> None:
        """Find the entry that makes a batch unacceptable: send them one by one, drop that one."""
        self._is_urgent = True
        if len(batch) == 1:
            self._drop(batch[0].item_id, "refused")
            self._alone = False
        else:
            self._alone = True

    def _forget(self, batch: Sequence[TranscriptEntry], receipt: TranscriptReceipt) -> None:
        refused = {rejected.item_id: rejected.code for rejected in receipt.rejected}
        for entry in batch:
            if entry.item_id in refused:
                self._drop(entry.item_id, refused[entry.item_id])
            elif self._waiting.get(entry.item_id) == entry:
                del self._waiting[entry.item_id]
        self._is_urgent = self._is_urgent or any(entry.final for entry in self._waiting.values())
        if not self._waiting:
            self._emptied.set()

    def _drop(self, item_id: str, code: str) -> None:
        self._waiting.pop(item_id, None)
        self.lost += 1
        if not self._waiting:
            self._emptied.set()
        _log.error("the entry of item %.128s was refused for good: %.64s", item_id, code)
        self._on_refused(item_id, code)

    def _set_trouble(self, error: NotTaken | None) -> None:
        if self.is_in_trouble is (error is None):
            self.is_in_trouble = error is not None
            if error is not None:
                _log.warning("transcript entries wait: %s", error)
            else:
                _log.info("transcript entries are stored again")
            self._on_trouble(self.is_in_trouble)
