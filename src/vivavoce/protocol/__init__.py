"""Pure shapes: everything that goes over a wire, and one way to decode it."""

from vivavoce.protocol.codec import decode, encode

__all__ = ["decode", "encode"]
