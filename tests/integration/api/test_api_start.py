"""`interview-start`: both branches side by side, the claim, and every way that it can fail."""

import anyio
import pytest
from support.api import add_tenant, utc

from vivavoce import tokens
from vivavoce.machines.provider import MachineLost


async def test_an_empty_request_starts_a_hybrid_session(api):
    started = await api.started()
    config = started["webrtcConfig"]
    session_id = started["sessionId"]
    assert config["sdpProxyUrl"] == f"ws{api.url.removeprefix('http')}/s/{session_id}/ws"
    assert config["openaiConfig"]["url"] == f"{api.voice.url}/realtime/calls"
    assert "clientSecret" not in config["openaiConfig"]
    assert started["metadata"]["machine"] == {
        "provider": "scripted",
        "isolation": "process",
        "region": "local",
    }
    assert utc(started["metadata"]["expiresAt"]) > utc(started["metadata"]["createdAt"])
    identity = tokens.Verifier(api.keys.public()).verify(
        started["sessionToken"], audiences=(tokens.SESSION,)
    )
    assert (identity.session_id, identity.subject) == (session_id, api.user_id)
    assert identity.expires_at - identity.issued_at <= 3600
    assert (await api.session(session_id))["status"] == "ready"
    [machine] = api.provider.of(session_id)
    [claim] = machine.claims
    assert claim.call_config == api.voice.configurations[0]
    assert claim.tenant_id == api.tenant_id
    assert claim.limits.max_duration == 3600
    rows = await api.sql("select state, session_id::text from machines")
    assert [tuple(row) for row in rows] == [("claimed", session_id)]
