"""`viva up`: supervised, and gone without a trace whatever ends it."""

import json
import re
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
            "db", "psql", "--", "-tAc", "select count(*) from tenants, companies, interviews"
        )
        assert counted.stdout.split() == [b"1"]
        status = await viva.run("db", "status")
        assert status.returncode == 0
        assert b" no" not in status.stdout
        applied = await viva.run("db", "migrate")
        assert b"up to date" in applied.stdout


async def printed_link(viva: Viva, kind: str) -> tuple[str, str]:  # noqa: F811
    """A link that was printed: its page, and the secret in its fragment."""
    with anyio.fail_after(20):
        while not (found := re.search(rf"(http\S+/{kind}\S*)#(\S+)", viva.log.read_text())):  # noqa: ASYNC110  a file tells nobody
            await anyio.sleep(0.02)
    return found[1], found[2]


async def exchanged(http: aiohttp.ClientSession, url: str, edge: str, secret: str):
    async with http.post(f"{url}/functions/v1/{edge}", json={"secret": secret}) as response:
        return response.status, await response.json()


async def test_both_links_that_are_printed_can_be_opened(viva: Viva):  # noqa: F811
    async with viva.up(), aiohttp.ClientSession() as http:
        page, console = await printed_link(viva, "console")
        room, invitation = await printed_link(viva, "i/")
        url = page.removesuffix("/console")
        status, entered = await exchanged(http, url, "console-token", console)
        assert status == 200
        assert (await exchanged(http, url, "console-token", console))[0] == 404
        recruiter = {"authorization": f"Bearer {entered['accessToken']}"}
        async with http.get(f"{url}/v1/interviews", headers=recruiter) as response:
            [trial] = (await response.json())["interviews"]
        path = f"{url}/v1/interviews/{trial['interviewId']}/invitations"
        async with http.get(path, headers=recruiter) as response:
            [listed] = (await response.json())["invitations"]
        assert room == f"{url}/i/{listed['invitationId']}"
        status, entered = await exchanged(http, url, "invitation-token", invitation)
        assert status == 200
        await start_as_candidate(http, url, entered["accessToken"])

        another = (await viva.run("console")).stdout.decode().strip()
        assert another.startswith(f"{page}#")
        secret = another.partition("#")[2]
        assert (await exchanged(http, url, "console-token", secret))[0] == 200
        invited = await viva.run("interviews", "invite", trial["interviewId"], "--name", "Ada")
        assert invited.stdout.decode().startswith(f"{url}/i/"), invited.stderr
        shown = await viva.run("interviews", "list")
        assert trial["title"].encode() in shown.stdout


async def start_as_candidate(http: aiohttp.ClientSession, url: str, token: str) -> None:
    """Read what awaits, agree, and start on a real machine."""
    candidate = {"authorization": f"Bearer {token}"}
    async with http.get(f"{url}/v1/invitation", headers=candidate) as response:
        text = (await response.json())["consent"]
    agreed = {"version": text["version"], "agreed": [one["id"] for one in text["statements"]]}
    async with http.post(f"{url}/v1/consents", json=agreed, headers=candidate) as response:
        assert response.status == 201
    start = f"{url}/functions/v1/interview-start"
    async with http.post(start, json={}, headers=candidate) as response:
        started = await response.json()
        assert response.status == 200, started
    assert started["metadata"]["machine"] is not None


async def test_a_child_gets_its_secrets_by_environment_only(viva: Viva):  # noqa: F811
    async with viva.up() as up:
        key = child(up, "main engine").environ()["VIVA_ENGINE_API_KEY"]
        dsn = child(up, "main api").environ()["VIVA_DATABASE_URL"]
        password = json.loads((viva.home / "postgres" / "passwords.json").read_text())
        assert password["authenticator"] in dsn
        secrets = (key, *password.values())
        seen = 0
        for process in [up, *up.children(recursive=True)]:
            try:
                words = " ".join(process.cmdline())
            except psutil.NoSuchProcess:  # one of those that come and go
                continue
            seen += 1
            assert not any(secret in words for secret in secrets)
        assert seen > 3
