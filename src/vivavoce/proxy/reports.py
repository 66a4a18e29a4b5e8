"""What a machine tells the control plane about itself, in order, until it is acknowledged."""

import logging
from collections import deque
from collections.abc import Iterable
from functools import partial
from typing import Final

import anyio

from vivavoce.protocol.machine import EventReport, MachineReport, MachineReports
from vivavoce.proxy.uplink import NotTaken, Uplink, backoff

MAX_WAITING: Final = 1_000
_MAX_BATCH: Final = 50
_log: Final = logging.getLogger(__name__)


class Reports:
    """A queue of reports. Each is idempotent, so that sending one twice does no harm.

    Events that are worth keeping give way when the queue is full; the rest is few by nature.
    """

    def __init__(self, uplink: Uplink, machine_id: str) -> None:
        self._uplink = uplink
        self._path = f"/internal/v1/machines/{machine_id}/reports"
        self._waiting: deque[tuple[MachineReport, anyio.Event]] = deque()
        self._changed = anyio.Event()
        self._emptied = anyio.Event()

    def add(self, report: MachineReport) -> anyio.Event:
        """Queue a report; the event is set when it is on its way.

        From then on it arrives also if this machine dies at once. It is kept, and sent again,
        until it was acknowledged.
        """
        on_its_way = anyio.Event()
        if len(self._waiting) >= MAX_WAITING and isinstance(report, EventReport):
            _log.warning("too many reports wait: one is left out")
            return on_its_way
        self._waiting.append((report, on_its_way))
        self._changed.set()
        return on_its_way

    async def until_sent(self) -> None:
        """Wait until nothing waits."""
        while self._waiting:
            self._emptied = anyio.Event()
            await self._emptied.wait()

    async def run(self) -> None:
        """Send what is queued, for ever."""
        failures = 0
        size = _MAX_BATCH
        while True:
            if not self._waiting:
                self._emptied.set()
                self._changed = anyio.Event()
                await self._changed.wait()
            batch = [self._waiting[index] for index in range(min(len(self._waiting), size))]
            try:
                await self._uplink.post(
                    self._path,
                    MachineReports(reports=[report for report, _ in batch]),
                    on_sent=partial(_set_all, [on_its_way for _, on_its_way in batch]),
                )
            except NotTaken as error:
                failures += 1
                if failures == 1 or error.is_our_fault:
                    _log.warning("reports were not taken: %s", error)
                if error.is_our_fault:
                    if len(batch) == 1:
                        self._waiting.popleft()
                    size = 1
                await anyio.sleep(backoff(failures))
            else:
                failures, size = 0, _MAX_BATCH
                for _ in batch:
                    self._waiting.popleft()


def _set_all(events: Iterable[anyio.Event]) -> None:
    for event in events:
        event.set()
