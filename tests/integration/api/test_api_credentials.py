"""Who may do what: every edge against every kind of bad token, and sessions of somebody else."""

import base64
import json
import re
import time
from uuid import uuid4

import pytest
from joserfc import jwt
from joserfc.jwk import OctKey

from support.api import add_tenant
from support.invitations import invite
from vivavoce import tokens

EDGES = [
    ("POST", "/functions/v1/interview-start", {}),
    ("POST", "/functions/v1/session-token", {}),
    ("POST", "/functions/v1/transcript-processor", {"events": []}),
    ("POST", "/internal/v1/machines/{id}/reports", {"reports": []}),
    ("DELETE", "/functions/v1/console-token", None),
    ("GET", "/v1/organisation", None),
    ("GET", "/v1/sessions", None),
    ("GET", "/v1/sessions/{id}", None),
    ("DELETE", "/v1/sessions/{id}", None),
    ("GET", "/v1/sessions/{id}/transcript", None),
    ("POST", "/v1/sessions/{id}/end", None),
    ("POST", "/v1/sessions/{id}/call", {"callId": "rtc_1"}),
    ("POST", "/v1/sessions/{id}/events", {"type": "pause"}),
    ("GET", "/v1/sessions/{id}/events", None),
    ("GET", "/v1/sessions/{id}/machines", None),
    ("GET", "/v1/invitation", None),
    ("POST", "/v1/consents", {"version": "any", "agreed": []}),
    ("GET", "/v1/sound-check", None),
    ("POST", "/v1/sound-check", {"offer": "v=0"}),
    ("GET", "/v1/interviews", None),
    ("POST", "/v1/interviews", {"title": "Any", "questions": [{"text": "Why?"}]}),
    ("POST", "/v1/interviews/preview", {"title": "Any", "questions": [{"text": "Why?"}]}),
    ("GET", "/v1/interviews/{id}", None),
    ("PUT", "/v1/interviews/{id}", {"title": "Any", "questions": [{"text": "Why?"}]}),
    ("DELETE", "/v1/interviews/{id}", None),
    ("POST", "/v1/interviews/{id}/invitations", {}),
    ("GET", "/v1/interviews/{id}/invitations", None),
    ("GET", "/v1/invitations/{id}", None),
    ("POST", "/v1/invitations/{id}/revoke", None),
    ("GET", "/v1/organisation", None),
    ("DELETE", "/functions/v1/console-token", None),
]


START = "/functions/v1/interview-start"
FOR_SESSIONS = {
    ("GET", "/v1/sessions/{id}"),
    ("GET", "/v1/sessions/{id}/transcript"),
    ("POST", "/v1/sessions/{id}/end"),
    ("POST", "/v1/sessions/{id}/call"),
    ("POST", "/v1/sessions/{id}/events"),
    ("GET", "/v1/sessions/{id}/events"),
}
FOR_GUESTS = {
    ("POST", START),
    ("POST", "/functions/v1/session-token"),
    ("GET", "/v1/invitation"),
    ("POST", "/v1/consents"),
    ("GET", "/v1/sound-check"),
    ("POST", "/v1/sound-check"),
}


def unsigned(token: str) -> str:
    header = base64.urlsafe_b64encode(b'{"alg":"none","typ":"JWT"}').rstrip(b"=").decode()
    return f"{header}.{token.split('.')[1]}."


def hs256_with_the_public_key(api, token: str) -> str:
    """The classic confusion: our public key taken for a shared secret."""
    payload = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
    key = api.keys.public()["keys"][0]
    secret = OctKey.import_key(json.dumps(key, sort_keys=True).encode())
    return jwt.encode({"alg": "HS256", "kid": key["kid"]}, payload, secret)


@pytest.fixture
async def session(api):
    return await api.started()


