"""What a machine provider must do, and the facts that pass between it and the control plane.

A provider starts, finds and destroys machines. It keeps no books: rows, warm machines and cleanup
are the control plane's. One machine serves at most one session, ever, and refuses a second claim by
itself. States only move forward: requested → starting → ready → claimed → draining → gone.

    MachineFailure (VM_PROVISIONING_FAILED)       scope: what to leave out at the next try
    ├── StartFailed                               machine    it did not start, or not in time
    ├── MachineLost                               machine    it does not answer any more
    ├── AlreadyClaimed                            machine    it has a session
    ├── RegionUnavailable                         region     no capacity there, or it is down
    ├── ProviderUnavailable                       provider   nothing can be started now
    └── InvalidSpec                               config     it will never work like this
"""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar, Protocol, Self

from vivavoce.errors import MachineProvisioningFailed
from vivavoce.protocol.machine import Claim, CommandReply
from vivavoce.protocol.messages import EndReason


class Scope(StrEnum):
    """How far a failure reaches."""

    MACHINE = "machine"
    """Another machine of the same region may do."""
    REGION = "region"
    PROVIDER = "provider"
    CONFIG = "config"
    """Trying again is useless until somebody changes something."""


class MachineFailure(MachineProvisioningFailed):
    """A machine could not be had, or is gone."""

    scope: ClassVar[Scope] = Scope.MACHINE


class StartFailed(MachineFailure):
    """The machine did not start, or was not ready in time."""


class MachineLost(MachineFailure):
    """The machine does not answer any more."""


class AlreadyClaimed(MachineFailure):
    """The machine has a session; it takes no other."""


class RegionUnavailable(MachineFailure):
    """The region has no capacity, is down, or is not ours."""

    scope = Scope.REGION


class ProviderUnavailable(MachineFailure):
    """The provider can start nothing at the moment."""

    scope = Scope.PROVIDER


class InvalidSpec(MachineFailure):
    """The configuration or the specification can never work."""

    scope = Scope.CONFIG


class Isolation(StrEnum):
    """What keeps a machine from its neighbours, the weakest first."""

    PROCESS = "process"
    """Own process and memory; the operating system user is shared with its neighbours."""
    USER = "user"
    """Own process and own unprivileged operating system user: neighbours' sockets, memory and
    files are out of reach. The network and the kernel are shared."""


class MachineState(StrEnum):
    """Where a machine stands, as far as it can be asked; as in the column `machines.state`."""

    READY = "ready"
    CLAIMED = "claimed"
    DRAINING = "draining"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a provider offers.

    Attributes:
        provider: Its name.
        isolation: What its machines have for certain.
        regions: Labels, the preferred one first.
        max_machines: How many at once; None if it does not say.
    """

    provider: str
    isolation: Isolation
    regions: Sequence[str]
    max_machines: int | None = None


@dataclass(frozen=True, slots=True)
class MachineSpec:
    """The machine that is wanted.

    Attributes:
        machine_id: A uuid, made by the caller; the row is written before the provider is asked.
        region: One of the provider's labels.
        unclaimed_until: When the machine gives up if nobody claims it. A claim brings a deadline
            of its own. Both are enforced by the machine itself.
    """

    machine_id: str
    region: str
    unclaimed_until: datetime


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a machine is found again, also by another control plane; holds no secret.

    Attributes:
        proxy_socket: Path of the unix socket for clients (WebSocket, any path).
        control_socket: Path of the unix socket of the private channel.
        pid: Process id.
        pid_started: Start time of that process in clock ticks since boot, so that a process id
            that was given to another process is recognised (proc(5), `starttime`).
    """

    proxy_socket: str
    control_socket: str
    pid: int
    pid_started: int

    def as_json(self) -> dict[str, Any]:
        """The value of the column `machines.endpoint`."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Self:
        """Read the column `machines.endpoint`; further keys are ignored.

        Raises:
            KeyError: If one of ours is missing.
        """
        return cls(**{name: value[name] for name in cls.__slots__})


@dataclass(frozen=True, slots=True)
class Machine:
    """A machine that was ready when the provider said so."""

    machine_id: str
    provider: str
    isolation: Isolation
    region: str
    endpoint: Endpoint


@dataclass(frozen=True, slots=True)
class Probe:
    """What came of starting, asking and destroying a real machine. Times in seconds."""

    isolation: Isolation
    start_seconds: float
    answer_seconds: float
    private_bytes: int | None
    """Memory of its own; None where the system does not tell."""


class ControlChannel(Protocol):
    """A connection to one machine's private channel. Any number may be open.

    Every verb waits at most `timeout` seconds and raises `MachineLost` if the channel breaks or is
    silent. A refusal by the machine is a reply with `ok=False` and an error code.
    """

    async def claim(self, claim: Claim, *, timeout: float = 2.0) -> CommandReply:
        """Give the machine its session.

        Raises:
            AlreadyClaimed: If it has one. The machine must not be used.
        """

    async def revoke(
        self, token_ids: Sequence[str] | None, *, timeout: float = 2.0
    ) -> CommandReply:
        """Refuse these tokens (`jti`) from now on; None ends the session (reason `revoked`)."""

    async def end(self, reason: EndReason, *, timeout: float = 2.0) -> CommandReply:
        """Ask for the end. Acknowledged at once; the machine reports `exited` when it is done."""

    async def pause(self, *, timeout: float = 2.0) -> CommandReply:
        """Stop the idle clock."""

    async def resume(self, *, timeout: float = 2.0) -> CommandReply:
        """Start the idle clock again."""

    async def drain(self, *, timeout: float = 2.0) -> CommandReply:
        """Refuse new calls; end when the session does. An unclaimed machine ends at once."""

    async def health(self, *, timeout: float = 2.0) -> CommandReply:
        """Ask how it stands."""

    async def until_lost(self) -> None:
        """Wait until the channel is gone.

        While the session lives, this is the loss of its machine; it comes within milliseconds of
        the process's death.
        """


class MachineProvider(Protocol):
    """Starts, finds and destroys machines."""

    @property
    def capabilities(self) -> Capabilities:
        """What it offers."""

    async def provision(
        self, spec: MachineSpec, *, idempotency_key: str, timeout: float
    ) -> Machine:
        """Start a machine and wait until it is ready to be claimed.

        Args:
            spec: What is wanted.
            idempotency_key: The same key gives the same machine, never a second one. The machine's
                id will do.
            timeout: Seconds after which nothing is left of the attempt.

        Raises:
            MachineFailure: With the scope of the failure.
        """

    def connect_control(
        self, endpoint: Endpoint, *, timeout: float = 2.0
    ) -> AbstractAsyncContextManager[ControlChannel]:
        """Open the private channel, for the length of the block.

        Raises:
            MachineLost: If nobody answers there.
        """

    async def status(self, endpoint: Endpoint) -> MachineState:
        """How a machine stands."""

    async def destroy(self, machine_id: str, endpoint: Endpoint | None = None) -> None:
        """Kill a machine at once and leave nothing of it. One that is gone is fine.

        It neither hangs up its call (another machine may have taken that over) nor drains: ask for
        that over the private channel first.

        Args:
            machine_id: Its id.
            endpoint: Where it was, if known; the provider finds it otherwise.
        """

    async def list(self) -> Sequence[Machine]:
        """All machines of this provider that live, whoever started them."""

    async def probe(self, *, timeout: float = 10.0) -> Probe:
        """Start a machine, ask it how it is, destroy it.

        Raises:
            MachineFailure: If any of it fails.
        """
