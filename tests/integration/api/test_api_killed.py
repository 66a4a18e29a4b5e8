"""kill -9 of a real API with real machines: in a start, and in an interview."""

import json
import os
import signal
import socket
import sys
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import anyio
import psutil
import pytest

from support.api import VOICE_KEY, ApiServer, add_tenant, eventually, scripted_voice
from support.postgres import open_home
from vivavoce.control.keys import signing_keys
from vivavoce.machines.process import runtime_folder
from vivavoce.machines.provider import Endpoint

pytestmark = pytest.mark.timeout(180)


class Killable:
    """An API in a process of its own, in a home that outlives it."""

    def __init__(self, home, *, dsn, admin_dsn, voice, tenant_id, http):
        self.home = home
        self.environment = {
            "PATH": os.environ["PATH"],
            "VIVA_HOME": str(home),
            "VIVA_PORT": str(_free_port()),  # its machines know it by this address
            "VIVA_DATABASE_URL": dsn,
            "VIVA_VOICE_BASE_URL": voice.url,
            "VIVA_VOICE_API_KEY": VOICE_KEY,
            "VIVA_WARM_MACHINES": "0",
            "VIVA_LOG_LEVEL": "WARNING",
        }
        self.server = ApiServer(
            url="",
            http=http,
            keys=signing_keys(home),
            provider=None,
            voice=voice,
            database=None,
            admin_dsn=admin_dsn,
            tenant_id=tenant_id,
        )

    @asynccontextmanager
    async def run(self):
        async with await anyio.open_process(
            [sys.executable, "-m", "vivavoce.cli.main", "api"],
            env=self.environment,
            stderr=None,
        ) as process:
            try:
                with anyio.fail_after(60):
                    line = b""
                    while not line.endswith(b"\n"):
                        line += await process.stdout.receive()
                self.server.url = line.decode().strip()
                yield process
            finally:
                if process.returncode is None:
                    process.terminate()
                    with anyio.fail_after(30):
                        await process.wait()

    def machines(self):
        """Machines of this home that still run, as the operating system says."""
        folder = str(runtime_folder(self.home))
        return [
            process
            for process in psutil.process_iter(["pid"])
            if any(folder in str(path) for path in _sockets(process))
        ]


def _free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _sockets(process):
    try:
        return [one.laddr for one in process.net_connections("unix")]
    except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
        return []


async def kill(process):
    process.send_signal(signal.SIGKILL)
    await process.wait()


@pytest.fixture
async def killable(dsn, admin_dsn):
    tenant_id = await add_tenant(admin_dsn)
    with open_home() as folder:
        home = Path(folder)
        async with scripted_voice() as voice, aiohttp.ClientSession() as http:
            yield Killable(
                home, dsn=dsn, admin_dsn=admin_dsn, voice=voice, tenant_id=tenant_id, http=http
            )


async def test_a_start_that_was_cut_off_leaves_nothing(killable):
    api = killable.server
    api.voice.gate = anyio.Event()
    async with killable.run() as process, anyio.create_task_group() as tasks:

        async def start():
            with pytest.raises(aiohttp.ClientError):
                await api.start(key="cut")

        tasks.start_soon(start)
        await api.until("select 1 from machines where state = 'claimed'")
        await kill(process)
    api.voice.gate.set()
    # Whoever comes next finds the start unfinished for too long.
    await api.sql("update interview_sessions set created_at = now() - interval '5min'")
    async with killable.run():
        row = await api.until("select * from interview_sessions where status = 'failed'")
        assert '"start"' in row["failure"]
        await api.until("select 1 where not exists (select from machines where state <> 'gone')")
        # The key is free, and starts another session.
        again = await api.started(key="cut")
        assert again["sessionId"] != str(row["id"])
        await api.call("POST", f"/v1/sessions/{again['sessionId']}/end", token=api.access_token())
        await api.until_status(again["sessionId"], "ended")
    await eventually(lambda: not killable.machines())


async def test_a_session_survives_its_api_and_is_ended_by_the_next(killable):
    api = killable.server
    async with killable.run() as process:
        session = await api.started()
        [row] = await api.sql("select endpoint::text from machines where state = 'claimed'")
        endpoint = Endpoint.from_json(json.loads(row["endpoint"]))
        await kill(process)
    assert psutil.pid_exists(endpoint.pid)
    async with killable.run():
        assert (await api.session(session["sessionId"]))["status"] == "ready"
        assert psutil.pid_exists(endpoint.pid)
        answer = await api.call(
            "POST", f"/v1/sessions/{session['sessionId']}/end", token=session["sessionToken"]
        )
        assert answer.status == 200
        await api.until_status(session["sessionId"], "ended")
        await api.until("select 1 where not exists (select from machines where state <> 'gone')")
    await eventually(lambda: not killable.machines())


async def test_a_session_that_was_ending_when_the_api_died_is_ended_by_the_next(killable):
    api = killable.server
    async with killable.run() as process:
        session = await api.started({"architecture": "direct"})
        path = f"/v1/sessions/{session['sessionId']}"
        await api.call("POST", f"{path}/call", {"callId": "rtc_1"}, token=session["sessionToken"])
        api.voice.hang_up_status = 500
        await api.call("POST", f"{path}/end", token=session["sessionToken"])
        await kill(process)
    api.voice.hang_up_status = 200
    await api.sql("update cleanup_jobs set run_at = now(), locked_until = null")
    async with killable.run():
        await api.until_status(session["sessionId"], "ended")
        await eventually(lambda: "rtc_1" in api.voice.hung_up)
