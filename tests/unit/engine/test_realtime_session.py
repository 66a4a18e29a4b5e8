"""The session object: what it starts from, what changes it, what is refused."""

import pytest

from vivavoce.engine.realtime_session import default_session, policy_of, updated_session
from vivavoce.engine.refusals import Refused


def test_what_an_update_leaves_out_stays():
    session = updated_session(default_session(), {"instructions": "Ask.", "tracing": "auto"})
    session = updated_session(session, {"audio": {"output": {"voice": "cedar"}}})
    assert session["instructions"] == "Ask."
    assert session["tracing"] == "auto"
    assert session["audio"]["output"]["voice"] == "cedar"
    assert session["audio"]["output"]["speed"] == 1.0


def test_an_update_changes_nothing_in_the_session_before_it():
    before = default_session()
    updated_session(before, {"audio": {"input": {"transcription": {"model": "any"}}}})
    assert before == default_session()


def test_turn_detection_is_shown_whole_and_null_turns_it_off():
    update = {"audio": {"input": {"turn_detection": {"type": "server_vad", "threshold": 0.7}}}}
    session = updated_session(default_session(), update)
    shown = session["audio"]["input"]["turn_detection"]
    assert shown["threshold"] == 0.7
    assert shown["silence_duration_ms"] == 500
    policy = policy_of(session)
    assert policy is not None
    assert policy.threshold == 0.7
    session = updated_session(session, {"audio": {"input": {"turn_detection": None}}})
    assert policy_of(session) is None


def test_names_of_models_voices_and_fields_that_mean_nothing_here_are_taken():
    update = {
        "model": "gpt-realtime-9",
        "reasoning": {"effort": "low"},
        "audio": {"output": {"voice": {"id": "voice_1"}}, "input": {"noise_reduction": None}},
    }
    session = updated_session(default_session(), update)
    assert session["model"] == "gpt-realtime-9"


@pytest.mark.parametrize(
    ("update", "param"),
    [
        (None, "session"),
        ([], "session"),
        ({"type": "transcription"}, "session.type"),
        ({"instructions": 1}, "session.instructions"),
        ({"instructions": "x" * 70_000}, "session.instructions"),
        ({"tools": [{"type": "function"}]}, "session.tools[0]"),
        ({"tools": [{"type": "mcp", "name": "x"}]}, "session.tools[0].type"),
        ({"output_modalities": []}, "session.output_modalities"),
        ({"audio": {"output": {"speed": 9}}}, "session.audio.output.speed"),
        (
            {"audio": {"input": {"turn_detection": {"type": "magic"}}}},
            "session.audio.input.turn_detection",
        ),
        (
            {"audio": {"input": {"turn_detection": {"type": "server_vad", "threshold": 2}}}},
            "session.audio.input.turn_detection",
        ),
    ],
)
def test_a_wrong_value_is_refused_by_the_name_of_its_field(update, param):
    with pytest.raises(Refused) as refused:
        updated_session(default_session(), update)
    assert refused.value.param == param


def test_what_is_nested_without_end_is_refused():
    schema: dict = {}
    for _ in range(500):
        schema = {"properties": schema}
    update = {"tools": [{"type": "function", "name": "deep", "parameters": schema}]}
    with pytest.raises(Refused, match="nested"):
        updated_session(default_session(), update)


def test_audio_formats_are_shown_whole_and_custom_voices_by_their_id():
    update = {
        "audio": {
            "input": {"format": {"type": "audio/pcma", "rate": 8_000}},
            "output": {"format": {"type": "audio/pcm"}, "voice": {"id": "voice_1"}},
        }
    }
    audio = updated_session(default_session(), update)["audio"]
    assert audio["input"]["format"] == {"type": "audio/pcma"}
    assert audio["output"]["format"] == {"type": "audio/pcm", "rate": 24_000}
    assert audio["output"]["voice"] == "voice_1"


def test_null_is_off_where_the_api_says_so_and_nothing_elsewhere():
    session = updated_session(default_session(), {"instructions": "Ask.", "tracing": "auto"})
    nulls = {
        "instructions": None,
        "tools": None,
        "tracing": None,
        "audio": {"input": {"transcription": None, "format": None}, "output": None},
    }
    session = updated_session(session, nulls)
    assert session["instructions"] == "Ask."
    assert session["tools"] == []
    assert session["tracing"] is None
    assert session["audio"]["input"]["format"] == {"type": "audio/pcm", "rate": 24_000}
