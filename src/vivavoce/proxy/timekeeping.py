"""When a session's limits are reached. Times are those of the event loop's clock, in seconds."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Final

import anyio

from vivavoce.protocol.machine import Claim
from vivavoce.protocol.messages import EndReason
from vivavoce.sessions.limits import END_REASON, Deadline, Limit, Times, next_deadline

NEVER: Final = float("inf")


class Timekeeper:
    """Notes what happens and knows which limit comes next.

    Idle time counts only while both sides could be heard: not while the interview is paused, and
    not while the sideband, our only ear, is down.
    """

    def __init__(self, claim: Claim, *, now: Callable[[], datetime]) -> None:
        self._limits = claim.limits
        instant, wall = anyio.current_time(), now()
        self.expires_at = instant + (claim.expires_at - wall).total_seconds()
        active_at = None
        if claim.active_at is not None:
            active_at = instant - (wall - claim.active_at).total_seconds()
        is_takeover = claim.active_at is not None
        unused = max(claim.limits.idle_timeout, claim.limits.heartbeat_timeout)
        self._times = Times(
            active_at=active_at,
            last_speech_at=instant if is_takeover else None,
            candidate_lost_at=instant if is_takeover else None,
            unused_until=instant + unused,
        )
        self._call_lost_at: float | None = instant if is_takeover else None
        self._paused = claim.paused
        self._hearing = False
        self._speaking: set[str] = set()
        self._changed = anyio.Event()

    @property
    def active_at(self) -> float | None:
        """When the first call connected."""
        return self._times.active_at

    def activate(self) -> bool:
        """Note that a call carries audio; tell whether it is the first."""
        if self._times.active_at is not None:
            return False
        self._note(active_at=anyio.current_time())
        return True

    def candidate_came(self) -> None:
        """Note that the candidate's connection stands."""
        self._note(candidate_lost_at=None, unused_until=self.expires_at)

    def candidate_lost(self) -> None:
        """Note that the candidate's connection went."""
        self._note(candidate_lost_at=anyio.current_time())

    def call_made(self) -> None:
        """Note that there is a call; who spoke in an earlier one does so no longer."""
        self._call_lost_at = None
        self._speaking.clear()
        self._note(call_at=anyio.current_time())

    def call_lost(self) -> None:
        """Note that there is no call any more."""
        self._call_lost_at = anyio.current_time()
        self._speaking.clear()
        self._note(call_at=None)

    def call_is_to_change(self) -> None:
        """Note that the client was asked for another call; not to ask again at once."""
        self._note(call_at=anyio.current_time() - self._limits.call_lifetime + 30)

    def began_to_speak(self, who: str) -> None:
        """Note that somebody speaks; nobody is idle while anybody does."""
        self._speaking.add(who)
        self._note(last_speech_at=anyio.current_time())

    def stopped_speaking(self, who: str) -> None:
        """Note that somebody has stopped."""
        self._speaking.discard(who)
        self._note(last_speech_at=anyio.current_time())

    def pause(self, *, paused: bool) -> None:
        """Stop or start the idle clock."""
        self._paused = paused
        self._note(last_speech_at=anyio.current_time())

    def hear(self, *, hearing: bool) -> None:
        """Note whether the sideband tells us who speaks."""
        self._hearing = hearing
        if not hearing:
            self._speaking.clear()
        self._note(last_speech_at=anyio.current_time())

    def next(self) -> tuple[float, EndReason | Limit]:
        """When the next limit is reached, and the reason to end for; `CALL_LIFETIME` ends nothing.

        The deadline of the claim comes before all.
        """
        is_idle = self._hearing and not self._paused and not self._speaking
        times = replace(self._times, paused=not is_idle)
        due = [Deadline(self.expires_at, Limit.MAX_DURATION)]
        deadline = next_deadline(self._limits, times)
        if deadline is not None:
            due.append(deadline)
        first = min(due, key=lambda one: one.at)
        lost_at = NEVER if self._call_lost_at is None else self._call_lost_at
        call_lost_at = lost_at + self._limits.heartbeat_timeout
        if call_lost_at < first.at and self._times.candidate_lost_at is None:
            return call_lost_at, EndReason.CALL_LOST
        return first.at, END_REASON.get(first.limit, first.limit)

    async def until_due(self) -> EndReason | Limit:
        """Wait until a limit is reached, whatever happens meanwhile."""
        while True:
            at, what = self.next()
            if at <= anyio.current_time():
                return what
            self._changed = anyio.Event()
            with anyio.CancelScope(deadline=at):
                await self._changed.wait()

    def _note(self, **changes: float | None) -> None:
        self._times = replace(self._times, **changes)  # type: ignore[arg-type]  # times only
        self._changed.set()
