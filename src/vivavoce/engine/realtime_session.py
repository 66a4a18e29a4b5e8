"""The configuration of one call: OpenAI's `session` object, its defaults and its updates.

Fields that mean nothing to this engine (model, noise reduction, tracing, truncation, reasoning)
are taken, kept and shown again, so that clients of the real service need no change.
Values of a wrong type are refused by the name of the field; unknown fields are not kept.
"""

import copy
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

import msgspec

from vivavoce.engine.realtime_fields import Json, Session
from vivavoce.engine.refusals import Refused
from vivavoce.engine.turn import TurnPolicy

_MAX_DEPTH: Final = 64
_DEFAULT_MODEL: Final = "vivavoce-local"
_DEFAULT_VOICE: Final = "heart"
_PCM: Final = MappingProxyType({"type": "audio/pcm", "rate": 24_000})

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
# Where null does not mean "off" but "as if it were not there".
_NOT_NULL: Final = frozenset(
    ("model", "instructions", "output_modalities", "tools", "tool_choice", "max_output_tokens")
)
_GA_NAMES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "modalities": "output_modalities",
        "voice": "audio.output.voice",
        "speed": "audio.output.speed",
        "turn_detection": "audio.input.turn_detection",
        "input_audio_format": "audio.input.format",
        "output_audio_format": "audio.output.format",
        "input_audio_transcription": "audio.input.transcription",
        "input_audio_noise_reduction": "audio.input.noise_reduction",
        "max_response_output_tokens": "max_output_tokens",
    }
)


def default_session() -> Json:
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
                "format": dict(_PCM),
                "transcription": None,
                "noise_reduction": None,
                "turn_detection": {"type": "server_vad", **_TURN_DETECTION["server_vad"]},
            },
            "output": {"format": dict(_PCM), "voice": _DEFAULT_VOICE, "speed": 1.0},
        },
    }


def updated_session(session: Mapping[str, Any], update: object, name: str = "session") -> Json:
    """Return a session with an update applied: fields that are present replace, others stay.

    Args:
        session: As it is.
        update: Fields of OpenAI's `session`, or of the `response` of `response.create`.
        name: What errors call the update.

    Raises:
        Refused: If a field has a value that the API does not have, or asks for what the engine
            has not; names it.
    """
    given = _checked(update, name)
    merged = copy.deepcopy(dict(session))
    audio = given.pop("audio", None) or {}
    merged |= {
        key: value for key, value in given.items() if value is not None or key not in _NOT_NULL
    }
    for side, not_null in (("input", {"format"}), ("output", {"format", "voice", "speed"})):
        wanted = audio.get(side) or {}
        merged["audio"][side] |= {
            key: value for key, value in wanted.items() if value is not None or key not in not_null
        }
    _settle_audio(merged["audio"], name)
    policy_of(merged)
    if turns := merged["audio"]["input"]["turn_detection"]:
        kind = turns.get("type") or "server_vad"
        known = _TURN_DETECTION[kind]
        chosen = {key: turns[key] for key in known if turns.get(key) is not None}
        merged["audio"]["input"]["turn_detection"] = {**known, **chosen, "type": kind}
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


def _settle_audio(audio: Json, name: str) -> None:
    """Bring formats and voice into the form in which they are shown."""
    for side in ("input", "output"):
        format_ = audio[side]["format"]
        is_pcm = format_["type"] == _PCM["type"]
        if format_.get("rate") not in (None, 24_000 if is_pcm else 8_000):
            rate = "24000" if is_pcm else "8000"
            raise _invalid(
                f"{name}.audio.{side}.format.rate", f"{format_['type']} has a rate of {rate}"
            )
        audio[side]["format"] = dict(_PCM) if is_pcm else {"type": format_["type"]}
    voice = audio["output"]["voice"]
    audio["output"]["voice"] = voice["id"] if isinstance(voice, Mapping) else voice


def _checked(update: object, name: str) -> Json:
    """Check the types of an update and return the fields of it that the engine knows."""
    if _is_deeper(update, _MAX_DEPTH):
        raise _invalid(name, f"it is nested more than {_MAX_DEPTH} levels deep")
    if isinstance(update, Mapping):
        _refuse_unsupported(update, name)
    try:
        checked = msgspec.convert(update, Session)
    except msgspec.ValidationError as error:
        message, _, path = str(error).partition(" - at `$")
        raise _invalid(name + path.rstrip("`"), message) from error
    fields: Json = msgspec.to_builtins(checked)
    for tool in fields.get("tools") or ():
        tool["type"] = "function"
    return fields


def _is_deeper(value: object, levels: int) -> bool:
    if isinstance(value, Mapping):
        value = list(value.values())
    if not isinstance(value, list):
        return False
    return levels == 0 or any(_is_deeper(child, levels - 1) for child in value)


def _refuse_unsupported(update: Mapping[str, Any], name: str) -> None:
    if update.get("type") == "transcription":
        raise _unsupported(
            f"{name}.type", "Transcription sessions are not supported; use type realtime."
        )
    if update.get("prompt") is not None:
        raise _unsupported(
            f"{name}.prompt",
            "Prompt templates are kept by OpenAI and cannot be read here; send instructions.",
        )
    if update.get("output_modalities") in (["audio", "text"], ["text", "audio"]):
        raise _unsupported(
            f"{name}.output_modalities",
            "Audio and text cannot be asked for at once; audio brings its transcript.",
        )
    for old, current in _GA_NAMES.items():
        if old in update:
            raise Refused(
                f"Unknown parameter: {name}.{old}; it is {name}.{current}.",
                code="unknown_parameter",
                param=f"{name}.{old}",
            )
    tools = update.get("tools")
    for index, tool in enumerate(tools if isinstance(tools, list) else ()):
        if isinstance(tool, Mapping) and tool.get("type") == "mcp":
            raise _unsupported(
                f"{name}.tools[{index}].type",
                "MCP tools are not supported; offer functions and call the server yourself.",
            )
    choice = update.get("tool_choice")
    if isinstance(choice, Mapping) and choice.get("type") == "mcp":
        raise _unsupported(f"{name}.tool_choice.type", "MCP tools are not supported.")


def _unsupported(param: str, message: str) -> Refused:
    return Refused(message, code="invalid_value", param=param)


def _invalid(param: str, message: str) -> Refused:
    return Refused(f"Invalid value for {param}: {message}.", code="invalid_value", param=param)
