"""Decode untrusted bytes into a message, or give one clear error."""

import re
from typing import Any, Final, TypeVar

import msgspec

from vivavoce.errors import InvalidRequest

T = TypeVar("T")

# Types are few and fixed, so decoders are kept: building one costs more than using it.
_decoders: Final[dict[Any, msgspec.json.Decoder[Any]]] = {}
_encoder: Final = msgspec.json.Encoder()
MAX_DEPTH: Final = 64
"""Of a JSON value that callers give us to keep."""
_UNSTORABLE: Final = re.compile("[\x00\ud800-\udfff]")


def decode(data: bytes | str, shape: type[T], *, max_bytes: int = 65_536) -> T:
    """Decode JSON into `shape`.

    `msgspec` reports a wrong shape, invalid UTF-8 and deep nesting by three unrelated exceptions;
    they are one error here.

    Args:
        data: The JSON text, as it arrived.
        shape: A msgspec struct, a union of tagged structs, or a plain type.
        max_bytes: Refuse anything larger before it is parsed.

    Raises:
        InvalidRequest: If the text is too large, is not JSON, or has another shape. The message
            names the field, and never repeats its value.
    """
    if len(data) > max_bytes:
        raise InvalidRequest(f"The message is larger than {max_bytes} bytes.")
    decoder = _decoders.get(shape)
    if decoder is None:
        decoder = _decoders[shape] = msgspec.json.Decoder(shape)
    try:
        decoded: T = decoder.decode(data)
    except msgspec.ValidationError as error:
        raise InvalidRequest(_without_values(str(error))) from None
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        raise InvalidRequest("The message is not valid JSON.") from None
    return decoded


def encode(message: Any) -> bytes:
    """Encode a message as JSON bytes (UTF-8)."""
    return _encoder.encode(message)


def clean_text(text: str) -> str:
    """Take out what Postgres cannot hold: NUL and lone surrogates."""
    return _UNSTORABLE.sub("", text)


def clean_json(value: Any, *, levels: int = MAX_DEPTH) -> Any:
    """Take out of a JSON value, at any depth, what Postgres cannot hold.

    Raises:
        InvalidRequest: If it is nested deeper than `levels`.
    """
    if isinstance(value, str):
        return clean_text(value)
    if not isinstance(value, dict | list):
        return value
    if levels == 0:
        raise InvalidRequest(f"A value is nested deeper than {MAX_DEPTH} levels.")
    if isinstance(value, list):
        return [clean_json(inner, levels=levels - 1) for inner in value]
    return {clean_text(key): clean_json(inner, levels=levels - 1) for key, inner in value.items()}


def _without_values(message: str) -> str:
    """Shorten a validation message: enum and tag errors quote the offending value."""
    return re.sub(r"(Invalid (?:enum )?value) '.*?'", r"\1", message, flags=re.DOTALL)[:300]
