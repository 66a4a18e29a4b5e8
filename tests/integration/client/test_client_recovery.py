"""What a client does by itself about each error, against a control plane that fails to order."""

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import anyio
import pytest
from aiohttp import web

from vivavoce.client import InterviewClient, WebRTCConnectionError
from vivavoce.client.recovery import Regions, Remedies, persist
from vivavoce.errors import (
    AuthenticationFailed,
    Conflict,
    MachineProvisioningFailed,
    RateLimited,
    SdpExchangeFailed,
    VivavoceError,
    WebRTCConnectionFailed,
)
from vivavoce.protocol.codec import encode
from vivavoce.protocol.problem import MEDIA_TYPE, problem
from vivavoce.retry import RetryPolicy

AT_ONCE = RetryPolicy(max_attempts=3, base_delay=0.0, max_delay=0.0)


@dataclass
class Acts:
    """Remembers which remedies were used."""

    used: list[str] = field(default_factory=list)

    def remedies(self) -> Remedies:
        async def refresh() -> None:
            self.used.append("token")

        async def change_region(error: VivavoceError) -> None:
            self.used.append("region")

        async def renew() -> None:
            self.used.append("session")

        return Remedies(refresh, change_region, renew)


def failing(*errors: VivavoceError) -> Callable:
    waiting = list(errors)

    async def act() -> str:
        if waiting:
            raise waiting.pop(0)
        return "done"

    return act


@pytest.mark.parametrize(
    ("error", "remedy"),
    [
        (SdpExchangeFailed("x"), []),
        (RateLimited("x", retry_after=5), []),
        (AuthenticationFailed("x"), ["token"]),
        (MachineProvisioningFailed("x"), ["region"]),
        (WebRTCConnectionFailed("x"), ["session"]),
    ],
)
async def test_each_code_has_its_remedy(error: VivavoceError, remedy: list[str]):
    acts, retries = Acts(), []
    outcome = await persist(
        failing(error), remedies=acts.remedies(), on_retry=retries.append, policy=AT_ONCE
    )
    assert outcome == "done"
    assert acts.used == remedy
    assert [retry.code for retry in retries] == [error.code]


async def test_retries_are_used_up():
    errors = [SdpExchangeFailed(str(number)) for number in range(5)]
    with pytest.raises(SdpExchangeFailed, match="3"):
        await persist(
            failing(*errors), remedies=Acts().remedies(), on_retry=lambda _: None, policy=AT_ONCE
        )


async def test_a_fresh_token_that_is_refused_is_the_end():
    acts = Acts()
    with pytest.raises(AuthenticationFailed, match="second"):
        await persist(
            failing(AuthenticationFailed("first"), AuthenticationFailed("second")),
            remedies=acts.remedies(),
            on_retry=lambda _: None,
            policy=AT_ONCE,
        )
    assert acts.used == ["token"]


async def test_what_cannot_get_better_is_not_tried_again():
    with pytest.raises(Conflict):
        await persist(
            failing(Conflict("x")),
            remedies=Acts().remedies(),
            on_retry=lambda _: None,
            policy=AT_ONCE,
        )


def test_regions_that_failed_are_left_out():
    regions = Regions(("fra", "lhr"))
    assert regions.chosen == "fra"
    regions = regions.without(MachineProvisioningFailed("x", triedRegions=["fra"]))
    assert regions.chosen == "lhr"
    regions = regions.without(MachineProvisioningFailed("x"))
    assert regions.chosen is None, "then the server chooses"


@asynccontextmanager
async def control_plane(answers: list[VivavoceError]) -> AsyncGenerator[tuple[str, list]]:
    """A server whose starts fail one after the other; gives its URL and what was asked."""
    asked: list[tuple[dict, dict]] = []

    async def start(request: web.Request) -> web.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        asked.append((await request.json(), headers))
        error = answers.pop(0)
        return web.Response(
            body=encode(problem(error, request_id="r")),
            status=error.http_status,
            content_type=MEDIA_TYPE,
        )

    app = web.Application()
    app.router.add_post("/functions/v1/interview-start", start)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{site._server.sockets[0].getsockname()[1]}", asked
    finally:
        await runner.cleanup()


async def test_another_region_is_asked_for_under_another_key():
    failed = MachineProvisioningFailed("no machine", triedRegions=["fra"])
    async with control_plane([failed, Conflict("enough")]) as (url, asked):
        client = InterviewClient(url, token="t", regions=("fra", "lhr"), retry=AT_ONCE)
        with pytest.raises(WebRTCConnectionError) as refused:
            async with client:
                pass
    assert refused.value.code == "CONFLICT"
    assert [body["region"] for body, _ in asked] == ["fra", "lhr"]
    keys = {headers["idempotency-key"] for _, headers in asked}
    assert len(keys) == 2


async def test_the_same_start_is_repeated_under_the_same_key():
    async with control_plane([RateLimited("slow"), Conflict("enough")]) as (url, asked):
        with pytest.raises(WebRTCConnectionError):
            async with InterviewClient(url, token="t", retry=AT_ONCE):
                pass
    assert len({headers["idempotency-key"] for _, headers in asked}) == 1


async def test_a_refused_token_is_asked_for_anew():
    made = iter(["old", "new"])

    async def token() -> str:
        return next(made)

    async with control_plane([AuthenticationFailed("expired"), Conflict("x")]) as (url, asked):
        with pytest.raises(WebRTCConnectionError):
            async with InterviewClient(url, token=token, retry=AT_ONCE):
                pass
    assert [headers["authorization"] for _, headers in asked] == ["Bearer old", "Bearer new"]


async def test_a_failed_entrance_shows_in_the_state_and_leaves_nothing():
    async with control_plane([RateLimited("slow"), RateLimited("slow"), Conflict("x")]) as (url, _):
        client = InterviewClient(url, token="t", retry=AT_ONCE)
        states = []
        client.observe(states.append)
        before = anyio.get_running_tasks()
        with pytest.raises(WebRTCConnectionError):
            async with client:
                pass
        with anyio.fail_after(5):  # the server's own task for the connection ends soon, too
            while len(anyio.get_running_tasks()) > len(before):  # noqa: ASYNC110
                await anyio.sleep(0.01)
    assert [state.retry_count for state in states if state.status == "connecting"][-1] == 2
    assert [state.status for state in states][-2:] == ["error", "disconnected"]
    assert client.state.error.code == "CONFLICT"


async def test_a_control_plane_that_is_not_there_is_said_so():
    client = InterviewClient("http://127.0.0.1:9", token="t", retry=AT_ONCE)
    with pytest.raises(WebRTCConnectionError, match="does not answer") as refused:
        async with client:
            pass
    assert refused.value.code == "UNAVAILABLE"
    assert refused.value.retryable