async def test_no_edge_takes_a_bad_token(api, session):
    good = api.access_token()
    bad = {
        "none": None,
        "garbage": "garbage",
        "not a token": "a.b.c",
        "expired": api.access_token(ttl=-3600),
        "wrongly signed": api.access_token(keys=tokens.generate_keys()),
        "unsigned": unsigned(good),
        "confused": hs256_with_the_public_key(api, good),
        "tampered": good[:-4] + ("AAAA" if not good.endswith("AAAA") else "BBBB"),
        "other audience": api.access_token(audience="somewhere-else"),
        "other issuer": api.access_token(iss="somebody-else"),
        "huge": "x" * 9000,
        "session token without a session": api.access_token(audience=tokens.SESSION),
        "invitation token without an invitation": api.access_token(audience=tokens.INVITATION),
        "access token of a console that nobody is in": api.access_token(console_link=str(uuid4())),
        "access token of a console that is none": api.access_token(console_link="any"),
        "access token with an invitation": api.access_token(invitation_id=str(uuid4())),
    }
    for method, path, body in EDGES:
        address = path.replace("{id}", session["sessionId"])
        for name, token in bad.items():
            answer = await api.call(method, address, body, token=token)
            assert answer.status == 401, (path, name)
            assert answer.code == "AUTHENTICATION_FAILED", (path, name)
            assert answer.json["recovery"] == "refresh_token_and_retry"
            assert answer.headers["WWW-Authenticate"] == "Bearer"


async def test_every_edge_that_is_described_is_checked_here(api):
    described = (await api.call("GET", "/openapi.json")).json["paths"]
    protected = {
        (method.upper(), re.sub(r"\{\w+\}", "{id}", path))
        for path, methods in described.items()
        for method, operation in methods.items()
        if operation["security"]
    }
    assert protected == {(method, path) for method, path, _ in EDGES}


async def test_another_tenants_session_looks_like_none(api, admin_dsn, session):
    theirs = api.access_token(tenant_id=await add_tenant(admin_dsn))
    for method, path, body in EDGES:
        if "/sessions/{id}" not in path:
            continue
        foreign = await api.call(
            method, path.replace("{id}", session["sessionId"]), body, token=theirs
        )
        missing = await api.call(method, path.replace("{id}", str(uuid4())), body, token=theirs)
        assert (
            (foreign.status, foreign.code) == (missing.status, missing.code) == (404, "NOT_FOUND")
        )
        assert foreign.json["detail"] == missing.json["detail"]
    assert (await api.call("GET", "/v1/sessions", token=theirs)).json["sessions"] == []
    assert (await api.session(session["sessionId"]))["status"] == "ready"


async def test_a_session_token_is_good_for_its_own_session_only(api, session):
    other = await api.started()
    for method, path, body in EDGES:
        if path.startswith("/functions"):
            continue
        answer = await api.call(
            method,
            path.replace("{id}", other["sessionId"]),
            body,
            token=session["sessionToken"],
        )
        is_for_sessions = (method, path) in FOR_SESSIONS
        refusal = (404, "NOT_FOUND") if is_for_sessions else (401, "AUTHENTICATION_FAILED")
        assert (answer.status, answer.code) == refusal, (method, path)
    answer = await api.call("POST", START, {}, token=session["sessionToken"])
    assert answer.code == "AUTHENTICATION_FAILED"
    renewed_other = await renewed(api, session["sessionToken"], {"sessionId": other["sessionId"]})
    assert renewed_other.code == "NOT_FOUND"


async def test_an_invitation_is_good_for_nothing_but_its_own_interview(api, session):
    guest = await invite(api)
    for method, path, body in EDGES:
        if (method, path) in FOR_GUESTS:
            continue
        for thing in (session["sessionId"], guest.invitation_id, guest.interview_id):
            answer = await api.call(method, path.replace("{id}", thing), body, token=guest.token)
            assert (answer.status, answer.code) == (401, "AUTHENTICATION_FAILED"), (method, path)
    other = await renewed(api, guest.token, {"sessionId": session["sessionId"]})
    assert (other.status, other.code) == (404, "NOT_FOUND")


async def test_a_session_token_without_the_permission_is_refused(api, session):
    poor = api.access_token(
        audience=tokens.SESSION, session_id=session["sessionId"], permissions=[]
    )
    path = f"/v1/sessions/{session['sessionId']}"
    for method, edge, body in (
        ("POST", f"{path}/end", None),
        ("GET", f"{path}/transcript", None),
        ("POST", "/functions/v1/transcript-processor", {"events": []}),
    ):
        answer = await api.call(method, edge, body, token=poor)
        assert (answer.status, answer.code) == (403, "FORBIDDEN"), edge


