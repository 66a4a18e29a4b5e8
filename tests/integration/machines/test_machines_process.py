"""Machines as processes: started, found again, destroyed, and nothing left of them."""

import os
import signal
import stat
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import anyio
import pytest

from support.machines import (
    Bench,
    make_claim,
    open_claimed_machine,
    open_runtime,
    processes_in,
    spec,
    start,
)
from vivavoce.machines.control_channel import connect_unix_channel
from vivavoce.machines.process import (
    FIRST_USER_ID,
    MAX_SOCKET_PATH_BYTES,
    open_process_provider,
    runtime_folder,
)
from vivavoce.machines.processes import kill, pid_started
from vivavoce.machines.provider import (
    AlreadyClaimed,
    Endpoint,
    InvalidSpec,
    Isolation,
    MachineLost,
    MachineState,
    ProviderUnavailable,
    RegionUnavailable,
    Scope,
    StartFailed,
)
from vivavoce.protocol.machine import CommandReply
from vivavoce.proxy.private_channel import serve_commands

IS_ROOT = os.getuid() == 0


async def until_gone(pid):
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        with anyio.fail_after(10):
            await anyio.wait_readable(descriptor)
    finally:
        os.close(descriptor)


def status_of(machine):
    return Path(f"/proc/{machine.endpoint.pid}/status").read_text()


async def test_a_machine_is_started_found_and_destroyed(provider, runtime):
    machine = await start(provider, region="north")
    assert (machine.provider, machine.region) == ("process", "north")
    assert await provider.status(machine.endpoint) is MachineState.READY
    assert await provider.list() == [machine]
    await provider.destroy(machine.machine_id)
    await provider.destroy(machine.machine_id)
    assert await provider.status(machine.endpoint) is MachineState.GONE
    assert await provider.list() == []
    assert list(runtime.iterdir()) == []


async def test_the_same_machine_is_started_once(provider):
    wanted = spec()
    first = await provider.provision(wanted, idempotency_key=wanted.machine_id, timeout=10)
    again = await provider.provision(wanted, idempotency_key=wanted.machine_id, timeout=10)
    assert again == first
    assert len(await provider.list()) == 1


async def test_an_endpoint_survives_its_column(provider):
    machine = await start(provider)
    stored = {**machine.endpoint.as_json(), "more": 1}
    assert Endpoint.from_json(stored) == machine.endpoint


async def test_the_isolation_is_what_the_machine_really_has(provider):
    machine = await start(provider)
    status = status_of(machine)
    user_ids = next(line for line in status.splitlines() if line.startswith("Uid:")).split()[1:]
    if IS_ROOT:
        assert provider.capabilities.isolation is machine.isolation is Isolation.USER
        assert all(int(user_id) >= FIRST_USER_ID for user_id in user_ids)
        other = await start(provider)
        assert user_ids[0] not in status_of(other)
    else:
        assert provider.capabilities.isolation is machine.isolation is Isolation.PROCESS
    assert "NoNewPrivs:\t1" in status
    if IS_ROOT:
        assert "CapEff:\t0000000000000000" in status
    folder = Path(machine.endpoint.control_socket).parent
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


async def test_without_users_to_change_to_the_isolation_is_called_weaker(runtime):
    async with open_process_provider(runtime, first_user_id=None) as provider:
        assert provider.capabilities.isolation is Isolation.PROCESS
        machine = await start(provider)
        assert machine.isolation is Isolation.PROCESS
        assert f"Uid:\t{os.getuid()}\t" in status_of(machine)


async def test_a_folder_that_others_cannot_enter_will_do(provider, runtime):
    runtime.parent.chmod(0o700)
    runtime.chmod(0o700)
    machine = await start(provider)
    assert await provider.status(machine.endpoint) is MachineState.READY


async def test_a_region_that_fails_says_so(provider):
    for region in ("down", "nowhere"):
        with pytest.raises(RegionUnavailable) as failed:
            await start(provider, region=region)
        assert failed.value.scope is Scope.REGION
        assert failed.value.code == "VM_PROVISIONING_FAILED"


async def test_a_machine_id_is_a_uuid(provider):
    wanted = replace(spec(), machine_id="../../etc")
    with pytest.raises(InvalidSpec):
        await provider.provision(wanted, idempotency_key="x", timeout=5)


