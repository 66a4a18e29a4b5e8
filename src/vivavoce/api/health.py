"""`/healthz`, `/readyz`, `/metrics`, `/.well-known/jwks.json`, `/openapi.json`."""

from typing import Final

from litestar import Response, get

from vivavoce.api.context import ApiParts, answer
from vivavoce.api.metrics import MEDIA_TYPE
from vivavoce.api.openapi import document
from vivavoce.api.problems import JSON
from vivavoce.errors import Unavailable
from vivavoce.protocol.codec import encode

HEALTH: Final = "/healthz"
READY: Final = "/readyz"
METRICS: Final = "/metrics"
KEYS: Final = "/.well-known/jwks.json"
OPENAPI: Final = "/openapi.json"


@get(HEALTH)
async def healthz() -> Response[bytes]:
    """Whether the process answers; a failed background task ends the process."""
    return answer({"status": "ok"})


@get(READY)
async def readyz(api: ApiParts) -> Response[bytes]:
    """Whether sessions can be started: the database answers, machines can be had."""
    try:
        async with api.plane.database.as_service() as conn:
            await conn.execute("select 1")
    except Unavailable:
        return answer({"status": "unavailable", "database": False}, status=503)
    return answer({"status": "ok", "database": True})


@get(METRICS)
async def metrics(api: ApiParts) -> Response[bytes]:
    """For Prometheus."""
    return Response(content=api.metrics.expose(), media_type=MEDIA_TYPE)


@get(KEYS)
async def jwks(api: ApiParts) -> Response[bytes]:
    """Public keys of our tokens (RFC 7517)."""
    return Response(
        content=encode(api.plane.keys.public()),
        media_type=JSON,
        headers={"cache-control": "public, max-age=300"},
    )


@get(OPENAPI)
async def openapi() -> Response[bytes]:
    """The description of these edges (OpenAPI 3.1)."""
    return Response(content=encode(document()), media_type=JSON)
