"""What must hold of the events of one session together, whatever is said in it.

Source: OpenAI API reference, "Realtime server events".
"""

from collections import Counter
from collections.abc import Sequence
from typing import Any

_TRANSCRIBED = "conversation.item.input_audio_transcription."
_SETTLED = (f"{_TRANSCRIBED}completed", f"{_TRANSCRIBED}failed")

Events = Sequence[dict[str, Any]]


def disorder_of(events: Events, *, transcribes: bool = True) -> list[str]:
    """Name what is out of order in all that one client saw of a session, from its beginning.

    Args:
        events: As they came, to a moment at which nothing is under way.
        transcribes: Whether the session asked for transcripts throughout.
    """
    ids = Counter(event["event_id"] for event in events)
    found = [f"event id {id_} comes {count} times" for id_, count in ids.items() if count > 1]
    found += _of_responses(events)
    found += _of_items(events)
    if transcribes:
        found += _of_transcripts(events)
    if events[:1] and events[0]["type"] != "session.created":
        found.append(f"the first event is {events[0]['type']}")
    return found


def _of_responses(events: Events) -> list[str]:
    """Each response has one beginning and one end, and all that is told of it lies between."""
    found, living, ended = [], set(), set()
    for event in events:
        type_ = event["type"]
        id_ = event["response"]["id"] if "response" in event else event.get("response_id")
        if id_ is None or type_.startswith("output_audio_buffer"):
            continue
        if type_ == "response.created":
            if id_ in living | ended:
                found.append(f"{id_} begins twice")
            living.add(id_)
        elif id_ not in living:
            found.append(f"{type_} of {id_}, which is {'over' if id_ in ended else 'not begun'}")
        elif type_ == "response.done":
            living.remove(id_)
            ended.add(id_)
    return [*found, *(f"{id_} has no end" for id_ in living)]


def _of_items(events: Events) -> list[str]:
    """Each item is added once, after one that is known, and is done after that."""
    found, known, done = [], set(), set()
    for event in events:
        type_, item = event["type"], event.get("item") or {}
        if type_ == "conversation.item.added":
            before = event["previous_item_id"]
            if before is not None and before not in known:
                found.append(f"{item['id']} follows {before}, which is not known")
            if item["id"] in known:
                found.append(f"{item['id']} is added twice")
            known.add(item["id"])
        elif type_ == "conversation.item.done":
            if item["id"] not in known or item["id"] in done:
                found.append(f"{item['id']} is done before it is added, or twice")
            done.add(item["id"])
            if item.get("status") not in (None, "completed", "incomplete"):
                found.append(f"{item['id']} is done and {item['status']}")
    return [*found, *(f"{id_} is never done" for id_ in known - done)]


def _of_transcripts(events: Events) -> list[str]:
    """Each turn that was committed is transcribed or told to have failed; pieces make the whole."""
    committed = {event["item_id"] for event in events if event["type"].endswith(".committed")}
    settled = [event["item_id"] for event in events if event["type"] in _SETTLED]
    found = [f"{id_} is never transcribed" for id_ in committed - set(settled)]
    found += [f"{id_} is settled twice" for id_, n in Counter(settled).items() if n > 1]
    for event in events:
        if event["type"] != f"{_TRANSCRIBED}completed":
            continue
        pieces = [
            other["delta"]
            for other in events
            if other["type"] == f"{_TRANSCRIBED}delta" and other["item_id"] == event["item_id"]
        ]
        if pieces and "".join(pieces) != event["transcript"]:
            found.append(f"the pieces of {event['item_id']} are not its transcript")
    return found
