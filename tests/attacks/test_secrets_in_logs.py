"""Whatever is asked of the API, and however much it logs, no credential stands in its output."""

import os
import signal
import sys
import traceback
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import anyio
import asyncpg
import pytest

from support.api import add_tenant
from support.postgres import admin_dsn, database, database_name, dsn, open_home, postgres
from vivavoce import tokens
from vivavoce.control.keys import signing_keys

__all__ = ["admin_dsn", "database", "database_name", "dsn", "postgres"]

VOICE_KEY = "sk-voice-key-of-nobody-0123456789"
UPGRADE = [
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
]
LINK_SECRET = "a-secret-of-a-link-that-nobody-made-0123456"
SESSION = "3f1b6c1e-5f0b-4f83-9f51-6c1f5a3c8f10"


def token_of(home, audience):
    return tokens.issue(
        signing_keys(home),
        audience=audience,
        subject=SESSION,
        tenant_id=SESSION,
        session_id=SESSION if audience == tokens.SESSION else None,
        invitation_id=SESSION if audience == tokens.INVITATION else None,
        permissions=tokens.CANDIDATE_PERMISSIONS,
        ttl=600,
    )


async def follow_links(url, secret):
    """Give the secret of a link where it belongs, and where it should never be."""
    body = f'{{"secret": "{secret}"}}'
    for method, path, content in [
        ("POST", "/functions/v1/invitation-token", body),
        ("POST", "/functions/v1/console-token", body),
        ("POST", "/functions/v1/console-token", body + "broken"),
        ("GET", f"/i/{secret}", ""),
        ("GET", f"/i/{SESSION}?secret={secret}", ""),
        ("GET", f"/console?secret={secret}", ""),
        ("GET", f"/assets/{secret}", ""),
    ]:
        await send(url, method, path, [], content)


async def send(url, method, path, headers, content=""):
    host, port = url.removeprefix("http://").split(":")
    length = f"Content-Length: {len(content)}"
    head = [f"{method} {path} HTTP/1.1", f"Host: {host}", length, *headers]
    async with await anyio.connect_tcp(host, int(port)) as stream:
        await stream.send(("\r\n".join(head) + "\r\n\r\n" + content).encode())
        assert (await stream.receive()).startswith(b"HTTP/1.1 ")


async def ask_in_every_way(url, token):
    """Put the token wherever a client may put it, and where it should never be."""
    bearer = [f"Authorization: Bearer {token}"]
    protocols = [f"Sec-WebSocket-Protocol: viva.v1, bearer.{token}"]
    for method, path, headers in [
        ("POST", "/functions/v1/interview-start", bearer),
        ("POST", "/functions/v1/session-token", bearer),
        ("GET", f"/v1/sessions/{SESSION}?token={token}", bearer),
        ("GET", f"/no/such/path?token={token}", bearer),
        ("GET", f"/s/{SESSION}/ws?token={token}", UPGRADE),
        ("GET", f"/s/{SESSION}/ws", [*UPGRADE, *protocols]),
        ("GET", f"/s/{SESSION}/ws", [*UPGRADE, *bearer]),
        ("GET", f"/no/such/socket?token={token}", [*UPGRADE, *protocols, *bearer]),
    ]:
        await send(url, method, path, headers)


@asynccontextmanager
async def running(environment):
    """The API as a process of its own, gone after the block whatever happens in it."""
    command = [sys.executable, "-m", "vivavoce.cli.main", "api"]
    async with await anyio.open_process(command, env=environment) as api:
        try:
            yield api
        finally:
            if api.returncode is None:
                api.kill()


async def test_no_credential_stands_in_what_the_api_writes(dsn):
    with open_home() as home:
        kinds = (tokens.ACCESS, tokens.SESSION, tokens.INVITATION)
        given = [token_of(home, audience) for audience in kinds]
        environment = {
            "PATH": os.environ["PATH"],
            "VIVA_HOME": str(home),
            "VIVA_PORT": "0",
            "VIVA_DATABASE_URL": dsn,
            "VIVA_VOICE_BASE_URL": "http://127.0.0.1:9/v1",
            "VIVA_VOICE_API_KEY": VOICE_KEY,
            "VIVA_LOG_LEVEL": "DEBUG",
        }
        async with running(environment) as api:
            with anyio.fail_after(40):
                url = (await api.stdout.receive()).decode().strip()
                for token in given:
                    await ask_in_every_way(url, token)
                await follow_links(url, LINK_SECRET)
                api.send_signal(signal.SIGTERM)
                said = b"".join([chunk async for chunk in api.stderr]).decode()
                await api.wait()
        assert api.returncode == 0
        keys = (home / "signing-keys.json").read_text()
    assert "/v1/sessions/{session_id:str}" in said
    assert LINK_SECRET not in said
    for secret in [VOICE_KEY, urlsplit(dsn).password, *given]:
        assert secret
        assert secret not in said
        assert secret.rpartition(".")[2] not in said
    assert '"d"' in keys
    assert all(part not in said for part in keys.split('"') if len(part) > 40)


async def test_an_error_of_the_database_does_not_quote_the_row(database, admin_dsn):
    tenant = await add_tenant(admin_dsn)
    with pytest.raises(asyncpg.CheckViolationError) as raised:
        async with database.as_service() as connection:
            await connection.execute(
                "insert into interview_sessions (tenant_id, user_id, architecture, status,"
                " candidate, expires_at) values ($1, $1, 'hybrid', 'no such status',"
                """ '{"name": "Ada Lovelace"}', now())""",
                tenant,
            )
    assert "Ada Lovelace" not in "".join(traceback.format_exception(raised.value))
