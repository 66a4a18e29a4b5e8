"""`interview-start`: both branches side by side, the claim, and every way that it can fail."""

import anyio
import pytest

from support.api import add_tenant, open_api, scripted_provider, scripted_voice, utc
from support.scripted_api import open_scripted_api
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


async def test_machine_and_call_are_prepared_side_by_side(api):
    api.provider.gate = anyio.Event()
    api.voice.gate = anyio.Event()
    async with anyio.create_task_group() as tasks:
        answers = []

        async def start():
            answers.append(await api.start())

        tasks.start_soon(start)
        with anyio.fail_after(10):
            await api.provider.started.wait()
            await api.voice.asked.wait()
        # Neither waits for the other: both have begun, and neither has finished.
        assert (await api.sql("select status from interview_sessions"))[0][0] == "provisioning"
        api.provider.gate.set()
        api.voice.gate.set()
    assert answers[0].status == 200


async def test_the_row_of_a_machine_stands_before_the_provider_is_asked(api):
    api.provider.gate = anyio.Event()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(api.start)
        await api.provider.started.wait()
        assert [row["state"] for row in await api.sql("select state from machines")] == [
            "requested"
        ]
        api.provider.gate.set()


async def test_a_warm_machine_is_taken_and_replaced(database, admin_dsn):
    async with open_scripted_api(database, admin_dsn, warm_machines=1) as api:
        await api.until("select 1 from machines where state = 'ready'")
        [warm] = api.provider.machines
        started = await api.started()
        assert [one.machine.machine_id for one in api.provider.of(started["sessionId"])] == [warm]
        await api.until("select 1 from machines where state = 'ready'")
    # At the end the unclaimed machine is destroyed, the claimed one lives on.
    assert [one.machine.machine_id for one in api.provider.alive] == [warm]


async def test_direct_gets_a_client_secret_and_no_machine(api):
    started = await api.started(
        {
            "architecture": "direct",
            "sessionConfig": {
                "maxDuration": 600,
                "instructions": "Ask one thing.",
                "voiceConfig": {"voice": "ash", "speed": 1.2},
            },
        }
    )
    config = started["webrtcConfig"]
    assert config["sdpProxyUrl"] is None
    assert config["openaiConfig"]["clientSecret"]["value"] == "ek_1"
    assert config["openaiConfig"]["voice"] == "ash"
    assert config["openaiConfig"]["instructions"] == "Ask one thing."
    assert api.voice.configurations[0]["audio"]["output"] == {"voice": "ash", "speed": 1.2}
    assert "machine" not in started["metadata"] or started["metadata"]["machine"] is None
    assert not api.provider.machines
    assert await api.sql("select * from machines") == []


@pytest.mark.parametrize("status", [401, 429, 500])
async def test_a_voice_model_that_refuses_fails_the_start_and_frees_the_machine(api, status):
    api.voice.status = status
    answer = await api.start()
    assert (answer.status, answer.code) == (503, "UNAVAILABLE")
    row = await api.until_status(
        (await api.sql("select id from interview_sessions"))[0]["id"], "failed"
    )
    assert row["failure"] is not None
    assert '"call"' in row["failure"]
    await api.until("select 1 where not exists (select from machines where state <> 'gone')")
    assert not api.provider.alive


async def test_a_call_that_fails_cancels_the_machine_that_is_starting(api):
    api.provider.gate = anyio.Event()
    api.voice.gate = anyio.Event()
    api.voice.status = 500

    async def refuse_once_the_machine_starts():
        await api.provider.started.wait()
        api.voice.gate.set()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(refuse_once_the_machine_starts)
        answer = await api.start()
    assert answer.code == "UNAVAILABLE"
    assert api.provider.cancelled == 1
    await api.until("select 1 where not exists (select from machines where state <> 'gone')")


