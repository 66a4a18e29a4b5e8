"""Machines as processes of this computer, forked by one small server (`proxy.fork_server`).

The weakest isolation there is, and it says so; the fastest start. Where the control plane is root,
each machine becomes an operating system user of its own.
"""

import os
import shutil
from collections.abc import AsyncGenerator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from tempfile import gettempdir
from time import perf_counter
from typing import Final
from uuid import UUID, uuid4

import anyio
import msgspec

from vivavoce.machines.control_channel import connect_unix_channel
from vivavoce.machines.forks import START_SECONDS, ForkServer
from vivavoce.machines.processes import is_alive, kill, private_bytes
from vivavoce.machines.provider import (
    Capabilities,
    ControlChannel,
    Endpoint,
    InvalidSpec,
    Isolation,
    Machine,
    MachineLost,
    MachineSpec,
    MachineState,
    Probe,
    ProviderUnavailable,
    RegionUnavailable,
    StartFailed,
)
from vivavoce.protocol.forking import (
    CONTROL_SOCKET,
    PROXY_SOCKET,
    RECORD,
    ForkRequest,
    MachineRecord,
)

PROVIDER: Final = "process"
FIRST_USER_ID: Final = 61_184
"""Machines of a control plane that is root become users from here on. systemd gives this range to
services without a user of their own; nobody should own a file."""
USER_IDS: Final = 4_000
MAX_SOCKET_PATH_BYTES: Final = 107
"""unix(7)."""
_FOLDER_NAME: Final = 16


def runtime_folder(home: Path) -> Path:
    """Where the machines of a state folder have their sockets.

    Under the state folder where the paths fit into a socket's address; else under the system's
    folder for temporary files, by a name that only this state folder has.
    """
    folder = home / "machines"
    if _fits(folder):
        return folder
    digest = sha256(os.fsencode(home.absolute())).hexdigest()[:12]
    return Path(gettempdir()) / f"viva-{os.getuid()}-{digest}"


class ProcessProvider:
    """Starts machines through the fork server; finds them by the runtime folder.

    Args:
        runtime: Folder of the machines' folders.
        fork_server: Starts them.
        regions: Labels to choose from. All of them are this computer: they let the way to another
            region be tried on one machine.
        failing_regions: Labels under which nothing starts, for such trials.
        first_user_id: As `FIRST_USER_ID`; None to let machines run as our own user in any case.
    """

    def __init__(
        self,
        runtime: Path,
        fork_server: ForkServer,
        *,
        regions: Sequence[str],
        failing_regions: frozenset[str],
        first_user_id: int | None,
    ) -> None:
        self._runtime = runtime
        self._fork_server = fork_server
        self._regions = tuple(regions)
        self._failing_regions = failing_regions
        self._first_user_id = first_user_id
        self._user_ids: dict[str, int] = {}

    @property
    def capabilities(self) -> Capabilities:
        """What it offers."""
        return Capabilities(provider=PROVIDER, isolation=self._isolation, regions=self._regions)

    @property
    def _isolation(self) -> Isolation:
        changes_user = self._first_user_id is not None and self._fork_server.can_change_user
        return Isolation.USER if changes_user else Isolation.PROCESS

    async def provision(
        self,
        spec: MachineSpec,
        *,
        idempotency_key: str,  # noqa: ARG002  the machine's id names its folder: it is the key
        timeout: float,
    ) -> Machine:
        """Start a machine and wait until it is ready to be claimed."""
        folder = self._checked(spec)
        existing = self._read(folder)
        if existing is not None:
            return existing
        try:
            with anyio.fail_after(timeout):
                await self._fork_server.until_up()
                record = await self._fork_server.fork(self._request(spec, folder))
        except TimeoutError:
            self._clean(spec.machine_id)
            raise StartFailed(f"The machine was not ready within {timeout:g} s.") from None
        except BaseException:
            self._clean(spec.machine_id)
            raise
        return _machine(record, folder)

    def connect_control(
        self, endpoint: Endpoint, *, timeout: float = 2.0
    ) -> AbstractAsyncContextManager[ControlChannel]:
        """Open the private channel, for the length of the block."""
        return connect_unix_channel(endpoint.control_socket, timeout=timeout)

    async def status(self, endpoint: Endpoint) -> MachineState:
        """How a machine stands; one that lives but does not answer counts as gone."""
        if not is_alive(endpoint.pid, endpoint.pid_started):
            return MachineState.GONE
        try:
            async with self.connect_control(endpoint) as channel:
                reply = await channel.health()
        except MachineLost:
            return MachineState.GONE
        states = {"unclaimed": MachineState.READY, "ending": MachineState.DRAINING}
        return states.get(reply.status or "", MachineState.CLAIMED)

    async def destroy(self, machine_id: str, endpoint: Endpoint | None = None) -> None:
        """Kill a machine at once and leave nothing of it."""
        found = self._read(self._folder(machine_id), living=False)
        endpoint = endpoint or (found.endpoint if found else None)
        if endpoint is not None and not await kill(endpoint.pid, endpoint.pid_started):
            raise MachineLost("The machine does not die; the system does not let go of it.")
        self._clean(machine_id)

    async def list(self) -> Sequence[Machine]:
        """All machines that live, whoever started them; what dead ones left is removed."""
        machines = []
        starting = {self._folder(machine_id) for machine_id in self._fork_server.starting}
        for folder in list(self._runtime.iterdir()):
            machine = self._read(folder)
            if machine is not None:
                machines.append(machine)
            elif folder.is_dir() and folder not in starting:
                shutil.rmtree(folder, ignore_errors=True)
        return machines

    async def probe(self, *, timeout: float = 10.0) -> Probe:
        """Start a machine, ask it how it is, destroy it."""
        machine_id = str(uuid4())
        region = next((name for name in self._regions if name not in self._failing_regions), "")
        spec = MachineSpec(machine_id, region, datetime.now(UTC) + timedelta(seconds=60))
        began = perf_counter()
        try:
            machine = await self.provision(spec, idempotency_key=machine_id, timeout=timeout)
            ready = perf_counter()
            async with self.connect_control(machine.endpoint, timeout=timeout) as channel:
                await channel.health(timeout=timeout)
            return Probe(
                isolation=machine.isolation,
                start_seconds=ready - began,
                answer_seconds=perf_counter() - ready,
                private_bytes=private_bytes(machine.endpoint.pid),
            )
        finally:
            with anyio.move_on_after(5, shield=True):
                await self.destroy(machine_id)

    def _checked(self, spec: MachineSpec) -> Path:
        if spec.region in self._failing_regions:
            raise RegionUnavailable(f"Nothing starts in region {spec.region}: it is set to fail.")
        if spec.region not in self._regions:
            raise RegionUnavailable(f"There is no region {spec.region:.64} here.")
        try:
            return self._folder(spec.machine_id)
        except ValueError:
            raise InvalidSpec("A machine's id is a uuid.") from None

    def _request(self, spec: MachineSpec, folder: Path) -> ForkRequest:
        left = (spec.unclaimed_until - datetime.now(UTC)).total_seconds()
        return ForkRequest(
            machine_id=spec.machine_id,
            folder=str(folder),
            region=spec.region,
            unclaimed_seconds=max(0.0, left),
            user_id=self._user_id(spec.machine_id),
        )

    def _folder(self, machine_id: str) -> Path:
        return self._runtime / UUID(machine_id).hex[:_FOLDER_NAME]

    def _clean(self, machine_id: str) -> None:
        shutil.rmtree(self._folder(machine_id), ignore_errors=True)
        self._user_ids.pop(machine_id, None)

    def _read(self, folder: Path, *, living: bool = True) -> Machine | None:
        """The machine of a folder, from what it wrote there when it was ready."""
        try:
            record = msgspec.json.decode((folder / RECORD).read_bytes(), type=MachineRecord)
        except (OSError, msgspec.MsgspecError):
            return None
        if living and not is_alive(record.pid, record.pid_started):
            return None
        return _machine(record, folder)

    def _user_id(self, machine_id: str) -> int | None:
        """A user id that no other machine has; None where machines are of our own user."""
        if self._first_user_id is None or self._isolation is not Isolation.USER:
            return None
        in_use = {machine_id for machine_id in self._user_ids if self._folder(machine_id).exists()}
        in_use.update(self._fork_server.starting)
        self._user_ids = {one: uid for one, uid in self._user_ids.items() if one in in_use}
        taken = {folder.stat().st_uid for folder in self._runtime.iterdir()}
        taken.update(self._user_ids.values())
        last = self._first_user_id + USER_IDS
        for user_id in range(self._first_user_id, last):
            if user_id not in taken:
                self._user_ids[machine_id] = user_id
                return user_id
        raise ProviderUnavailable("There are as many machines as user ids for them.")


