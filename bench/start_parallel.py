"""Whether a start waits for its machine and its voice model at the same time, or in turn."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from time import perf_counter
from typing import Any, Final
from uuid import uuid4

import aiohttp
import anyio
import anyio.abc
import asyncpg

from bench.rounds import alternate
from bench.running import temporary_home
from bench.verdicts import Figure, Judged
from bench.voice_model import VoiceModel, open_voice_model
from vivavoce import tokens
from vivavoce.control import voice_model
from vivavoce.control.plane import ControlPlane
from vivavoce.control.pool import MachinePool
from vivavoce.control.start import start_interview
from vivavoce.machines.process import open_process_provider, runtime_folder
from vivavoce.machines.provider import Machine, MachineProvider, MachineSpec
from vivavoce.protocol.interview_start import InterviewStartRequest
from vivavoce.protocol.machine import VoiceAccess
from vivavoce.settings import ServerSettings, load
from vivavoce.store.embedded import open_postgres
from vivavoce.store.migrate import migrate
from vivavoce.store.pool import open_database

DELAY_SECONDS: Final = 0.5


async def measure() -> Sequence[Figure]:
    async with slow_plane() as (plane, identity):

        async def start() -> float:
            started = perf_counter()
            session = await start_interview(plane, identity, InterviewStartRequest())
            seconds = perf_counter() - started
            held = plane.machines.serving(session.session_id)
            assert held is not None
            plane.machines.release(session.session_id)
            await plane.machines.destroy(held.machine)
            return seconds

        async def wait() -> float:
            started = perf_counter()
            await anyio.sleep(DELAY_SECONDS)
            return perf_counter() - started

        rounds = await alternate("start-parallel", product=start, floor=wait, samples=2, warm_up=1)
    return [
        Figure(
            name="start-parallel",
            unit="ms",
            judged=Judged.PRODUCT,
            limit=1.1 * DELAY_SECONDS * 1000,
            rounds=rounds,
            floor_is="one wait of 500 ms",
        )
    ]


@dataclass(frozen=True)
class SlowProvider:
    """A provider whose machines take longer; the rest is as it is."""

    provider: MachineProvider

    def __getattr__(self, name: str) -> Any:
        return getattr(self.provider, name)

    async def provision(
        self, spec: MachineSpec, *, idempotency_key: str, timeout: float
    ) -> Machine:
        """Start a machine, late."""
        await anyio.sleep(DELAY_SECONDS)
        return await self.provider.provision(spec, idempotency_key=idempotency_key, timeout=timeout)


@asynccontextmanager
async def slow_plane() -> AsyncGenerator[tuple[ControlPlane, tokens.Identity], None]:
    """A control plane without warm machines, both of whose branches are slow; and a user of it."""
    keys = tokens.generate_keys()
    with temporary_home() as home:
        async with (
            open_postgres(home) as postgres,
            open_voice_model() as model,
            aiohttp.ClientSession() as http,
            open_process_provider(runtime_folder(home)) as provider,
            anyio.create_task_group() as tasks,
        ):
            model.secret_delay = DELAY_SECONDS
            await migrate(postgres.admin_dsn)
            identity = await _new_user(postgres.admin_dsn, keys)
            async with open_database(postgres.dsn) as database:
                machines = MachinePool(
                    provider=SlowProvider(provider),
                    database=database,
                    regions=("local",),
                    warm=0,
                    start_timeout=10,
                    tasks=tasks,
                )
                yield (
                    ControlPlane(
                        settings=load(ServerSettings, home=home),
                        origin="http://127.0.0.1",
                        machine_origin="http://127.0.0.1",
                        database=database,
                        voice=_voice(http, model),
                        keys=keys,
                        machines=machines,
                    ),
                    identity,
                )
                tasks.cancel_scope.cancel()


def _voice(http: aiohttp.ClientSession, model: VoiceModel) -> voice_model.VoiceModel:
    return voice_model.VoiceModel(http, VoiceAccess(base_url=model.base_url, api_key=model.api_key))


async def _new_user(admin_dsn: str, keys: tokens.SigningKeys) -> tokens.Identity:
    tenant_id, user_id = str(uuid4()), str(uuid4())
    connection = await asyncpg.connect(admin_dsn)
    try:
        await connection.execute("insert into tenants (id, name) values ($1, 'bench')", tenant_id)
    finally:
        await connection.close()
    token = tokens.issue(
        keys, audience=tokens.ACCESS, subject=user_id, tenant_id=tenant_id, ttl=3600
    )
    return tokens.Verifier(keys.public()).verify(token, audiences=[tokens.ACCESS])
