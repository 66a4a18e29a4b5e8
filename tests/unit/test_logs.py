"""Logs hold what happened, and neither secrets nor people."""

import io
import json
import logging

import pytest
import structlog

from vivavoce.logs import REDACTED, bound, configure_logs, redact_text

JWT = "eyJhbGciOiJFUzI1NiIsImtpZCI6IngifQ.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"


@pytest.fixture
def lines():
    """Whatever is logged, as JSON objects; the process's own logging is put back afterwards."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    stream = io.StringIO()
    configure_logs(format="json", stream=stream)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    root.handlers[:], root.level = handlers, level
    structlog.reset_defaults()


def test_a_line_is_an_object_with_time_level_and_what_is_bound(lines):
    with bound(session_id="s1"):
        structlog.get_logger("vivavoce.test").info("entry stored", item_id="i1")
    structlog.get_logger().info("after")
    first, after = lines()
    assert first["event"] == "entry stored"
    assert (first["session_id"], first["item_id"], first["level"]) == ("s1", "i1", "info")
    assert first["timestamp"].endswith("Z")
    assert "session_id" not in after


def test_personal_data_is_dropped_at_any_depth(lines):
    log = structlog.get_logger()
    log.info("x", **{"pii.email": "ada@x.example", "pii": "Ada", "candidate.pii.name": "Ada"})
    log.info("x", candidate={"pii": {"name": "Ada"}, "id": 1}, pills=3)
    text = json.dumps(lines())
    assert "Ada" not in text
    assert "ada@" not in text
    assert lines()[1]["candidate"] == {"id": 1}
    assert lines()[1]["pills"] == 3


def test_personal_data_is_kept_for_who_asks_for_it(lines):
    stream = io.StringIO()
    configure_logs(format="json", personal_data=True, stream=stream)
    structlog.get_logger().info("x", **{"pii.email": "ada@x.example"})
    assert "ada@x.example" in stream.getvalue()
    assert lines() == []


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        (f"GET /s/1/ws?token={JWT} 101", JWT),
        ("GET /s/1/ws?a=1&token=opaque-token&b=2", "opaque-token"),
        (f"Authorization: Bearer {JWT}", JWT),
        ("authorization: bearer opaque-token", "opaque-token"),
        (f"Sec-WebSocket-Protocol: viva.v1, bearer.{JWT}", JWT),
        ("key sk-proj-1234567890abcdef failed", "sk-proj-1234567890abcdef"),
        ("secret ek_1234567890abcdef used", "ek_1234567890abcdef"),
        ("connect postgres://viva:hunter2@db:5432/x", "hunter2"),
        ("/realtime/v1/websocket?apikey=opaque-token", "opaque-token"),
    ],
)
def test_tokens_are_blotted_out_wherever_they_stand(lines, text, secret):
    structlog.get_logger().info(text, url=text, headers={"x": [text]}, error=ValueError(text))
    logging.getLogger("uvicorn.access").warning("%s", text)
    try:
        int(text)
    except ValueError:
        structlog.get_logger().exception("failed")
    assert len(lines()) == 3
    assert secret not in json.dumps(lines())
    assert REDACTED in json.dumps(lines())


def test_the_rest_of_a_text_stays():
    assert redact_text("GET /s/1/ws?a=1&token=x&b=2 101") == (
        f"GET /s/1/ws?a=1&token={REDACTED}&b=2 101"
    )
    plain = "the bearer of news asked for a task-1234567890"
    assert redact_text(plain) == plain


def test_libraries_log_through_the_same_chain(lines):
    logging.getLogger("uvicorn.error").error("broken %s", "pipe")
    logging.getLogger("aioice.ice").info("candidate pair 10.0.0.1")
    (line,) = lines()
    assert (line["event"], line["level"], line["logger"]) == (
        "broken pipe",
        "error",
        "uvicorn.error",
    )


def test_people_get_text():
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    stream = io.StringIO()
    configure_logs(format="console", level="WARNING", stream=stream)
    structlog.get_logger().info("not shown")
    structlog.get_logger().warning("shown", item_id="i")
    root.handlers[:], root.level = handlers, level
    structlog.reset_defaults()
    assert "not shown" not in stream.getvalue()
    assert "shown" in stream.getvalue()
    assert "item_id=i" in stream.getvalue()
