"""The fields of OpenAI's `session` object by type: wrong values are refused, unknown ones dropped.

Source: OpenAI API reference, "Realtime session".
"""

from typing import Annotated, Any, Final, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

MAX_INSTRUCTIONS_CHARACTERS: Final = 65_536
_MAX_TOOLS: Final = 64

Json = dict[str, Any]
Name = Annotated[str, Meta(max_length=200)]
_Text = Annotated[str, Meta(max_length=MAX_INSTRUCTIONS_CHARACTERS)]
_Tokens = Annotated[int, Meta(ge=1, le=4096)]


class Tool(Struct, omit_defaults=True):
    """A function that the client offers."""

    name: Annotated[str, Meta(min_length=1, max_length=64)]
    type: Literal["function"] | UnsetType = UNSET
    description: str | UnsetType | None = UNSET
    parameters: Json | UnsetType | None = UNSET


class ChosenFunction(Struct):
    """A function that must be called."""

    type: Literal["function"]
    name: Name


class Format(Struct, omit_defaults=True):
    """How audio in events is encoded."""

    type: Literal["audio/pcm", "audio/pcmu", "audio/pcma"]
    rate: Literal[24_000, 8_000] | UnsetType | None = UNSET


class Transcription(Struct):
    """How what the client says is written down."""

    model: Name | UnsetType | None = UNSET
    language: Name | UnsetType | None = UNSET
    languages: list[Name] | UnsetType | None = UNSET
    prompt: _Text | UnsetType | None = UNSET
    keywords: list[Name] | UnsetType | None = UNSET
    delay: Literal["minimal", "low", "medium", "high", "xhigh"] | UnsetType | None = UNSET


class NoiseReduction(Struct):
    """Taken and shown; the engine's ears do without."""

    type: Literal["near_field", "far_field"] | UnsetType | None = UNSET
    strength: float | UnsetType | None = UNSET


class Input(Struct):
    """How the client is heard."""

    format: Format | UnsetType | None = UNSET
    transcription: Transcription | UnsetType | None = UNSET
    noise_reduction: NoiseReduction | UnsetType | None = UNSET
    turn_detection: Json | UnsetType | None = UNSET


class VoiceId(Struct):
    """A custom voice."""

    id: Name


class Output(Struct):
    """How the engine speaks."""

    format: Format | UnsetType | None = UNSET
    voice: Name | VoiceId | UnsetType | None = UNSET
    speed: Annotated[float, Meta(ge=0.25, le=1.5)] | UnsetType | None = UNSET


class Audio(Struct):
    """Both ways of the audio."""

    input: Input | UnsetType | None = UNSET
    output: Output | UnsetType | None = UNSET


class Tracing(Struct):
    """Taken and shown."""

    workflow_name: Name | UnsetType | None = UNSET
    group_id: Name | UnsetType | None = UNSET
    metadata: Json | UnsetType | None = UNSET


class TokenLimits(Struct):
    """Taken and shown."""

    post_instructions: int | UnsetType | None = UNSET


class RetentionRatio(Struct):
    """Taken and shown: the engine keeps the whole conversation."""

    type: Literal["retention_ratio"]
    retention_ratio: float
    token_limits: TokenLimits | UnsetType | None = UNSET


class Reasoning(Struct):
    """Taken and shown."""

    effort: Literal["minimal", "low", "medium", "high", "xhigh"] | UnsetType | None = UNSET


class Session(Struct):
    """An update of a session: fields that are absent stay as they are."""

    type: Literal["realtime"] | UnsetType = UNSET
    model: Name | UnsetType | None = UNSET
    instructions: _Text | UnsetType | None = UNSET
    output_modalities: (
        Annotated[list[Literal["audio", "text"]], Meta(min_length=1, max_length=2)]
        | UnsetType
        | None
    ) = UNSET
    audio: Audio | UnsetType | None = UNSET
    tools: Annotated[list[Tool], Meta(max_length=_MAX_TOOLS)] | UnsetType | None = UNSET
    tool_choice: Literal["auto", "none", "required"] | ChosenFunction | UnsetType | None = UNSET
    parallel_tool_calls: bool | UnsetType | None = UNSET
    max_output_tokens: _Tokens | Literal["inf"] | UnsetType | None = UNSET
    reasoning: Reasoning | UnsetType | None = UNSET
    tracing: Literal["auto"] | Tracing | UnsetType | None = UNSET
    truncation: Literal["auto", "disabled"] | RetentionRatio | UnsetType | None = UNSET
    include: list[Literal["item.input_audio_transcription.logprobs"]] | UnsetType | None = UNSET
