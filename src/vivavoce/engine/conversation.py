"""The items of a call's conversation, in order. No I/O.

Source: OpenAI API reference, "Realtime conversation items".
"""

import json
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any, Final

from vivavoce.engine.events import from_base64, new_id
from vivavoce.engine.interviewer import Line
from vivavoce.engine.refusals import Refused
from vivavoce.engine.spoken import spoken

ROOT: Final = "root"
_MAX_ITEMS: Final = 5_000
_MAX_ITEM_BYTES: Final = 65_536
_MAX_RECORDING_BYTES: Final = 7_000_000  # G.711: just under the 15 minutes that can be transcribed
_MAX_CLIENT_BYTES: Final = 4 * 1024 * 1024
_LETTERS_OF_A_DIGIT: Final = 5  # measured on the bundled voice, as is the next
_LETTERS_OF_A_WORD: Final = 3
_BARELY_HEARD_MS: Final = 1_500
_TEXT_PARTS: Final[Mapping[str, frozenset[str]]] = {
    "user": frozenset({"input_text", "input_audio"}),
    "system": frozenset({"input_text"}),
    "assistant": frozenset({"output_text"}),
}


@dataclass(frozen=True, slots=True)
class Segment:
    """A sentence as it was spoken: its words and how long they take, in milliseconds."""

    text: str
    ms: int


@dataclass(slots=True)
class Item:
    """One item: what goes over the wire, and how its audio was spoken."""

    wire: dict[str, Any]
    segments: list[Segment] = field(default_factory=list)
    is_truncated: bool = False
    is_barely_heard: bool = False  # cut off right at its start: the speaker before it went on
    is_heard: bool = True  # False while the transcription of a user's audio is under way
    is_doubtful: bool = False  # the words may be misheard
    audio_ms: int = 0  # of what the client has said, or heard of a reply
    audio: bytes = b""  # of a client's item, as it came, until it is heard
    audio_index: int = 0  # of the content part that holds the audio

    @property
    def id(self) -> str:
        """Its identifier."""
        identifier: str = self.wire["id"]
        return identifier

    @property
    def text(self) -> str:
        """Its words, spoken or written, as far as they are known."""
        parts = self.wire.get("content", [])
        return " ".join(part.get("transcript") or part.get("text") or "" for part in parts).strip()

    def cut(self, ms: int) -> None:
        """Keep of a spoken item the words of its first milliseconds."""
        self.wire["content"][0]["transcript"] = heard_words(self.segments, ms)
        self.wire["status"] = "incomplete"
        self.audio_ms = min(self.audio_ms, ms)
        self.is_truncated = True
        self.is_barely_heard = ms < _BARELY_HEARD_MS

    @property
    def is_spoken(self) -> bool:
        """Whether it is a reply that is spoken, and not only written."""
        parts = self.wire.get("content") or [{}]
        return bool(parts[0].get("type") == "output_audio")

    @property
    def spoken_ms(self) -> int:
        """Length of its audio."""
        return sum(segment.ms for segment in self.segments)


