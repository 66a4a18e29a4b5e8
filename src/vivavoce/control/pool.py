"""The machines that this process holds: warm ones that wait, and those that serve a session.

Every machine has a row before its provider is asked for it. Its private channel stays open for as
long as it lives: when the channel breaks, the machine is lost.
"""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import uuid4

import anyio
import anyio.abc
import structlog

from vivavoce.control.bell import Bell
from vivavoce.errors import MachineProvisioningFailed, VivavoceError
from vivavoce.machines.provider import (
    ControlChannel,
    InvalidSpec,
    Isolation,
    Machine,
    MachineFailure,
    MachineProvider,
    MachineSpec,
    Scope,
)
from vivavoce.retry import RetryPolicy, delays
from vivavoce.store import machines as rows
from vivavoce.store.pool import Database

log = structlog.get_logger(__name__)

UNCLAIMED_SECONDS: Final = 600.0
"""After which a machine that nobody claimed gives up; another takes its place."""
FRESH_SECONDS: Final = 10.0
"""Of life that an unclaimed machine must have left to be given to a session."""
TRIES_IN_A_REGION: Final = 2
REFILL_SECONDS: Final = 5.0
SETTLE_SECONDS: Final = 0.1
"""In which a start is answered and its offer made, before a fork competes with both."""
DESTROY_SECONDS: Final = 10.0
_SHARED: Final = frozenset({Isolation.PROCESS, Isolation.USER})
_REFILL_POLICY: Final = RetryPolicy(max_attempts=8, base_delay=0.5, max_delay=30.0)


@dataclass(eq=False)
class Held:
    """A machine with its open channel. `session_id` is given once and never changed."""

    machine: Machine
    channel: ControlChannel
    unclaimed_until: datetime
    session_id: str | None = None
    is_lost: bool = False
    is_released: bool = False
    """Its session is over: that it goes away is no loss."""

    @property
    def machine_id(self) -> str:
        """Its id."""
        return self.machine.machine_id


