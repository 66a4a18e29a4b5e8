"""Tokens, counted by rule: what a reply takes of `max_output_tokens`, and what its `usage` says.

The interviewer follows rules and has no tokens of its own. So that limits and accounts do here what
they do at the real service, text counts a token for four bytes of UTF-8, what is said one for 50 ms
and what is heard one for 100 ms; what is begun counts whole. Nothing is ever cached.

Source: OpenAI, "Managing costs" of the Realtime API (audio).
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec

from vivavoce.engine.conversation import Item

_BYTES_A_TOKEN: Final = 4
_SPOKEN_MS_A_TOKEN: Final = 50
_HEARD_MS_A_TOKEN: Final = 100


def text_tokens(text: str) -> int:
    """Count the tokens of a text."""
    return -(-len(text.encode()) // _BYTES_A_TOKEN)


def spoken_tokens(ms: int) -> int:
    """Count the tokens of audio that is said."""
    return -(-ms // _SPOKEN_MS_A_TOKEN)


def input_tokens(session: Mapping[str, Any], items: Iterable[Item]) -> tuple[int, int]:
    """Count what a response is made from, as tokens of text and of audio.

    Args:
        session: Its instructions and tools count.
        items: What was said before it.
    """
    tools = msgspec.json.encode(session["tools"]).decode() if session["tools"] else ""
    text, audio = text_tokens(session["instructions"]) + text_tokens(tools), 0
    for item in items:
        wire = item.wire
        if wire.get("role") == "user" and item.audio_ms:
            audio += -(-item.audio_ms // _HEARD_MS_A_TOKEN)
            text += sum(text_tokens(part.get("text") or "") for part in wire["content"])
            continue
        audio += spoken_tokens(item.audio_ms)
        parts = [item.text, *(wire.get(key, "") for key in ("name", "arguments", "output"))]
        text += sum(map(text_tokens, parts))
    return text, audio


def usage(given: tuple[int, int], made: tuple[int, int]) -> dict[str, Any]:
    """Give the `usage` of a response.

    Args:
        given: Tokens of text and of audio that it was made from.
        made: Tokens of text and of audio that it made.
    """
    return {
        "total_tokens": sum(given) + sum(made),
        "input_tokens": sum(given),
        "output_tokens": sum(made),
        "input_token_details": {
            "text_tokens": given[0],
            "audio_tokens": given[1],
            "cached_tokens": 0,
        },
        "output_token_details": {"text_tokens": made[0], "audio_tokens": made[1]},
    }
