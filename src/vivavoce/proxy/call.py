"""One voice call as the proxy holds it: its sideband, attached again whenever it breaks."""

from collections.abc import Mapping
from typing import Any, Protocol

import anyio

from vivavoce.errors import NotFound, Unavailable
from vivavoce.protocol import realtime
from vivavoce.protocol.machine import VoiceAccess
from vivavoce.proxy.uplink import backoff
from vivavoce.voice.sideband import PATIENCE, Sideband, SidebandLost, open_sideband


class CallObserver(Protocol):
    """What a call tells its session."""

    async def call_attached(self, call: "VoiceCall", *, again: bool) -> None:
        """The sideband stands, for the first time or `again`."""

    def call_deaf(self, call: "VoiceCall", *, lasting: bool) -> None:
        """The sideband is down; the call may go on. `lasting` if it could not be had at once."""

    async def call_event(self, call: "VoiceCall", event: realtime.ServerEvent) -> None:
        """Something happened."""

    def call_over(self, call: "VoiceCall") -> None:
        """The call has ended, by itself or because it was hung up."""


class VoiceCall:
    """A call and its sideband.

    Attributes:
        call_id: As the voice model names it.
        is_taken_over: Whether another machine made it.
        attached: Set once the sideband stood.
        up: Set at the first sign that it carries audio.
        over: Set when it has ended.
        settled: Set once it is attached or over.
        is_answered: Whether a client has its answer.
        has_gaps: Whether things may have happened in it while nobody of ours listened.
        is_interviewers_turn: Whether the conversation that it was given waits for the interviewer.
    """

    def __init__(
        self,
        voice: VoiceAccess,
        call_id: str,
        observer: CallObserver,
        *,
        is_taken_over: bool = False,
    ) -> None:
        self.call_id = call_id
        self.is_taken_over = is_taken_over
        self.attached = anyio.Event()
        self.up = anyio.Event()
        self.over = anyio.Event()
        self.settled = anyio.Event()
        self.is_answered = False
        self.has_gaps = False
        self.is_interviewers_turn = False
        self._voice = voice
        self._observer = observer
        self._sideband: Sideband | None = None
        self._scope = anyio.CancelScope()

    @property
    def is_attached(self) -> bool:
        """Whether the sideband stands at this moment."""
        return self._sideband is not None

    async def send(self, *events: Mapping[str, Any]) -> bool:
        """Send client events; False if the sideband is down."""
        if self._sideband is None:
            return False
        try:
            for event in events:
                await self._sideband.send(event)
        except SidebandLost:
            return False
        return True

    def stop(self) -> None:
        """Follow the call no longer; it was hung up."""
        self.over.set()
        self.settled.set()
        self._scope.cancel()

    async def follow(self) -> None:
        """Read the sideband until the call is over, attaching again whenever it breaks.

        A call that the voice model does not know is over, unless its sideband never stood: then
        its events cannot be had, for whatever reason, and audio goes on without them.
        """
        with self._scope:
            failures = 0
            while not self.over.is_set():
                broke = False
                try:
                    await self._hold()
                    break
                except NotFound:
                    if self.attached.is_set() or self.is_taken_over:
                        break
                    failures += 1
                except Unavailable:
                    failures += 1
                except SidebandLost:
                    broke, failures = True, 1
                self._observer.call_deaf(self, lasting=not broke)
                await anyio.sleep(backoff(failures))
        if not self.over.is_set():
            self.over.set()
            self.settled.set()
            self._observer.call_over(self)

    async def _hold(self) -> None:
        again = self.attached.is_set() or self.is_taken_over
        async with open_sideband(self._voice, self.call_id, patience=PATIENCE) as sideband:
            self._sideband = sideband
            try:
                await self._observer.call_attached(self, again=again)
                self.attached.set()
                self.settled.set()
                async for event in sideband:
                    await self._observer.call_event(self, event)
            finally:
                self._sideband = None
