"""Which function a client makes the engine call, and with what."""

import jsonschema
import pytest

from vivavoce.engine.tool_calls import arguments_for, forced_call

WEATHER = {
    "type": "function",
    "name": "weather",
    "parameters": {
        "type": "object",
        "properties": {
            "city": {"type": "string"},
            "days": {"type": "integer", "minimum": 1},
            "unit": {"enum": ["celsius", "fahrenheit"]},
        },
        "required": ["city", "days", "unit"],
        "additionalProperties": False,
    },
}
CLOCK = {"type": "function", "name": "clock"}


def session(choice, *tools):
    return {"tool_choice": choice, "tools": list(tools)}


@pytest.mark.parametrize(
    ("choice", "name"),
    [
        ("auto", None),
        ("none", None),
        ("required", "weather"),
        ({"type": "function", "name": "clock"}, "clock"),
        ({"type": "function", "name": "unknown"}, None),
    ],
)
def test_a_function_is_called_where_the_choice_demands_it(choice, name):
    call = forced_call(session(choice, WEATHER, CLOCK))
    assert (call.name if call else None) == name


def test_nothing_can_be_called_where_nothing_is_offered():
    assert forced_call(session("required")) is None


@pytest.mark.parametrize(
    "schema",
    [
        WEATHER["parameters"],
        {
            "type": "object",
            "properties": {"a": {"anyOf": [{"type": "boolean"}]}},
            "required": ["a"],
        },
        {
            "type": "object",
            "properties": {
                "who": {
                    "type": "object",
                    "properties": {"name": {"type": ["string", "null"]}, "age": {"const": 7}},
                    "required": ["name", "age"],
                },
                "tags": {"type": "array", "items": {"type": "string"}},
            },
            "required": ["who", "tags"],
        },
        {"type": "object"},
    ],
)
def test_arguments_fit_their_schema(schema):
    jsonschema.validate(arguments_for(schema), schema)


@pytest.mark.parametrize("schema", [{}, {"type": "string"}, {"required": 3}, {"type": []}])
def test_a_schema_that_says_nothing_gives_no_arguments(schema):
    assert arguments_for(schema) == {}


def test_a_schema_without_end_is_followed_only_so_far():
    schema: dict = {"type": "object", "required": ["a"]}
    schema["properties"] = {"a": schema}
    assert "a" in arguments_for(schema)