async def test_of_a_start_that_takes_too_long_nothing_is_left(provider, runtime):
    (fork_server,) = processes_in(runtime)
    os.kill(fork_server, signal.SIGSTOP)
    try:
        wanted = spec()
        with pytest.raises(StartFailed):
            await provider.provision(wanted, idempotency_key=wanted.machine_id, timeout=0.3)
    finally:
        os.kill(fork_server, signal.SIGCONT)
    machine = await start(provider)
    with anyio.fail_after(10):  # the late machine comes, and is killed
        while [one.machine_id for one in await provider.list()] != [machine.machine_id]:  # noqa: ASYNC110
            await anyio.sleep(0.02)
    assert await provider.status(machine.endpoint) is MachineState.READY


async def test_a_probe_starts_asks_and_destroys(provider, runtime):
    probe = await provider.probe()
    assert probe.isolation is provider.capabilities.isolation
    assert probe.start_seconds > 0
    assert list(runtime.iterdir()) == []


async def test_a_machine_that_nobody_claims_gives_up(provider):
    machine = await start(provider, seconds=0.3)
    await until_gone(machine.endpoint.pid)
    assert await provider.list() == []


async def test_a_drained_machine_without_a_session_ends(provider):
    machine = await start(provider)
    async with provider.connect_control(machine.endpoint) as channel:
        assert (await channel.drain()).ok
        with anyio.fail_after(5):
            await channel.until_lost()
    await until_gone(machine.endpoint.pid)


async def test_the_fork_server_is_started_again_and_takes_the_unclaimed_with_it(
    provider, runtime, voice, plane
):
    unclaimed = await start(provider)
    async with open_claimed_machine(provider, voice, plane) as claimed:
        (fork_server,) = set(processes_in(runtime)) - {
            unclaimed.endpoint.pid,
            claimed.machine.endpoint.pid,
        }
        os.kill(fork_server, signal.SIGKILL)
        await until_gone(unclaimed.endpoint.pid)
        machine = await start_again(provider)
        assert await provider.status(machine.endpoint) is MachineState.READY
        assert (await claimed.channel.health()).session_id == claimed.claim.session_id


async def start_again(provider):
    """A machine, as soon as there is a fork server again."""
    while True:
        try:
            return await start(provider)
        except ProviderUnavailable:
            await anyio.lowlevel.checkpoint()


async def test_claimed_machines_outlive_the_provider_and_are_found_by_the_next(
    runtime, voice, plane
):
    async with open_process_provider(runtime) as first:
        unclaimed = await start(first)
        machine = await start(first)
        claim = make_claim(machine, voice, plane)
        async with first.connect_control(machine.endpoint) as channel:
            assert (await channel.claim(claim)).ok
    await until_gone(unclaimed.endpoint.pid)
    async with open_process_provider(runtime) as second:
        assert await second.list() == [machine]
        assert await second.status(machine.endpoint) is MachineState.CLAIMED
        async with second.connect_control(machine.endpoint) as channel:
            assert (await channel.health()).session_id == claim.session_id
            async with Bench(machine, claim, channel, voice, plane).connect():
                pass
        await second.destroy(machine.machine_id)
        assert await second.list() == []
    assert processes_in(runtime) == []
    assert list(runtime.iterdir()) == []


async def test_a_process_that_only_has_the_id_of_a_machine_is_not_killed(provider, runtime):
    machine = await start(provider)
    async with await anyio.open_process(["/bin/sleep", "60"]) as bystander:
        try:
            earlier = machine.endpoint.pid_started - 1
            recycled = replace(machine.endpoint, pid=bystander.pid, pid_started=earlier)
            assert await provider.status(recycled) is MachineState.GONE
            await provider.destroy(str(uuid4()), recycled)
            assert await kill(bystander.pid, earlier)
            assert pid_started(bystander.pid) is not None
        finally:
            bystander.kill()


async def test_a_dead_machine_leaves_nothing(provider, runtime):
    machine = await start(provider)
    async with provider.connect_control(machine.endpoint) as channel:
        os.kill(machine.endpoint.pid, signal.SIGKILL)
        with anyio.fail_after(5):
            await channel.until_lost()
        with pytest.raises(MachineLost):
            await channel.health()
    await until_gone(machine.endpoint.pid)
    with pytest.raises(MachineLost):
        async with provider.connect_control(machine.endpoint):
            pass
    assert await provider.list() == []
    assert list(runtime.iterdir()) == []


async def test_a_machine_that_hangs_is_lost_and_can_be_destroyed(provider):
    machine = await start(provider)
    os.kill(machine.endpoint.pid, signal.SIGSTOP)
    async with provider.connect_control(machine.endpoint) as channel:
        with pytest.raises(MachineLost):
            await channel.health(timeout=0.2)
    await provider.destroy(machine.machine_id)
    assert await provider.list() == []


