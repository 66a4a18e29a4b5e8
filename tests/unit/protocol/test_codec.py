"""Any bytes are a valid message or one clear error."""

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vivavoce.errors import InvalidRequest
from vivavoce.protocol import decode, encode
from vivavoce.protocol.codec import clean_text
from vivavoce.protocol.messages import ClientMessage, SessionMessage
from vivavoce.protocol.realtime import read_event
from vivavoce.protocol.schema import RECEIVED, SENT, documents

SHAPES = {**RECEIVED, **SENT}
shapes = st.sampled_from(sorted(SHAPES))

# Names that the shapes know, so that generated objects get past the first check.
NAMES = sorted(
    {
        name
        for document in documents().values()
        for component in document.get("$defs", {}).values()
        for name in component.get("properties", {})
    }
)
TAGS = sorted(
    tag
    for document in documents().values()
    for tag in document.get("discriminator", {}).get("mapping", {})
)
leaves = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=30)
    | st.sampled_from(TAGS)
    | st.just("2026-11-24T00:00:00Z")
    | st.just("ai")
)
values = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=5), inner, max_size=8)
    ),
    max_leaves=30,
)
objects = st.builds(
    lambda tag, rest: {"type": tag, **rest},
    st.sampled_from(TAGS),
    st.dictionaries(st.sampled_from(NAMES), values, max_size=10),
)


def outcome(data, shape):
    try:
        return decode(data, shape)
    except InvalidRequest as refusal:
        return refusal


def accepts_or_refuses(data, shape):
    message = outcome(data, shape)
    if isinstance(message, InvalidRequest):
        assert 0 < len(message.message) <= 300
    else:
        assert decode(encode(message), shape) == message, "what was accepted survives the way back"


@given(shapes, st.binary(max_size=300) | st.text(max_size=300))
def test_any_bytes_are_a_message_or_one_error(name, data):
    accepts_or_refuses(data, SHAPES[name])


@given(shapes, objects | values)
def test_any_json_is_a_message_or_one_error(name, value):
    accepts_or_refuses(json.dumps(value), SHAPES[name])


@given(st.binary(max_size=300) | st.text(max_size=300) | objects.map(json.dumps))
def test_any_frame_of_the_voice_model_is_an_event_or_nothing(data):
    event = read_event(data)
    assert event is None or isinstance(event, msgspec.Struct)


@pytest.mark.parametrize("name", sorted(SHAPES))
@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff\xfe",
        b'"\xff"',
        b"[" * 60_000,
        b'{"type":' * 7_000,
        b'{"type":"offer"}\x00',
        b"null",
        b"1e999",
        b"NaN",
        b'{"type":"session","sessionId":' + b"9" * 40_000 + b"}",
    ],
    ids=range(10),
)
def test_hostile_text_is_refused(name, data):
    with pytest.raises(InvalidRequest):
        decode(data, SHAPES[name])


def test_what_is_too_large_is_refused_before_it_is_parsed():
    with pytest.raises(InvalidRequest, match="larger than 10 bytes"):
        decode(b"x" * 11, ClientMessage, max_bytes=10)


@pytest.mark.parametrize(
    "body",
    [
        b'{"type":"my-secret","sessionId":"s"}',
        b'{"type":"session","sessionId":{"my-secret":1}}',
        b'{"type":"session","sessionId":"s","data":{"known":{"a":"my-secret"}}}',
        b'{"type":"session","sessionId":"s","data":{"token":["my-secret"]}}',
    ],
)
def test_an_error_names_the_field_and_never_its_value(body):
    with pytest.raises(InvalidRequest) as refused:
        decode(body, ClientMessage)
    assert "my-secret" not in refused.value.message
    assert "$" in refused.value.message


def test_a_message_may_carry_more_than_we_know():
    message = decode(b'{"type":"session","sessionId":"s","later":1}', ClientMessage)
    assert isinstance(message, SessionMessage)


@given(st.text(alphabet=st.characters(codec=None)))
def test_cleaned_text_can_be_stored(text):
    cleaned = clean_text(text)
    assert "\x00" not in cleaned
    cleaned.encode("utf-8")