class Conversation:
    """The items of one call."""

    def __init__(self) -> None:
        self.id = new_id("conv")
        self._items: list[Item] = []
        self._client_bytes = 0  # of all that clients have put in, deleted or not

    @property
    def last_id(self) -> str | None:
        """Identifier of the last item."""
        return self._items[-1].id if self._items else None

    def get(self, item_id: object) -> Item:
        """Find an item.

        Raises:
            Refused: If there is none by that id.
        """
        return self._items[self._index(item_id)]

    def add(self, item: Item, after: str | None = None) -> str | None:
        """Insert an item and return the id of the one before it.

        Args:
            item: The item.
            after: Id of the item that it follows, `root` for the start, None for the end.

        Raises:
            Refused: If `after` names no item, the id is taken, or the conversation is full.
        """
        if len(self._items) >= _MAX_ITEMS:
            raise Refused("The conversation is full.", code="conversation_full")
        if any(known.id == item.id for known in self._items):
            raise Refused(
                "An item with this id exists.", code="item_id_already_exists", param="item.id"
            )
        match after:
            case None:
                position = len(self._items)
            case _ if after == ROOT:
                position = 0
            case _:
                position = self._index(after, "previous_item_id") + 1
        self._items.insert(position, item)
        return self._items[position - 1].id if position else None

    def before(self, item_id: str) -> str | None:
        """Give the id of the item before one, or None if it is the first or was deleted."""
        ids = [item.id for item in self._items]
        position = ids.index(item_id) if item_id in ids else 0
        return ids[position - 1] if position else None

    def add_from_client(self, given: object, after: str | None) -> tuple[Item, str | None]:
        """Insert what a client sent; return the item and the id of the one before it.

        Raises:
            Refused: As `client_item` and `add`, or if clients have sent more than 4 MiB.
        """
        item = client_item(given)
        self._client_bytes += len(json.dumps(item.wire))
        if self._client_bytes > _MAX_CLIENT_BYTES:
            raise Refused("The conversation is full.", code="conversation_full")
        return item, self.add(item, after)

    def delete(self, item_id: object) -> None:
        """Remove an item.

        Raises:
            Refused: If there is none by that id.
        """
        del self._items[self._index(item_id)]

    @property
    def items(self) -> Sequence[Item]:
        """All items, in order."""
        return self._items

    @property
    def is_begun(self) -> bool:
        """Whether anything was said to the client, or given as said."""
        return any(item.wire.get("role") == "assistant" and item.text for item in self._items)

    def lines(self) -> list[Line]:
        """Give what was said, for the interviewer."""
        return lines_of(self._items)

    def is_answered(self, item: Item) -> bool:
        """Whether a reply stands after an item."""
        later = self._items[self._items.index(item) + 1 :] if item in self._items else []
        return any(other.wire.get("role") == "assistant" for other in later)

    def _index(self, item_id: object, param: str = "item_id") -> int:
        for index, item in enumerate(self._items):
            if item.id == item_id:
                return index
        raise Refused(
            "There is no item by that id in the conversation.",
            code="item_not_found",
            param=param,
        )


def lines_of(items: Sequence[Item]) -> list[Line]:
    """Give what was said in items, for the interviewer.

    A reply that was cut off right at its start by who had been speaking before was not asked for:
    the turn before it goes on, and what was heard of the reply does not count as said.
    """
    lines: list[Line] = []
    for item in items:
        role = item.wire.get("role")
        if item.wire["type"] != "message" or not item.is_heard:
            continue
        if role == "user":
            lines.append(Line("candidate", item.text, doubtful=item.is_doubtful))
        elif item.is_barely_heard and lines and lines[-1].speaker == "candidate":
            continue
        elif role == "assistant" and (item.text or item.is_truncated):
            lines.append(Line("ai", item.text, truncated=item.is_truncated))
    return lines


def user_audio_item(item_id: str) -> Item:
    """Make the item of a turn that was committed and not yet transcribed."""
    content = [{"type": "input_audio", "transcript": None}]
    return Item(_message(item_id, "user", "completed", content), is_heard=False)


def assistant_item(item_id: str) -> Item:
    """Make the item of a reply that has just begun."""
    return Item(_message(item_id, "assistant", "in_progress", []))


def function_call_item(name: str, arguments: Mapping[str, Any]) -> Item:
    """Make the item of a function call, without its arguments on the wire yet."""
    return Item(
        {
            "id": new_id("item"),
            "object": "realtime.item",
            "type": "function_call",
            "status": "in_progress",
            "name": name,
            "call_id": new_id("call"),
            "arguments": json.dumps(dict(arguments)),
        }
    )


def client_item(given: object) -> Item:
    """Make an item from what a client sent.

    Raises:
        Refused: If it is none that a client may create; assistant audio is not.
    """
    if not isinstance(given, dict):
        raise _bad_item("item must be an object", "item")
    item_id = given.get("id")
    if item_id is not None and not (isinstance(item_id, str) and 0 < len(item_id) <= 64):  # noqa: PLR2004
        raise _bad_item("item.id must be a string of at most 64 characters", "item.id")
    item_id = item_id or new_id("item")
    item = _of_type(item_id, given)
    if len(json.dumps(item.wire)) > _MAX_ITEM_BYTES:
        raise _bad_item("item must have at most 64 KiB, audio apart", "item")
    return item


