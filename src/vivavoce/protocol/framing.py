"""Frames of a machine's private channel: four bytes of length, big endian, then JSON."""

from typing import Final

from vivavoce.errors import InvalidRequest
from vivavoce.protocol.codec import encode
from vivavoce.protocol.machine import MAX_COMMAND_BYTES

HEADER_BYTES: Final = 4


def frame(message: object) -> bytes:
    """Encode a message with its length before it.

    Raises:
        InvalidRequest: If it is larger than `MAX_COMMAND_BYTES`.
    """
    body = encode(message)
    if len(body) > MAX_COMMAND_BYTES:
        raise InvalidRequest(f"The command is larger than {MAX_COMMAND_BYTES} bytes.")
    return len(body).to_bytes(HEADER_BYTES, "big") + body


def body_bytes(header: bytes) -> int:
    """How many bytes follow a header.

    Raises:
        InvalidRequest: If there are more than `MAX_COMMAND_BYTES`.
    """
    length = int.from_bytes(header, "big")
    if length > MAX_COMMAND_BYTES:
        raise InvalidRequest(f"The command is larger than {MAX_COMMAND_BYTES} bytes.")
    return length