@dataclass(eq=False)
class MachinePool:
    """Gives machines to sessions.

    Attributes:
        provider: Starts and destroys them.
        database: Their rows.
        regions: Labels, the preferred one first.
        warm: How many to keep ready in each region.
        start_timeout: Seconds for one to become ready.
        requires_isolation: Refuse machines that share their kernel and network with others.
        tasks: Owns the open channels.
        changed: Rung when a session gets or loses a machine.
        on_lost: Told of a machine that went away from a living session.
    """

    provider: MachineProvider
    database: Database
    regions: Sequence[str]
    warm: int
    start_timeout: float
    tasks: anyio.abc.TaskGroup
    requires_isolation: bool = False
    changed: Bell = field(default_factory=Bell)
    on_lost: Callable[[Held], Awaitable[None]] | None = None
    _waiting: dict[str, list[Held]] = field(default_factory=dict)
    _serving: dict[str, Held] = field(default_factory=dict)
    _short: Bell = field(default_factory=Bell)

    def serving(self, session_id: str) -> Held | None:
        """The machine that serves a session, if this process holds it."""
        return self._serving.get(session_id)

    def waiting(self, region: str) -> int:
        """How many unclaimed machines are ready in a region."""
        return len(self._waiting.get(region, ()))

    def held_ids(self) -> frozenset[str]:
        """Ids of all machines that this process holds."""
        waiting = [held for all_held in self._waiting.values() for held in all_held]
        return frozenset(held.machine_id for held in (*waiting, *self._serving.values()))

    async def take(self, region: str | None) -> Held:
        """Get an unclaimed machine: a warm one, or one started now.

        Args:
            region: Only there; the configured regions in their order if None.

        Raises:
            MachineProvisioningFailed: With `triedRegions`.
        """
        tried: list[str] = []
        failure: MachineFailure | None = None
        for label in [region] if region is not None else self.regions:
            tried.append(label)
            for _ in range(TRIES_IN_A_REGION):
                if (held := self._take_warm(label)) is not None:
                    return held
                try:
                    return await self._start(label)
                except MachineFailure as error:
                    failure = error
                    log.warning("machine not started", region=label, error=type(error).__name__)
                    if error.scope is not Scope.MACHINE:
                        break
            if failure is not None and failure.scope in (Scope.PROVIDER, Scope.CONFIG):
                break
        message = "No machine could be started for the session; try another region, or later."
        if failure is not None and failure.scope is Scope.CONFIG:
            message = failure.message
        raise MachineProvisioningFailed(message, triedRegions=tried) from failure

    def take_warm(self, region: str | None) -> Held | None:
        """Get a machine that stands ready, if there is one in this region, or the preferred one."""
        return self._take_warm(self.regions[0] if region is None else region)

    def serve(self, held: Held, session_id: str) -> None:
        """From now on this machine is the session's."""
        held.session_id = session_id
        self._serving[session_id] = held
        self.changed.ring()
        if held.is_lost:
            self._forget(held)

    async def adopt(self, machine: Machine, session_id: str) -> Held:
        """Take a machine over that serves a session already.

        Raises:
            MachineLost: If it does not answer.
        """
        if (held := self._serving.get(session_id)) is not None:
            return held
        return await self._hold(machine, datetime.now(UTC), session_id)

    def release(self, session_id: str) -> None:
        """The session is over: that its machine goes away is no loss."""
        if (held := self._serving.get(session_id)) is not None:
            held.is_released = True

    def refill(self) -> None:
        """Replace what was taken. Said at the end of a start, not to compete with it."""
        self._short.ring()

    def report_loss(self, held: Held) -> None:
        """Have the loss of a machine looked after that came before its session was ready."""
        self.tasks.start_soon(self._replace, held)

    async def give_back(self, held: Held) -> None:
        """Return a machine that was taken and never claimed."""
        if held.is_lost or self.waiting(held.machine.region) >= self.warm:
            await self.destroy(held.machine)
        else:
            self._waiting.setdefault(held.machine.region, []).append(held)

    async def destroy(self, machine: Machine) -> None:
        """Destroy a machine and note it.

        Raises:
            Unavailable: If it cannot be noted.
            MachineFailure: If it cannot be destroyed.
        """
        with anyio.fail_after(DESTROY_SECONDS):
            await self.provider.destroy(machine.machine_id, machine.endpoint)
        async with self.database.as_service() as conn:
            await rows.note_state(conn, machine.machine_id, "gone")

    async def keep_warm(self) -> None:
        """Keep the wanted number of machines ready in each region, until cancelled."""
        async with anyio.create_task_group() as tasks:
            for region in self.regions:
                tasks.start_soon(self._keep_warm, region)

    async def close(self) -> None:
        """Destroy the unclaimed machines. Those that serve a session live on."""
        for region in list(self._waiting):
            for held in self._waiting.pop(region, []):
                await self._discard(held)

    async def _keep_warm(self, region: str) -> None:
        waits = delays(_REFILL_POLICY)
        while True:
            if self.waiting(region) >= self.warm:
                await self._short.wait(REFILL_SECONDS)
                await anyio.sleep(SETTLE_SECONDS)
                continue
            try:
                held = await self._start(region)
            except Exception as error:  # noqa: BLE001  starts go on without warm machines
                log.warning("no warm machine", region=region, error=type(error).__name__)
                await anyio.sleep(next(waits, _REFILL_POLICY.max_delay))
                continue
            waits = delays(_REFILL_POLICY)
            self._waiting.setdefault(region, []).append(held)

    def _take_warm(self, region: str) -> Held | None:
        waiting = self._waiting.get(region, [])
        latest = datetime.now(UTC) + timedelta(seconds=FRESH_SECONDS)
        while waiting:
            held = waiting.pop()
            if not held.is_lost and held.unclaimed_until > latest:
                return held
            self.tasks.start_soon(self._discard, held)
        return None

    async def _discard(self, held: Held) -> None:
        try:
            await self.destroy(held.machine)
        except Exception as error:  # noqa: BLE001  whatever it is, the reaper finds the row
            log.warning("machine left to the reaper", error=type(error).__name__)

    async def _start(self, region: str) -> Held:
        capabilities = self.provider.capabilities
        if self.requires_isolation and capabilities.isolation in _SHARED:
            raise InvalidSpec(
                "VIVA_REQUIRE_ISOLATION is set, and machines here are processes of one computer;"
                " choose another machine provider, or unset it."
            )
        machine_id = str(uuid4())
        until = datetime.now(UTC) + timedelta(seconds=UNCLAIMED_SECONDS)
        try:
            async with self.database.as_service() as conn:
                await rows.insert_machine(
                    conn,
                    machine_id=machine_id,
                    provider=capabilities.provider,
                    isolation=capabilities.isolation,
                    region=region,
                    expires_at=until,
                )
            machine = await self.provider.provision(
                MachineSpec(machine_id=machine_id, region=region, unclaimed_until=until),
                idempotency_key=machine_id,
                timeout=self.start_timeout,
            )
            async with self.database.as_service() as conn:
                await rows.note_ready(
                    conn,
                    machine_id,
                    endpoint=machine.endpoint.as_json(),
                    isolation=machine.isolation,
                )
            return await self._hold(machine, until)
        except BaseException:  # whatever it was, cancellation included: nothing may be left
            await self._undo_start(machine_id)
            raise

    async def _undo_start(self, machine_id: str) -> None:
        """What cannot be undone now is found by the reaper: the row stands."""
        with anyio.move_on_after(DESTROY_SECONDS, shield=True), suppress(VivavoceError, OSError):
            await self.provider.destroy(machine_id)
            async with self.database.as_service() as conn:
                await rows.note_state(conn, machine_id, "failed")
                await rows.note_state(conn, machine_id, "gone")

    async def _hold(self, machine: Machine, until: datetime, session_id: str | None = None) -> Held:
        held: Held = await self.tasks.start(self._watch, machine, until, session_id)
        return held

    async def _watch(
        self,
        machine: Machine,
        until: datetime,
        session_id: str | None,
        *,
        task_status: anyio.abc.TaskStatus[Held],
    ) -> None:
        held: Held | None = None
        try:
            async with self.provider.connect_control(machine.endpoint) as channel:
                held = Held(machine, channel, until)
                if session_id is not None:
                    self.serve(held, session_id)
                task_status.started(held)
                await channel.until_lost()
        except MachineFailure:
            if held is None:
                raise
        held.is_lost = True
        try:
            await self._note_loss(held)
        except Exception:
            log.exception("loss not looked after", machine_id=held.machine_id)

    async def _note_loss(self, held: Held) -> None:
        waiting = self._waiting.get(held.machine.region, [])
        if held in waiting:
            waiting.remove(held)
            self._short.ring()
            await self._discard(held)
        self._forget(held)
        if held.session_id is not None:
            await self._replace(held)

    async def _replace(self, held: Held) -> None:
        if held.is_released or self.on_lost is None:
            return
        try:
            await self.on_lost(held)
        except Exception:
            log.exception("machine not replaced", session_id=held.session_id)

    def _forget(self, held: Held) -> None:
        if held.session_id is not None and self._serving.get(held.session_id) is held:
            del self._serving[held.session_id]
            self.changed.ring()
