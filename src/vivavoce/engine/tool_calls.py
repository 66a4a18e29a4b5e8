"""Functions that a client makes the engine call (`tool_choice`).

The interviewer is no language model: of its own it calls `end_interview` and nothing else. A
function that `tool_choice` names, or the first one where a call is required, is called once for
each turn, with arguments that fit its schema.

Source: OpenAI API reference, "Realtime session, tool_choice"; JSON Schema, validation vocabulary.
"""

from collections.abc import Mapping
from typing import Any, Final

from vivavoce.engine.interviewer import ToolCall

_MAX_DEPTH: Final = 8
_EMPTY: Final[Mapping[str, Any]] = {
    "string": "",
    "integer": 0,
    "number": 0,
    "boolean": False,
    "array": [],
    "null": None,
}

_Json = Mapping[str, Any]


def forced_call(session: _Json) -> ToolCall | None:
    """Give the call that a session's `tool_choice` demands, or None where it leaves the choice."""
    choice, tools = session["tool_choice"], session["tools"]
    if choice == "required":
        wanted = tools[:1]
    elif isinstance(choice, Mapping):
        wanted = [tool for tool in tools if tool["name"] == choice.get("name")]
    else:
        return None
    for tool in wanted:
        return ToolCall(tool["name"], arguments_for(tool.get("parameters") or {}))
    return None


def arguments_for(schema: _Json) -> dict[str, Any]:
    """Make arguments that have what a function's schema requires, and no more."""
    made = _value(schema, 0)
    return made if isinstance(made, dict) else {}


def _value(schema: object, depth: int) -> Any:
    if not isinstance(schema, Mapping) or depth > _MAX_DEPTH:
        return None
    for name in ("const", "default"):
        if name in schema:
            return schema[name]
    for name in ("enum", "examples", "anyOf", "oneOf"):
        options = schema.get(name)
        if isinstance(options, list) and options:
            return _value(options[0], depth + 1) if name.endswith("Of") else options[0]
    kind = schema.get("type", "object")
    if isinstance(kind, list):
        kind = kind[0] if kind else "null"
    if kind != "object":
        return _smallest(schema, str(kind))
    properties = schema.get("properties")
    required = schema.get("required")
    if not isinstance(properties, Mapping) or not isinstance(required, list):
        return {}
    return {
        name: _value(properties.get(name, {}), depth + 1)
        for name in required
        if isinstance(name, str)
    }


def _smallest(schema: _Json, kind: str) -> Any:
    least = schema.get("minimum")
    if kind in ("integer", "number") and isinstance(least, int | float):
        return least
    return _EMPTY.get(kind)