async def test_a_machine_reports_only_as_itself(api, session):
    [machine] = api.provider.of(session["sessionId"])
    other = await api.started()
    [their_machine] = api.provider.of(other["sessionId"])
    own = f"/internal/v1/machines/{machine.machine.machine_id}/reports"
    token = machine.claims[0].machine_token
    assert (await api.call("POST", own, {"reports": []}, token=token)).status == 200
    for path in (
        f"/internal/v1/machines/{their_machine.machine.machine_id}/reports",
        "/internal/v1/machines/nonsense/reports",
    ):
        assert (await api.call("POST", path, {"reports": []}, token=token)).code == "NOT_FOUND"
    assert (
        await api.call("POST", own, {"reports": []}, token=session["sessionToken"])
    ).code == "AUTHENTICATION_FAILED"


async def renewed(api, token, body=None):
    return await api.call("POST", "/functions/v1/session-token", body, token=token)


async def test_a_session_token_is_renewed_while_the_session_lives(api, session):
    answer = await renewed(api, session["sessionToken"])
    assert answer.status == 200
    verify = tokens.Verifier(api.keys.public()).verify
    old = verify(session["sessionToken"], audiences=(tokens.SESSION,))
    new = verify(answer.json["sessionToken"], audiences=(tokens.SESSION,))
    assert (new.session_id, new.subject, new.permissions) == (
        old.session_id,
        old.subject,
        old.permissions,
    )
    assert new.token_id != old.token_id
    assert "clientSecret" not in answer.json


def expired_since(api, session, seconds, **claims):
    return api.access_token(
        audience=tokens.SESSION,
        session_id=session["sessionId"],
        permissions=tokens.CANDIDATE_PERMISSIONS,
        now=time.time() - 3600 - seconds,
        ttl=3600,
        **claims,
    )


async def test_a_token_that_expired_a_moment_ago_is_renewed(api, session):
    assert (await renewed(api, expired_since(api, session, 280))).status == 200
    late = await renewed(api, expired_since(api, session, 320))
    assert late.code == "AUTHENTICATION_FAILED"
    stale_user = await renewed(api, api.access_token(ttl=-60), {"sessionId": session["sessionId"]})
    assert stale_user.code == "AUTHENTICATION_FAILED"


async def test_a_revoked_token_is_not_renewed(api, session):
    identity = tokens.Verifier(api.keys.public()).verify(
        session["sessionToken"], audiences=(tokens.SESSION,)
    )
    await api.sql(
        "insert into token_revocations (jti, tenant_id, expires_at) values ($1, $2, now() + '1h')",
        identity.token_id,
        api.tenant_id,
    )
    assert (await renewed(api, session["sessionToken"])).code == "AUTHENTICATION_FAILED"


async def test_whoever_started_a_session_gets_a_token_for_it(api, session):
    named = {"sessionId": session["sessionId"]}
    assert (await renewed(api, api.access_token(), named)).status == 200
    assert (await renewed(api, api.access_token())).code == "INVALID_REQUEST"
    somebody = api.access_token(subject=str(uuid4()))
    assert (await renewed(api, somebody, named)).code == "FORBIDDEN"


async def test_direct_gets_another_client_secret(api):
    session = await api.started({"architecture": "direct"})
    answer = await renewed(api, session["sessionToken"])
    assert answer.json["clientSecret"]["value"] == "ek_2"


async def test_no_token_is_renewed_for_a_session_that_is_over(api, session):
    await api.call("POST", f"/v1/sessions/{session['sessionId']}/end", token=api.access_token())
    answer = await renewed(api, session["sessionToken"])
    assert (answer.status, answer.code) == (410, "SESSION_ENDED")


async def test_a_revoked_token_is_good_for_nothing(api):
    session = await api.started({"architecture": "direct"})
    identity = tokens.Verifier(api.keys.public()).verify(
        session["sessionToken"], audiences=(tokens.SESSION,)
    )
    await api.sql(
        "insert into token_revocations (jti, tenant_id, session_id, expires_at)"
        " values ($1, $2, $3, now() + '1h')",
        identity.token_id,
        api.tenant_id,
        session["sessionId"],
    )
    event = {
        "sessionId": session["sessionId"],
        "speaker": "ai",
        "content": "Hello.",
        "timestamp": "2026-11-24T10:00:00Z",
    }
    for method, path, body in EDGES:
        if (method, path) not in FOR_SESSIONS and "transcript-processor" not in path:
            continue
        sent = event if "transcript-processor" in path else body
        answer = await api.call(
            method,
            path.replace("{id}", session["sessionId"]),
            sent,
            token=session["sessionToken"],
        )
        assert (answer.status, answer.code) == (401, "AUTHENTICATION_FAILED"), path
    assert await api.sql("select 1 from transcript_entries") == []
