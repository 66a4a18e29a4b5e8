"""Whoever has signed out of the console has nothing that opens anything, nor has a copy of it."""

import re
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from support.api import add_tenant
from support.postgres import admin_dsn, database, database_name, dsn, postgres
from support.scripted_api import open_scripted_api
from vivavoce.api import openapi
from vivavoce.api.openapi_edges import USER
from vivavoce.store import console_links
from vivavoce.store.invitations import new_secret

__all__ = ["admin_dsn", "database", "database_name", "dsn", "postgres"]

DOOR = "/functions/v1/console-token"


@pytest.fixture
async def api(database, admin_dsn):
    async with open_scripted_api(database, admin_dsn) as server:
        yield server


async def link_for(api, user_id):
    secret, token_hash = new_secret()
    async with api.database.as_service() as conn:
        await console_links.insert_link(
            conn,
            tenant_id=api.tenant_id,
            user_id=user_id,
            token_hash=token_hash,
            expires_at=datetime.now(UTC) + timedelta(hours=1),
        )
    return secret


async def enter(api, user_id=None):
    secret = await link_for(api, user_id or str(uuid4()))
    return (await api.call("POST", DOOR, {"secret": secret})).json["accessToken"]


def edges_of_users():
    """Every edge that takes an access token, with ids that are nobody's."""
    for path, operations in openapi.document()["paths"].items():
        for method, operation in operations.items():
            if {USER: []} in operation.get("security", []):
                yield method.upper(), re.sub(r"{\w+}", lambda _: str(uuid4()), path)


async def test_no_edge_takes_the_token_of_a_console_that_was_left(api):
    token, other = await enter(api), await enter(api)
    edges = list(edges_of_users())
    assert len(edges) > 20
    assert (await api.call("GET", "/v1/sessions", token=token)).status == 200
    assert (await api.call("DELETE", DOOR, token=token)).status == 204
    for method, path in edges:
        refused = await api.call(method, path, {}, token=token)
        assert (refused.status, refused.code) == (401, "AUTHENTICATION_FAILED"), (method, path)
    assert (await api.call("GET", "/v1/sessions", token=other)).status == 200, "nobody else left"
    assert await api.sql("select 1 from interview_sessions") == []
    audit = await api.sql("select action from audit_log order by id")
    assert [row["action"] for row in audit].count("console.leave") == 1


async def test_only_who_came_in_by_a_link_is_inside_by_it(api):
    mine = str(uuid4())
    token = await enter(api, mine)
    (row,) = await api.sql("select id::text from console_links")
    assert (await api.call("GET", "/v1/sessions", token=token)).status == 200
    await link_for(api, mine)
    (unused,) = await api.sql("select id::text from console_links where used_at is null")
    other = await add_tenant(api.admin_dsn)
    for claims in (
        {"subject": mine, "console_link": str(uuid4())},
        {"subject": mine, "console_link": unused["id"]},
        {"subject": str(uuid4()), "console_link": row["id"]},
        {"subject": mine, "console_link": row["id"], "tenant_id": other},
    ):
        refused = await api.call("GET", "/v1/sessions", token=api.access_token(**claims))
        assert (refused.status, refused.code) == (401, "AUTHENTICATION_FAILED"), claims


async def test_a_token_that_no_link_gave_is_not_taken_back(api):
    token = api.access_token()
    refused = await api.call("DELETE", DOOR, token=token)
    assert (refused.status, refused.code) == (403, "FORBIDDEN")
    assert (await api.call("GET", "/v1/sessions", token=token)).status == 200


async def test_making_a_link_puts_nobody_out_and_lets_nobody_in_again(api):
    """Old links are forgotten then: not those by which somebody may still be inside."""
    inside, left = await enter(api), await enter(api)
    await api.call("DELETE", DOOR, token=left)
    await api.sql("update console_links set expires_at = now() - interval '11 hours'")
    await link_for(api, str(uuid4()))
    assert (await api.call("GET", "/v1/sessions", token=inside)).status == 200
    assert (await api.call("GET", "/v1/sessions", token=left)).status == 401