async def test_many_machines_start_at_once_each_alone(provider):
    machines = []

    async def start_one():
        machines.append(await start(provider))

    async with anyio.create_task_group() as tasks:
        for _ in range(12):
            tasks.start_soon(start_one)
    assert len({machine.endpoint.pid for machine in machines}) == 12
    if IS_ROOT:
        owners = {Path(one.endpoint.control_socket).parent.stat().st_uid for one in machines}
        assert len(owners) == 12


async def test_a_claim_for_another_machine_is_refused(provider, voice, plane):
    machine = await start(provider)
    async with (
        open_claimed_machine(provider, voice, plane) as other,
        provider.connect_control(machine.endpoint) as channel,
    ):
        with pytest.raises(AlreadyClaimed):
            await channel.claim(other.claim)
        assert (await channel.health()).status == "unclaimed"


async def test_nothing_secret_is_to_be_seen_from_outside(capfd, runtime, voice, plane):
    secret = "environment-secret-0815"
    os.environ["VIVA_TEST_SECRET"] = secret
    try:
        async with (
            open_process_provider(runtime) as provider,
            open_claimed_machine(provider, voice, plane) as bench,
            bench.connect() as client,
        ):
            await client.offer()
            call = await voice.until_attached()
            await call.candidate_says("My secret plan.")
            await plane.until_stored("My secret plan.")
            pid = bench.machine.endpoint.pid
            seen = b"".join(
                (Path(f"/proc/{one}") / name).read_bytes()
                for one in processes_in(runtime)
                for name in ("cmdline", "environ")
            )
            assert pid in processes_in(runtime)
            for file in runtime.rglob("*"):
                if file.is_file():
                    seen += file.read_bytes()
            async with bench.connect(bench.token(), in_query=True):
                pass
            await bench.channel.revoke(None)
            await bench.until_exited()
    finally:
        del os.environ["VIVA_TEST_SECRET"]
    logged = capfd.readouterr().err.encode()
    seen += logged
    assert b"the interview ends" in logged
    token = bench.token().split(".")[0]
    for hidden in (secret, voice.api_key, bench.claim.machine_token, token, "My secret plan"):
        assert hidden.encode() not in seen


class Obedient:
    """Obeys whoever gets through."""

    async def obey(self, command):
        return CommandReply(id=command.id, ok=True)


@pytest.mark.parametrize("is_owner", [True, False])
async def test_only_its_owner_commands_a_machine_as_the_kernel_tells(tmp_path, is_owner):
    owners = {os.getuid() if is_owner else os.getuid() + 1}
    async with (
        serve_commands(tmp_path / "c.sock", Obedient(), owners=owners),
        connect_unix_channel(str(tmp_path / "c.sock")) as channel,
    ):
        if is_owner:
            assert (await channel.health()).ok
        else:
            with pytest.raises(MachineLost):
                await channel.health()


@pytest.mark.parametrize("sent", [b"\xff\xff\xff\xff", b"\x00\x00\x00\x02{}", b"\x00\x00\x00\x01["])
async def test_a_command_that_is_none_harms_nobody(tmp_path, sent):
    path = tmp_path / "c.sock"
    async with serve_commands(path, Obedient(), owners={os.getuid()}):
        async with await anyio.connect_unix(path) as stream:
            await stream.send(sent)
            if sent[0] == 0:
                assert b"INVALID_REQUEST" in await stream.receive()
            else:
                with pytest.raises(anyio.EndOfStream):
                    await stream.receive()
        async with connect_unix_channel(str(path)) as channel:
            assert (await channel.health()).ok


def test_a_state_folder_with_a_long_path_gets_a_short_one_for_sockets():
    short, long = Path("/tmp/viva"), Path("/tmp") / ("x" * 120)
    assert runtime_folder(short) == short / "machines"
    elsewhere = runtime_folder(long)
    assert elsewhere != long / "machines"
    assert elsewhere == runtime_folder(long)
    assert elsewhere != runtime_folder(long / "other")
    assert len(os.fsencode(elsewhere / ("0" * 16) / "control.sock")) <= MAX_SOCKET_PATH_BYTES


async def test_a_folder_that_cannot_be_used_is_named():
    async with open_runtime() as runtime:
        runtime.write_text("a file")
        for folder in (runtime, runtime / "below", Path("/tmp") / ("x" * 120)):
            with pytest.raises(InvalidSpec) as failed:
                async with open_process_provider(folder):
                    pass
            assert str(folder) in failed.value.message


async def test_a_folder_of_somebody_else_is_refused(tmp_path):
    folder = tmp_path if IS_ROOT else Path("/usr/lib")
    if IS_ROOT:
        os.chown(folder, 65534, 65534)
    with pytest.raises(InvalidSpec):
        async with open_process_provider(folder):
            pass
