"""Tokens by rule: what is counted, for what a reply is made from and for what it makes."""

import pytest

from vivavoce.engine.conversation import (
    Conversation,
    Segment,
    assistant_item,
    client_item,
    first_words,
    user_audio_item,
)
from vivavoce.engine.events import EventStream
from vivavoce.engine.realtime_session import default_session, updated_session
from vivavoce.engine.response import Response, Wish
from vivavoce.engine.usage import input_tokens, spoken_tokens, text_tokens


def test_what_is_begun_counts_whole():
    assert [text_tokens(text) for text in ("", "a", "four", "fives", "é" * 4)] == [0, 1, 1, 2, 2]
    assert [spoken_tokens(ms) for ms in (0, 1, 50, 51)] == [0, 1, 1, 2]


def test_a_conversation_counts_its_text_and_its_audio():
    heard = user_audio_item("u")
    heard.audio_ms = 1_001
    heard.wire["content"][0]["transcript"] = "These words were heard, not read."
    reply = assistant_item("a")
    reply.wire["content"] = [{"type": "output_audio", "transcript": "One two three four"}]
    reply.segments, reply.audio_ms = [Segment("One two three four", 2_000)], 2_000
    called = client_item(
        {"type": "function_call", "name": "look", "call_id": "c", "arguments": "{}"}
    )
    session = updated_session(default_session(), {"instructions": "Ask."})
    assert input_tokens(session, []) == (1, 0)
    assert input_tokens(session, [heard]) == (1, 11)
    assert input_tokens(session, [reply]) == (1 + 5, 40)
    assert input_tokens(session, [called]) == (1 + 1 + 1, 0)
    reply.cut(1_000)
    assert input_tokens(session, [reply]) == (1 + 2, 20)


@pytest.mark.parametrize("limit", [1, 5, 17, 30, 44, 45, 46, 4_096, "inf"])
async def test_as_many_words_are_said_as_there_is_room_for(limit):
    whole = Segment("One two three four", 2_000)
    session = updated_session(default_session(), {"max_output_tokens": limit})
    response = Response(Wish(session), Conversation(), EventStream())
    said = response.fitting(whole)
    assert response.is_full is (said != whole)
    assert (said == whole) is (limit == "inf" or limit >= 45)
    if response.is_full:
        count = len(said.text.split())
        more = first_words(whole, count + 1)
        assert text_tokens(said.text) + spoken_tokens(said.ms) <= limit or not said.text
        assert text_tokens(more.text) + spoken_tokens(more.ms) > limit
