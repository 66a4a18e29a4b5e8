"""Unmodified clients in Node: only their base URL is another."""

import anyio
import pytest

from support.client_scripts import run_node
from support.rtc import open_call
from support.tls import make_certificate, tls_before

QUESTIONS = "Questions:\n1. Which city do you like?\n2. Why did you become a nurse?"


async def test_the_openai_package_in_a_session_and_on_a_sideband(engine, tmp_path):
    """It opens WebSockets by wss alone, so that TLS stands before the engine here."""
    session = {"type": "realtime", "instructions": QUESTIONS}
    certificate = make_certificate(tmp_path)
    async with (
        tls_before(engine.url, certificate) as url,
        open_call(engine.url, engine.key, session) as call,
    ):
        told = await run_node(
            "openai_node.mjs",
            engine,
            ENGINE_URL=url,
            NODE_EXTRA_CA_CERTS=str(certificate),
            CALL_ID=call.call_id,
            INSTRUCTIONS=QUESTIONS,
        )
        with anyio.fail_after(5):
            await call.closed.wait()
    facts = told.facts
    assert facts["secret"] == "ek_"
    assert facts["instructions"] == QUESTIONS
    assert "Which city do you like?" in facts["written"]
    assert facts["error"]["code"] == "response_cancel_not_active"
    assert facts["closed"] == 1000
    assert facts["hungUpTwice"] == {
        "name": "NotFoundError",
        "status": 404,
        "code": "call_id_not_found",
    }
    seen_by_sideband = told.events[
        len(told.events) - 1 - told.types[::-1].index("session.created") :
    ]
    assert [event["event_id"] for event in seen_by_sideband[1:]] == [
        event["event_id"] for event in call.events[1:]
    ]


async def test_the_openai_package_makes_a_call_over_webrtc_and_hangs_it_up(engine):
    told = await run_node("openai_node_webrtc.mjs", engine, INSTRUCTIONS=QUESTIONS)
    assert told.facts["instructions"] == QUESTIONS
    assert "Which city do you like?" in told.facts["said"]
    assert told.facts["loudest"] > 1_000


@pytest.mark.parametrize("transport", ["webrtc", "websocket"])
async def test_the_agents_sdk_holds_a_conversation(engine, answer, transport):
    told = await run_node(
        "agents.mjs", engine, TRANSPORT=transport, SPEECH=answer, INSTRUCTIONS=QUESTIONS
    )
    facts = told.facts
    assert "error" not in facts
    assert "session.updated" not in told.warnings  # it warns where that did not come
    assert facts["loudest"] > 1_000
    greeting, answered, question = facts["history"][:3]
    assert [line["role"] for line in facts["history"][:3]] == ["assistant", "user", "assistant"]
    assert "Which city do you like?" in greeting["text"]
    assert "berlin" in answered["text"].lower()
    if transport == "webrtc":
        assert "Why did you become a nurse?" in question["text"]
        assert facts["callId"].startswith("rtc_")
    else:  # it spoke as soon as the greeting had arrived: what was heard of it, the clock decides
        asked = ("Which city do you like?", "Why did you become a nurse?")
        assert any(one in question["text"] for one in asked)
    assert facts["called"] == [""]
