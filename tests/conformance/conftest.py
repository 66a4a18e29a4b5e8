"""The engine, seen by clients that were made for the real service."""

from support.engine import engine

__all__ = ["engine"]