async def test_no_machine_is_a_retryable_error_that_names_the_regions(database, admin_dsn):
    async with (
        scripted_provider(regions=("north", "south"), failing_regions={"north"}) as provider,
        scripted_voice() as voice,
        open_api(database, admin_dsn, provider=provider, voice=voice) as api,
    ):
        refused = await api.start({"region": "north"})
        assert (refused.status, refused.code) == (503, "VM_PROVISIONING_FAILED")
        assert refused.json["recovery"] == "retry_with_different_region"
        assert refused.json["triedRegions"] == ["north"]
        elsewhere = await api.started({"region": "south"})
        assert elsewhere["metadata"]["machine"]["region"] == "south"
        # Without a wish, the regions are tried in their order.
        anywhere = await api.started()
        assert anywhere["metadata"]["machine"]["region"] == "south"
        provider.failing_regions.add("south")
        assert (await api.start()).json["triedRegions"] == ["north", "south"]
        unknown = await api.start({"region": "west"})
        assert unknown.code == "INVALID_REQUEST"
        assert "north, south" in unknown.json["detail"]


async def test_a_machine_lost_at_its_claim_is_replaced_by_another(api):
    api.provider.claim_failures = [MachineLost("gone")]
    started = await api.started()
    assert len(api.provider.machines) == 2
    [machine] = api.provider.of(started["sessionId"])
    await api.until("select 1 from machines where state = 'gone'")
    assert api.provider.alive == [machine]


async def test_a_claim_that_fails_twice_fails_the_start(api):
    api.provider.claim_failures = [MachineLost("gone"), MachineLost("gone")]
    answer = await api.start()
    assert answer.code == "VM_PROVISIONING_FAILED"
    await api.until("select 1 where not exists (select from machines where state <> 'gone')")
    assert not api.provider.alive


async def test_the_same_key_gives_the_same_session_with_another_token(api):
    first = await api.started(key="once")
    second = await api.started(key="once")
    assert second["sessionId"] == first["sessionId"]
    assert second["sessionToken"] != first["sessionToken"]
    assert len(api.provider.machines) == 1
    other = await api.started(key="twice")
    assert other["sessionId"] != first["sessionId"]
    somebody = api.access_token(subject="6b2f2a52-5d0e-4a0e-9a53-6b8f6cbb1b11")
    theirs = await api.started(key="once", token=somebody)
    assert theirs["sessionId"] != first["sessionId"]


async def test_racing_requests_with_one_key_start_one_machine(api):
    api.provider.gate = anyio.Event()
    answers = []

    async def start():
        answers.append(await api.started(key="race"))

    async with anyio.create_task_group() as tasks:
        for _ in range(6):
            tasks.start_soon(start)
        await api.provider.started.wait()
        await api.until("select 1 from machines where state = 'requested'")
        api.provider.gate.set()
    assert len({one["sessionId"] for one in answers}) == 1
    assert len(api.provider.machines) == 1
    assert len(await api.sql("select * from interview_sessions")) == 1


async def test_racing_requests_share_the_failure_and_the_key_is_free_again(api):
    api.voice.gate = anyio.Event()
    api.voice.status = 500
    codes = []

    async def start():
        codes.append((await api.start({"architecture": "direct"}, key="race")).code)

    async with anyio.create_task_group() as tasks:
        for _ in range(3):
            tasks.start_soon(start)
        await api.voice.asked.wait()
        api.voice.gate.set()
    assert set(codes) == {"UNAVAILABLE"}
    api.voice.status = 200
    assert (await api.start({"architecture": "direct"}, key="race")).status == 200


async def test_a_key_of_a_session_that_is_over_says_so(api):
    started = await api.started({"architecture": "direct"}, key="done")
    await api.call("POST", f"/v1/sessions/{started['sessionId']}/end", token=api.access_token())
    again = await api.start({"architecture": "direct"}, key="done")
    assert (again.status, again.code) == (410, "SESSION_ENDED")


async def test_a_tenant_cannot_have_more_sessions_than_its_quota(api, admin_dsn):
    tenant_id = await add_tenant(admin_dsn, sessions=2)
    token = api.access_token(tenant_id=tenant_id)
    statuses = []

    async def start():
        statuses.append((await api.start({"architecture": "direct"}, token=token)).status)

    async with anyio.create_task_group() as tasks:
        for _ in range(5):
            tasks.start_soon(start)
    assert sorted(statuses) == [200, 200, 429, 429, 429]
    refused = await api.start({"architecture": "direct"}, token=token)
    assert refused.code == "QUOTA_EXCEEDED"
    assert int(refused.headers["Retry-After"]) > 0
    # Another tenant is not affected, and an ended session makes room.
    await api.started({"architecture": "direct"})
    [row, *_] = await api.sql("select id from interview_sessions where tenant_id = $1", tenant_id)
    await api.call("POST", f"/v1/sessions/{row['id']}/end", token=token)
    assert (await api.start({"architecture": "direct"}, token=token)).status == 200


