"""What the engine does not do: OpenAI's shape of error, and a sentence that says what to do."""

import json

import aiohttp
import pytest
from websockets import InvalidStatus, connect

from support.realtime_socket import open_session

ERROR_FIELDS = {"message", "type", "code", "param"}


@pytest.mark.parametrize(
    ("method", "path", "status", "says"),
    [
        ("POST", "/v1/realtime/calls/rtc_1/accept", 404, "SIP"),
        ("POST", "/v1/realtime/calls/rtc_1/reject", 404, "SIP"),
        ("POST", "/v1/realtime/calls/rtc_1/refer", 404, "SIP"),
        ("POST", "/v1/realtime/sessions", 404, "client_secrets"),
        ("POST", "/v1/realtime/transcription_sessions", 404, "type realtime"),
        ("POST", "/v1/realtime/translations/client_secrets", 404, "Translation"),
        ("POST", "/v1/live/sessions", 404, "Realtime API"),
        ("POST", "/v1/realtime?model=any", 426, "/v1/realtime/calls"),
        ("GET", "/v1/models", 404, "Realtime API"),
        ("GET", "/v1/realtime/calls", 405, "Method Not Allowed"),
    ],
)
async def test_a_request_that_is_not_supported_is_told_why(engine, method, path, status, says):
    async with (
        aiohttp.ClientSession(headers=engine.headers) as http,
        http.request(method, engine.url + path) as response,
    ):
        assert response.status == status
        error = (await response.json())["error"]
        assert error.keys() == ERROR_FIELDS
        assert says in error["message"]


async def test_a_socket_to_another_api_is_told_so_before_the_upgrade(engine):
    url = f"{engine.url.replace('http', 'ws')}/v1/live/sessions/one/attach"
    with pytest.raises(InvalidStatus) as refused:
        async with connect(url, additional_headers=engine.headers):
            pass
    assert refused.value.response.status_code == 404
    assert "Live" in json.loads(refused.value.response.body or b"")["error"]["message"]


@pytest.mark.parametrize(
    ("event", "param", "says"),
    [
        (
            {"type": "transcription_session.update", "session": {}},
            "type",
            "transcription_session.update",
        ),
        (
            {"type": "session.update", "session": {"type": "transcription"}},
            "session.type",
            "type realtime",
        ),
        (
            {
                "type": "session.update",
                "session": {"tools": [{"type": "mcp", "server_label": "docs"}]},
            },
            "session.tools[0].type",
            "MCP",
        ),
        (
            {
                "type": "session.update",
                "session": {"tool_choice": {"type": "mcp", "server_label": "docs"}},
            },
            "session.tool_choice.type",
            "MCP",
        ),
        (
            {"type": "session.update", "session": {"prompt": {"id": "pmpt_1"}}},
            "session.prompt",
            "instructions",
        ),
        (
            {"type": "session.update", "session": {"output_modalities": ["text", "audio"]}},
            "session.output_modalities",
            "transcript",
        ),
        (
            {"type": "session.update", "session": {"modalities": ["audio"]}},
            "session.modalities",
            "output_modalities",
        ),
        (
            {
                "type": "session.update",
                "session": {"audio": {"output": {"format": {"type": "audio/pcm", "rate": 8000}}}},
            },
            "session.audio.output.format.rate",
            "24000",
        ),
        (
            {
                "type": "conversation.item.create",
                "item": {
                    "type": "message",
                    "role": "user",
                    "content": [{"type": "input_image", "image_url": "data:image/png;base64,"}],
                },
            },
            "item.content",
            "images",
        ),
        (
            {
                "type": "conversation.item.create",
                "item": {"type": "mcp_approval_response", "approve": True},
            },
            "item.type",
            "message",
        ),
        (
            {"type": "response.create", "response": {"tools": [{"type": "mcp"}]}},
            "response.tools[0].type",
            "MCP",
        ),
        (
            {"type": "response.create", "response": {"conversation": "another"}},
            "response.conversation",
            "auto or none",
        ),
        (
            {"type": "response.create", "response": {"metadata": {"number": 7}}},
            "response.metadata",
            "strings",
        ),
        ({"type": "response.create", "response": {"input": "text"}}, "response.input", "list"),
    ],
)
async def test_an_event_that_is_not_supported_is_told_why_and_the_session_goes_on(
    engine, event, param, says
):
    async with open_session(engine) as client:
        await client.send(event["type"], **without_type(event), event_id="mine")
        error = (await client.until("error"))["error"]
        assert error["event_id"] == "mine"
        assert error["param"] == param
        assert says in error["message"]
        await client.send("session.update", session={"tracing": "auto"})
        await client.until("session.updated")


def without_type(event):
    return {name: value for name, value in event.items() if name != "type"}