@asynccontextmanager
async def open_process_provider(
    runtime: Path,
    *,
    regions: Sequence[str] = ("local",),
    failing_regions: frozenset[str] = frozenset(),
    first_user_id: int | None = FIRST_USER_ID,
) -> AsyncGenerator[ProcessProvider, None]:
    """Start machines on this computer, for the length of the block.

    At its end the fork server ends, and with it all machines that nobody has claimed. Claimed ones
    live on to their own deadline; a later provider with the same folder finds them.

    Raises:
        InvalidSpec: If the folder cannot be used.
        ProviderUnavailable: If the fork server does not start.
    """
    _prepare(runtime)
    fork_server = ForkServer(runtime)
    provider = ProcessProvider(
        runtime,
        fork_server,
        regions=regions,
        failing_regions=failing_regions,
        first_user_id=first_user_id,
    )
    failure: Exception | None = None
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(fork_server.run)
        try:
            with anyio.move_on_after(START_SECONDS) as scope:
                await fork_server.until_up()
            if scope.cancelled_caught:
                raise ProviderUnavailable("The fork server does not start.")  # noqa: TRY301  as below
            await provider.list()
            yield provider
        except Exception as error:  # noqa: BLE001  raised below, not wrapped in a group
            failure = error
        tasks.cancel_scope.cancel()
    if failure is not None:
        raise failure


def _prepare(runtime: Path) -> None:
    if not _fits(runtime):
        raise InvalidSpec(f"The path {runtime} is too long for sockets; use a shorter one.")
    try:
        runtime.mkdir(mode=0o711, parents=True, exist_ok=True)
        if runtime.stat().st_uid != os.getuid():
            raise InvalidSpec(f"The folder {runtime} belongs to somebody else.")
        runtime.chmod(0o711)  # machines with a user of their own pass through, but cannot look
    except OSError as error:
        raise InvalidSpec(f"The folder {runtime} cannot be used ({error.strerror}).") from None


def _fits(runtime: Path) -> bool:
    longest = runtime.absolute() / ("0" * _FOLDER_NAME) / CONTROL_SOCKET
    return len(os.fsencode(longest)) <= MAX_SOCKET_PATH_BYTES


def _machine(record: MachineRecord, folder: Path) -> Machine:
    endpoint = Endpoint(
        proxy_socket=str(folder / PROXY_SOCKET),
        control_socket=str(folder / CONTROL_SOCKET),
        pid=record.pid,
        pid_started=record.pid_started,
    )
    isolation = Isolation(record.isolation)
    return Machine(record.machine_id, PROVIDER, isolation, record.region, endpoint)
