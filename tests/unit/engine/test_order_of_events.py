"""The checker of orders itself: it finds each kind of disorder, and none where there is none."""

import copy

import pytest

from support.realtime_order import disorder_of


def event(type_, **fields):
    return {"type": type_, **fields}


def item(id_, status="completed"):
    return {"id": id_, "type": "message", "status": status}


SESSION = [
    event("session.created"),
    event("input_audio_buffer.committed", item_id="u", previous_item_id=None),
    event("conversation.item.added", previous_item_id=None, item=item("u")),
    event("conversation.item.done", previous_item_id=None, item=item("u")),
    event("conversation.item.input_audio_transcription.delta", item_id="u", delta="Yes."),
    event("conversation.item.input_audio_transcription.completed", item_id="u", transcript="Yes."),
    event("response.created", response={"id": "r"}),
    event("response.output_item.added", response_id="r", item=item("a", "in_progress")),
    event("conversation.item.added", previous_item_id="u", item=item("a", "in_progress")),
    event("response.output_item.done", response_id="r", item=item("a")),
    event("conversation.item.done", previous_item_id="u", item=item("a")),
    event("response.done", response={"id": "r"}),
]


def numbered(events):
    return [{"event_id": f"e{n}", **one} for n, one in enumerate(copy.deepcopy(events))]


def test_a_session_in_order_has_no_disorder():
    assert disorder_of(numbered(SESSION)) == []


@pytest.mark.parametrize("gone", [0, 2, 3, 5, 6, 8, 10, 11])
def test_an_event_that_is_missing_is_found(gone):
    assert disorder_of(numbered(SESSION[:gone] + SESSION[gone + 1 :]))


@pytest.mark.parametrize("twice", [2, 3, 5, 6, 8, 10, 11])
def test_an_event_that_comes_twice_is_found(twice):
    assert disorder_of(numbered([*SESSION[: twice + 1], *SESSION[twice:]]))


@pytest.mark.parametrize(("moved", "behind"), [(7, 11), (2, 3), (8, 10), (6, 7)])
def test_an_event_in_the_wrong_place_is_found(moved, behind):
    rest = SESSION[:moved] + SESSION[moved + 1 :]
    assert disorder_of(numbered([*rest[:behind], SESSION[moved], *rest[behind:]]))


def test_ids_and_pieces_that_do_not_fit_are_found():
    events = numbered(SESSION)
    events[3]["event_id"] = events[2]["event_id"]
    assert disorder_of(events)
    events = numbered(SESSION)
    events[4]["delta"] = "No."
    assert disorder_of(events)
    events = numbered(SESSION)
    events[8]["previous_item_id"] = "nobody"
    assert disorder_of(events)
