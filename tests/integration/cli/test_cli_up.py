"""`viva up`: supervised, and gone without a trace whatever ends it."""

import json
import signal

import aiohttp
import anyio
import psutil
import pytest

from support.viva import Viva, viva  # noqa: F401  a fixture
from vivavoce.cli.home import running

pytestmark = pytest.mark.timeout(120)


def child(up: psutil.Process, words: str) -> psutil.Process:
    return next(one for one in up.children() if words in " ".join(one.cmdline()))


async def until_restarted(up: psutil.Process, words: str, before: psutil.Process) -> None:
    with anyio.fail_after(30):
        while True:
            try:
                if child(up, words).pid != before.pid:
                    return
            except (StopIteration, psutil.NoSuchProcess):
                pass
            await anyio.sleep(0.02)


async def until_ready(url: str) -> None:
    async with aiohttp.ClientSession() as http:
        with anyio.fail_after(30):
            while True:
                try:
                    async with http.get(f"{url}/readyz") as response:
                        if response.status == 200:
                            return
                except aiohttp.ClientError:
                    pass
                await anyio.sleep(0.02)


async def test_it_starts_what_dies_again_and_stops_in_order(viva: Viva):  # noqa: F811
    async with viva.up() as up:
        place = running(viva.home)
        assert place is not None
        await until_ready(place.url)
        for words in ("main api", "main engine", "postgres"):
            victim = child(up, words)
            victim.kill()
            await until_restarted(up, words, victim)
        await until_ready(place.url)
        listed = await viva.run("sessions", "list")
        assert listed.returncode == 0, listed.stderr
        up.send_signal(signal.SIGTERM)
        await viva.until_nothing_runs()
    assert running(viva.home) is None


async def test_nothing_survives_its_supervisor(viva: Viva):  # noqa: F811
    async with viva.up() as up:
        up.kill()
        await viva.until_nothing_runs()
    assert running(viva.home) is None, "a note of the dead does not count"


async def test_commands_of_one_home_find_the_platform_that_runs(viva: Viva):  # noqa: F811
    async with viva.up():
        second = await viva.run("up")
        assert second.returncode == 3
        assert b"already" in second.stderr

        token = (await viva.run("token")).stdout.decode().strip()
        place = running(viva.home)
        assert place is not None
        async with (
            aiohttp.ClientSession(headers={"authorization": f"Bearer {token}"}) as http,
            http.get(f"{place.url}/v1/sessions") as response,
        ):
            assert response.status == 200
            assert (await response.json())["sessions"] == []

        unknown = await viva.run("sessions", "show", "00000000-0000-4000-8000-000000000000")
        assert unknown.returncode == 5
        assert b"NOT_FOUND" in unknown.stderr

        counted = await viva.run(
            "db", "psql", "--", "-tAc", "select name from tenants union select name from companies"
        )
        assert counted.stdout.split() == [b"Local"]
        status = await viva.run("db", "status")
        assert status.returncode == 0
        assert b" no" not in status.stdout
        applied = await viva.run("db", "migrate")
        assert b"up to date" in applied.stdout


async def test_a_child_gets_its_secrets_by_environment_only(viva: Viva):  # noqa: F811
    async with viva.up() as up:
        key = child(up, "main engine").environ()["VIVA_ENGINE_API_KEY"]
        dsn = child(up, "main api").environ()["VIVA_DATABASE_URL"]
        password = json.loads((viva.home / "postgres" / "passwords.json").read_text())
        assert password["authenticator"] in dsn
        secrets = (key, *password.values())
        for process in [up, *up.children(recursive=True)]:
            words = " ".join(process.cmdline())
            assert not any(secret in words for secret in secrets)