def _of_type(item_id: str, given: Mapping[str, Any]) -> Item:
    match given.get("type"):
        case "message":
            return _client_message(item_id, given)
        case "function_call":
            return Item(_with_strings(given, item_id, "name", "call_id", "arguments"))
        case "function_call_output":
            return Item(_with_strings(given, item_id, "call_id", "output"))
        case _:
            raise _bad_item(
                "item.type must be message, function_call or function_call_output", "item.type"
            )


def _client_message(item_id: str, given: Mapping[str, Any]) -> Item:
    role, content = given.get("role"), given.get("content")
    allowed = _TEXT_PARTS.get(role) if isinstance(role, str) else None
    if allowed is None or not isinstance(content, list):
        raise _bad_item("a message has a role (user, system, assistant) and content", "item.role")
    parts = [_client_part(part, allowed) for part in content]
    item = Item(_message(item_id, str(role), "completed", parts))
    for index, (part, shown) in enumerate(zip(content, parts, strict=True)):
        if shown.get("transcript", "") is None:
            if item.audio:
                raise _bad_item("an item holds one recording at most", "item.content")
            item.audio = from_base64(part.get("audio"), "item.content[].audio")
            if len(item.audio) > _MAX_RECORDING_BYTES:
                raise _bad_item("a recording has at most 7 MB", "item.content")
            item.audio_index, item.is_heard = index, not item.audio
    return item


def _client_part(part: object, allowed: frozenset[str]) -> dict[str, Any]:
    kind = part.get("type") if isinstance(part, dict) else None
    if kind == "input_image":
        raise _bad_item("images are not supported; describe them in input_text", "item.content")
    if not isinstance(part, dict) or kind not in allowed:
        raise _bad_item(
            f"item.content[].type must be one of {', '.join(sorted(allowed))}", "item.content"
        )
    if kind == "input_audio" and part.get("transcript") is None and "audio" in part:
        return {"type": kind, "transcript": None}
    name = "transcript" if kind == "input_audio" else "text"
    text = part.get(name)
    if not isinstance(text, str):
        raise _bad_item(f"item.content[].{name} must be a string", "item.content")
    return {"type": kind, name: text}


def _with_strings(given: Mapping[str, Any], item_id: str, *names: str) -> dict[str, Any]:
    wire = {"id": item_id, "object": "realtime.item", "type": given["type"], "status": "completed"}
    for name in names:
        value = given.get(name)
        if not isinstance(value, str):
            raise _bad_item(f"item.{name} must be a string", f"item.{name}")
        wire[name] = value
    return wire


def _message(item_id: str, role: str, status: str, content: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "id": item_id,
        "object": "realtime.item",
        "type": "message",
        "status": status,
        "role": role,
        "content": content,
    }


def _bad_item(message: str, param: str) -> Refused:
    return Refused(f"Invalid item: {message}.", code="invalid_value", param=param)


def heard_words(segments: list[Segment], ms: int) -> str:
    """Give the words of the first `ms` milliseconds; of a cut sentence, those that had been said.

    A word takes its part of a sentence by the letters of what is said for it: "$1,250" is long.
    """
    heard: list[str] = []
    for segment in segments:
        if ms >= segment.ms:
            heard.append(segment.text)
            ms -= segment.ms
            continue
        said, ends = _words_and_ends(segment.text)
        reached = ends[-1] * max(ms, 0) / max(segment.ms, 1) if ends else 0
        heard.append(" ".join(said[: bisect_right(ends, reached)]))
        break
    return " ".join(text for text in heard if text)


def first_words(segment: Segment, count: int) -> Segment:
    """Give the first words of a sentence, and how long they take."""
    words, ends = _words_and_ends(segment.text)
    if count >= len(words):
        return segment
    ms = segment.ms * ends[count - 1] // max(ends[-1], 1) if count else 0
    return Segment(" ".join(words[:count]), ms)


def _words_and_ends(text: str) -> tuple[list[str], list[int]]:
    words = text.split()
    return words, list(accumulate(map(_spoken_letters, words)))


def _spoken_letters(word: str) -> int:
    """Count the letters of what is said for a word, and some for its being a word."""
    return _LETTERS_OF_A_WORD + sum(
        _LETTERS_OF_A_DIGIT if character.isdigit() else character.isalpha()
        for character in spoken(word)
    )