async def test_who_is_refused_again_and_again_does_not_trouble_the_voice_model(api, admin_dsn):
    token = api.access_token(tenant_id=await add_tenant(admin_dsn, sessions=1))
    assert (await api.start({"architecture": "direct"}, token=token)).status == 200
    statuses = [(await api.start({"architecture": "direct"}, token=token)).status for _ in range(9)]
    assert statuses == [429] * 9
    assert len(api.voice.configurations) <= 2
    # Nor does he slow others down: their key is asked for at once.
    assert (await api.start({"architecture": "direct"})).status == 200


async def test_a_refused_start_leaves_the_warm_machine_to_the_next(database, admin_dsn):
    async with open_scripted_api(database, admin_dsn, warm_machines=1) as api:
        await api.until("select 1 from machines where state = 'ready'")
        [warm] = api.provider.machines
        nobody = api.access_token(tenant_id=await add_tenant(admin_dsn, sessions=0))
        assert (await api.start(token=nobody)).code == "QUOTA_EXCEEDED"
        started = await api.started()
        assert [one.machine.machine_id for one in api.provider.of(started["sessionId"])] == [warm]


@pytest.mark.parametrize(
    ("body", "names"),
    [
        (b"", None),
        (b"{}", None),
        (b"[]", "object"),
        (b"{", "JSON"),
        (b'{"region": "\xff"}', "JSON"),
        (b"[" * 3000, "object"),
        (b'{"a":' * 3000, "a"),
        ({"architecture": "serverless"}, "architecture"),
        ({"sessionConfig": {"maxDuration": 59}}, "maxDuration"),
        ({"sessionConfig": {"maxDuration": 3601}}, "maxDuration"),
        ({"sessionConfig": {"voiceConfig": {"speed": 9}}}, "speed"),
        ({"sessionConfig": {"instructions": "x" * 16_385}}, "instructions"),
        ({"surprise": 1}, "surprise"),
        ({"companyId": "c7b9b8c0-0000-4000-8000-000000000000"}, "companyId"),
        ({"companyId": "nonsense"}, "companyId"),
        ({"sessionData": {"x": "y" * 16_384}}, "sessionData"),
        ({"architecture": "direct", "region": "local"}, "region"),
    ],
)
async def test_what_breaks_the_contract_is_refused_by_name(api, body, names):
    token = api.access_token()
    answer = await api.call("POST", "/functions/v1/interview-start", body, token=token)
    if names is None:
        assert answer.status == 200
        return
    assert (answer.status, answer.code) == (400, "INVALID_REQUEST")
    assert names in answer.json["detail"]
    assert await api.sql("select * from interview_sessions") == []


async def test_bad_keys_are_refused(api):
    for key in ("x" * 256, " "):
        assert (await api.start(key=key)).code == "INVALID_REQUEST"


async def test_what_postgres_cannot_hold_is_taken_out(api):
    started = await api.started(
        {
            "architecture": "direct",
            "sessionData": {"a\x00b": ["c\x00", 1, None]},
            "candidate": {"name": "N\x00"},
        }
    )
    view = await api.call("GET", f"/v1/sessions/{started['sessionId']}", token=api.access_token())
    assert view.json["sessionData"] == {"ab": ["c", 1, None]}
    assert view.json["candidate"]["name"] == "N"


async def test_a_token_of_no_tenant_starts_nothing(api):
    token = api.access_token(tenant_id="6b2f2a52-5d0e-4a0e-9a53-6b8f6cbb1b11")
    assert (await api.start(token=token)).code == "NOT_FOUND"


async def test_the_start_is_in_the_audit_log(api):
    started = await api.started()
    [entry] = await api.sql("select actor, action, object from audit_log")
    assert tuple(entry) == (api.user_id, "session.start", started["sessionId"])


async def test_where_isolation_is_required_no_session_starts_without(database, admin_dsn):
    async with open_scripted_api(database, admin_dsn, require_isolation=True) as api:
        refused = await api.start()
        assert refused.code == "VM_PROVISIONING_FAILED"
        assert "VIVA_REQUIRE_ISOLATION" in refused.json["detail"]
        assert not api.provider.machines
        assert (await api.start({"architecture": "direct"})).status == 200
