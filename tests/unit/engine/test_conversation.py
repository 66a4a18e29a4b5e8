"""The items of a call, without a call."""

import pytest

from vivavoce.engine.conversation import (
    Conversation,
    Segment,
    assistant_item,
    client_item,
    heard_words,
    user_audio_item,
)
from vivavoce.engine.interviewer import Line
from vivavoce.engine.refusals import Refused

SPOKEN = [Segment("One two.", 1_000), Segment("Three four five six.", 2_000)]


def written(role, text, item_id):
    kind = "output_text" if role == "assistant" else "input_text"
    content = [{"type": kind, "text": text}]
    return client_item({"id": item_id, "type": "message", "role": role, "content": content})


@pytest.mark.parametrize(
    ("ms", "words"),
    [
        (0, ""),
        (499, ""),
        (500, "One"),
        (1_000, "One two."),
        (1_571, "One two."),
        (1_572, "One two. Three"),
        (2_100, "One two. Three four"),
        (3_000, "One two. Three four five six."),
        (9_000, "One two. Three four five six."),
    ],
)
def test_what_was_heard_of_an_item_follows_its_audio(ms, words):
    assert heard_words(SPOKEN, ms) == words


def test_a_word_takes_as_long_as_what_is_said_for_it():
    segments = [Segment("It costs $125,000 now.", 3_000)]
    assert heard_words(segments, 1_500) == "It costs"
    assert heard_words(segments, 2_750) == "It costs $125,000"


def test_items_stand_where_they_are_put():
    conversation = Conversation()
    assert conversation.add(written("user", "b", "b")) is None
    assert conversation.add(written("user", "a", "a"), "root") is None
    assert conversation.add(written("user", "ab", "ab"), "a") == "a"
    assert conversation.before("b") == "ab"
    assert [line.text for line in conversation.lines()] == ["a", "ab", "b"]
    conversation.delete("ab")
    assert conversation.before("b") == "a"


def test_the_interviewer_sees_only_what_was_said():
    conversation = Conversation()
    conversation.add(written("system", "Be kind.", "s"))
    conversation.add(written("assistant", "Hello.", "a"))
    unheard = user_audio_item("u")
    conversation.add(unheard)
    cut = assistant_item("c")
    cut.wire["content"] = [{"type": "output_audio", "transcript": "One two. Three four five six."}]
    cut.segments = SPOKEN
    cut.cut(2_100)
    conversation.add(cut)
    assert conversation.lines() == [
        Line("ai", "Hello."),
        Line("ai", "One two. Three four", truncated=True),
    ]
    unheard.wire["content"][0]["transcript"] = "Yes."
    unheard.is_heard = True
    assert Line("candidate", "Yes.") in conversation.lines()


@pytest.mark.parametrize(
    ("given", "param"),
    [
        (None, "item"),
        ("text", "item"),
        ({"type": "mcp_call"}, "item.type"),
        ({"type": "message", "role": "nobody", "content": []}, "item.role"),
        ({"type": "message", "role": ["user"], "content": []}, "item.role"),
        ({"type": "message", "role": "user", "content": ["text"]}, "item.content"),
        (
            {"type": "message", "role": "assistant", "content": [{"type": "output_audio"}]},
            "item.content",
        ),
        ({"type": "message", "role": "user", "content": [{"type": "input_text"}]}, "item.content"),
        ({"type": "function_call_output", "call_id": "c"}, "item.output"),
        ({"type": "message", "id": "i" * 65}, "item.id"),
        (
            {
                "type": "message",
                "role": "user",
                "content": [{"type": "input_text", "text": "x" * 70_000}],
            },
            "item",
        ),
        (
            {"type": "message", "role": "user", "content": [{"type": "input_image"}]},
            "item.content",
        ),
    ],
)
def test_an_item_that_no_client_may_create_is_refused_by_its_field(given, param):
    with pytest.raises(Refused) as refused:
        client_item(given)
    assert refused.value.param == param


def test_an_id_is_taken_once():
    conversation = Conversation()
    conversation.add(written("user", "a", "a"))
    with pytest.raises(Refused, match="exists"):
        conversation.add(written("user", "b", "a"))


def test_clients_cannot_fill_the_memory():
    conversation = Conversation()
    content = [{"type": "input_text", "text": "x" * 60_000}]
    item = {"type": "message", "role": "user", "content": content}
    for _ in range(60):
        conversation.add_from_client(item, None)
        conversation.delete(conversation.last_id)
    with pytest.raises(Refused, match="full"):
        _ = [conversation.add_from_client(item, None) for _ in range(20)]
