"""The configuration of one call: OpenAI's `session` object, its defaults and its updates.

Fields that mean nothing to this engine (model, voice, noise reduction, tracing, truncation) are
taken, kept and shown again, so that clients of the real service need no change. Values of a wrong
type are refused by the name of the field.
"""

import copy
from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from vivavoce.engine.refusals import Refused
from vivavoce.engine.turn import TurnPolicy

MAX_INSTRUCTIONS_CHARACTERS: Final = 65_536
_MAX_TOOLS: Final = 64
_DEFAULT_MODEL: Final = "vivavoce-local"
_DEFAULT_VOICE: Final = "heart"

_TURN_DETECTION: Final[Mapping[str, Mapping[str, Any]]] = {
    "server_vad": {
        "threshold": 0.5,
        "prefix_padding_ms": 300,
        "silence_duration_ms": 500,
        "idle_timeout_ms": None,
        "create_response": True,
        "interrupt_response": True,
    },
    "semantic_vad": {"eagerness": "auto", "create_response": True, "interrupt_response": True},
}

_Json = dict[str, Any]
_Speed = Annotated[float, Meta(ge=0.25, le=1.5)]
_Name = Annotated[str, Meta(max_length=200)]
_Modalities = Annotated[list[Literal["audio", "text"]], Meta(min_length=1, max_length=2)]


class _Tool(Struct):
    type: Literal["function"]
    name: Annotated[str, Meta(min_length=1, max_length=64)]
    description: str = ""
    parameters: _Json | None = None


class _Input(Struct):
    format: _Json | UnsetType | None = UNSET
    transcription: _Json | UnsetType | None = UNSET
    noise_reduction: _Json | UnsetType | None = UNSET
    turn_detection: _Json | UnsetType | None = UNSET


class _Output(Struct):
    format: _Json | UnsetType | None = UNSET
    voice: _Name | _Json | UnsetType = UNSET
    speed: _Speed | UnsetType = UNSET


class _Audio(Struct):
    input: _Input | UnsetType = UNSET
    output: _Output | UnsetType = UNSET


class _Session(Struct):
    type: Literal["realtime"] | UnsetType = UNSET
    model: _Name | UnsetType | None = UNSET
    instructions: (
        Annotated[str, Meta(max_length=MAX_INSTRUCTIONS_CHARACTERS)] | UnsetType | None
    ) = UNSET
    output_modalities: _Modalities | UnsetType = UNSET
    audio: _Audio | UnsetType = UNSET
    tools: Annotated[list[_Tool], Meta(max_length=_MAX_TOOLS)] | UnsetType | None = UNSET
    tool_choice: str | _Json | UnsetType | None = UNSET
    max_output_tokens: int | Literal["inf"] | UnsetType | None = UNSET
    tracing: Literal["auto"] | _Json | UnsetType | None = UNSET
    truncation: str | _Json | UnsetType | None = UNSET
    prompt: _Json | UnsetType | None = UNSET
    include: list[str] | UnsetType | None = UNSET


def default_session() -> _Json:
    """Give the session of a call that asks for nothing."""
    return {
        "type": "realtime",
        "object": "realtime.session",
        "model": _DEFAULT_MODEL,
        "output_modalities": ["audio"],
        "instructions": "",
        "tools": [],
        "tool_choice": "auto",
        "max_output_tokens": "inf",
        "tracing": None,
        "truncation": "auto",
        "prompt": None,
        "include": None,
        "audio": {
            "input": {
                "format": {"type": "audio/pcm", "rate": 24_000},
                "transcription": None,
                "noise_reduction": None,
                "turn_detection": {"type": "server_vad", **_TURN_DETECTION["server_vad"]},
            },
            "output": {
                "format": {"type": "audio/pcm", "rate": 24_000},
                "voice": _DEFAULT_VOICE,
                "speed": 1.0,
            },
        },
    }


def updated_session(session: Mapping[str, Any], update: object) -> _Json:
    """Return a session with an update applied: fields that are present replace, others stay.

    Raises:
        Refused: If a field has a value that the API does not have; names it.
    """
    given = _checked(update)
    merged = copy.deepcopy(dict(session))
    for name, value in given.items():
        if name == "audio":
            for side in ("input", "output"):
                merged["audio"][side] |= value.get(side, {})
        else:
            merged[name] = value
    for name, empty in (("instructions", ""), ("tools", []), ("tool_choice", "auto")):
        if merged[name] is None:
            merged[name] = empty
    policy_of(merged)
    if turns := merged["audio"]["input"]["turn_detection"]:
        kind = turns.get("type") or "server_vad"
        merged["audio"]["input"]["turn_detection"] = {
            **_TURN_DETECTION[kind],
            **turns,
            "type": kind,
        }
    return merged


def policy_of(session: Mapping[str, Any]) -> TurnPolicy | None:
    """Give the turn policy of a session, or None where the client ends turns itself.

    Raises:
        Refused: If `turn_detection` has a value that the API does not have.
    """
    wire = session["audio"]["input"]["turn_detection"]
    if wire is None:
        return None
    try:
        return TurnPolicy.from_turn_detection(wire)
    except ValueError as error:
        raise Refused(
            f"Invalid session.audio.input.{error}.",
            code="invalid_value",
            param="session.audio.input.turn_detection",
        ) from error


def _checked(update: object) -> _Json:
    """Check the types of an update and return the fields of it that the engine knows."""
    if isinstance(update, Mapping) and update.get("type") == "transcription":
        raise Refused(
            "Transcription sessions are not supported; use type realtime.",
            code="invalid_value",
            param="session.type",
        )
    try:
        checked = msgspec.convert(update, _Session)
    except msgspec.ValidationError as error:
        message, _, path = str(error).partition(" - at `$")
        field = "session" + path.rstrip("`")
        raise Refused(
            f"Invalid value for {field}: {message}.", code="invalid_value", param=field
        ) from error
    fields: _Json = msgspec.to_builtins(checked)
    return fields
