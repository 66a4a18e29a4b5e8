"""The lines that need no call."""

import time
from typing import Final

from websockets.exceptions import InvalidStatus

from vivavoce.check.api import Api
from vivavoce.check.lines import Missed, Report, expect

_ORIGIN: Final = "http://localhost:5173"
_HEADERS_OF_BROWSERS: Final = ("authorization", "content-type", "x-openai-agents-sdk")
_TOO_LARGE_BYTES: Final = 1_000_000
_NOBODY: Final = "rtc_nobody_has_this_id"


async def check_http(api: Api, report: Report) -> None:
    """Judge errors, limits, other origins, and calls that do not exist."""
    with report.line("errors"):
        refused = await api.offer("v=0", key="a-key-that-nobody-has")
        refused.expect_error(401)
        (await api.offer("this is no offer")).expect_error(400)
        (await api.create_secret({"session": {"type": "realtime", "audio": 7}})).expect_error(400)
    with report.line("limits"):
        for seconds in (9, 7_201):
            wish = {"expires_after": {"anchor": "created_at", "seconds": seconds}}
            (await api.create_secret(wish)).expect_error(400)
        (await api.offer("a" * _TOO_LARGE_BYTES)).expect_error(400, 413)
    with report.line("cors"):
        await _check_origins(api)
    with report.line("unknown-call"):
        (await api.hang_up(_NOBODY)).expect_error(404)
        await _expect_no_upgrade(api, None, 404)
    with report.line("sideband-key"):
        await _expect_no_upgrade(api, "a-key-that-nobody-has", 401)


async def create_secret(api: Api, report: Report, session: dict[str, object]) -> str | None:
    """Ask for a client secret and judge it."""
    with report.line("client-secret"):
        reply = await api.create_secret({"session": session})
        expect(reply.status in (200, 201), f"status {reply.status} in place of 200")
        secret = reply.json or {}
        value, shown = secret.get("value"), secret.get("session") or {}
        expect(str(value).startswith("ek_"), "the value does not begin with ek_")
        expect(secret.get("expires_at", 0) > time.time(), "expires_at is not in the future")
        expect(shown.get("type") == "realtime", "the session has no type")
        expect(
            shown.get("instructions") == session["instructions"],
            "the session shown has other instructions than the one sent",
        )
        return str(value)
    return None


async def check_single_use(api: Api, report: Report, secret: str, offer: str) -> None:
    """Use a client secret again."""
    with report.line("single-use"):
        reply = await api.offer(offer, key=secret)
        if reply.call_id is not None:
            await api.hang_up(reply.call_id)
            raise Missed("a second call was opened with it")
        reply.expect_error(401)


async def _check_origins(api: Api) -> None:
    asked = await api.request(
        "OPTIONS",
        "/realtime/calls",
        headers={
            "Origin": _ORIGIN,
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": ",".join(_HEADERS_OF_BROWSERS),
        },
    )
    expect(asked.status in (200, 204), f"the preflight is answered with {asked.status}")
    allowed = asked.headers.get("Access-Control-Allow-Headers", "").lower()
    for name in _HEADERS_OF_BROWSERS:
        expect(name in allowed or allowed == "*", f"the header {name} is not allowed")
    reply = await api.request(
        "POST",
        "/realtime/calls",
        data="v=0",
        headers={"Origin": _ORIGIN, "Content-Type": "application/sdp"},
    )
    origin = reply.headers.get("Access-Control-Allow-Origin")
    exposed = reply.headers.get("Access-Control-Expose-Headers", "").lower()
    expect(origin in ("*", _ORIGIN), "the origin is not allowed")
    expect("location" in exposed or exposed == "*", "Location is not exposed")


async def _expect_no_upgrade(api: Api, key: str | None, status: int) -> None:
    try:
        socket = await api.attach(_NOBODY, key=key)
    except InvalidStatus as refused:
        seen = refused.response.status_code
        expect(seen == status, f"refused with {seen} in place of {status}")
        return
    await socket.close()
    raise Missed(f"accepted in place of {status}")
